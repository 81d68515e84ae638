"""`tocsin contacts`: who may ring here, and whom this profile may ring.

It changes nobody.
"""

import click

from tocsin.cli.options import json_option, one_line_errors, print_json, profile_option


@click.command()
@profile_option
@json_option
@one_line_errors
def command(*, profile: str | None, as_json: bool) -> None:
    """List who may ring here and whom you may ring."""
    from tocsin.cli.call import connect
    from tocsin.config import find_profile

    with connect(find_profile(profile)) as node:
        found = node.ask("contacts.list")
    for contact in found:
        if as_json:
            print_json(contact)
        else:
            click.echo(f"{contact['name']}\t{contact['state']}\tsince {contact['added']}")
    if not found and not as_json:
        click.echo("no contacts yet: make an invite with: tocsin invite <name>", err=True)
