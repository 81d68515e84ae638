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
ENVELOPE_KIND_MAX = 14
"""Three classes of five ttls each."""
ENVELOPE_KIND_RESERVED_MAX = 19
"""Kinds above 14 up to this are kept for later stamp types: ignored today, so never a reason to reject."""
KNOCK_SIZE = 512
KNOCK_TTL_INDEX = 3
"""All knocks look alike: one size and 72 hours, so that none stands out."""
TAG_SIZE = 16
MESSAGE_KEY_SIZE = 32
SEAL_NONCE_SIZE = 24
STAMP_NONCE_SIZE = 8
STAMP_LIMIT = 1 << 64
"""work x need stays below this; work is the first 8 bytes of the message id."""
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

NOTIFICATION_ID_SIZE = 16
SEED_SIZE = 32
PUBLIC_KEY_SIZE = 32
SIGNATURE_SIZE = 64
KNOCK_POLICY_MAX = 7
"""Three bits of an address: 0 refuses knocks, 1 asks for the outer stamp only, the rest for inner work."""
KNOCK_POLICY_DEFAULT = 5
URI_CHECK_SIZE = 4
"""Catches all but one in four thousand million mistyped addresses, and those of another network."""
CARD_DRIFT_HOURS_MAX = 1
"""A card may start an hour ahead of our clock, as an envelope may be born an hour ahead of it."""
CONTACT_KEY_HOURS = 30 * EPOCH_HOURS
"""How long a replaced contact key still opens introductions: printed addresses outlive a rotation."""
CONTACT_KEYS_MAX = 4
"""The present one and those it replaced: a stranger's knock costs one DH for each."""

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
TURN_UPTIME_MS_MIN = HOUR_MS
"""A clock that has just been set may be wrong; a key that was deleted for it does not come back."""
CATCH_UP_EPOCHS = TTL_HOURS[-1] // EPOCH_HOURS + 1
"""A day's keys live until its last envelope has died: the day itself and seven more."""
DEVICE_MAX = 127
"""The upper bit of a chain's device byte says which stream it is."""
INDEX_BLOCK_SIZE = 8
"""Indices of q = 0 that a long-running sender takes with one write; a crash skips less than a window."""
INDEX_BLOCK_CONTROL_SIZE = 1
"""Four lost indices of q = 0x80 desynchronise its stream, so a crash must not skip any."""
STORES_AGREEING_MIN = 3
"""Of as many stores at least one is honest, we hope; fewer have to be all that there are."""
CLOCK_SKEW_MS_MAX = 30 * 60 * 1000
"""A clock that is further off is reported: at an hour its owner's envelopes are ignored."""

RENEWAL_MS = 7 * EPOCH_HOURS * HOUR_MS
"""A passive thief of the keys loses the future after a week."""
RENEWAL_MESSAGES = 1_000
"""A busy pair does not wait for the week to end."""
RENEWAL_REPEAT_MS = 12 * HOUR_MS
"""An offer that was lost is made again twice a day, as the same bytes."""
RENEWAL_LAPSE_MS = 72 * HOUR_MS
"""No store holds an envelope with the default ttl for longer."""
RENEWAL_ANSWER_DELAY_MS = (60_000, 600_000)
"""Longer than for introductions: nobody waits for a renewal."""
RENEWAL_EPOCH_AGE_MAX = TTL_HOURS[-1] // EPOCH_HOURS
"""The oldest envelope that a store still has may bring an answer."""
RENEWAL_EPOCH_AHEAD_MAX = 1
"""Their clock may be past midnight already."""
ALIVE_MS = RENEWAL_MS
"""A contact that was not heard for this long gets no offers: they would go on for ever."""
OLD_GENERATION_MS = (1 + 2 * HOUR_DRIFT_MAX) * HOUR_MS
"""For this long relays may still pass on what was sealed before the other side renewed."""
OLD_GENERATIONS_MAX = 4
"""Kept for catch-up; a contact that renews more often than twice a week loses the oldest."""

CATCH_UP_SLICE_DERIVATIONS = 1_000
"""About 2 ms of one core between two turns of an event loop."""
CATCH_UP_ENVELOPES_MAX = 500_000
"""Tags of one epoch in memory, about 75 MB: more than a shard's day at the target rate."""
CATCH_UP_STORES_MIN = 2
"""One store alone might hide an envelope."""
STORE_CLOSE_HOURS = 6
"""From this many hours on stores bring an hour's bucket in from nobody."""

INVITE_SECRET_SIZE = 32
INVITE_HOURS_MAX = 30 * EPOCH_HOURS
"""An invite costs its maker one table entry per live epoch; thirty days bound that."""
INTRODUCTION_REPLY_HOURS = 30 * EPOCH_HOURS
INTRODUCTION_EPOCH_AGE_MAX = INTRODUCTION_REPLY_HOURS // EPOCH_HOURS + 1
"""The first epoch that an answer names; the oldest answer still listened for cannot name an older one."""
INTRODUCTION_ANSWER_DELAY_MS = (1_000, 10_000)
"""Automatic answers wait a random time, or their timing would tell which peer answers."""
INTRODUCTION_REPEAT_HOURS = EPOCH_HOURS
"""An answer leaves again at most this often, until its reader proves to have it."""
INTRODUCTIONS_PER_SIDE_MAX = 32
"""Begun by one of a pair and alive: a contact may come again every day, and listens for thirty."""
INTRO_TEXT_SIZE_MAX = 140

KNOCK_MESSAGE_SIZE = KNOCK_SIZE - ENVELOPE_OVERHEAD_SIZE
KNOCK_PAYLOAD_SIZE = 373
"""With the 96 bytes that the handshake takes it fills a knock; padding takes at least one of them."""
KNOCK_BODY_ID_SIZE = 16
KNOCK_BODIES_MAX = 16_384
"""Bodies that are not worked on twice: 18 hours of them at the target rate, about 2 MB."""
KNOCK_EPHEMERALS_MAX = 4_096
"""Ephemeral keys of requests that a person decided; they are kept until no store has the knock any more."""
KNOCK_DH_PER_S_MAX = 1_000
"""About a tenth of one core, however many knocks come; those beyond are dropped unopened."""
KNOCK_REQUESTS_MAX = 20
"""What a person may be asked to look through; when full, the worst outer stamp leaves."""
PIN_DIGITS_MIN = 8
PIN_DIGITS_MAX = 12
"""Short enough to say on the phone, long enough that each guess costs a knock."""
INNER_WORK_OPS = 1
INNER_WORK_MEMORY_SIZE = 8 * 1024 * 1024
"""One try takes about 5 ms of a core and does not pay on hardware made for hashing."""
INNER_WORK_SIZE = 16
INNER_NONCE_SIZE = 8
INNER_WORK_POLICY_MIN = 2
INNER_WORK_BITS_ADDED = 2
"""Policy 2 asks for 4 bits, policy 7 for 9: some 16 to 512 tries, 0.1 to 3 seconds."""
INNER_CHECKS_PER_S_MAX = 4
INNER_CHECKS_WAITING_MAX = 256
"""A minute of checks; when full, the worst outer stamp leaves."""

GRANT_SIZE_MAX = 2_048
GRANT_INTRODUCTION_SIZE_MAX = 200
"""Inside messages 1 and 2, which must stay small; a larger grant follows as a control map."""
GRANT_CONTROL_PER_DAY_MAX = 64
"""Control envelopes are counted apart: renewals take a few a day."""

BACKUP_SALT_SIZE = 16
BACKUP_WORK_OPS = 3
BACKUP_WORK_MEMORY_SIZE = 256 * 1024 * 1024
"""Half a second of one core for each guess at a passphrase."""
BACKUP_SIZE_MAX = 16 * 1024 * 1024
BACKUP_CONTACTS_MAX = 5_000
BACKUP_BLOCKED_MAX = 65_536
BACKUP_NAME_SIZE_MAX = 64
BACKUP_POLICY_SIZE_MAX = 64 * 1024

PAYLOAD_SIZE_MAX = ENVELOPE_SIZES[-1] - SEALED_OVERHEAD_SIZE - 1
APP_SIZE_MAX = 100
TITLE_SIZE_MAX = 256
SUBTITLE_SIZE_MAX = 256
BODY_SIZE_MAX = 2048
THREAD_SIZE_MAX = 64
CHANNEL_SIZE_MAX = 64
CATEGORY_SIZE_MAX = 64
THEMED_NAME_SIZE_MAX = 64
"""Of an icon or a sound: a name in a theme, so never a path."""
COLLAPSE_SIZE_MAX = 32
LINK_SIZE_MAX = 1024
DATA_SIZE_MAX = 2048
"""What the app says to itself; as much as a body."""
MEDIA_MAX = 4
BLOB_HASH_SIZE = 32
BLOB_KEY_SIZE = 32
BLOB_MIME_SIZE_MAX = 128
BLOB_NAME_SIZE_MAX = 128
THUMB_SIZE_MAX = 1024
"""Four of them still fit the largest payload beside a title."""
ACTIONS_MAX = 3
"""No desktop and no phone shows more buttons."""
ACTION_ID_SIZE_MAX = 32
ACTION_LABEL_SIZE_MAX = 64
CONVERSATION_SIZE_MAX = 512
PROGRESS_MAX = 1000
TAGS_MAX = 8
TAG_TEXT_SIZE_MAX = 32
LOC_KEY_SIZE_MAX = 64
LOC_ARGS_MAX = 8
LOC_ARG_SIZE_MAX = 256
"""As much as the title that it stands in."""
TTL_S_DEFAULT = 172_800
TTL_S_MAX = 604_800
CBOR_DEPTH_MAX = 8

FRAME_SIZE_MAX = 256 * 1024
"""One RPC from a peer. Ours stay below 32 KiB; js and go coalesce into larger ones."""
WRITE_SIZE_MAX = 32 * 1024
"""Peers on py-libp2p break after 101 partial reads of one message; 32 KiB stay well below that."""
PEERS_MAX = 256
"""Neighbours a router keeps state for; a further one is closed."""
CONNECTIONS_MAX = PEERS_MAX + 64
"""Beside the neighbours a few that still shake hands, or replace a connection that is ending."""
CONNECTIONS_PER_ADDRESS_MAX = 32
"""Sockets from one IPv4 address or one IPv6 /64: a household or an office, not a whole attack."""
STREAMS_PER_CONNECTION_MAX = 64
"""A neighbour needs three: gossip, identify, ping. One that opens more than this is closed."""
RECEIVE_WINDOW_SIZE_MAX = 1024 * 1024
"""What a neighbour may send ahead on one stream: 233 MB/s on a fast link; 256 KiB reached 26."""
RECEIVE_BUFFER_SIZE_MAX = 2 * RECEIVE_WINDOW_SIZE_MAX
"""Unread bytes of all streams of a connection; beyond it the neighbour ignores its windows and is closed."""
SEND_QUEUE_SIZE_MAX = 1024 * 1024
"""What may wait for one neighbour; then `send` refuses. Four of the largest frames, or a slow second."""
SEND_QUEUE_FULL_MS_MAX = 10_000
"""A neighbour whose queue does not fall below half for this long is of no use to us."""
TRANSPORT_EVENTS_MAX = 32
"""Events that wait for the driver, each at most one receive window; then the readers and senders wait."""
CONNECT_MS_MAX = 10_000
"""For dialling and again for opening the gossip stream: a slow phone needs two seconds."""
DIALS_CROSS_MS = 5_000
"""Two nodes that dial each other notice it within a round trip; later, a new connection replaces an old."""
SILENCE_MS_MAX = 20_000
"""After this long without a byte a neighbour is asked whether it is alive."""
PING_ANSWER_MS_MAX = 10_000
"""Then any byte within this long will do; a laptop that sleeps is noticed within a minute."""
PROTOCOL_NAME_SIZE_MAX = 126
"""With its newline a name's length still fits one byte; the longest in use has about 40."""
PROTOCOL_OFFERS_MAX = 16
"""Names a neighbour may try on one stream before it is reset."""
LIBP2P_LOG_LINES_PER_MINUTE_MAX = 20
"""A hostile neighbour makes libp2p write thousands a second."""
TOPICS_PER_PEER_MAX = 64
TOPIC_SIZE_MAX = 64
"""Bytes; the longest canonical topic has 49, and what a neighbour subscribes to is kept."""
SUBSCRIPTIONS_PER_FRAME_MAX = 256
"""A greeting names every topic of a node; four times what is kept leaves room for other programs."""
FIELDS_SKIPPED_MAX = 64
"""Fields of a frame, or of one message in it, that are not ours: later versions add few."""
HANDLE_SIZE_MAX = 64 * 1024
"""Bytes of a neighbour that are handled at once; then everybody else has a turn."""
MESSAGES_PER_FRAME_MAX = 512
"""Effects of one `handle` are bounded by this; more in one frame closes the peer."""
SEEN_MIDS_MAX = 500_000
"""All hours together; then new envelopes are ignored until an hour ends."""
EXACT_MAX = 1_024
"""Accepted messages whose very bytes are known, per generation of two: at most 11 MB."""
REJECTS_MAX = 16
"""An honest neighbour rejects before it forwards and sends none; a few allow for disagreeing releases."""
FAN_OUT = 6
"""Subscribed neighbours that one envelope is passed to: libp2p's D."""
RECENT_MAX = 256
RECENT_MS = 120_000
"""Envelopes kept for a neighbour that connects a moment too late."""
PARKED_MAX = 64
"""Deliveries that wait for a second neighbour; an attacker who fills this delays answers, no more."""
WITNESSED_MAX = 8_192
"""About 2 MB; at a shard's target rate half an hour, far longer than gossip takes."""
WITNESSED_MS = (1 + 2 * HOUR_DRIFT_MAX) * HOUR_MS
"""No neighbour passes an envelope on for longer than this."""

if PAYLOAD_SIZE_MAX != 5036:
    raise ValueError("the largest payload must be 5036 bytes, as specs/6 says")
if ENVELOPE_OVERHEAD_SIZE != HEADER_SIZE + 3 + 3 + STAMP_NONCE_SIZE:
    raise ValueError("an envelope is header, body head, body, stamp head and stamp nonce")
if KNOCK_MESSAGE_SIZE != 32 + 32 + 16 + KNOCK_PAYLOAD_SIZE + 16:
    raise ValueError("a knock is e, the sealed static key and the sealed payload, and nothing else")
if ENVELOPE_SIZES[-1] * 4 > WRITE_SIZE_MAX:
    raise ValueError("a write must hold several of the largest envelopes")
if len(TTL_HOURS) != len(TTL_PRICE):
    raise ValueError("every ttl needs a price")
