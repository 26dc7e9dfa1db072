"""The tree stays tidy: sizes, banned calls, dead files, one seam to the extension."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILE_LINES_MAX = 700
FUNCTION_LINES_MAX = 70
PORT_METHODS_MAX = 6
BLOB_BYTES_MAX = 600_000
BANNED_NAMES = {"base", "common", "helpers", "manager", "misc", "util", "utils"}
BANNED_CALLS = {
    "asyncio.create_task": "spawn inside a TaskGroup",
    "asyncio.ensure_future": "spawn inside a TaskGroup",
    "asyncio.gather": "use a TaskGroup; a failed sibling is an outcome, not lost data",
    "asyncio.get_event_loop": "use asyncio.get_running_loop or asyncio.run",
    "datetime.now": "inject the clock",
    "datetime.utcnow": "inject the clock",
    "eval": "parse instead",
    "exec": "import instead",
    "os.system": "use subprocess with a list",
    "random.random": "inject the randomness",
    "time.sleep": "inject the clock",
}
# file -> why it may break a size limit; the list may only shrink
LARGE_FILES: dict[str, str] = {}
# Python folders whose modules nobody imports: entry points
ENTRY_FOLDERS = {"benches", "examples", "scripts", "tests"}


def tracked(*suffixes: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    paths = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file() and path.suffix in suffixes]


def python_files() -> list[Path]:
    return tracked(".py")


def shipped_python() -> list[Path]:
    return [p for p in python_files() if p.relative_to(ROOT).parts[0] in {"router", "connectors"}]


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def dotted(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
    return ".".join(reversed(parts))


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    sources = tracked(".py", ".rs", ".sol")
    assert len(sources) > 20, "the walk found no sources"
    lengths = {relative(p): len(p.read_text(encoding="utf-8").splitlines()) for p in sources}
    too_long = {name: n for name, n in lengths.items() if n > FILE_LINES_MAX}
    assert too_long.keys() <= LARGE_FILES.keys(), too_long
    assert LARGE_FILES.keys() <= too_long.keys(), "an exception is no longer needed: remove it"


def test_no_python_function_is_longer_than_70_lines() -> None:
    too_long = [
        f"{relative(path)}:{node.lineno} {node.name} {(node.end_lineno or 0) - node.lineno + 1}"
        for path in python_files()
        for node in functions(parsed(path))
        if (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES_MAX
    ]
    assert not too_long, too_long


def test_no_rust_function_is_longer_than_70_lines() -> None:
    too_long = []
    for path in tracked(".rs"):
        start: tuple[int, str, str] | None = None
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            head = re.match(r"^(\s*)(?:pub(?:\([a-z]+\))? )?(?:const )?fn (\w+)", line)
            if head and start is None and not line.rstrip().endswith((";", "}")):
                start = (number, head[1], head[2])
            elif start and line.rstrip() == start[1] + "}":
                if number - start[0] + 1 > FUNCTION_LINES_MAX:
                    too_long.append(f"{relative(path)}:{start[0]} {start[2]}")
                start = None
    assert not too_long, too_long


def test_every_port_has_at_most_six_methods() -> None:
    wide = []
    ports = 0
    for node in ast.walk(parsed(ROOT / "router/ports.py")):
        if isinstance(node, ast.ClassDef) and any(dotted(b) == "Protocol" for b in node.bases):
            ports += 1
            methods = [
                n for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
            ]
            if len(methods) > PORT_METHODS_MAX:
                wide.append(f"{node.name}: {len(methods)}")
    assert ports >= 8
    assert not wide, wide


def test_banned_calls_do_not_occur_in_the_packages() -> None:
    found = [
        f"{relative(path)}:{node.lineno} {dotted(node.func)}: {BANNED_CALLS[dotted(node.func)]}"
        for path in shipped_python()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and dotted(node.func) in BANNED_CALLS
    ]
    assert not found, found


def test_only_core_imports_the_extension() -> None:
    importers = set()
    for path in python_files():
        if path.name == "test_core_seam.py":
            continue  # it compares what the extension offers with what core.py passes on
        for node in ast.walk(parsed(path)):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            if any(re.match(r"router\._core(\.|$)", name) for name in names):
                importers.add(relative(path))
    assert importers == {"router/core.py"}


def test_no_module_has_a_name_that_says_nothing() -> None:
    named = [relative(p) for p in tracked(".py", ".rs") if p.stem.lower() in BANNED_NAMES]
    named += [relative(p) for p in tracked(".py", ".rs") if p.parent.name.lower() in BANNED_NAMES]
    assert not named, named


def test_every_module_of_the_packages_is_imported_by_somebody() -> None:
    imported: set[str] = set()
    for path in python_files():
        package = list(path.relative_to(ROOT).with_suffix("").parts[:-1])
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                up = package[: len(package) - node.level + 1] if node.level else []
                module = ".".join([*up, *([node.module] if node.module else [])])
                imported.add(module)
                imported |= {f"{module}.{alias.name}" for alias in node.names}
            elif (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and re.fullmatch(r"(router|connectors)(\.\w+)+", node.value)
            ):
                imported.add(node.value)  # lazy imports name the module in a string
    entry_points = re.findall(
        r'"((?:router|connectors)[\w.]+):', (ROOT / "pyproject.toml").read_text()
    )
    imported |= set(entry_points)
    dead = []
    for path in shipped_python():
        parts = list(path.relative_to(ROOT).with_suffix("").parts)
        if parts[-1] in {"__init__", "__main__"}:
            continue
        if ".".join(parts) not in imported:
            dead.append(relative(path))
    assert not dead, f"nobody imports {dead}"


UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|todo!\(|unimplemented!\(")
MACHINE_PATH = re.compile(r"(?<![\w.])/(work|farm|root|home/\w+)/|/tmp/\w")


@pytest.mark.parametrize("pattern", [UNFINISHED, MACHINE_PATH], ids=["unfinished", "machine path"])
def test_no_text_holds_unfinished_marks_or_machine_paths(pattern: re.Pattern[str]) -> None:
    texts = tracked(".py", ".rs", ".sol", ".md", ".toml", ".json", ".yml", ".sh", ".cjs", "")
    own = Path(__file__)
    found = [
        f"{relative(path)}: {match[0]}"
        for path in texts
        if path != own and path.stat().st_size < BLOB_BYTES_MAX
        for match in [pattern.search(path.read_text(encoding="utf-8", errors="replace"))]
        if match
    ]
    assert not found, found


def test_locks_hold_no_download_addresses() -> None:
    locks = [p for p in tracked(".json", ".lock", ".txt") if "lock" in p.name and p.suffix != ".rs"]
    assert len(locks) >= 3
    for lock in locks:
        if lock.name == "Cargo.lock":  # Cargo refuses a lock that does not name the index
            continue
        text = lock.read_text(encoding="utf-8")
        assert "http://" not in text, lock
        assert "https://" not in re.sub(r'"(url|funding)": *"[^"]*"', "", text), lock


def test_no_big_blob_is_committed() -> None:
    everything = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\0")
    big = [
        n
        for n in everything
        if n and (ROOT / n).is_file() and (ROOT / n).stat().st_size > BLOB_BYTES_MAX
    ]
    assert not big, big
