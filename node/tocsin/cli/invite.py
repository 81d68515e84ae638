"""`tocsin invite`: print a text that makes the one person who gets it a contact.

Whoever has the text can use it, once: it is to be sent over a channel that both trust.
"""

import click

from tocsin.cli.options import json_option, one_line_errors, print_json, profile_option


@click.command()
@click.argument("name", required=False)
@click.option("--hours", default=48, show_default=True, help="How long the invite is valid.")
@profile_option
@json_option
@one_line_errors
def command(*, name: str | None, hours: int, profile: str | None, as_json: bool) -> None:
    """Print an invite that makes one person a contact.

    NAME is what you will call them; they become a contact when they accept.
    """
    from tocsin.cli.call import connect
    from tocsin.config import find_profile

    with connect(find_profile(profile)) as node:
        invited = node.ask("invite.create", name=name, hours=hours)
    if as_json:
        print_json(invited)
        return
    click.echo(invited["invite"])
    click.echo(f"for one person, '{invited['contact']}' to you, until {invited['expires']}", err=True)
