"""One market per module on the module's own node; every test is rolled back."""

from collections.abc import Iterator

import pytest

from connectors.chain.anvil import OwnedAnvil
from tests.integration.contracts.evm import Evm
from tests.integration.contracts.market import Market, build_market


@pytest.fixture(scope="module")
def evm(devnet_process: OwnedAnvil) -> Iterator[Evm]:
    client = Evm(devnet_process.node.url)
    yield client
    client.close()


@pytest.fixture(scope="module")
def built_market(evm: Evm) -> Market:
    return build_market(evm)


@pytest.fixture
def market(built_market: Market) -> Iterator[Market]:
    with built_market.evm.rolled_back():
        yield built_market
