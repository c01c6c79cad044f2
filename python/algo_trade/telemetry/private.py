"""A file that holds a secret: read only if no one but its owner can get at it."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from algo_trade.errors import CredentialError

if TYPE_CHECKING:
    from pathlib import Path

_BYTES_MAX = 65_536


def read_private(path: Path) -> str:
    """Read a text that only the user who runs this can get at, as it is asked of private keys.

    Raises
    ------
    CredentialError
        Others can get at the file, it cannot be read, or it is no text.
    """
    try:
        # A pipe would block the open; it is refused below.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise CredentialError(f"{path}: cannot be opened: {error.strerror}") from None
    try:
        # On the open file, so that no other can be put in its place.
        _check(path, os.fstat(descriptor))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(_BYTES_MAX + 1)
    finally:
        os.close(descriptor)
    if len(content) > _BYTES_MAX:
        raise CredentialError(f"{path}: more than {_BYTES_MAX} bytes: it holds something else")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise CredentialError(f"{path}: not text") from None


def _check(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise CredentialError(f"{path}: not a regular file")
    if status.st_uid != os.geteuid():
        raise CredentialError(
            f"{path}: belongs to user {status.st_uid}: it has to belong to the user who runs this ({os.geteuid()})"
        )
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise CredentialError(f"{path}: mode {mode:04o}: others can get at it: chmod 600 {path}")
