"""Every number of the protocol, with its unit in its name and its reason beside it.

It is not a configuration: nothing here can be set; what may be set is a network parameter.
"""

HOUR_MS = 3_600_000
EPOCH_HOURS = 24
"""A wheel turns once a UTC day: short enough for forward secrecy, long enough for a night offline."""

ENVELOPE_SIZES = (512, 1024, 2048, 5120)
"""5120 exists because a Web Push body may be 4096 bytes and must travel unmodified."""
ENVELOPE_OVERHEAD_SIZE = 43
"""All bytes of an envelope that are not body: 29 of header, 3 before the body, 11 of stamp."""
SEALED_OVERHEAD_SIZE = 83
"""Envelope overhead, plus a nonce of 24 and an AEAD tag of 16: total - 83 is the padded payload."""
HEADER_SIZE = 29
TAG_SIZE = 16
STAMP_NONCE_SIZE = 8
TTL_HOURS = (1, 6, 24, 72, 168)
TTL_PRICE = (1, 1, 1, 3, 7)
"""What an envelope occupies in stores follows its life; so does its price."""
HOUR_DRIFT_MAX = 1
"""A clock may be wrong by an hour; more and the envelope is ignored (never rejected)."""

STAMP_LEVEL_MAX = 10
STAMP_SLICE_HASHES = 1_000
"""About 1 ms of one core: what may run between two turns of an event loop."""
STAMP_WORK_S_MAX = 60
"""A search longer than this is not attempted."""

WINDOW_SIZE = 16
"""Tags looked ahead per stream of q = 0; losing that many in a row desynchronises it till midnight."""
WINDOW_CONTROL_SIZE = 4
SKIPPED_MAX = 64
"""Message keys kept for envelopes that have not come yet, per stream of q = 0."""
SKIPPED_CONTROL_MAX = 16
CHAIN_INDEX_MAX = 65_535
"""Per epoch and stream: bounds the work of a receiver whom a contact makes skip."""
LOOKAHEAD_EPOCHS_MAX = 400
"""More than a year offline derives no windows; the pair introduces itself again."""

INVITE_HOURS_MAX = 30 * EPOCH_HOURS
"""An invite costs its maker one table entry per live epoch; thirty days bound that."""
INTRODUCTION_REPLY_HOURS = 30 * EPOCH_HOURS
INTRODUCTION_ANSWER_DELAY_MS = (1_000, 10_000)
"""Automatic answers wait a random time, or their timing would tell which peer answers."""
INTRO_TEXT_SIZE_MAX = 140

PAYLOAD_SIZE_MAX = ENVELOPE_SIZES[-1] - SEALED_OVERHEAD_SIZE - 1
TITLE_SIZE_MAX = 256
SUBTITLE_SIZE_MAX = 256
BODY_SIZE_MAX = 2048
TTL_S_DEFAULT = 172_800
TTL_S_MAX = 604_800
CBOR_DEPTH_MAX = 8

FRAME_SIZE_MAX = 256 * 1024
"""One RPC from a peer. Ours stay below 32 KiB; js and go coalesce into larger ones."""
WRITE_SIZE_MAX = 32 * 1024
"""Peers on py-libp2p break after 101 partial reads of one message; 32 KiB stay well below that."""
PEERS_MAX = 256
"""Neighbours a router keeps state for; a further one is closed."""
TOPICS_PER_PEER_MAX = 64
MESSAGES_PER_FRAME_MAX = 512
"""Effects of one `handle` are bounded by this; more in one frame closes the peer."""
SEEN_MIDS_MAX = 500_000
"""All hours together; then new envelopes are ignored until an hour ends."""
FAN_OUT = 6
"""Subscribed neighbours that one envelope is passed to: libp2p's D."""
RECENT_MAX = 256
RECENT_MS = 120_000
"""Envelopes kept for a neighbour that connects a moment too late."""
PARKED_MAX = 64

if PAYLOAD_SIZE_MAX != 5036:
    raise ValueError("the largest payload must be 5036 bytes, as specs/6 says")
if ENVELOPE_OVERHEAD_SIZE != HEADER_SIZE + 3 + 3 + STAMP_NONCE_SIZE:
    raise ValueError("an envelope is header, body head, body, stamp head and stamp nonce")
if ENVELOPE_SIZES[-1] * 4 > WRITE_SIZE_MAX:
    raise ValueError("a write must hold several of the largest envelopes")
if len(TTL_HOURS) != len(TTL_PRICE):
    raise ValueError("every ttl needs a price")
