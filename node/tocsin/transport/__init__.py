"""The transports: ordered byte streams to named neighbours, over libp2p or in memory.

It imports neither by itself, so that a command which needs no network does not load one.
"""
