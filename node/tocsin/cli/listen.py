"""`tocsin listen`: print signals as they come, beginning where the last `listen` stopped.

It presents nothing on a screen; it is the plainest of consumers.
"""

from typing import Any

import click

from tocsin.cli.options import Seconds, json_option, one_line_errors, print_json, profile_option


@click.command()
@click.option("--consumer", default="listen", show_default=True, help="The name whose place is remembered.")
@click.option(
    "--since",
    type=click.IntRange(min=0),
    default=None,
    help="Replay everything after this seq; 0 replays all.",
)
@click.option("--count", type=int, default=None, help="Stop after this many signals.")
@click.option(
    "--timeout", type=Seconds(min_open=True), default=None, help="Stop after this many silent seconds."
)
@click.option("--type", "types", multiple=True, help="Only signals of this type; may be repeated.")
@profile_option
@json_option
@one_line_errors
def command(
    *,
    consumer: str,
    since: int | None,
    count: int | None,
    timeout: float | None,
    types: tuple[str, ...],
    profile: str | None,
    as_json: bool,
) -> None:
    """Print signals as they come, from where you stopped."""
    from tocsin.cli.call import connect
    from tocsin.config import find_profile

    if count is not None and count <= 0:
        return
    with connect(find_profile(profile)) as node:
        node.ask("events.subscribe", consumer=consumer, since=since, types=types or None)
        for printed, event in enumerate(node.events(timeout), start=1):
            if as_json:
                print_json(event)
            else:
                click.echo(describe(event))
            node.ask("events.ack", consumer=consumer, seq=event["seq"])
            if printed == count:
                return


def describe(event: dict[str, Any]) -> str:
    """One line, whatever the sender wrote: a line break of theirs must not look like a signal of ours."""
    data = event["data"]
    parts = [str(event["seq"]), event["time"], event["type"], data.get("contact", "")]
    if event["type"] == "received":
        parts.append(" — ".join(text for text in (data["title"], data["message"]) if text))
    return "\t".join(" ".join(part.split()) for part in parts)
