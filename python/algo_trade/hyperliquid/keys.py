"""Where private keys come from: the environment, a file that only its owner can read, or an encrypted keystore.

No message of an error holds any part of a key or password.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from algo_trade._native import CredentialError, SigningKey

if TYPE_CHECKING:
    from collections.abc import Callable

ENV_VARIABLE = "HYPERLIQUID_PRIVATE_KEY"

# A key is 66 characters; a keystore about 500. Whatever is much larger is another file.
_BYTES_MAX = 65_536


def key_from_env(name: str = ENV_VARIABLE) -> SigningKey:
    """Read a private key from an environment variable.

    Parameters
    ----------
    name : str
        The variable, which holds 64 hex digits, with or without ``0x``.

    Raises
    ------
    CredentialError
        The variable is not set, or holds no private key.
    """
    text = os.environ.get(name)
    if text is None:
        msg = f"the environment variable {name} is not set: it has to hold a private key, 0x and 64 hex digits"
        raise CredentialError(msg)
    return _key(f"the environment variable {name}", text)


def key_from_file(path: str | os.PathLike[str]) -> SigningKey:
    """Read a private key from a file of 64 hex digits, with or without ``0x``.

    Parameters
    ----------
    path : path
        A file that belongs to the user who runs this, and that no one else may read or write (mode 0600 or 0400).

    Raises
    ------
    CredentialError
        Others can get at the file, it cannot be read, or it holds no private key.
    """
    return _key(os.fspath(path), _read_private(path))


def key_from_keystore(path: str | os.PathLike[str], password: str | Callable[[], str]) -> SigningKey:
    """Read a private key from an encrypted keystore, as Ethereum wallets and ``eth_account`` write them.

    Parameters
    ----------
    path : path
        A file that belongs to the user who runs this, and that no one else may read or write (mode 0600 or 0400).
    password : str or function
        The password, or what asks for it, for example ``getpass.getpass``.

    Raises
    ------
    CredentialError
        Others can get at the file, it cannot be read, it is no keystore, or the password is wrong.
    """
    text = _read_private(path)
    try:
        from eth_account import Account  # noqa: PLC0415 - a second of imports, wanted only here
    except ModuleNotFoundError as error:
        msg = "reading a keystore needs eth_account: pip install 'algo-trade[live]'"
        raise CredentialError(msg) from error
    secret = password if isinstance(password, str) else password()
    try:
        key = bytes(Account.decrypt(text, secret))
    # The library raises many kinds, some from JSON: their messages may quote the file, so none is passed on.
    except (ValueError, TypeError, KeyError, AttributeError, NotImplementedError, AssertionError):
        msg = f"{os.fspath(path)}: no keystore that opens with this password"
        raise CredentialError(msg) from None
    return SigningKey(key)


def _key(where: str, text: str) -> SigningKey:
    try:
        return SigningKey(text.strip())
    except CredentialError as error:
        msg = f"{where}: {error}"
        raise CredentialError(msg) from None


def _read_private(path: str | os.PathLike[str]) -> str:
    """Read a file after its owner and mode were checked on the open file itself, so that none can be put in its place."""
    name = os.fspath(path)
    try:
        # A pipe would block the open; it is refused below.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        msg = f"{name}: cannot be opened: {error.strerror}"
        raise CredentialError(msg) from None
    try:
        _check_private(name, os.fstat(descriptor))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(_BYTES_MAX + 1)
    finally:
        os.close(descriptor)
    if len(content) > _BYTES_MAX:
        msg = f"{name}: more than {_BYTES_MAX} bytes: no key and no keystore"
        raise CredentialError(msg)
    try:
        return content.decode("ascii")
    except UnicodeDecodeError:
        msg = f"{name}: not text: no key and no keystore"
        raise CredentialError(msg) from None


def _check_private(name: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        msg = f"{name}: not a regular file"
        raise CredentialError(msg)
    if status.st_uid != os.geteuid():
        msg = f"{name}: belongs to user {status.st_uid}: a key has to belong to the user who runs this ({os.geteuid()})"
        raise CredentialError(msg)
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        msg = f"{name}: mode {mode:04o}: others can get at the key: chmod 600 {name}"
        raise CredentialError(msg)
