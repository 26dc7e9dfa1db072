"""Settings and deployment joined: what the program works on, every name resolved."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from eth_utils.address import is_checksum_address

from connectors.chain import anvil
from connectors.chain.deployment import Deployment
from connectors.chain.devnet_state import DevnetState, deployment_path
from router.domain.assets import NATIVE_ADDRESS, Asset, AssetRegistry
from router.domain.custody import Marks
from router.domain.errors import FailureError, UsageError
from router.domain.market import Instrument
from router.domain.transfers import RESERVED_ADDRESS_MAX
from router.settings import InstrumentSettings, Settings, parse_amount

# role on the devnet -> client account
DEVNET_CLIENTS = {"alice": "alice", "bob": "bob", "market_maker": "maker"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Everything that follows from the configuration alone; no connection is open yet.

    `owners` maps deposit senders to client accounts; `order_limits` is the most base units that
    one order may sell per asset; `cex_instruments` is by venue name.
    """

    settings: Settings
    rpc_url: str
    deployment: Deployment
    registry: AssetRegistry
    coin: Asset
    wrapped_native: Asset
    cold_address: str
    owners: Mapping[str, str]
    capital_sources: frozenset[str]
    marks: tuple[Marks, ...]
    instruments: tuple[Instrument, ...]
    order_limits: Mapping[Asset, int]
    cex_instruments: Mapping[str, tuple[Instrument, ...]]

    @property
    def executor(self) -> str:
        return self.contract("RouteExecutor")

    @property
    def permit_contract(self) -> str:
        return self.contract("Permit2")

    def contract(self, name: str) -> str:
        address = self.deployment.contracts.get(name)
        if address is None:
            raise UsageError("CONFIG_INVALID", f"The deployment names no contract {name}.")
        return address


async def load_profile(settings: Settings) -> Profile:
    """Resolve the settings against the deployment they name.

    Raises:
        UsageError: CONFIG_INVALID, CONFIG_NOT_FOUND or ASSET_UNKNOWN.
        FailureError: DEVNET_NOT_RUNNING or DEVNET_DEAD.
    """
    if settings.chain.attach == "devnet":
        rpc_url, deployment = await asyncio.to_thread(_devnet, settings)
        roles = deployment.roles
        owners = {roles[role]: name for role, name in DEVNET_CLIENTS.items() if role in roles}
        capital = frozenset({roles["deployer"]}) if "deployer" in roles else frozenset()
    else:
        rpc_url = settings.chain.rpc_url
        path = settings.below_home(settings.chain.deployment_file)
        deployment = await asyncio.to_thread(Deployment.load, path)
        owners, capital = {}, frozenset()
    if deployment.chain_id != settings.chain.chain_id:
        raise FailureError(
            "CHAIN_MISMATCH",
            f"The deployment is on chain {deployment.chain_id}; configured is chain "
            f"{settings.chain.chain_id}.",
        )
    return _profile(settings, rpc_url, deployment, owners, capital)


def _devnet(settings: Settings) -> tuple[str, Deployment]:
    state = DevnetState.load(settings.home_path)
    if not anvil.is_running(state.node):
        raise FailureError("DEVNET_DEAD", "The devnet's process is gone; run `router devnet up`.")
    deployment = Deployment.load(deployment_path(settings.home_path))
    return settings.chain.rpc_url or state.node.url, deployment


def _profile(
    settings: Settings,
    rpc_url: str,
    deployment: Deployment,
    owners: dict[str, str],
    capital_sources: frozenset[str],
) -> Profile:
    registry = deployment.registry
    configured = {item.deposit_sender: name for name, item in settings.accounts.items()}
    cold = _cold_address(settings, deployment)
    limits = [parse_amount(text, registry) for text in settings.risk.order_limits]
    return Profile(
        settings=settings,
        rpc_url=rpc_url,
        deployment=deployment,
        registry=registry,
        coin=_coin(registry, deployment.chain_id),
        wrapped_native=registry.by_symbol(settings.chain.wrapped_native),
        cold_address=cold,
        owners={**owners, **configured},
        capital_sources=capital_sources,
        marks=tuple(_marks(settings, registry)),
        instruments=tuple(instrument_of(item, registry) for item in settings.book.instruments),
        order_limits={limit.asset: limit.units for limit in limits},
        cex_instruments={
            name: tuple(instrument_of(item, registry) for item in venue.instruments)
            for name, venue in settings.cex.venues.items()
        },
    )


def _cold_address(settings: Settings, deployment: Deployment) -> str:
    """Return the address that sweeps pay to, any amount: a mistyped one would lose it all.

    Raises:
        UsageError: CONFIG_INVALID.
    """
    cold = settings.wallets.cold_address or deployment.roles.get("cold", "")
    if not cold:
        raise UsageError("CONFIG_INVALID", "wallets.cold_address is not set.")
    if not is_checksum_address(cold) or int(cold, 16) <= RESERVED_ADDRESS_MAX:
        raise UsageError(
            "CONFIG_INVALID", f"wallets.cold_address {cold} is no address with an EIP-55 checksum."
        )
    contracts = {*deployment.contracts.values(), *(p.address for p in deployment.pools)}
    contracts |= {asset.address for asset in deployment.assets}
    if cold in contracts | {deployment.roles.get("hot")}:
        raise UsageError("CONFIG_INVALID", f"wallets.cold_address {cold} is no cold wallet.")
    return cold


def _coin(registry: AssetRegistry, chain_id: int) -> Asset:
    listed = registry.by_address(NATIVE_ADDRESS)
    if listed is not None:
        return listed
    return Asset(
        symbol="ETH", decimals=18, chain_id=chain_id, address=NATIVE_ADDRESS, routable=False
    )


def _marks(settings: Settings, registry: AssetRegistry) -> list[Marks]:
    marks = []
    for item in settings.wallets.marks:
        low, target, high = (parse_amount(t, registry) for t in (item.low, item.target, item.high))
        if not (low.asset == target.asset == high.asset and low <= target <= high):
            raise UsageError(
                "CONFIG_INVALID", f"wallets.marks: {low}, {target}, {high} are not low to high."
            )
        marks.append(Marks(asset=low.asset, low=low.units, target=target.units, high=high.units))
    return marks


def instrument_of(item: InstrumentSettings, registry: AssetRegistry) -> Instrument:
    """Return the instrument of a lot in base and a tick in quote per one whole base.

    Raises:
        UsageError: CONFIG_INVALID when a lot at one tick is not whole base units of the quote.
    """
    lot, tick = parse_amount(item.lot, registry), parse_amount(item.tick, registry)
    symbol = f"{lot.asset}/{tick.asset}"
    tick_units, rest = divmod(tick.units * lot.units, lot.asset.one_in_units)
    if rest or tick_units == 0:
        raise UsageError(
            "CONFIG_INVALID",
            f"{symbol}: a lot of {lot} at a tick of {tick} is not whole base units of "
            f"{tick.asset}; make one of them larger.",
        )
    if lot.asset == tick.asset or item.maker_fee_ppm > item.taker_fee_ppm:
        raise UsageError(
            "CONFIG_INVALID", f"{symbol}: two assets, and maker fee at most taker fee."
        )
    return Instrument(
        symbol=symbol,
        base=lot.asset,
        quote=tick.asset,
        lot_units=lot.units,
        tick_units=tick_units,
        taker_fee_ppm=item.taker_fee_ppm,
        maker_fee_ppm=item.maker_fee_ppm,
    )
