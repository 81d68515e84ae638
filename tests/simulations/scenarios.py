"""A small scenario that the tests bend to their needs, and the shortest way to run one.

It holds no tests.
"""

from tocsin_sim.core.engine import Engine
from tocsin_sim.results import Result, summarise
from tocsin_sim.scenario import Scenario, parse

SMALL = """
question = "Does it work?"
[network]
nodes = 6
dials = 5
[links]
latency_ms = [10, 40]
[traffic]
envelopes = 5
every_ms = 100
first_ms = 1000
size = 512
[run]
seed = 1
"""


def bent(*changes: tuple[str, str], more: str = "") -> str:
    text = SMALL
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after)
    return text + more


def read(*changes: tuple[str, str], more: str = "") -> Scenario:
    return parse("small", bent(*changes, more=more).encode())


def run(scenario: Scenario, seed: int = 1) -> tuple[Engine, Result]:
    engine = Engine(scenario, seed)
    engine.run(lambda _done: None)
    result = summarise(
        name="small", scenario=scenario, seed=seed, tally=engine.tally, virtual_us=engine.now_us, wall_s=1.0
    )
    return engine, result
