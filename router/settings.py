"""Configuration: defaults, then a TOML file, then the environment, then explicit overrides.

Every key is documented in `docs/reference/config.md`. Durations carry their unit in the key's
name, amounts are strings with their asset ("2500 USDC"), and a secret is never a value here: it is
named by file path or by environment variable.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from router.domain.amounts import Amount
from router.domain.assets import AssetRegistry
from router.domain.errors import UsageError
from router.wire import Name

ENV_PREFIX = "ROUTER__"
CONFIG_ENV = "ROUTER_CONFIG"
HOME_ENV = "ROUTER_HOME"
_ADDRESS = r"^(0x[0-9a-fA-F]{40})?$"


def _amount_text(text: str) -> str:
    parts = text.split()
    if len(parts) != 2:
        raise ValueError('an amount is written with its asset, such as "2500 USDC"')
    return f"{parts[0]} {parts[1]}"


AmountText = Annotated[str, AfterValidator(_amount_text)]
Address = Annotated[str, Field(pattern=_ADDRESS)]


def parse_amount(text: str, registry: AssetRegistry) -> Amount:
    """Parse "2500 USDC" against the listed assets.

    Raises:
        UsageError: CONFIG_INVALID, ASSET_UNKNOWN, or what `Amount.parse` raises.
    """
    number, _, symbol = text.partition(" ")
    if not symbol:
        raise UsageError("CONFIG_INVALID", f'{text!r} is not an amount such as "2500 USDC".')
    return Amount.parse(number, registry.by_symbol(symbol.strip()))


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ChainSettings(_Section):
    """The chain that trades settle on."""

    attach: Literal["devnet", "none"] = "devnet"
    rpc_url: str = ""
    chain_id: int = Field(default=31337, ge=1)
    deployment_file: str = ""
    confirmations: int = Field(default=1, ge=1, le=1_000)
    call_timeout_ms: int = Field(default=5_000, ge=10)
    inclusion_timeout_ms: int = Field(default=60_000, ge=100)
    poll_interval_ms: int = Field(default=50, ge=1)
    gas_price_floor_wei: int = Field(default=1_000_000_000, ge=0)
    gas_price_cap_wei: int = Field(default=500_000_000_000, ge=1)
    wrapped_native: str = "WETH"

    @model_validator(mode="after")
    def _check(self) -> "ChainSettings":
        if self.attach == "none" and not (self.rpc_url and self.deployment_file):
            raise ValueError('attach = "none" needs rpc_url and deployment_file')
        if self.gas_price_floor_wei > self.gas_price_cap_wei:
            raise ValueError("gas_price_floor_wei is above gas_price_cap_wei")
        return self


class MarkSettings(_Section):
    """Thresholds of one asset in the hot wallet."""

    low: AmountText
    target: AmountText
    high: AmountText


class WalletSettings(_Section):
    """Keys and thresholds of the two wallets; relative paths are below `home`."""

    hot_keystore: str = "keys/hot.json"
    hot_password_file: str = "keys/hot.password"  # noqa: S105 - a path, not a password
    cold_address: Address = ""
    marks: tuple[MarkSettings, ...] = (
        MarkSettings(low="5 WETH", target="500 WETH", high="2000 WETH"),
        MarkSettings(low="20000 USDC", target="2000000 USDC", high="8000000 USDC"),
        MarkSettings(low="20000 USDT", target="2000000 USDT", high="8000000 USDT"),
        MarkSettings(low="20000 DAI", target="2000000 DAI", high="8000000 DAI"),
        MarkSettings(low="0.5 WBTC", target="50 WBTC", high="200 WBTC"),
    )


class AccountSettings(_Section):
    """A client account: deposits from `deposit_sender` are credited to it."""

    deposit_sender: Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{40}$")]


class InstrumentSettings(_Section):
    """A pair of our own book: `lot` in base, `tick` in quote per one whole base."""

    lot: AmountText
    tick: AmountText
    taker_fee_ppm: int = Field(default=500, ge=0, lt=1_000_000)
    maker_fee_ppm: int = Field(default=0, ge=0, lt=1_000_000)


class BookSettings(_Section):
    """Our own order book."""

    instruments: tuple[InstrumentSettings, ...] = (
        InstrumentSettings(lot="0.0001 WETH", tick="0.01 USDC"),
        InstrumentSettings(lot="0.00001 WBTC", tick="0.1 USDC"),
        InstrumentSettings(lot="0.01 LINK", tick="0.0001 USDC"),
    )
    depth: int = Field(default=200, ge=1, le=10_000)


class RoutingSettings(_Section):
    """How an order is split and how long a quote stands."""

    quote_ttl_ms: int = Field(default=30_000, ge=1)
    order_ttl_ms: int = Field(default=120_000, ge=1)
    slippage_bps: int = Field(default=50, ge=0, le=10_000)
    max_hops: int = Field(default=3, ge=1, le=6)
    max_legs: int = Field(default=16, ge=1, le=32)
    base_gas: int = Field(default=102_000, ge=0)
    thin_liquidity_bps: int = Field(default=300, ge=0, le=10_000)
    price_guard_bps: int = Field(default=1_000, ge=0, le=10_000)
    reference_warn_bps: int = Field(default=100, ge=0, le=10_000)
    reference_refuse_bps: int = Field(default=500, ge=0, le=10_000)
    reference_fresh_ms: int = Field(default=2_000, ge=0)
    attempts: int = Field(default=3, ge=1, le=10)


class RiskSettings(_Section):
    """Limits that an order meets before anything is held."""

    order_limits: tuple[AmountText, ...] = ()
    max_slippage_bps: int = Field(default=1_000, ge=0, le=10_000)


class CexVenueSettings(_Section):
    """An external exchange whose books are shown beside ours; orders are not sent there."""

    exchange: str
    kind: Literal["ccxt"] = "ccxt"
    instruments: tuple[InstrumentSettings, ...] = ()
    depth: int = Field(default=50, ge=1, le=1_000)
    call_timeout_ms: int = Field(default=5_000, ge=10)
    api_key_env: str = ""
    api_secret_env: str = ""


class CexSettings(_Section):
    """External exchanges by name; none by default."""

    venues: dict[str, CexVenueSettings] = Field(default_factory=dict)


class ScheduleSettings(_Section):
    """What `router serve` does on a timer."""

    reconcile_interval_ms: int = Field(default=30_000, ge=50)
    sweep_interval_ms: int = Field(default=60_000, ge=50)
    pool_refresh_interval_ms: int = Field(default=2_000, ge=50)
    deposit_scan_interval_ms: int = Field(default=1_000, ge=50)
    settle_interval_ms: int = Field(default=500, ge=50)
    stop_timeout_ms: int = Field(default=10_000, ge=1)


class StorageSettings(_Section):
    """Where ledger and orders are kept: an SQLite file below `home`, or PostgreSQL."""

    url_env: str = ""


class LogSettings(_Section):
    """Logs go to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "warning"
    format: Literal["text", "json"] = "text"


class Settings(BaseSettings):
    """The whole configuration; the defaults are the devnet profile."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=ENV_PREFIX, env_nested_delimiter="__"
    )

    home: str = "var"
    chain: ChainSettings = ChainSettings()
    wallets: WalletSettings = WalletSettings()
    accounts: dict[Name, AccountSettings] = Field(default_factory=dict)
    book: BookSettings = BookSettings()
    routing: RoutingSettings = RoutingSettings()
    risk: RiskSettings = RiskSettings()
    cex: CexSettings = CexSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    storage: StorageSettings = StorageSettings()
    log: LogSettings = LogSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the layers, strongest first; the file arrives as the init argument `_file`."""
        assert isinstance(init_settings, InitSettingsSource)
        given = dict(init_settings.init_kwargs)
        document = given.pop(_FILE_LAYER, {})
        return (
            InitSettingsSource(settings_cls, init_kwargs=given),
            env_settings,
            InitSettingsSource(settings_cls, init_kwargs=document),
        )

    @property
    def home_path(self) -> Path:
        return Path(self.home).expanduser().resolve()

    def below_home(self, path: str) -> Path:
        """Return `path` as given when absolute, else below `home`."""
        return self.home_path / Path(path).expanduser()


_FILE_LAYER = "file_layer"


def load_settings(
    path: str | Path | None = None, overrides: Mapping[str, Any] | None = None
) -> Settings:
    """Read the configuration; without a path the file named by ROUTER_CONFIG, else no file.

    Raises:
        UsageError: CONFIG_NOT_FOUND, CONFIG_UNKNOWN_KEY or CONFIG_INVALID.
    """
    chosen = path or os.environ.get(CONFIG_ENV)
    document = _read_toml(Path(chosen)) if chosen else {}
    if HOME_ENV in os.environ:
        document = {**document, "home": os.environ[HOME_ENV]}
    _refuse_unknown_environment()
    layers = {**(overrides or {}), _FILE_LAYER: document}
    try:
        return Settings(**layers)
    except ValidationError as error:
        raise _as_usage_error(error) from error


def known_keys(model: type[BaseModel] = Settings, prefix: str = "") -> dict[str, Any]:
    """Return every dotted key with its default; `<name>` is a free name, `[]` an item."""
    keys: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        dotted = f"{prefix}{name}"
        inner, step = _inner_model(field.annotation)
        if inner is None:
            keys[dotted] = field.get_default(call_default_factory=True)
        else:
            keys.update(known_keys(inner, f"{dotted}{step}."))
    return keys


def _inner_model(annotation: Any) -> tuple[type[BaseModel] | None, str]:  # noqa: ANN401
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, ""
    origin = get_origin(annotation)
    step = ".<name>" if origin is dict else "[]" if origin is tuple else ""
    for argument in get_args(annotation):
        if isinstance(argument, type) and issubclass(argument, BaseModel):
            return argument, step
    return None, ""


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.expanduser().read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError("CONFIG_NOT_FOUND", f"{path} does not exist.") from error
    except OSError as error:
        raise UsageError("CONFIG_INVALID", f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError("CONFIG_INVALID", f"{path} is not TOML: {error}.") from error


def _refuse_unknown_environment() -> None:
    """Pydantic ignores unknown variables at the top level, which would hide a typing error."""
    for name in os.environ:
        section = name.removeprefix(ENV_PREFIX).partition("__")[0].lower()
        if name.startswith(ENV_PREFIX) and section not in Settings.model_fields:
            raise _unknown_key(name, section, list(Settings.model_fields))


def _as_usage_error(error: ValidationError) -> UsageError:
    found = error.errors(include_url=False)
    # A mistyped key also leaves its right spelling missing: the unknown key is the better news.
    first = next((e for e in found if e["type"] == "extra_forbidden"), found[0])
    path = [str(part) for part in first["loc"]]
    dotted = ".".join(path)
    if first["type"] == "extra_forbidden":
        return _unknown_key(dotted, path[-1], _siblings(path[:-1]))
    reason = str(first["msg"]).removeprefix("Value error, ")
    return UsageError("CONFIG_INVALID", f"{dotted or 'The configuration'}: {reason}.")


def _siblings(path: list[str]) -> list[str]:
    model: type[BaseModel] | None = Settings
    waiting = list(path)
    while waiting and model is not None:
        field = model.model_fields.get(waiting.pop(0))
        model, step = _inner_model(field.annotation) if field else (None, "")
        if step and waiting:
            waiting.pop(0)
    return list(model.model_fields) if model else []


def _unknown_key(shown: str, name: str, known: list[str]) -> UsageError:
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(close)}?" if close else f"; known: {', '.join(known)}."
    return UsageError("CONFIG_UNKNOWN_KEY", f"{shown} is not a configuration key{hint}")
