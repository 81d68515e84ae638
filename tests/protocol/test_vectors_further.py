"""Our reading of the further fields against the vectors of `further`."""

import dataclasses
from enum import IntEnum
from typing import Any

from tests.protocol.vectors import Fields, Vector, check, told, vectors_of
from tocsin_protocol import notification

CORE = {
    *("kind", "ts_ms", "ttl_s", "app", "title", "subtitle", "body"),
    *("urgency", "thread", "first", "control"),
}


def said(record: Any) -> Fields:
    """The fields of a record that differ from their defaults, as JSON has them."""
    members = {
        field.name: (getattr(record, field.name), field.default) for field in dataclasses.fields(record)
    }
    return {name: plain(value) for name, (value, default) in members.items() if value != default}


def plain(value: Any) -> Any:
    match value:
        case bool() | str() | dict():
            return value
        case bytes():
            return value.hex()
        case IntEnum() | int():
            return int(value)
        case tuple():
            return [plain(item) for item in value]
        case _:
            return said(value)


def run_further(vector: Vector) -> Fields:
    further = {
        name: value
        for name, value in said(notification.decode(vector.raw("payload"))).items()
        if name not in CORE
    }
    if "data" in further:
        further["data"] = told(further["data"])
    return {"further": further}


@vectors_of("further")
def test_further(vector: Vector) -> None:
    check(vector, {"further": run_further})
