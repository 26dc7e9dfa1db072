"""Pages that are written from the code are as fresh as the code."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from router.domain.errors import CODES

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("script", ["gen_error_reference.py", "gen_cli_reference.py"])
def test_a_reference_page_is_written_from_the_code(script: str) -> None:
    done = subprocess.run(
        [sys.executable, f"scripts/{script}", "--check"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_every_declared_error_code_is_raised_somewhere() -> None:
    sources = [p for top in ("router", "connectors") for p in (ROOT / top).rglob("*.py")]
    text = "\n".join(p.read_text(encoding="utf-8") for p in sources if p.name != "errors.py")
    unused = [code for code in CODES if not re.search(rf'"{code}"', text)]
    assert not unused, f"declared but never raised: {unused}"


def test_every_relative_link_in_the_pages_leads_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    assert pages
    broken = [
        f"{page.relative_to(ROOT)} -> {target}"
        for page in pages
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text("utf-8"))
        if not (page.parent / target).exists()
    ]
    assert not broken, broken
