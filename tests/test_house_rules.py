"""The rules of the house that no linter knows: sizes, determinism of the engine, nothing of one machine, layers, the contract's names."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import algo_trade

ROOT = Path(__file__).resolve().parent.parent
SOURCE = {".rs", ".py", ".pyi", ".pyx", ".pxd", ".js", ".css", ".html", ".sql", ".sh"}

# Past 500 lines, ask what a file is two of. The answer "one thing" needs its reason here.
LONG_FILES = {
    "python/algo_trade/_native.pyi": "a stub describes one module in one file: the whole binary",
}


def tracked() -> list[Path]:
    """Every file that git tracks or would, as long as it exists."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a git work tree")
    names = listed.stdout.decode().split("\0")
    return [path for name in names if name and (path := ROOT / name).is_file()]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def text_of(path: Path) -> str:
    data = path.read_bytes()
    return "" if b"\0" in data else data.decode("utf-8", errors="replace")


def lines_matching(pattern: str, paths: list[Path]) -> list[str]:
    wanted = re.compile(pattern)
    return [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if wanted.search(line)
    ]


def test_no_tracked_file_is_over_one_mebibyte() -> None:
    assert [name_of(path) for path in tracked() if path.stat().st_size > 1 << 20] == []


def test_long_source_files_are_one_thing_and_say_why() -> None:
    lengths = {name_of(p): len(text_of(p).splitlines()) for p in tracked() if p.suffix in SOURCE}
    long = {name for name, length in lengths.items() if length > 500}
    assert long - LONG_FILES.keys() == set(), "split the file, or give the reason in LONG_FILES"
    assert LONG_FILES.keys() - long == set(), "no longer over 500 lines: remove the exception"


def test_tracked_files_name_no_machine_and_no_registry_host() -> None:
    # Written in pieces, so that this file does not match itself.
    folders = "|".join(["work", "root", "farm", "home"])
    hosts = "|".join(
        ["py" + r"pi\.org", "python" + "hosted", r"registry\." + "npmjs", r"static\." + "crates", r"proxy\." + "golang"]
    )
    paths = [path for path in tracked() if path.name != "Cargo.lock"]
    assert lines_matching(rf"(?<![\w.])/({folders})/|{hosts}", paths) == []


def test_nothing_is_left_to_do_in_a_comment() -> None:
    assert lines_matching(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b|todo" + r"!\(", tracked()) == []


def engine_sources() -> list[Path]:
    return [path for path in tracked() if name_of(path).startswith("native/engine/src/")]


def test_the_engine_has_no_clock() -> None:
    assert lines_matching(r"^(?!\s*//).*\b(SystemTime|Instant)\b", engine_sources()) == []


def test_the_engine_never_walks_a_hash_map() -> None:
    # Lookup alone is safe. A line that needs one says so, and is read with care in review.
    pattern = r"^(?!\s*//)(?!.*// never iterated).*\bHash(Map|Set)\b"
    assert lines_matching(pattern, engine_sources()) == [], (
        "use a BTreeMap or a dense vector, or state `// never iterated`"
    )


def test_every_package_has_its_place_in_the_layers() -> None:
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    placed = {name for layer in contract["layers"] for name in re.findall(r"\w+", layer)}
    found = {module.name for module in pkgutil.iter_modules(algo_trade.__path__)}
    assert found - placed == set(), "add it to the layers in pyproject.toml"


def test_every_exported_name_exists() -> None:
    for module in pkgutil.walk_packages(algo_trade.__path__, "algo_trade."):
        if not module.name.endswith("__main__"):
            loaded = importlib.import_module(module.name)
            assert [n for n in getattr(loaded, "__all__", ()) if not hasattr(loaded, n)] == [], module.name


def test_the_names_of_the_contract_exist() -> None:
    section = (
        (ROOT / "ARCHITECTURE.md").read_text().split("The public names of the contract are fixed:")[1].split("\n\n")[0]
    )
    names = set(re.findall(r"`([A-Z]\w+)`", section))
    assert len(names) > 30
    assert {name for name in names if not hasattr(algo_trade, name)} == set()


def test_scripts_are_executable_and_parse() -> None:
    for path in tracked():
        if name_of(path).startswith(("scripts/", ".ci/")) and text_of(path).startswith("#!/usr/bin/env bash"):
            assert path.stat().st_mode & 0o111, f"{name_of(path)} is not executable"
            assert subprocess.run(["bash", "-n", path], check=False).returncode == 0


def test_python_and_rust_agree_on_the_version() -> None:
    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    assert algo_trade.__version__ == version
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text()
