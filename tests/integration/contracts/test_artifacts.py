"""The committed artifacts are what the pinned compiler makes of the committed sources."""

import importlib.util
import json
import shutil
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "build_contracts.py"


@pytest.fixture
def build() -> ModuleType:
    """The build script as a fresh module, so that a test may point it elsewhere."""
    spec = importlib.util.spec_from_file_location("build_contracts", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def copied(build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script on a copy of the sources and artifacts, without a compiler."""
    copies = []
    for source_set in build.SOURCE_SETS:
        name = source_set.sources.name
        sources, artifacts = tmp_path / name, tmp_path / "artifacts" / name
        ignore = shutil.ignore_patterns("artifacts")
        shutil.copytree(source_set.sources, sources, ignore=ignore)
        shutil.copytree(source_set.artifacts, artifacts)
        copies.append(build.SourceSet(sources=sources, artifacts=artifacts))
    shutil.copy(build.CONTRACTS / "package.json", tmp_path)
    monkeypatch.setattr(build, "CONTRACTS", tmp_path)
    monkeypatch.setattr(build, "SOURCE_SETS", tuple(copies))

    def no_compiler(sources: dict[str, str]) -> dict[str, object]:
        raise build.BuildError(f"asked to compile {len(sources)} sources")

    monkeypatch.setattr(build, "compile_sources", no_compiler)
    return build


def test_recompiling_gives_the_committed_bytes(build: ModuleType) -> None:
    build.check(build.read_sources(), recompile=True)
    assert len(build.committed_artifacts()) >= 9


def test_an_unchanged_tree_needs_no_compiler(copied: ModuleType) -> None:
    copied.check(copied.read_sources())
    assert copied.read_sources()


def test_a_changed_source_makes_its_importers_stale_and_no_others(copied: ModuleType) -> None:
    before = copied.wanted_digests(copied.read_sources())
    library = copied.CONTRACTS / "src" / "SafeTransfer.sol"
    library.write_text(library.read_text() + "\n// changed\n")
    after = copied.wanted_digests(copied.read_sources())
    changed = {path.stem for path in before if before[path] != after[path]}
    assert changed == {
        "HostileExchange",
        "HostilePool",
        "OwnStableSwap",
        "PoolUser",
        "ReenteringOperator",
        "RouteExecutor",
    }
    with pytest.raises(copied.BuildError, match="asked to compile"):
        copied.check(copied.read_sources())


def test_missing_foreign_and_changed_artifacts_are_noticed(copied: ModuleType) -> None:
    folder = copied.SOURCE_SETS[0].artifacts
    artifact = folder / "TestToken.json"
    text = artifact.read_text()
    foreign = folder / "Foreign.json"

    artifact.unlink()
    with pytest.raises(copied.BuildError):
        copied.check(copied.read_sources())
    artifact.write_text(text)
    foreign.write_text(text)
    with pytest.raises(copied.BuildError):
        copied.check(copied.read_sources())
    foreign.unlink()
    copied.check(copied.read_sources())


def test_artifacts_name_their_compiler_and_no_path_of_a_machine(build: ModuleType) -> None:
    version = build.solc_version()
    for path, text in build.committed_artifacts().items():
        artifact = json.loads(text)
        assert artifact["compiler"] == f"solc {version}"
        assert artifact["contractName"] == path.stem
        assert str(build.ROOT) not in text
        assert f"pragma solidity {version};" in build.read_sources()[artifact["sourceName"]]
