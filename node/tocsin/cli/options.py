"""What the verbs share: `--profile`, `--json`, and errors of one line with exit code 2.

It holds no verb.
"""

import functools
import math
import sys
from collections.abc import Callable
from typing import Any, ParamSpec

import click
import msgspec

from tocsin.errors import TocsinError

P = ParamSpec("P")
SECONDS_MAX = 1e9
"""Thirty years; the system's calls refuse much longer waits."""

profile_option = click.option(
    "--profile", metavar="NAME", default=None, help="The profile to use; TOCSIN_PROFILE, or 'default'."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")


class Seconds(click.FloatRange):
    """A number of seconds that can be waited."""

    name = "seconds"

    def __init__(self, *, min_open: bool = False) -> None:
        super().__init__(min=0, max=SECONDS_MAX, min_open=min_open)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number of seconds", param, ctx)
        return number


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
