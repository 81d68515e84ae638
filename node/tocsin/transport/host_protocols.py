"""What every libp2p host is expected to answer: identify, with nothing private in it, and ping.

It asks neither of anybody: who a neighbour says it is does not matter here.
"""

from collections.abc import Sequence

from libp2p.abc import INetStream
from libp2p.crypto.keys import PublicKey
from libp2p.identity.identify.pb.identify_pb2 import Identify
from libp2p.utils.varint import encode_varint_prefixed
from multiaddr import Multiaddr

from tocsin.transport.hardening import StreamHandler
from tocsin.transport.sockets import multiaddress

IDENTIFY = "/ipfs/id/1.0.0"
PING = "/ipfs/ping/1.0.0"
PING_SIZE = 32
AGENT = "tocsin"
"""The same for every role and release, or nodes could be told apart."""


def make_identify(key: PublicKey, protocols: Sequence[str]) -> StreamHandler:
    """Answers with key and protocols, and with the address the neighbour is seen at; not with ours."""
    common = Identify(
        protocol_version="ipfs/0.1.0", agent_version=AGENT, public_key=key.serialize(), protocols=protocols
    )

    async def identify(stream: INetStream) -> None:
        message = Identify()
        message.CopyFrom(common)
        remote = stream.get_remote_address()
        if remote is not None:
            message.observed_addr = Multiaddr(multiaddress(*remote)).to_bytes()
        await stream.write(encode_varint_prefixed(message.SerializeToString()))
        await stream.close()

    return identify


async def answer_pings(stream: INetStream) -> None:
    """Sends back what comes, until the stream ends and the read fails."""
    while True:
        await stream.write(await stream.read(PING_SIZE))
