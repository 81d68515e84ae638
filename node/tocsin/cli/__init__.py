"""The command `tocsin`: one verb, one file, loaded only when it is typed.

It speaks to a running node over its socket; nothing here imports trio or libp2p but `run`, when it runs.
"""

import importlib
import sys
from collections.abc import Mapping
from typing import Final

import click

from tocsin import __version__

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "init": ("tocsin.cli.init:command", "Make a profile: a new identity and its settings."),
    "run": ("tocsin.cli.run:command", "Run the node of a profile until it is stopped."),
    "invite": ("tocsin.cli.invite:command", "Print an invite that makes one person a contact."),
    "accept": ("tocsin.cli.accept:command", "Accept an invite and wait for its maker's answer."),
    "contacts": ("tocsin.cli.contacts:command", "List who may ring here and whom you may ring."),
    "notify": ("tocsin.cli.notify:command", "Ring a contact with a title and a body."),
    "listen": ("tocsin.cli.listen:command", "Print signals as they come, from where you stopped."),
    "status": ("tocsin.cli.status:command", "Say how the node is and whom it is connected to."),
    "demo": ("tocsin.demo:command", "Start three nodes here and let one ring another."),
    "sim": ("tocsin.cli.sim:command", "Simulate networks of many nodes (extra `sim`)."),
}
"""Where each verb lives and its one line of help, so that `--help` imports none of them."""


class LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), name)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tocsin")
def tocsin() -> None:
    """A peer-to-peer notification node: gossip, rung locally.

    Errors are one line that says what to do; the exit code is then 2.
    """


def main() -> None:
    """Run the command; what was mistyped is told in one line, like every other error."""
    try:
        sys.exit(tocsin.main(prog_name="tocsin", standalone_mode=False))
    except click.ClickException as error:
        click.echo(describe(error), err=True)
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)


def describe(error: click.ClickException) -> str:
    """Click's sentence in our form; who typed no verb at all gets the whole help."""
    message = error.format_message()
    if not isinstance(error, click.UsageError):
        return f"tocsin: {message}"
    if message.startswith("Usage:"):
        return message
    where = error.ctx.command_path if error.ctx else "tocsin"
    line = " ".join(message.split()).rstrip(".")
    return f"tocsin: {line[:1].lower()}{line[1:]}: see: {where} --help"
