"""What a plain installation does not hold: who needs it and has it not is told what to install."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from algo_trade.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def needed_by(what: str, extras: str) -> Iterator[None]:
    """Import within this: a package that is not there is an error that names the extras it comes with.

    Raises
    ------
    ConfigError
        A package is missing; ``pip install 'algo-trade[extras]'`` is what to do.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        raise ConfigError(f"{what} needs {package}: pip install 'algo-trade[{extras}]'") from error
