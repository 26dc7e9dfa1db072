"""Databases that the tests of this folder open are closed after each."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.router.execution.execution_world import OPENED


@pytest.fixture(autouse=True)
async def close_worlds() -> AsyncIterator[None]:
    yield
    while OPENED:
        await OPENED.pop().close()
