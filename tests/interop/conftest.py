"""What the interop tests need installed before they start."""

import pytest

from tests.interop.js_peer import install_js


@pytest.fixture(scope="session")
def js_installed() -> None:
    """The js peer's packages are where node finds them."""
    install_js()
