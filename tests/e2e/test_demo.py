"""`router demo`: from an empty folder to zero breaks, with a report, and nothing left running."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cli_run import Command, assert_money_is_text

pytestmark = pytest.mark.usefixtures("devnet_genesis")


def demo(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("router")), "demo", "--home", str(home), *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
    )


def assert_readable_report(home: Path, document: dict[str, Any]) -> None:
    picture = ET.parse(home / "route.svg")
    page = ET.fromstring((home / "report.html").read_text(encoding="utf-8"))
    shown, written = (" ".join(root.itertext()) for root in (picture.getroot(), page))
    for leg in document["quote"]["legs"]:
        assert leg["label"] in shown
        assert written.count(leg["label"]) >= 2, "in the picture and in the table"
    assert len(list(page.iter("table"))) == 4
    for expected in (
        "reconcile: 0 breaks",
        document["quote"]["amount_out"]["text"],
        document["order"]["order"]["order_id"],
        document["resumed"]["order"]["order_id"],
        "alice",
        "revenue/fee",
    ):
        assert expected in written, expected


def assert_down(home: Path) -> None:
    stopped = Command(home)("devnet", "status", "--json")
    assert (stopped.code, stopped.document["condition"]) == (1, "stopped")


def test_the_demo_ends_with_zero_breaks_and_leaves_nothing_running(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    done = demo(home, COLUMNS="100")
    assert (done.returncode, done.stderr) == (0, ""), done
    lines = done.stdout.splitlines()
    assert lines[-1].startswith("reconcile: 0 breaks")
    assert max(map(len, lines)) <= 100 + len(str(home)), "only a path may be longer"
    assert "is signed and was never sent" in done.stdout
    assert "…" not in done.stdout
    assert_down(home)


def test_as_json_it_is_one_document_whatever_this_machine_is_configured_for(
    tmp_path: Path,
) -> None:
    home = tmp_path / "demo"
    home.mkdir()
    done = demo(
        home,
        "--json",
        ROUTER_CONFIG=str(tmp_path / "none.toml"),
        ROUTER__CHAIN__ATTACH="none",
        ROUTER__STORAGE__URL_ENV="NO_SUCH_DATABASE",
    )
    assert (done.returncode, done.stderr) == (0, ""), done

    document = json.loads(done.stdout)
    assert_money_is_text(document)
    assert document["succeeded"] is True
    assert document["report"]["breaks"] == []
    assert len({leg["protocol"] for leg in document["quote"]["legs"]}) >= 2
    assert document["order"]["status"] == document["resumed"]["status"] == "settled"
    assert document["order"]["received_units"] == document["quote"]["amount_out"]["units"]
    assert (document["killed_with_signal"], document["intent_after_kill"]) == (9, "signed")
    assert document["payments_of_resumed"] == 1
    assert document["files"] == [str(home / "route.svg"), str(home / "report.html")]
    assert_readable_report(home, document)
    assert_down(home)


def test_a_folder_that_is_no_demo_is_left_alone(tmp_path: Path) -> None:
    kept = tmp_path / "mine.txt"
    kept.write_text("mine")
    for home in (tmp_path, kept):
        refused = Command(home)("demo")
        assert (refused.error_code, refused.code) == ("USAGE", 2)
        assert kept.read_text() == "mine"
