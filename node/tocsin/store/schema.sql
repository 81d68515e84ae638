-- One profile's memory. Secrets are deleted with secure_delete=ON and the log is truncated after it.
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE contacts (
    id           INTEGER PRIMARY KEY,
    identity_key BLOB NOT NULL UNIQUE,
    contact_key  BLOB NOT NULL,
    name         TEXT NOT NULL UNIQUE,
    state        TEXT NOT NULL,
    added_ms     INTEGER NOT NULL
) STRICT;

CREATE TABLE wheels (
    contact INTEGER NOT NULL REFERENCES contacts (id),
    side    TEXT NOT NULL,
    epoch   INTEGER NOT NULL,
    key     BLOB NOT NULL,
    PRIMARY KEY (contact, side)
) STRICT, WITHOUT ROWID;

CREATE TABLE sending_chains (
    contact    INTEGER NOT NULL REFERENCES contacts (id),
    epoch      INTEGER NOT NULL,
    q          INTEGER NOT NULL,
    next_index INTEGER NOT NULL,
    key        BLOB NOT NULL,
    PRIMARY KEY (contact, epoch, q)
) STRICT, WITHOUT ROWID;

CREATE TABLE receiving_chains (
    contact    INTEGER NOT NULL REFERENCES contacts (id),
    epoch      INTEGER NOT NULL,
    q          INTEGER NOT NULL,
    next_index INTEGER NOT NULL,
    key        BLOB NOT NULL,
    PRIMARY KEY (contact, epoch, q)
) STRICT, WITHOUT ROWID;

CREATE TABLE skipped_keys (
    contact INTEGER NOT NULL,
    epoch   INTEGER NOT NULL,
    q       INTEGER NOT NULL,
    idx     INTEGER NOT NULL,
    key     BLOB NOT NULL,
    tag     BLOB NOT NULL,
    nid     BLOB NOT NULL,
    PRIMARY KEY (contact, epoch, q, idx)
) STRICT, WITHOUT ROWID;

CREATE TABLE invites (
    id           INTEGER PRIMARY KEY,
    secret       BLOB NOT NULL UNIQUE,
    expires_hour INTEGER NOT NULL,
    contact_name TEXT NOT NULL
) STRICT;

CREATE TABLE introductions (
    id           INTEGER PRIMARY KEY,
    contact_name TEXT NOT NULL,
    identity_key BLOB NOT NULL,
    invite_text  TEXT NOT NULL,
    pending      BLOB NOT NULL,
    until_hour   INTEGER NOT NULL
) STRICT;

-- sealing: under_key (epoch, tag, key, payload) | under_reply (key, payload) | ready (envelope)
CREATE TABLE sends (
    id            INTEGER PRIMARY KEY,
    contact       INTEGER,
    introduction  INTEGER,
    purpose       TEXT NOT NULL,
    nid           BLOB,
    topic         TEXT NOT NULL,
    kind          INTEGER NOT NULL,
    sealing       TEXT NOT NULL,
    epoch         INTEGER,
    tag           BLOB,
    key           BLOB,
    payload       BLOB,
    envelope      BLOB,
    stamped       BLOB,
    created_ms    INTEGER NOT NULL,
    not_before_ms INTEGER NOT NULL,
    expires_ms    INTEGER NOT NULL
) STRICT;

CREATE TABLE events (
    seq     INTEGER PRIMARY KEY,
    time_ms INTEGER NOT NULL,
    type    TEXT NOT NULL,
    nid     TEXT,
    app     TEXT,
    sender  TEXT,
    thread  TEXT,
    data    BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX received_once ON events (sender, nid) WHERE type = 'received';

CREATE TABLE consumers (
    name      TEXT PRIMARY KEY,
    acked_seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
