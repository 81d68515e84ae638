"""Our grants against the vectors of `grant`."""

from tests.protocol.vectors import Fields, Vector, check, vectors_of
from tocsin_protocol import cbor
from tocsin_protocol.grant import Grant
from tocsin_protocol.notification import NotificationKind


def told_grant(grant: Grant | None) -> Fields | None:
    if grant is None:
        return None
    return {
        "kinds": None if grant.kinds is None else str(grant.kinds),
        "per_day": grant.per_day,
        "expires_hour": grant.expires_hour,
        "apps": None if grant.apps is None else list(grant.apps),
    }


def run_grant(vector: Vector) -> Fields:
    value, size_max = cbor.decode(vector.raw("grant")), vector.input["size_max"]
    grant = Grant.from_value(value, size_max)
    assert grant.to_map(size_max) == value
    told = told_grant(grant)
    assert told
    return told


def run_covers(vector: Vector) -> Fields:
    grant = Grant.from_value(cbor.decode(vector.raw("grant")))
    if grant.is_over(vector.now_hour):
        return {"expect": "hour"}
    covered = grant.covers(NotificationKind(vector.input["kind"]), vector.input["app"])
    return {"covered": True} if covered else {"expect": "kind"}


@vectors_of("grant")
def test_grant(vector: Vector) -> None:
    check(vector, {"grant": run_grant, "covers": run_covers})
