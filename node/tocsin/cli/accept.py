"""`tocsin accept`: take somebody's invite and wait until their node has answered.

The introduction goes on in the node however this command ends.
"""

import sys

import click

from tocsin.cli.options import Seconds, json_option, one_line_errors, print_json, profile_option


@click.command()
@click.argument("invite")
@click.option("--name", default=None, help="What you will call its maker; 'contact-1' and so on without.")
@click.option(
    "--timeout",
    type=Seconds(),
    default=60,
    show_default=True,
    help="Seconds to wait for the answer; 0 to not wait.",
)
@profile_option
@json_option
@one_line_errors
def command(*, invite: str, name: str | None, timeout: float, profile: str | None, as_json: bool) -> None:
    """Accept an invite and wait for its maker's answer."""
    from tocsin.cli.call import connect
    from tocsin.config import find_profile

    with connect(find_profile(profile)) as node:
        accepted = node.ask("invite.accept", invite=invite, name=name)
        contact, added = accepted["contact"], False
        if timeout > 0:
            if not as_json:
                click.echo(f"introduced to '{contact}'; waiting for their node to answer ...", err=True)
            node.ask("events.subscribe", consumer="accept", since=accepted["seq"], types=["contact.added"])
            added = any(event["data"]["contact"] == contact for event in node.events(timeout))
    if as_json:
        print_json({"contact": contact, "added": added})
    elif added:
        click.echo(f"'{contact}' is a contact: ring them with: tocsin notify {contact} --title Hello")
    else:
        click.echo(f"'{contact}' has not answered yet: the node goes on trying; see: tocsin contacts")
    sys.exit(0 if added or timeout <= 0 else 1)
