"""Lengths of time in nanoseconds, the unit of every `_ns` argument."""


def ms(count: float) -> int:
    """Milliseconds as nanoseconds."""
    return round(count * 1_000_000)


def seconds(count: float) -> int:
    """Seconds as nanoseconds."""
    return round(count * 1_000_000_000)


def minutes(count: float) -> int:
    """Minutes as nanoseconds."""
    return round(count * 60_000_000_000)


def hours(count: float) -> int:
    """Hours as nanoseconds."""
    return round(count * 3_600_000_000_000)
