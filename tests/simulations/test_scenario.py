"""Scenarios are read strictly, and what is wrong is said in one line that names the key.

Nothing is run here.
"""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulations.scenarios import SMALL, bent, read
from tocsin_sim.scenario import Churn, ScenarioError, load, parse, ready_names

CHURN = """
[[faults]]
kind = "churn"
at_ms = 1000
every_ms = 500
times = 2
nodes = 2
down_ms = 200
"""


def test_the_ready_scenarios_are_valid_and_ask_different_questions() -> None:
    names = ready_names()
    assert {"baseline", "churn"} <= set(names)
    loaded = [load(name) for name in names]
    assert [name for name, _ in loaded] == names
    questions = [scenario.question for _, scenario in loaded]
    assert all(question.endswith("?") for question in questions)
    assert len(set(questions)) == len(questions)


def test_the_numbers_in_a_ready_question_are_those_of_the_scenario() -> None:
    _, scenario = load("baseline")
    assert re.findall(r"\d+", scenario.question) == [
        str(scenario.traffic.envelopes),
        str(scenario.network.nodes),
    ]
    _, scenario = load("churn")
    (churn,) = scenario.faults
    assert (churn.nodes * 10, churn.down_ms, churn.every_ms) == (scenario.network.nodes, 10_000, 30_000)


def test_a_file_is_read_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(SMALL)
    assert load(str(path)) == ("mine", read())


def test_a_ready_name_wins_over_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "baseline").write_text(SMALL)
    monkeypatch.chdir(tmp_path)
    assert load("baseline")[1] != read()


def test_churn_is_read() -> None:
    assert read(more=CHURN).faults == (Churn(at_ms=1000, every_ms=500, times=2, nodes=2, down_ms=200),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (bent(("dials = 5", "dails = 5")), "network: object contains unknown field `dails`"),
        (bent(("dials = 5", "")), "network: object missing required field `dials`"),
        (bent(("nodes = 6", "nodes = 1")), "network.nodes: expected `int` >= 2"),
        (bent(("nodes = 6", 'nodes = "6"')), "network.nodes: expected `int`, got `str`"),
        (bent(("size = 512", "size = 500")), "traffic.size: invalid enum value 500"),
        (bent(("[10, 40]", "[10]")), "links.latency_ms: expected `array` of length 2, got 1"),
        (bent(("[10, 40]", "[40, 10]")), "links.latency_ms: the first number must not exceed the second"),
        (bent(("[10, 40]", "[-1, 10]")), "links.latency_ms[0]: expected `int` >= 0"),
        (bent(("seed = 1", f"seed = {1 << 64}")), "run.seed: must fit 64 bits"),
        (bent(("[run]\nseed = 1", "")), "object missing required field `run`"),
        (bent(("it work?", "it\\nwork?")), "question: expected `str` matching regex"),
        (bent(more="[stores]\ncount = 3\n"), "object contains unknown field `stores`"),
        (bent(more=CHURN.replace("churn", "flood")), "faults[0].kind: invalid value 'flood'"),
        (bent(more=CHURN.replace("nodes = 2", "nodes = 6")), "faults.nodes: all faults together must"),
        (bent(more=CHURN * 3), "faults.nodes: all faults together must leave a node running"),
        (bent(more=CHURN.replace("200", "500")), "faults.down_ms: must be less than every_ms"),
        ("question =", "not TOML: "),
        ("\udcff", "not TOML: "),
    ],
)
def test_what_is_wrong_is_named_in_one_line(text: str, said: str) -> None:
    with pytest.raises(ScenarioError) as error:
        parse("bad.toml", text.encode(errors="surrogateescape"))
    assert str(error.value).startswith(f"bad.toml: {said}")
    assert "\n" not in str(error.value)


def test_a_missing_scenario_names_those_that_there_are(tmp_path: Path) -> None:
    for missing in ("nonesuch", str(tmp_path)):
        with pytest.raises(ScenarioError, match=r"one of: baseline, churn$"):
            load(missing)


@given(data=st.one_of(st.binary(max_size=100), st.text(max_size=100).map(lambda text: text.encode())))
def test_any_file_is_a_scenario_or_our_error(data: bytes) -> None:
    with pytest.raises(ScenarioError):
        parse("any", data)


KEYS = ["question", "nodes", "dials", "latency_ms", "envelopes", "every_ms", "first_ms", "size", "seed"]
VALUES = ["0", "-1", "1.5", '""', "[]", "{}", "true", "[1, 2]", "1979-05-27", str(1 << 70)]


@given(key=st.sampled_from(KEYS), value=st.sampled_from(VALUES))
def test_any_value_is_taken_or_its_key_is_named(key: str, value: str) -> None:
    text = re.sub(rf"(?m)^{key} = .*$", f"{key} = {value}", SMALL)
    said = ""
    try:
        parse("any", text.encode())
    except ScenarioError as error:
        said = str(error)
    assert not said or key in said
