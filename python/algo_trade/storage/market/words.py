"""Values as SQL writes them: COPY takes no parameters."""

from __future__ import annotations

import numpy as np

from algo_trade.errors import ParameterError


def text(word: str) -> str:
    """Return a text as a literal, whatever it holds."""
    if "\0" in word:
        raise ParameterError(f"{word!r}: holds a zero byte, which no text of PostgreSQL may")
    quoted = word.replace("'", "''")
    # Backslashes mean what they are only where the server is set so; after an E, they never do.
    return f"E'{quoted.replace(chr(92), chr(92) * 2)}'" if "\\" in word else f"'{quoted}'"


def moment(micros: int) -> str:
    """Return a time in microseconds since the epoch as a literal."""
    return f"TIMESTAMPTZ '{np.datetime64(micros, 'us')}+00'"


def within(time: tuple[str, ...], start_ns: int | None, end_ns: int | None) -> list[str]:
    """Return conditions that hold of times within [start, end), of a column or of one with the nanoseconds beyond."""
    found = []
    for ns, after, before in ((start_ns, ">=", ">"), (end_ns, "<", "<")):
        if ns is None:
            continue
        micros, beyond = divmod(ns, 1_000)
        if beyond == 0:
            found.append(f"{time[0]} {after} {moment(micros)}")
        elif len(time) == 1:
            found.append(f"{time[0]} {after} {moment(micros + 1)}")
        else:
            # The first finds the pieces of time and the range of the index, the second is exact.
            wide = ">=" if after == ">=" else "<="
            found.append(f"{time[0]} {wide} {moment(micros)}")
            found.append(f"({time[0]} {before} {moment(micros)} OR {time[1]} {after} {beyond})")
    return found
