"""The layers of the configuration and what they refuse."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from router.domain.assets import Asset, AssetRegistry
from router.domain.errors import UsageError
from router.settings import Settings, known_keys, load_settings, parse_amount

ROOT = Path(__file__).resolve().parents[4]
CONFIG_FILES = sorted((ROOT / "config").glob("*.toml"))
USDC = Asset(symbol="USDC", decimals=6, chain_id=31337, address="0x" + "1" * 40)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("ROUTER_"):
            monkeypatch.delenv(name)


def test_every_file_in_config_loads() -> None:
    assert len(CONFIG_FILES) >= 2
    for path in CONFIG_FILES:
        assert load_settings(path).chain.chain_id == 31337


def test_the_default_file_says_what_is_built_in() -> None:
    assert load_settings(ROOT / "config/default.toml") == Settings()


def test_the_default_file_names_every_key_that_has_a_default() -> None:
    written = tomllib.loads((ROOT / "config/default.toml").read_text())
    for key in known_keys():
        if "[]" in key or "<" in key:
            continue
        section: Any = written
        for part in key.split("."):
            assert part in section, f"config/default.toml misses {key}"
            section = section[part]


def test_every_key_of_the_default_file_is_explained_right_above_it() -> None:
    lines = (ROOT / "config/default.toml").read_text().splitlines()
    in_list = False
    for number, line in enumerate(lines):
        if line.startswith("["):
            in_list = line.startswith("[[")
        elif re.match(r"\w+ = ", line) and not in_list:
            assert lines[number - 1].startswith("# "), line


def test_the_reference_page_has_every_key_with_its_default() -> None:
    page = (ROOT / "docs/reference/config.md").read_text()
    rows = dict(re.findall(r"^\| `([^`]+)` \| (.+?) \| .+ \|$", page, re.MULTILINE))
    keys = known_keys()
    assert rows.keys() == keys.keys()
    for key, default in keys.items():
        shown = rows[key]
        if type(default).__name__ == "PydanticUndefinedType":
            assert shown == "required", key
        else:
            assert json.loads(shown.strip("`")) == (list(default) if default == () else default)


def test_a_stronger_layer_wins_key_by_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "router.toml"
    file.write_text("[chain]\nconfirmations = 2\nchain_id = 7\npoll_interval_ms = 9\n")
    monkeypatch.setenv("ROUTER__CHAIN__CONFIRMATIONS", "3")
    monkeypatch.setenv("ROUTER__CHAIN__CHAIN_ID", "8")
    chain = load_settings(file, {"chain": {"confirmations": 4}}).chain
    assert (chain.confirmations, chain.chain_id, chain.poll_interval_ms) == (4, 8, 9)
    assert chain.call_timeout_ms == Settings().chain.call_timeout_ms


def test_the_file_can_be_named_by_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "router.toml"
    file.write_text('home = "elsewhere"\n')
    monkeypatch.setenv("ROUTER_CONFIG", str(file))
    assert load_settings().home == "elsewhere"


def test_the_home_has_a_short_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "router.toml"
    file.write_text('home = "in-the-file"\n')
    monkeypatch.setenv("ROUTER_HOME", "short")
    assert load_settings(file).home == "short"
    monkeypatch.setenv("ROUTER__HOME", "long")
    assert load_settings(file).home == "long"
    assert load_settings(file, {"home": "given"}).home == "given"


@pytest.mark.parametrize(
    ("toml", "code", "words"),
    [
        ("[chain]\nchainid = 1", "CONFIG_UNKNOWN_KEY", ["chain.chainid", "chain_id"]),
        ("[rooting]\nmax_hops = 1", "CONFIG_UNKNOWN_KEY", ["rooting", "routing"]),
        (
            '[[book.instruments]]\nlot = "1 A"\ntik = "1 B"',
            "CONFIG_UNKNOWN_KEY",
            ["book.instruments.0.tik", "tick"],
        ),
        ('[chain]\nchain_id = "one"', "CONFIG_INVALID", ["chain.chain_id"]),
        ("[chain]\nconfirmations = 0", "CONFIG_INVALID", ["chain.confirmations"]),
        ('[[wallets.marks]]\nlow = "1"', "CONFIG_INVALID", ["wallets.marks.0"]),
        ('[accounts.eve]\ndeposit_sender = "0x12"', "CONFIG_INVALID", ["accounts.eve"]),
        (f'[accounts."a/b"]\ndeposit_sender = "0x{"1" * 40}"', "CONFIG_INVALID", ["a/b"]),
        ('[chain]\nattach = "none"', "CONFIG_INVALID", ["rpc_url"]),
        ("[chain", "CONFIG_INVALID", ["TOML"]),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence_that_names_the_key(
    tmp_path: Path, toml: str, code: str, words: list[str]
) -> None:
    file = tmp_path / "router.toml"
    file.write_text(toml)
    with pytest.raises(UsageError) as caught:
        load_settings(file)
    assert caught.value.code == code
    assert "\n" not in caught.value.message
    for word in words:
        assert word in caught.value.message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.toml") as caught:
        load_settings(tmp_path / "nowhere.toml")
    assert caught.value.code == "CONFIG_NOT_FOUND"


@pytest.mark.parametrize("name", ["ROUTER__CHAIM__CHAIN_ID", "ROUTER__CHAIN__CHAINID"])
def test_a_mistyped_variable_is_not_ignored(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "5")
    with pytest.raises(UsageError) as caught:
        load_settings()
    assert caught.value.code == "CONFIG_UNKNOWN_KEY"
    assert "chain" in caught.value.message


def test_an_amount_is_read_with_its_asset() -> None:
    registry = AssetRegistry([USDC])
    assert parse_amount("2500 USDC", registry).units == 2_500_000_000
    for text, code in [
        ("2500", "CONFIG_INVALID"),
        ("1 WETH", "ASSET_UNKNOWN"),
        ("x USDC", "AMOUNT_INVALID"),
        ("0.0000001 USDC", "AMOUNT_PRECISION"),
    ]:
        with pytest.raises(UsageError) as caught:
            parse_amount(text, registry)
        assert caught.value.code == code
