"""A PostgreSQL of the tests' own: a private cluster in a temporary folder, which can be stopped, started and talked to as its owner."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

# What a database of this cluster is made of, by whom tests connect. Its password must be seen in no message.
USER = "trader"


def programs() -> Path | None:
    """Return the folder of the server's programs, which Debian keeps off the PATH."""
    found = [Path(path).resolve().parent for path in [shutil.which("initdb")] if path]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in found if (folder / "postgres").exists()), None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Cluster:
    """One server process, started by us and ended by us."""

    def __init__(self, programs: Path, **settings: str) -> None:
        self._programs = programs
        self._settings = settings
        # Not below pytest's folder, which only its owner may enter.
        self._folder = Path(tempfile.mkdtemp(prefix="algo-trade-pg-"))
        self._process: subprocess.Popen[bytes] | None = None
        # The server refuses to run as root.
        self._user: dict[str, Any] = {}
        if os.getuid() == 0:
            names = {entry.pw_name for entry in pwd.getpwall()}
            user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
            self._user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(self._folder, user.pw_uid, user.pw_gid)
        self.password = secrets.token_hex(8) + "@/ "
        self.port = free_port()
        self._count = 0
        self._run(
            "initdb",
            "--no-sync",
            "--auth=trust",
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C",
            str(self._data),
        )
        rules = f"local all postgres trust\nhost all {USER} 127.0.0.1/32 scram-sha-256\n"
        (self._data / "pg_hba.conf").write_text(rules)
        self.start()
        self.sql(f"CREATE ROLE {USER} LOGIN PASSWORD '{self.password}'")

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _run(self, program: str, *arguments: str, check: bool = True) -> str:
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [str(self._programs / program), *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=self._folder,
            **self._user,
        )
        assert done.returncode == 0 or not check, done.stderr + self.log()
        return done.stdout.strip()

    def log(self) -> str:
        with suppress(OSError):
            return (self._folder / "log").read_text()[-2_000:]
        return ""

    def start(self) -> None:
        """Start the server, and wait until it lets us in."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self._folder,
            "fsync": "off",
            "max_connections": 40,
            "shared_buffers": "16MB",
            **self._settings,
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._programs / "postgres"), "-D", str(self._data), *options],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                **self._user,
            )
        until = time.monotonic() + 30
        while self._process.poll() is None and time.monotonic() < until:
            asked = [str(self._programs / "pg_isready"), "-q", "-h", str(self._folder), "-p", str(self.port)]
            if subprocess.run(asked, check=False).returncode == 0:
                return
            time.sleep(0.02)
        raise AssertionError(f"PostgreSQL does not start: {self.log()}")

    def stop(self, *, at_once: bool = False) -> None:
        """Stop the server: with word to its clients, or at once as in a crash."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT if at_once else signal.SIGINT)
            self._process.wait(30)
            self._process = None

    def restart(self) -> None:
        """Crash, and come back."""
        self.stop(at_once=True)
        self.start()

    def remove(self) -> None:
        self.stop(at_once=True)
        shutil.rmtree(self._folder)

    def sql(self, *commands: str, database: str = "postgres") -> str:
        """Run commands as the owner of the cluster, and return what they print."""
        chosen = [part for command in commands for part in ("-c", command)]
        where = ["-h", str(self._folder), "-p", str(self.port), "-U", "postgres", "-d", database]
        return self._run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *where, *chosen)

    def dump(self, database: str) -> str:
        """Return what docs/configuration.md says to keep of a database: the schema of ours."""
        where = ["-h", str(self._folder), "-p", str(self.port), "-U", "postgres"]
        return self._run("pg_dump", *where, "--schema=algo_trade", database)

    def restore(self, database: str, dump: str) -> None:
        (self._folder / "dump.sql").write_text(dump)
        where = ["-h", str(self._folder), "-p", str(self.port), "-U", "postgres", "-d", database]
        self._run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", *where, "-f", str(self._folder / "dump.sql"))

    def make_database(self) -> str:
        """Make an empty database, and return its name."""
        self._count += 1
        name = f"state_{self._count}"
        self.sql(f"CREATE DATABASE {name} OWNER {USER}")
        return name

    def url(self, database: str, *, port: int | None = None) -> str:
        password = self.password.replace("@", "%40").replace("/", "%2F").replace(" ", "%20")
        return f"postgresql://{USER}:{password}@127.0.0.1:{port or self.port}/{database}"
