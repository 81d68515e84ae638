"""The node as a process: real parts, the profile's socket, signals of the operating system, one exit.

It is what `tocsin run` runs; a program that embeds the node opens it with its own parts.
"""

import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import click
import msgspec
import trio

from tocsin.api.unix_socket import serve_socket
from tocsin.clock import SystemClock, SystemEntropy
from tocsin.config import NodeConfig, Profile, Role
from tocsin.contacts import Self
from tocsin.errors import TocsinError
from tocsin.keyring import HOST_KEY_SIZE, load_host_key
from tocsin.node import Node, Parts, open_node
from tocsin.stamp_worker import ProcessStampFinder
from tocsin.store.executor import ThreadExecutor
from tocsin.store.sqlite import SqliteStore, open_store
from tocsin.transport.libp2p import open_libp2p_transport
from tocsin_protocol.gossip.router import PROTOCOLS
from tocsin_protocol.identity import Identity
from tocsin_protocol.network import Network

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
BOOT_ID_SIZE = 16
STOP_S_MAX = 4.0
"""After this long an orderly end is given up; the store is safe at every moment anyway."""


def run_service(
    profile: Profile, config: NodeConfig, identity: Identity, *, trust_clock: bool, as_json: bool
) -> None:
    """Until SIGTERM or SIGINT; what a person can mend comes out as one TocsinError."""
    try:
        trio.run(partial(serve, profile, config, identity, trust_clock=trust_clock, as_json=as_json))
    except* TocsinError as group:
        raise first_of(group) from None


def first_of(group: BaseExceptionGroup[TocsinError]) -> TocsinError:
    """A nursery wraps what its tasks raise; a person wants the one line inside."""
    error = group.exceptions[0]
    return first_of(error) if isinstance(error, BaseExceptionGroup) else error


async def serve(
    profile: Profile, config: NodeConfig, identity: Identity, *, trust_clock: bool, as_json: bool
) -> None:
    entropy = SystemEntropy()
    stamps = ProcessStampFinder()
    host_key = load_host_key(profile, entropy) if config.role is Role.RELAY else entropy.draw(HOST_KEY_SIZE)
    me = Self(identity=identity, network=Network(name=config.network), answer_delay_ms=config.answer_delay_ms)
    async with opened_store(profile, config) as store:
        parts = Parts(
            me=me,
            config=config,
            store=store,
            open_transport=partial(
                open_libp2p_transport, listen=config.listen, protocols=PROTOCOLS, key_seed=host_key
            ),
            clock=SystemClock(),
            entropy=entropy,
            stamps=stamps,
            clock_confirmed=trust_clock,
        )
        with trio.CancelScope() as whole:
            try:
                async with open_node(parts) as node, trio.open_nursery() as nursery:
                    answering = trio.Event()
                    serving = partial(serve_socket, node, profile.socket, answering)
                    nursery.start_soon(node.supervisor.keep, "socket", serving, answering)
                    nursery.start_soon(announce, node, answering, profile, as_json)
                    await stop_signal()
                    whole.deadline = trio.current_time() + STOP_S_MAX
                    nursery.cancel_scope.cancel()
            finally:
                await stamps.aclose()


@asynccontextmanager
async def opened_store(profile: Profile, config: NodeConfig) -> AsyncIterator[SqliteStore]:
    """Closed whatever happens, so that nothing deleted stays in the write-ahead log."""
    store = await open_store(
        profile.database,
        executor=ThreadExecutor(),
        boot_id=SystemEntropy().draw(BOOT_ID_SIZE).hex(),
        size_mib_max=config.store_size_mib_max,
    )
    try:
        yield store
    finally:
        with trio.CancelScope(shield=True):
            await store.aclose()


async def announce(node: Node, answering: trio.Event, profile: Profile, as_json: bool) -> None:
    """One line when the node is there to be used."""
    await node.online.wait()
    await answering.wait()
    if as_json:
        ready = {"profile": profile.name, "addresses": node.addresses, "socket": str(profile.socket)}
        say(msgspec.json.encode(ready).decode())
    else:
        say(f"profile '{profile.name}' is ringing on {', '.join(node.addresses)} (Ctrl-C stops it)")


def say(line: str) -> None:
    """To whoever reads our output; the node rings all the same when nobody does, or the disk is full."""
    try:
        click.echo(line)
    except OSError:
        # What could not be written would be tried again, and fail, at the very end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


async def stop_signal() -> None:
    """The first one; more of them change nothing, for the end that follows has a deadline."""
    for number in STOP_SIGNALS:
        # What the receiver puts back when it is left: an impatient second Ctrl-C is not to break the end.
        signal.signal(number, signal.SIG_IGN)
    with trio.open_signal_receiver(*STOP_SIGNALS) as signals:
        async for _ in signals:
            return
