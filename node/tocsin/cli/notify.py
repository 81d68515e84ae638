"""`tocsin notify`: ring a contact.

It returns when the node has the notification on its disk, which is all that is claimed.
"""

import sys
from typing import BinaryIO

import click

from tocsin.cli.options import json_option, one_line_errors, print_json, profile_option
from tocsin.errors import TocsinError
from tocsin_protocol.limits import BODY_SIZE_MAX, TITLE_SIZE_MAX


@click.command()
@click.argument("contact")
@click.option("--title", required=True, help=f"At most {TITLE_SIZE_MAX} bytes.")
@click.option("--body", default="", help=f"At most {BODY_SIZE_MAX} bytes; '-' reads it from stdin.")
@click.option("--app", default="", help="Which app it is for, in reverse DNS (org.example.chat).")
@click.option("--thread", default="", help="Groups notifications that belong together.")
@click.option(
    "--urgency",
    type=click.Choice(["very-low", "low", "normal", "high"]),
    default="normal",
    show_default=True,
    help="How much delivery may cost the receiver's battery.",
)
@profile_option
@json_option
@one_line_errors
def command(
    *,
    contact: str,
    title: str,
    body: str,
    app: str,
    thread: str,
    urgency: str,
    profile: str | None,
    as_json: bool,
) -> None:
    """Ring a contact with a title and a body."""
    from tocsin.cli.call import connect
    from tocsin.config import find_profile

    if body == "-":
        body = read_body(sys.stdin.buffer)
    with connect(find_profile(profile)) as node:
        sent = node.ask(
            "notify.send", contact=contact, title=title, body=body, app=app, thread=thread, urgency=urgency
        )
    if as_json:
        print_json(sent)
    else:
        click.echo(f"queued {sent['nid']}")


def read_body(source: BinaryIO) -> str:
    """What is piped in, up to where it is certainly too long; a source that never ends is no trap."""
    data = source.read(BODY_SIZE_MAX + 1)
    if len(data) > BODY_SIZE_MAX:
        raise TocsinError(f"the body on stdin has more than {BODY_SIZE_MAX} bytes: shorten it")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise TocsinError("the body on stdin is not UTF-8: nothing was sent") from None
