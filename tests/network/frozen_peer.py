"""A node in a process of its own, to be stopped by a signal: prints its address and waits to be killed."""

import trio

from tests.network.nodes import LOOPBACK, PROTOCOLS
from tocsin.transport.libp2p import open_libp2p_transport


async def main() -> None:
    async with open_libp2p_transport(listen=[LOOPBACK], protocols=PROTOCOLS, key_seed=b"f" * 32) as transport:
        print(transport.listen_addresses()[0], flush=True)
        await trio.sleep_forever()


if __name__ == "__main__":
    trio.run(main)
