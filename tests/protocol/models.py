"""How long the stateful models play.

It holds no model; those are in the test files.
"""

from hypothesis import settings

EXAMPLES_BY_DEFAULT = 100


def plays(examples: int, steps: int) -> settings:
    """So many by default; a profile that asks for more examples gets more of these in proportion."""
    in_proportion = examples * settings().max_examples // EXAMPLES_BY_DEFAULT
    return settings(max_examples=in_proportion, stateful_step_count=steps)
