"""The records inside a notification: blobs, actions, conversation, badge, activity, and localised text.

It fetches, opens and shows nothing: each is what a sender asks for, and the receiver decides.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from tocsin_protocol.limits import (
    ACTION_ID_SIZE_MAX,
    ACTION_LABEL_SIZE_MAX,
    BLOB_HASH_SIZE,
    BLOB_KEY_SIZE,
    BLOB_MIME_SIZE_MAX,
    BLOB_NAME_SIZE_MAX,
    CONVERSATION_SIZE_MAX,
    LINK_SIZE_MAX,
    LOC_ARG_SIZE_MAX,
    LOC_ARGS_MAX,
    LOC_KEY_SIZE_MAX,
    PROGRESS_MAX,
    THUMB_SIZE_MAX,
)
from tocsin_protocol.notification_values import (
    choice,
    flag,
    link,
    raw,
    raw_up_to,
    record,
    several,
    text,
    uint,
)


class ActionType(IntEnum):
    """None of them makes the receiver's node ask a server anything."""

    OPEN = 0
    CALLBACK = 1
    REPLY = 2
    DISMISS = 3
    SNOOZE = 4


class BadgeOp(IntEnum):
    """What happens to the number on the app's icon."""

    SET = 0
    INC = 1
    CLEAR = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A blob, found by its hash and opened with its key; a URL would tell its server who read it when."""

    hash: bytes
    key: bytes
    size: int
    mime: str = ""
    name: str = ""
    width: int | None = None
    height: int | None = None
    thumb: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A button; `placeholder` stands in the field of a reply."""

    id: str
    label: str
    type: ActionType
    url: str = ""
    placeholder: str = ""
    destructive: bool = False
    auth_required: bool = False
    clear: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Which talk this belongs to, and whether it has more than two people; its author is the contact."""

    id: str
    name: str = ""
    group: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """`n` means nothing to CLEAR."""

    op: BadgeOp
    n: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """Something that goes on; `progress` is in thousandths."""

    progress: int | None = None
    stale_at_ms: int | None = None
    dismiss_at_ms: int | None = None
    ongoing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Loc:
    """The name of a text that the app has in the reader's language, and what is to be put into it."""

    key: str
    args: tuple[str, ...] = ()


# TOC-6 §2.2
MEDIA: Final = record(
    Media,
    raw(BLOB_HASH_SIZE),
    raw(BLOB_KEY_SIZE),
    uint(),
    text(BLOB_MIME_SIZE_MAX),
    text(BLOB_NAME_SIZE_MAX),
    uint(),
    uint(),
    raw_up_to(THUMB_SIZE_MAX),
)
ACTION: Final = record(
    Action,
    text(ACTION_ID_SIZE_MAX, required=True),
    text(ACTION_LABEL_SIZE_MAX, required=True),
    choice(ActionType),
    link(LINK_SIZE_MAX),
    text(ACTION_LABEL_SIZE_MAX),
    flag(),
    flag(),
    flag(),
)
CONVERSATION: Final = record(
    Conversation,
    text(CONVERSATION_SIZE_MAX, required=True),
    text(CONVERSATION_SIZE_MAX),
    flag(),
    size_max=CONVERSATION_SIZE_MAX,
)
BADGE: Final = record(Badge, choice(BadgeOp), uint())
ACTIVITY: Final = record(Activity, uint(PROGRESS_MAX), uint(), uint(), flag())
LOC: Final = record(Loc, text(LOC_KEY_SIZE_MAX, required=True), several(text(LOC_ARG_SIZE_MAX), LOC_ARGS_MAX))
