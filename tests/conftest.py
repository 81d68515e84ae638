"""Hypothesis profiles for every test: `default` says the same on each run, `fuzz` looks for news.

It holds no fixtures; those live beside the tests that use them.
"""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("default", derandomize=True, database=None, deadline=None, print_blob=True)
settings.register_profile(
    "fuzz",
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "20000")),
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
