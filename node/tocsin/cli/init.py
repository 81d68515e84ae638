"""`tocsin init`: make a profile with a new identity.

It starts nothing and touches no profile that exists.
"""

import click

from tocsin.cli.options import json_option, one_line_errors, print_json, profile_option


@click.command()
@profile_option
@json_option
@one_line_errors
def command(*, profile: str | None, as_json: bool) -> None:
    """Make a profile: a new identity and its settings."""
    from tocsin.clock import SystemEntropy
    from tocsin.config import find_profile, load_config, run_command
    from tocsin.keyring import create_profile
    from tocsin_protocol.identity import Address
    from tocsin_protocol.network import Network

    found = find_profile(profile)
    identity = create_profile(found, SystemEntropy())
    network = Network(name=load_config(found, {}).network)
    address = Address(identity_key=identity.identity_key, contact_key=identity.contact_key).encode(network)
    if as_json:
        print_json({"profile": found.name, "folder": str(found.folder), "address": address})
        return
    click.echo(f"made profile '{found.name}' in {found.folder}")
    click.echo(f"address: {address}")
    click.echo(f"next: {run_command(found)}")
