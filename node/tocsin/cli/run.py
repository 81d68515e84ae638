"""`tocsin run`: the node itself, from the profile's files to the first signal and to a clean end.

It is the only verb that loads trio and libp2p, and only once it has checked everything that is cheap.
"""

import click

from tocsin.cli.options import json_option, one_line_errors, profile_option


@click.command()
@click.option("--role", type=click.Choice(["node", "relay"]), default=None, help="What it does for others.")
@click.option("--listen", multiple=True, metavar="ADDRESS", help="Listen here; may be repeated.")
@click.option("--peer", "peers", multiple=True, metavar="ADDRESS", help="Dial this node; may be repeated.")
@click.option("--network", default=None, help="The network's name.")
@click.option("--trust-clock", is_flag=True, help="The clock is right, whatever day it was last time.")
@profile_option
@json_option
@one_line_errors
def command(
    *,
    role: str | None,
    listen: tuple[str, ...],
    peers: tuple[str, ...],
    network: str | None,
    trust_clock: bool,
    profile: str | None,
    as_json: bool,
) -> None:
    """Run the node of a profile until it is stopped."""
    from tocsin.config import find_profile, load_config
    from tocsin.keyring import load_identity, sole_owner
    from tocsin.log import configure_logs

    found = find_profile(profile)
    identity = load_identity(found)
    flags = {"role": role, "listen": listen or None, "peers": peers or None, "network": network}
    config = load_config(found, flags)
    configure_logs(config.log_level)
    with sole_owner(found):
        from tocsin.service import run_service

        run_service(found, config, identity, trust_clock=trust_clock, as_json=as_json)
