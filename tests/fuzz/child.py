"""Hands one target to atheris, in a process of its own: `python -m tests.fuzz.child name flags`.

libFuzzer ends the process as it likes; who started it reads what it printed and the input it left.
"""

import sys

import atheris

from tests.fuzz.bounds import limit_memory

PACKAGES = ["tocsin_protocol", "tocsin"]
"""Of the second, targets import what reads JSON-RPC and protocol names, and nothing else."""


def main(name: str, flags: list[str]) -> None:
    with atheris.instrument_imports(include=PACKAGES):
        from tests.fuzz.targets import TARGETS
    target = TARGETS[name]

    def run(data: bytes) -> None:
        target.run(data)

    limit_memory()
    atheris.Setup([sys.argv[0], *flags], run)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
