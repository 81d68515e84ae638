"""Our reading of a payload against the vectors of `notification`."""

from tests.protocol.vectors import Fields, Vector, check, told, vectors_of
from tocsin_protocol import notification
from tocsin_protocol.notification import Notification, NotificationKind


def run_notification(vector: Vector) -> Fields:
    """The core fields that differ from their defaults, and those that were sent although they do not."""
    got = notification.decode(vector.raw("payload"))
    expected = vector.output.get("fields", {})
    bare = Notification(kind=got.kind)
    fields: Fields = {
        name: getattr(got, name)
        for name in ("ts_ms", "ttl_s", "app", "title", "subtitle", "body", "urgency", "thread")
        if getattr(got, name) != getattr(bare, name) or name in expected
    }
    if got.first is not None:
        fields["first"] = got.first.hex()
    if got.control is not None:
        fields["control"] = told(got.control)
    unknown = got.kind is NotificationKind.UNKNOWN
    return {"fields": {"kind": expected["kind"] if unknown else got.kind, **fields}}


@vectors_of("notification")
def test_notification(vector: Vector) -> None:
    check(vector, {"notification": run_notification})
    if vector.told["expect"] == "ok":
        got = notification.decode(vector.raw("payload"))
        assert (got.kind is NotificationKind.UNKNOWN) == (vector.output["fields"]["kind"] > 10)
