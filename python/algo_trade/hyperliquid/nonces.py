"""Nonces: one source for each key, which never gives one out twice, whatever crashes."""

from __future__ import annotations

import fcntl
import json
import os
import time
from typing import TYPE_CHECKING, Protocol, Self

from algo_trade.errors import ConfigError, CredentialError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

# Written ahead by so much: one write to the disk a minute, and after a crash the next nonce lies at most a minute in the future.
STEP_MS = 60_000
# The exchange takes nonces up to a day ahead of its clock.
AHEAD_MAX_MS = 12 * 3_600_000


def now_ms() -> int:
    """Return the time of this machine, in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


class Nonces(Protocol):
    """Where nonces come from."""

    def next(self) -> int:
        """Return a nonce that was never given out for the key, about the present time in ms."""
        ...

    def close(self) -> None:
        """Give the key up."""
        ...


class NonceFile:
    """The nonces of one key, remembered in a file of its own, which one process holds at a time.

    Everything that signs with the key, over REST or the socket, draws from the same object. It is not for several threads.

    Parameters
    ----------
    folder : where the file is; made if it is not there
    address : the address of the key
    clock_ms : the present time

    Raises
    ------
    CredentialError
        Another process (or another object of this one) holds the key.
    ConfigError
        The file cannot be written or is damaged, or it is ahead of the clock by more than the exchange takes.
    """

    def __init__(self, folder: Path, address: str, *, clock_ms: Callable[[], int] = now_ms) -> None:
        self._clock_ms = clock_ms
        self._path = folder / f"nonces-{address.lower()}.json"
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # The lock is a file of its own: the other one is replaced at each write.
            self._lock = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigError(f"{folder}: nonces cannot be kept there: {error.strerror}") from error
        try:
            self._hold(address)
            self._written = self._last = self._read()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def next(self) -> int:
        """Return a nonce above all earlier ones, and not below the present time in ms.

        Raises
        ------
        ConfigError
            The file can no longer be written: without it, a crash might repeat a nonce.
        """
        if self._lock < 0:
            raise ConfigError(f"{self._path}: the nonces of this key were given up")
        nonce = max(self._last + 1, self._clock_ms())
        if nonce > self._written:
            self._write(nonce + STEP_MS)
        self._last = nonce
        return nonce

    def close(self) -> None:
        """Let others have the key."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _hold(self, address: str) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CredentialError(
                f"the key of {address} is in use by another process: two would spoil each other's nonces; give each its own "
                "API wallet"
            ) from None

    def _read(self) -> int:
        try:
            text = self._path.read_text()
        except FileNotFoundError:
            return 0
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{self._path}: cannot be read: {error}") from error
        try:
            ceiling = json.loads(text)["used_up_to_ms"]
        except (ValueError, KeyError, TypeError):
            ceiling = None
        if not isinstance(ceiling, int) or isinstance(ceiling, bool) or ceiling < 0:
            raise ConfigError(
                f"{self._path}: is damaged: {text[:80]!r}; use a new API wallet, or delete it when the key was not used for two days"
            )
        if ceiling > self._clock_ms() + AHEAD_MAX_MS:
            raise ConfigError(
                f"{self._path}: nonces up to {ceiling} are used, and the clock says {self._clock_ms()}: the exchange would take none "
                "of them; set the clock right, or use a new API wallet"
            )
        return ceiling

    def _write(self, ceiling: int) -> None:
        """Put the file in place, whole and on the disk, before any nonce below the ceiling is given out."""
        new = self._path.with_suffix(".new")
        try:
            with new.open("w") as file:
                json.dump({"used_up_to_ms": ceiling}, file)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._path)
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise ConfigError(f"{self._path}: cannot be written: {error.strerror}: no nonce was given out") from error
        self._written = ceiling


class MemoryNonces:
    """Nonces that are forgotten at the end: for keys that are used once, and for tests."""

    def __init__(self, clock_ms: Callable[[], int] = now_ms) -> None:
        self._clock_ms = clock_ms
        self._last = 0

    def next(self) -> int:
        """Return a nonce above all earlier ones, and not below the present time in ms."""
        self._last = max(self._last + 1, self._clock_ms())
        return self._last

    def close(self) -> None:
        """Do nothing: no one else could have had them."""
