"""The helper process of `stamp_worker`: fixed-size requests on stdin, nonces on stdout, until stdin ends.

It loads no event loop, so that it starts at once and stays small. Its one argument is the node's process.
"""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO

from tocsin_protocol.stamp import StampSearch

SUBJECT_SIZE = 32
NEED_SIZE = 16
NONCE_SIZE = 8
REQUEST_SIZE = SUBJECT_SIZE + NEED_SIZE
HASHES_PER_TURN = 1 << 16


def serve(requests: BinaryIO, answers: BinaryIO, wanted: Callable[[], bool]) -> None:
    """A search that nobody waits for any more ends; its process then ends with it."""
    while len(request := requests.read(REQUEST_SIZE)) == REQUEST_SIZE:
        search = StampSearch(request[:SUBJECT_SIZE], int.from_bytes(request[SUBJECT_SIZE:], "big"))
        while (nonce := search.run(HASHES_PER_TURN)) is None:
            if not wanted():
                return
        answers.write(nonce)


def main() -> None:
    node = int(sys.argv[1])
    with (
        os.fdopen(0, "rb") as requests,
        os.fdopen(1, "wb", buffering=0) as answers,
        suppress(BrokenPipeError),
    ):
        serve(requests, answers, lambda: os.getppid() == node)


if __name__ == "__main__":
    main()
