"""Logs go to standard error and keep secrets to themselves."""

import json

import pytest
import structlog

from router.telemetry import configure_logs, mask_secrets


@pytest.fixture(autouse=True)
def _restore_logs() -> object:
    yield None
    structlog.reset_defaults()


def test_an_event_is_one_json_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", "json")
    structlog.get_logger(part="test").info("leg_filled", out_units=2**200, hot_password="hunter2")
    captured = capsys.readouterr()
    assert captured.out == ""
    event = json.loads(captured.err)
    assert event["event"] == "leg_filled"
    assert event["out_units"] == 2**200
    assert event["part"] == "test"
    assert "hunter2" not in captured.err


def test_events_below_the_level_are_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("warning", "text")
    structlog.get_logger(part="test").info("quiet")
    structlog.get_logger(part="test").warning("loud")
    shown = capsys.readouterr().err
    assert "loud" in shown
    assert "quiet" not in shown


@pytest.mark.parametrize("key", ["password", "hot_password", "api_secret", "private_key"])
def test_values_under_secret_keys_are_masked(key: str) -> None:
    assert mask_secrets(None, "", {key: "s3cret"}) == {key: "***"}
