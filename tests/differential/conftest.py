"""Fixture: both copies of the on-chain recordings."""

import pytest

from tests.differential.recordings import FULL_SET, ROOTS, Recording


@pytest.fixture(params=sorted(ROOTS))
def recording(request: pytest.FixtureRequest) -> Recording:
    root = ROOTS[request.param]
    if not root.exists():
        pytest.skip(f"the full set of recordings is not at {FULL_SET}")
    return Recording(root)
