"""`tocsin sim`: the simulators, when the extra `sim` is installed.

It knows them by name only: the node never imports a simulator.
"""

import importlib
import sys

import click

SIMULATOR = "tocsin_sim.cli"


@click.command(
    add_help_option=False, context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> None:
    """Simulate networks of many nodes (extra `sim`)."""
    try:
        simulator = importlib.import_module(SIMULATOR).command
    except ModuleNotFoundError as error:
        click.echo(
            f"tocsin: the simulators need the extra 'sim' ({error.name} is missing): "
            "install it with: uv tool install 'tocsin[sim]'",
            err=True,
        )
        sys.exit(2)
    sys.exit(simulator.main(args=list(arguments), prog_name="tocsin sim", standalone_mode=False))
