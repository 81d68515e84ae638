"""The knock: message 1 to somebody of whom only the address is known, written and opened.

It decides nothing about one that came: in which order it is checked and who is asked is `doorkeeper`'s.
"""

import re
from collections.abc import Mapping

from nacl.bindings import sodium_pad, sodium_unpad
from nacl.exceptions import CryptoError

from tocsin_protocol import cbor, fields, hello, noise
from tocsin_protocol.envelope import KNOCK_KIND, UNSTAMPED, Envelope, header_of
from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError
from tocsin_protocol.grant import Grant
from tocsin_protocol.hashing import H
from tocsin_protocol.hello import Peer
from tocsin_protocol.identity import Address, Card, Identity
from tocsin_protocol.inner_work import InnerWork, inner_bits
from tocsin_protocol.introduce import Begun, IntroductionKind, Pending, prologue_of
from tocsin_protocol.limits import (
    INNER_NONCE_SIZE,
    KNOCK_BODY_ID_SIZE,
    KNOCK_PAYLOAD_SIZE,
    PIN_DIGITS_MAX,
    PIN_DIGITS_MIN,
)
from tocsin_protocol.network import Network
from tocsin_protocol.topics import knock_topic
from tocsin_protocol.types import BodyId, ContactKey, Hour, IdentityKey, Now, Tag

PIN = re.compile(f"[0-9]{{{PIN_DIGITS_MIN},{PIN_DIGITS_MAX}}}")
ANY_NONCE = bytes(INNER_NONCE_SIZE)


def knock_psk(identity_key: IdentityKey, contact_key: ContactKey, pin: str) -> bytes:
    """Without the PIN, or with another contact key, not even the static key opens; no PIN is ''."""
    if pin and not PIN.fullmatch(pin):
        raise LocalProtocolError(f"a PIN has {PIN_DIGITS_MIN} to {PIN_DIGITS_MAX} digits")
    return H("tcn1/knockpsk", identity_key + contact_key + pin.encode("ascii"), noise.KEY_SIZE)  # TOC-5 §5.1


def body_id(header: bytes, body: bytes) -> BodyId:
    """The same for every stamp: whoever stamps a knock again does not make it another one."""
    return BodyId(H("tcn1/bodyid", header + body, KNOCK_BODY_ID_SIZE))


class KnockDraft:
    """Message 1 of a knock, but for the nonce that proves the inner work.

    Two nonces would be two messages of one ephemeral, so the first that finishes it stays.
    """

    def __init__(
        self,
        *,
        identity: Identity,
        address: Address,
        pin: str,
        network: Network,
        born_hour: Hour,
        text: str,
        depth: int,
        grant: Grant | None = None,
        ephemeral: bytes,
        tag: Tag,
    ) -> None:
        """`ephemeral` and `tag` are random and new; the address's flags say what its owner asked for once."""
        if address.identity_key == identity.identity_key:
            raise LocalProtocolError("this address is your own")
        if address.knock_policy == 0:
            raise LocalProtocolError("whoever has this address takes no knocks")
        if address.pin_required and not pin:
            raise LocalProtocolError("this address asks for a PIN: its owner can tell it")
        self._network = network
        self._rotation = identity.rotation.number
        self._born_hour = born_hour
        self._address = address
        self._tag = tag
        self._said = hello.write_hello(identity, depth=depth, text=text, grant=grant)
        self._pad({**self._said, hello.Key.INNER_NONCE: ANY_NONCE})
        self._static = noise.send_static(
            prologue=prologue_of(network, header_of(KNOCK_KIND, born_hour, tag), address.identity_key),
            responder_static=address.contact_key,
            psk=knock_psk(address.identity_key, address.contact_key, pin),
            static_secret=identity.contact_secret,
            ephemeral_secret=ephemeral,
        )
        self._finished: tuple[bytes | None, Begun] | None = None

    @property
    def work(self) -> InnerWork:
        """What a search needs, and nothing that is secret: it may run in another process."""
        return InnerWork.on(self._static.static_hash, self._address.identity_key, self._static.ephemeral)

    @property
    def bits(self) -> int:
        """How much work the address asks for; its owner may ask for more by now."""
        return inner_bits(self._address.knock_policy)

    def finish(self, inner_nonce: bytes | None) -> Begun:
        """The unstamped knock; without a nonce only where the address asks for no inner work."""
        if self._finished is not None:
            before, begun = self._finished
            if inner_nonce != before:
                raise LocalProtocolError("one ephemeral makes one message: draw a new one for another")
            return begun
        said = self._said
        if inner_nonce is not None:
            said = {**said, hello.Key.INNER_NONCE: inner_nonce}
        if self.bits and (inner_nonce is None or self.work.zero_bits(inner_nonce) < self.bits):
            raise LocalProtocolError(f"this address asks for {self.bits} bits of inner work")
        begun = self._send(self._pad(said))
        self._finished = (inner_nonce, begun)
        return begun

    def _pad(self, said: cbor.Map) -> bytes:
        payload = cbor.encode(said)
        if len(payload) >= KNOCK_PAYLOAD_SIZE:
            raise LocalProtocolError(
                f"text and grant are {len(payload) - KNOCK_PAYLOAD_SIZE + 1} bytes too long for a knock"
            )
        return sodium_pad(payload, KNOCK_PAYLOAD_SIZE)

    def _send(self, padded: bytes) -> Begun:
        handshake, body = self._static.finish(padded)
        pending = Pending(
            kind=IntroductionKind.KNOCK,
            identity_key=self._address.identity_key,
            contact_key=self._address.contact_key,
            rotation=self._rotation,
            born_hour=self._born_hour,
            handshake=handshake,
        )
        envelope = Envelope(
            kind=KNOCK_KIND, born_hour=self._born_hour, tag=self._tag, body=body, stamp_nonce=UNSTAMPED
        )
        return Begun(pending=pending, envelope=envelope, topic=knock_topic(self._network))


def open_static(*, identity: Identity, pin: str, network: Network, envelope: Envelope) -> noise.StaticRead:
    """Whether it was meant for this contact key of ours under this PIN; the price is one DH."""
    return noise.read_static(
        prologue=prologue_of(network, envelope.header, identity.identity_key),
        psk=knock_psk(identity.identity_key, identity.contact_key, pin),
        static_secret=identity.contact_secret,
        static_public=identity.contact_key,
        message=envelope.body,
    )


def open_payload(static: noise.StaticRead) -> tuple[noise.ResponderState, cbor.Map]:
    """What a knock that was meant for us says; the price is another DH."""
    handshake, padded = static.finish()
    try:
        payload = sodium_unpad(padded, KNOCK_PAYLOAD_SIZE)
    except CryptoError:
        raise RemoteProtocolError(Reason.PADDING, "the padding has no beginning") from None
    return handshake, fields.map_of(payload)


def read_knocker(
    said: cbor.Map,
    *,
    handshake: noise.ResponderState,
    reader: IdentityKey,
    now: Now,
    seen: Mapping[IdentityKey, Card],
) -> tuple[Peer, bytes | None]:
    """Who knocks, proved by the card, and the nonce of the inner work if there is one."""
    peer = hello.read_hello(
        said,
        authenticated=ContactKey(handshake.initiator_static),
        reader=reader,
        now_hour=now.hour,
        seen=seen,
    )
    if hello.Key.INNER_NONCE not in said:
        return peer, None
    return peer, fields.require_bytes(said, hello.Key.INNER_NONCE, INNER_NONCE_SIZE)
