"""What every verb has: `--profile`, `--json`, and errors of one line with exit code 2.

It holds no verb.
"""

import functools
import sys
from collections.abc import Callable
from typing import Any, ParamSpec

import click
import msgspec

from tocsin.errors import TocsinError

P = ParamSpec("P")

profile_option = click.option(
    "--profile", metavar="NAME", default=None, help="The profile to use; TOCSIN_PROFILE, or 'default'."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")


def one_line_errors(function: Callable[P, None]) -> Callable[P, None]:
    """A TocsinError becomes its line on stderr and exit code 2; Ctrl-C becomes exit code 130."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except TocsinError as error:
            click.echo(f"tocsin: {error}", err=True)
            sys.exit(2)
        except KeyboardInterrupt:
            sys.exit(130)

    return wrapped


def print_json(value: Any) -> None:
    click.echo(msgspec.json.encode(value).decode())
