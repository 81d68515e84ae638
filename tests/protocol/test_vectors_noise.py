"""Our handshake against the vectors of `noise`; a third implementation agrees on the worked examples."""

import json

import pytest
from noise.connection import Keypair, NoiseConnection

from tests.protocol.vectors import DIRECTORY, Fields, Vector, check, vectors_of
from tocsin_protocol import noise
from tocsin_protocol.noise import InitiatorState, ResponderState, SplitKeys


def run_write_first(vector: Vector) -> Fields:
    sent = noise.send_static(
        prologue=vector.raw("prologue"),
        responder_static=vector.raw("responder_static"),
        psk=vector.raw("psk"),
        static_secret=vector.raw("static_secret"),
        ephemeral_secret=vector.raw("ephemeral_secret"),
    )
    state, message = sent.finish(vector.raw("payload"))
    return {
        "ephemeral": sent.ephemeral.hex(),
        "static_hash": sent.static_hash.hex(),
        "message": message.hex(),
        "chaining_key": state.chaining_key.hex(),
        "handshake_hash": state.handshake_hash.hex(),
    }


def run_read_first(vector: Vector) -> Fields:
    state, payload = noise.respond(
        prologue=vector.raw("prologue"),
        psk=vector.raw("psk"),
        static_secret=vector.raw("static_secret"),
        message=vector.raw("message"),
    )
    return {
        "initiator_ephemeral": state.initiator_ephemeral.hex(),
        "initiator_static": state.initiator_static.hex(),
        "payload": payload.hex(),
        "chaining_key": state.chaining_key.hex(),
        "handshake_hash": state.handshake_hash.hex(),
    }


def run_write_second(vector: Vector) -> Fields:
    state = ResponderState(
        chaining_key=vector.raw("chaining_key"),
        handshake_hash=vector.raw("handshake_hash"),
        initiator_ephemeral=vector.raw("initiator_ephemeral"),
        initiator_static=vector.raw("initiator_static"),
    )
    message, keys = state.write(vector.raw("payload"), ephemeral_secret=vector.raw("ephemeral_secret"))
    return {"message": message.hex(), **told_keys(keys)}


def run_read_second(vector: Vector) -> Fields:
    state = InitiatorState(
        chaining_key=vector.raw("chaining_key"),
        handshake_hash=vector.raw("handshake_hash"),
        ephemeral_secret=vector.raw("ephemeral_secret"),
    )
    payload, keys = state.read(vector.raw("message"), static_secret=vector.raw("static_secret"))
    return {"payload": payload.hex(), **told_keys(keys)}


def told_keys(keys: SplitKeys) -> Fields:
    return {"k1": keys.k1.hex(), "k2": keys.k2.hex(), "handshake_hash": keys.handshake_hash.hex()}


@vectors_of("noise")
def test_noise(vector: Vector) -> None:
    operations = {
        "write-first": run_write_first,
        "read-first": run_read_first,
        "write-second": run_write_second,
        "read-second": run_read_second,
    }
    check(vector, operations)


def test_the_package_noiseprotocol_writes_and_reads_the_worked_examples() -> None:
    first, second = (
        Vector(path=path, told=json.loads(path.read_text()))
        for name in ("worked-example", "worked-example-answer")
        for path in [DIRECTORY / "noise" / f"{name}.json"]
    )
    other = NoiseConnection.from_name(noise.PROTOCOL_NAME)
    other.set_as_initiator()
    other.set_psks(psk=first.raw("psk"))
    other.set_prologue(first.raw("prologue"))
    other.set_keypair_from_public_bytes(Keypair.REMOTE_STATIC, first.raw("responder_static"))
    other.set_keypair_from_private_bytes(Keypair.STATIC, first.raw("static_secret"))
    other.set_keypair_from_private_bytes(Keypair.EPHEMERAL, first.raw("ephemeral_secret"))
    with pytest.warns(UserWarning, match="ephemeral"):
        other.start_handshake()
    assert other.write_message(first.raw("payload")).hex() == first.output["message"]
    assert other.read_message(bytes.fromhex(second.output["message"])) == second.raw("payload")
    assert other.get_handshake_hash().hex() == second.output["handshake_hash"]
