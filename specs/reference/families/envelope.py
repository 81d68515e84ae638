"""The folder `envelope`: the bytes of envelopes, their seals and their ids.

Whether a relay passes them on is in the folder `relay`, who recognises them in `arrivals`.
"""

from dataclasses import replace

from kit.cbor import encode
from kit.envelope import (
    BCAST_72H,
    HOUR,
    KNOCK_72H,
    PAIR_72H,
    Parts,
    mid,
    pad,
    pre,
    seal,
    size_for,
    stamp,
    work,
)
from kit.network import CHEAP, OTHER, Network, knocks, shard
from kit.vectors import Case, Draw, Family

family = Family("envelope")
SHARD = shard(CHEAP, 0)
WORKED = encode({0: 0, 6: "Hello", 8: "from Alice"})
"""The payload of the worked example of TOC-6."""


def sealed(
    draw: Draw, payload: bytes, *, kind: int = PAIR_72H, padded: bytes | None = None, hour: int = HOUR
) -> Parts:
    """An unstamped envelope; `padded` overrules the padding."""
    parts = Parts(kind=kind, hour=hour, tag=draw("tag", 16), body=b"")
    block = size_for(payload) - 83
    plain = pad(payload, block) if padded is None else padded
    return replace(parts, body=seal(CHEAP, parts.header, draw("key", 32), draw("nonce", 24), plain))


def seals(draw: Draw, payload: bytes, *, kind: int = PAIR_72H) -> Case:
    parts = sealed(draw, payload, kind=kind)
    given = {
        "kind": kind,
        "born_hour": HOUR,
        "tag": parts.tag,
        "key": draw("key", 32),
        "nonce": draw("nonce", 24),
        "payload": payload,
    }
    output = {
        "size": len(parts.all),
        "header": parts.header,
        "bound": CHEAP.nid16 + parts.header,
        "padded": pad(payload, size_for(payload) - 83),
        "body": parts.body,
        "envelope": parts.all,
    }
    return Case(operation="seal", network=CHEAP, input=given, output=output)


@family.vector("TOC-3 §3", "A notification of 21 bytes in the smallest envelope, before it is stamped.")
def worked_example(draw: Draw) -> Case:
    return seals(draw, WORKED)


@family.vector(
    "TOC-3 §3.1", "428 bytes are the most that 512 hold: one byte is left, and the padding needs it."
)
def fullest_512(draw: Draw) -> Case:
    return seals(draw, draw("payload", 428))


@family.vector("TOC-3 §3.1", "429 bytes take 1024; this one is for the readers of a channel.")
def emptiest_1024(draw: Draw) -> Case:
    return seals(draw, draw("payload", 429), kind=BCAST_72H)


@family.vector("TOC-3 §3.1", "5036 bytes are the most there is.")
def fullest_5120(draw: Draw) -> Case:
    return seals(draw, draw("payload", 5036))


def opened(network: Network, key: bytes, envelope: bytes, payload: bytes) -> Case:
    given = {"key": key, "envelope": envelope}
    return Case(operation="open", network=network, input=given, output={"payload": payload})


def closed(expect: str, key: bytes, envelope: bytes, network: Network = CHEAP) -> Case:
    given = {"key": key, "envelope": envelope}
    return Case(operation="open", network=network, input=given, expect=expect)


@family.vector(
    "TOC-3 §3.2", "A payload that ends like padding: only the last 80 and what follows is padding."
)
def payload_that_looks_like_padding(draw: Draw) -> Case:
    payload = b"\x80\x00\x80\x00\x00"
    return opened(CHEAP, draw("key", 32), sealed(draw, payload).all, payload)


@family.vector("TOC-3 §3.2", "An empty payload is all padding; what it means is not the envelope's matter.")
def empty_payload(draw: Draw) -> Case:
    return opened(CHEAP, draw("key", 32), sealed(draw, b"").all, b"")


@family.vector(
    "TOC-3 §3", "The seal does not cover the stamp, so that a stamp can be searched for afterwards."
)
def stamped_after_sealing(draw: Draw) -> Case:
    parts = replace(sealed(draw, b"hello"), stamp_nonce=draw("stamp", 8))
    return opened(CHEAP, draw("key", 32), parts.all, b"hello")


@family.vector(
    "TOC-3 §3", "The payload is padded to a larger envelope than it needs: a reader does not mind."
)
def larger_than_needed(draw: Draw) -> Case:
    parts = sealed(draw, b"hello", padded=pad(b"hello", 1024 - 83))
    return opened(CHEAP, draw("key", 32), parts.all, b"hello")


@family.vector("TOC-3 §3.2", "Another key.")
def wrong_key(draw: Draw) -> Case:
    return closed("aead", draw("another key", 32), sealed(draw, b"hello").all)


@family.vector("TOC-3 §3.2", "One bit of the ciphertext is flipped.")
def changed_ciphertext(draw: Draw) -> Case:
    parts = sealed(draw, b"hello")
    body = parts.body[:100] + bytes([parts.body[100] ^ 1]) + parts.body[101:]
    return closed("aead", draw("key", 32), replace(parts, body=body).all)


@family.vector("TOC-3 §3.2", "One bit of the nonce is flipped.")
def changed_nonce(draw: Draw) -> Case:
    parts = sealed(draw, b"hello")
    body = bytes([parts.body[0] ^ 0x80]) + parts.body[1:]
    return closed("aead", draw("key", 32), replace(parts, body=body).all)


@family.vector("TOC-3 §3.2", "The last bit of the authenticator is flipped.")
def changed_authenticator(draw: Draw) -> Case:
    parts = sealed(draw, b"hello")
    body = parts.body[:-1] + bytes([parts.body[-1] ^ 1])
    return closed("aead", draw("key", 32), replace(parts, body=body).all)


@family.vector("TOC-3 §3.2", "The body under another tag.")
def changed_tag(draw: Draw) -> Case:
    return closed("aead", draw("key", 32), replace(sealed(draw, b"hello"), tag=draw("other tag", 16)).all)


@family.vector("TOC-3 §3.2", "The body under another hour: its sender decided which day's key it is.")
def changed_hour(draw: Draw) -> Case:
    return closed("aead", draw("key", 32), replace(sealed(draw, b"hello"), hour=HOUR + 1).all)


@family.vector("TOC-3 §3.2", "The body with a longer life than its sender gave it.")
def changed_kind(draw: Draw) -> Case:
    return closed("aead", draw("key", 32), replace(sealed(draw, b"hello"), kind=PAIR_72H + 1).all)


@family.vector("TOC-3 §3.2", "The same bytes on another network.")
def another_network(draw: Draw) -> Case:
    return closed("aead", draw("key", 32), sealed(draw, b"hello").all, network=OTHER)


def padded_badly(draw: Draw, padded: bytes) -> Case:
    return closed("padding", draw("key", 32), sealed(draw, b"", padded=padded).all)


@family.vector("TOC-3 §3.2", "Nothing but zeros.")
def padding_of_zeros(draw: Draw) -> Case:
    return padded_badly(draw, bytes(429))


@family.vector("TOC-3 §3.2", "No padding at all.")
def padding_missing(draw: Draw) -> Case:
    return padded_badly(draw, b"x" * 429)


@family.vector("TOC-3 §3.2", "The padding begins with 81.")
def padding_with_another_start(draw: Draw) -> Case:
    return padded_badly(draw, b"hello\x81" + bytes(423))


@family.vector(
    "TOC-3 §3.2", "The padding does not end in zeros; a reader that looks for the last 80 would take it."
)
def padding_with_another_end(draw: Draw) -> Case:
    return padded_badly(draw, b"hello\x80" + bytes(422) + b"\x01")


def parses(parts: Parts) -> Case:
    output = {
        "kind": parts.kind,
        "born_hour": parts.hour,
        "tag": parts.tag,
        "body": parts.body,
        "stamp_nonce": parts.stamp_nonce,
    }
    return Case(operation="parse", input={"envelope": parts.all}, output=output)


def broken(expect: str, data: bytes) -> Case:
    return Case(operation="parse", input={"envelope": data}, expect=expect)


def plain(draw: Draw, size: int = 512, kind: int = PAIR_72H) -> Parts:
    return Parts(kind=kind, tag=draw("tag", 16), body=draw("body", size - 43), stamp_nonce=draw("stamp", 8))


@family.vector("TOC-3 §1", "Every field in its place.")
def layout(draw: Draw) -> Case:
    return parses(plain(draw))


@family.vector("TOC-3 §1", "The hour has four bytes even where CBOR would have fewer.")
def hour_zero(draw: Draw) -> Case:
    return parses(replace(plain(draw), hour=0))


@family.vector("TOC-3 §2", "A knock of 72 hours and 512 bytes is the only knock.")
def knock(draw: Draw) -> Case:
    return parses(plain(draw, kind=KNOCK_72H))


@family.vector("TOC-3 §1", "No bytes.")
def length_0(_draw: Draw) -> Case:
    return broken("length", b"")


@family.vector("TOC-3 §1", "511 bytes.")
def length_511(draw: Draw) -> Case:
    return broken("length", plain(draw).all[:-1])


@family.vector("TOC-3 §1", "513 bytes.")
def length_513(draw: Draw) -> Case:
    return broken("length", plain(draw).all + b"\0")


@family.vector("TOC-3 §1", "768 bytes, well formed but for their number.")
def length_768(draw: Draw) -> Case:
    return broken("length", plain(draw, size=768).all)


@family.vector("TOC-3 §1", "The body says one byte more than there is.")
def body_length_too_great(draw: Draw) -> Case:
    return broken("length", replace(plain(draw), body_length=470).all)


@family.vector("TOC-3 §1", "The body says that it is empty.")
def body_length_zero(draw: Draw) -> Case:
    return broken("length", replace(plain(draw), body_length=0).all)


@family.vector("TOC-3 §1", "A map of seven entries: a place for bytes that nobody priced.")
def seven_entries(draw: Draw) -> Case:
    return broken("constant", replace(plain(draw), version=bytes.fromhex("a7000101")).all)


@family.vector("TOC-3 §1", "Version 2.")
def version_2(draw: Draw) -> Case:
    return broken("constant", replace(plain(draw), version=bytes.fromhex("a6000201")).all)


@family.vector("TOC-3 §1", "The hour's head is that of a negative number.")
def hour_negative(draw: Draw) -> Case:
    return broken("constant", replace(plain(draw), hour_head=bytes.fromhex("023a")).all)


@family.vector("TOC-3 §1", "The tag is text.")
def tag_is_text(draw: Draw) -> Case:
    return broken("constant", replace(plain(draw), tag_head=bytes.fromhex("0370")).all)


@family.vector("TOC-3 §1", "The body has another key.")
def body_under_another_key(draw: Draw) -> Case:
    return broken("constant", replace(plain(draw), body_head=bytes.fromhex("0659")).all)


@family.vector("TOC-3 §1", "The stamp has seven bytes and one follows it.")
def stamp_of_seven_bytes(draw: Draw) -> Case:
    return broken("constant", replace(plain(draw), stamp_head=bytes.fromhex("0547")).all)


@family.vector("TOC-3 §1", "The kind has another key.")
def kind_under_another_key(draw: Draw) -> Case:
    return broken("constant", replace(plain(draw), version=bytes.fromhex("a6000102")).all)


@family.vector("TOC-3 §1", "The hour has another key.")
def hour_under_another_key(draw: Draw) -> Case:
    return broken("constant", replace(plain(draw), hour_head=bytes.fromhex("031a")).all)


@family.vector("TOC-3 §1", "The tag has another key.")
def tag_under_another_key(draw: Draw) -> Case:
    return broken("constant", replace(plain(draw), tag_head=bytes.fromhex("0450")).all)


@family.vector("TOC-3 §1", "The body's length is said to have one byte.")
def body_with_a_short_length(draw: Draw) -> Case:
    return broken("constant", replace(plain(draw), body_head=bytes.fromhex("0458")).all)


@family.vector("TOC-3 §1", "The stamp has another key.")
def stamp_under_another_key(draw: Draw) -> Case:
    return broken("constant", replace(plain(draw), stamp_head=bytes.fromhex("0648")).all)


@family.vector("TOC-3 §2", "A knock that lives for 1 hour.")
def knock_of_one_hour(draw: Draw) -> Case:
    return broken("kind", plain(draw, kind=KNOCK_72H - 3).all)


@family.vector("TOC-3 §2", "A knock that lives for 6 hours.")
def knock_of_6_hours(draw: Draw) -> Case:
    return broken("kind", plain(draw, kind=KNOCK_72H - 2).all)


@family.vector("TOC-3 §2", "A knock that lives for 168 hours.")
def knock_of_168_hours(draw: Draw) -> Case:
    return broken("kind", plain(draw, kind=KNOCK_72H + 1).all)


@family.vector("TOC-3 §2", "The kind's byte is 24, which in CBOR begins a longer number.")
def kind_24(draw: Draw) -> Case:
    return broken("kind", plain(draw, kind=24).all)


@family.vector("TOC-3 §2", "The kind's byte is 32, which in CBOR is -1.")
def kind_32(draw: Draw) -> Case:
    return broken("kind", plain(draw, kind=32).all)


@family.vector("TOC-3 §2", "A knock that lives for 24 hours.")
def knock_of_another_life(draw: Draw) -> Case:
    return broken("kind", plain(draw, kind=KNOCK_72H - 1).all)


@family.vector("TOC-3 §2", "A knock of 1024 bytes.")
def knock_of_another_size(draw: Draw) -> Case:
    return broken("kind", plain(draw, size=1024, kind=KNOCK_72H).all)


@family.vector("TOC-3 §2", "The lowest kind that is kept for later.")
def reserved_kind(draw: Draw) -> Case:
    return broken("kind", plain(draw, kind=15).all)


@family.vector("TOC-3 §2", "A kind that never will be.")
def kind_20(draw: Draw) -> Case:
    return broken("kind", plain(draw, kind=20).all)


def identified(network: Network, topic: str, envelope: bytes) -> Case:
    message_id = mid(network, topic, envelope)
    output = {"pre": pre(network, topic, envelope), "mid": message_id, "work": str(work(message_id))}
    return Case(operation="mid", network=network, input={"topic": topic, "envelope": envelope}, output=output)


@family.vector("TOC-3 §4", "The ids of the worked example, stamped.")
def worked_example_ids(_draw: Draw) -> Case:
    unstamped = sealed(Draw("envelope/worked-example"), WORKED).all
    return identified(CHEAP, SHARD, stamp(CHEAP, SHARD, unstamped))


@family.vector("TOC-3 §4", "The message id of an envelope on a shard.")
def ids_on_a_shard(draw: Draw) -> Case:
    return identified(CHEAP, SHARD, plain(draw).all)


@family.vector("TOC-3 §4", "The same envelope on the knock topic has another id.")
def ids_on_another_topic(_draw: Draw) -> Case:
    return identified(CHEAP, knocks(CHEAP), plain(Draw("envelope/ids-on-a-shard")).all)


@family.vector("TOC-3 §4", "The same envelope and the same topic on another network: NID16 is the key.")
def ids_on_another_network(_draw: Draw) -> Case:
    return identified(OTHER, SHARD, plain(Draw("envelope/ids-on-a-shard")).all)
