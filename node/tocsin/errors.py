"""Errors that a person meets: one clear line that says what is wrong and what to do.

Errors of the protocol are in `tocsin_protocol.errors`; they never reach a person as they are.
"""


class TocsinError(Exception):
    """Printed as one line; the process then exits with 2."""


class ConnectFailed(TocsinError):
    """The peer could not be reached, or it is not a Tocsin node; the message says which address."""


class ListenFailed(TocsinError):
    """An address cannot be listened on: the port is in use or the address is not ours."""


class StoreFailed(TocsinError):
    """The profile's database cannot be read or written; nothing that was accepted is lost."""


class ProfileBroken(TocsinError):
    """A file of the profile is missing, unreadable or not what it should be."""


class NoNode(TocsinError):
    """A command needs a running node and finds none."""
