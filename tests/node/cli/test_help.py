"""What can be read without a node, how little it loads, and the doors to shells and simulators."""

import importlib
import sys

import click
import pytest

from tests.node.cli.town import Town, type_here
from tocsin import __version__
from tocsin.cli import COMMANDS


def command_of(verb: str) -> click.Command:
    module, _, name = COMMANDS[verb][0].partition(":")
    command: click.Command = getattr(importlib.import_module(module), name)
    return command


@pytest.mark.parametrize("verb", COMMANDS)
def test_the_list_says_what_the_command_says(verb: str) -> None:
    help_ = command_of(verb).help
    assert help_
    assert help_.splitlines()[0] == COMMANDS[verb][1]


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_lists_every_command(flag: str) -> None:
    typed = type_here(flag)
    assert typed.code == 0
    for verb, (_, line) in COMMANDS.items():
        assert [verb, *line.split()] in [shown.split() for shown in typed.lines]


@pytest.mark.parametrize("verb", COMMANDS)
def test_each_command_has_help(verb: str) -> None:
    typed = type_here(verb, "--help")
    assert typed.code == 0
    assert typed.out.startswith(f"Usage: tocsin {verb} ")


@pytest.mark.parametrize("verb", [verb for verb in COMMANDS if verb != "sim"])
def test_each_command_can_speak_json(verb: str) -> None:
    assert "--json" in type_here(verb, "--help").out


@pytest.mark.parametrize("verb", [verb for verb in COMMANDS if verb not in ("sim", "demo")])
def test_each_command_takes_a_profile(verb: str) -> None:
    assert "--profile" in type_here(verb, "--help").out


def test_version() -> None:
    assert type_here("--version").out == f"tocsin, version {__version__}\n"


def test_python_minus_m(empty: Town) -> None:
    assert empty.type_outside("--version").out == f"tocsin, version {__version__}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion_can_be_loaded(shell: str) -> None:
    typed = type_here(env={"_TOCSIN_COMPLETE": f"{shell}_source"})
    assert typed.code == 0
    assert "_TOCSIN_COMPLETE" in typed.out


def test_shell_completion_knows_verbs_and_options() -> None:
    for words, wanted in (("tocsin st", "status"), ("tocsin notify --ur", "--urgency")):
        env = {
            "_TOCSIN_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(words.count(" ")),
        }
        assert f"plain,{wanted}" in type_here(env=env).lines


def test_sim_hands_its_arguments_on() -> None:
    assert "baseline" in type_here("sim", "list").out
    assert type_here("sim", "run", "--help").out.startswith("Usage: tocsin sim run ")
    assert type_here("sim", "nosuch").mistake == "no such command 'nosuch': see: tocsin sim --help"
    assert type_here("sim", "run", "no.toml").mistake.startswith("no.toml: neither a file")


def test_sim_without_its_extra_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tocsin_sim.cli", None)
    assert type_here("sim", "list").mistake == (
        "the simulators need the extra 'sim' (tocsin_sim.cli is missing): "
        "install it with: uv tool install 'tocsin[sim]'"
    )
