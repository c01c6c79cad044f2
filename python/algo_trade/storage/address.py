"""Where the state store is: the address taken apart, and shown without its password."""

from __future__ import annotations

import re
from pathlib import Path

from algo_trade.errors import ParameterError

_SQLITE = "sqlite:///"
_SERVER = "postgresql://"


def is_server(url: str) -> bool:
    """Return whether an address is that of a server; False: of a file.

    Raises
    ------
    ParameterError
        It is neither.
    """
    if url.startswith(_SERVER):
        # Each reader of such an address would end the password elsewhere, and might quote the rest of it.
        if re.search(r"[/?#\s]", url[len(_SERVER) :].rpartition("@")[0]):
            raise ParameterError(
                f"{shown(url)}: user and password must not hold / ? # or blanks as they are: write them as %2F %3F %23 %20"
            )
        return True
    if url.startswith(_SQLITE):
        return False
    scheme = url.partition(":")[0]
    raise ParameterError(f"a state store of the kind {scheme[:20]!r}: must start with {_SQLITE} or {_SERVER}")


def sqlite_path(url: str) -> Path:
    """Return the file that an address names, links followed; a relative one is in the working directory.

    Raises
    ------
    ParameterError
        It names no file.
    """
    name = url[len(_SQLITE) :]
    if not name or name.endswith("/") or name.startswith(":") or "?" in name or "\0" in name:
        raise ParameterError(
            f"{url}: must name a file, without options: {_SQLITE}state/algo_trade.db, or {_SQLITE}/var/lib/…"
        )
    return Path(name).expanduser().resolve()


def shown(url: str) -> str:
    """Return the address of a server without password and options, however badly it is written."""
    scheme, _, rest = url.partition("://")
    login, at, place = rest.rpartition("@")
    return f"{scheme}://{login.partition(':')[0]}{at}{place.partition('?')[0]}"
