"""Scenarios: one TOML file that asks one question, read strictly, and those that come with the package.

It says what is to be simulated; how is the engine's business.
"""

import re
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from tocsin_sim.streams import SEED_MAX

SUFFIX = ".toml"
MILLISECONDS_MAX = 7 * 24 * 3_600_000
"""A week: the longest life of an envelope."""
NODES_MAX = 100_000
DIALS_MAX = 32
"""As many again dial a node on average; far below what a router has room for."""
ENVELOPES_MAX = 100_000

Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=MILLISECONDS_MAX)]


class ScenarioError(Exception):
    """One line for a person: which scenario, which key, and what is wrong with it."""


class NetworkPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Each node dials `dials` others at random; links carry both ways."""

    nodes: Annotated[int, msgspec.Meta(ge=2, le=NODES_MAX)]
    dials: Annotated[int, msgspec.Meta(ge=1, le=DIALS_MAX)]


class LinksPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Each link draws its latency once, uniformly between the two."""

    latency_ms: tuple[Milliseconds, Milliseconds]


class TrafficPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One envelope after the other, each published by a node that is drawn from those running."""

    envelopes: Annotated[int, msgspec.Meta(ge=1, le=ENVELOPES_MAX)]
    every_ms: Milliseconds
    first_ms: Milliseconds
    size: Literal[512, 1024, 2048, 5120] = 512


class Churn(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="churn"
):
    """From `at_ms` on, every `every_ms` and `times` in all, `nodes` stop and start again after `down_ms`."""

    at_ms: Milliseconds
    every_ms: Milliseconds
    times: Annotated[int, msgspec.Meta(ge=1, le=10_000)]
    nodes: Annotated[int, msgspec.Meta(ge=1, le=NODES_MAX)]
    down_ms: Milliseconds


class RunPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    seed: Annotated[int, msgspec.Meta(ge=0)]


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every table is strict: a key that is not known is an error, never ignored."""

    question: Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\n]*$")]
    network: NetworkPart
    links: LinksPart
    traffic: TrafficPart
    faults: tuple[Churn, ...] = ()
    run: RunPart


def ready_names() -> list[str]:
    return sorted(file.name.removesuffix(SUFFIX) for file in _ready().iterdir() if file.name.endswith(SUFFIX))


def load(name_or_path: str) -> tuple[str, Scenario]:
    """A ready scenario by its name, or any other by its file; its name and what it says."""
    if name_or_path in ready_names():
        return name_or_path, parse(name_or_path, (_ready() / f"{name_or_path}{SUFFIX}").read_bytes())
    path = Path(name_or_path)
    try:
        return path.stem, parse(path.name, path.read_bytes())
    except OSError:
        known = ", ".join(ready_names())
        raise ScenarioError(f"{name_or_path}: neither a file that can be read nor one of: {known}") from None


def parse(name: str, data: bytes) -> Scenario:
    try:
        scenario = msgspec.toml.decode(data, type=Scenario)
    except msgspec.ValidationError as error:
        raise ScenarioError(f"{name}: {_name_key(str(error))}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{name}: not TOML: {error}") from None
    flaw = _find_flaw(scenario)
    if flaw is not None:
        raise ScenarioError(f"{name}: {flaw}")
    return scenario


def _find_flaw(scenario: Scenario) -> str | None:
    """What types alone cannot say."""
    low, high = scenario.links.latency_ms
    if low > high:
        return "links.latency_ms: the first number must not exceed the second"
    if scenario.run.seed > SEED_MAX:
        return "run.seed: must fit 64 bits"
    if sum(churn.nodes for churn in scenario.faults) >= scenario.network.nodes:
        return "faults.nodes: all faults together must leave a node running"
    if any(churn.down_ms >= churn.every_ms for churn in scenario.faults):
        return "faults.down_ms: must be less than every_ms"
    return None


def _name_key(text: str) -> str:
    """From "Expected `int` >= 2 - at `$.network.nodes`" to "network.nodes: expected `int` >= 2"."""
    what, _, where = text.rpartition(" - at ")
    if not what:
        what, where = text, ""
    key = re.sub(r"^`\$\.?|`$", "", where)
    said = what[:1].lower() + what[1:]
    return f"{key}: {said}" if key else said


def _ready() -> Traversable:
    return resources.files("tocsin_sim") / "scenarios"
