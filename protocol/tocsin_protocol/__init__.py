"""The Tocsin wire protocol: pure machines and codecs, `handle(input, now) -> effects`.

It is not a node: nothing here opens a socket, reads a clock, draws randomness or writes a log.
"""
