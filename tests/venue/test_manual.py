"""The manual's programs, each run as written against the venue of the compiled core."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAMS = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs" / "venue.md").read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.split("\n")[0])
def test_a_program_of_the_manual_runs_as_written(program: str) -> None:
    imported = [
        alias.name for node in ast.walk(ast.parse(program)) if isinstance(node, ast.Import) for alias in node.names
    ]
    for name in imported:
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for line, wanted in zip(
        done.stdout.splitlines(), re.findall(r"print\(.*\)(?:  # (.*))?$", program, re.MULTILINE), strict=True
    ):
        assert wanted.startswith(line) or not wanted
