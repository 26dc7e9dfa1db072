"""Records that fill every column, and a way to look at a database from outside."""

import sqlalchemy as sa

from router.domain.assets import Asset
from router.domain.ledger import Entry, Journal, JournalKind, wallet_account
from router.domain.market import BlockRef, Protocol
from router.domain.orders import (
    OrderState,
    OrderStatus,
    RouteConstraints,
    SwapMode,
    SwapOrder,
)
from router.domain.settlement import Attempt, Intent, IntentKind, IntentState, TxRequest
from router.domain.taking import TakerFill

WETH = Asset(symbol="WETH", decimals=18, chain_id=31337, address="0x" + "1" * 40)
USDC = Asset(symbol="USDC", decimals=6, chain_id=31337, address="0x" + "2" * 40)
MAX = 2**256 - 1
BLOCK = BlockRef(number=7, hash="0xb7", parent_hash="0xb6", timestamp_s=99, base_fee_wei=2**70)


FILL = TakerFill(filled_lots=3, paid_units=MAX, received_units=2**200, fee_units=0)
ORDER = OrderState(
    order=SwapOrder(
        order_id="o1",
        client_order_id="c1",
        account="user/ann",
        mode=SwapMode.EXACT_OUT,
        asset_in=WETH,
        asset_out=USDC,
        amount_units=MAX,
        limit_units=MAX,
        deadline_s=2**33,
        created_ms=2**41,
        constraints=RouteConstraints(
            max_hops=2,
            excluded_venues=frozenset({"book"}),
            included_protocols=frozenset({Protocol.UNISWAP_V2}),
        ),
    ),
    status=OrderStatus.ACCEPTED,
    hold_id="h1",
)


def intent(intent_id: str, nonce: int) -> Intent:
    return Intent(
        intent_id=intent_id,
        kind=IntentKind.SWAP,
        state=IntentState.RESERVED,
        chain_id=31337,
        sender="0xA",
        nonce=nonce,
        request=TxRequest(to="0xB", data=b"\x00\xff", value_wei=MAX, gas_limit=10**7),
        reference="o1",
        hold_id="h1",
        details="{}",
        created_ms=2**41,
    )


def attempt(tx_hash: str, intent_id: str) -> Attempt:
    return Attempt(
        tx_hash=tx_hash, intent_id=intent_id, raw=b"\x02\x00", max_fee_wei=2**80, max_tip_wei=1
    )


def bare(url: str) -> sa.Engine:
    """Connect as another program would."""
    return sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))


def deposit(key: str, units: int, account: str = "user/ann", asset: str = "USDC") -> Journal:
    return Journal(
        key=key,
        kind=JournalKind.DEPOSIT,
        entries=(
            Entry(account=wallet_account("0xA"), asset=asset, units=units),
            Entry(account=account, asset=asset, units=-units),
        ),
        memo="nämlich",
        reference="ref",
    )
