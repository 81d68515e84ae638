"""What a check says of a message before anything of it is forwarded, and why.

It is the word between the router and its validator; neither needs to know the other.
"""

from dataclasses import dataclass
from enum import Enum

from tocsin_protocol.errors import Reason
from tocsin_protocol.types import Mid


class Verdict(Enum):
    ACCEPT = "accept"
    IGNORE = "ignore"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """`reason` is None exactly when accepted; `mid` is known from the stamp check on."""

    verdict: Verdict
    reason: Reason | None
    mid: Mid | None
