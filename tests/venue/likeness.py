"""What a JSON document is made of, and how two of them differ in that: keys, types, and the forms of texts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

# Words that a field may say. A document with another one differs in it.
WORDS = {
    "side": {"A", "B"},
    "dir": {"Open Long", "Open Short", "Close Long", "Close Short", "Long > Short", "Short > Long"},
    "tif": {"Gtc", "Ioc", "Alo"},
    "orderType": {"Limit", "Market", "Stop Market", "Stop Limit", "Take Profit Market", "Take Profit Limit"},
    "status": {"open", "filled", "canceled", "triggered", "iocCancelRejected", "badAloPxRejected"},
    "method": {"market", "backstop"},
    "role": {"user", "vault", "agent", "subAccount", "missing"},
    "i": {"1m", "1h"},
}
FORMS = [
    (re.compile(r"-?\d+\.\d+"), "decimal"),
    (re.compile(r"-?\d+"), "integer in a text"),
    (re.compile(r"Price (above|below) \d+(\.\d+)?"), "condition on a price"),
]
HEX = re.compile(r"0x[0-9a-f]+")


class Difference(NamedTuple):
    """A place in a document, and what is so there in one document alone."""

    place: str
    what: str


def shape(document: Any, maps: frozenset[str] = frozenset()) -> dict[str, set[str]]:
    """Tell what stands at each place. All elements of a list have one place.

    `maps` are places of objects whose keys are names of something: their values have one place too. Objects that say
    what they are in ``type`` have a place for each type.
    """
    found: dict[str, set[str]] = {}
    for place, what in _walk(document, "", maps):
        found.setdefault(place, set()).add(what)
    return found


def differences(ours: dict[str, set[str]], theirs: dict[str, set[str]]) -> set[Difference]:
    """Tell how our shape differs from theirs. Below a place that only one of them has, nothing more is told."""
    found: set[Difference] = set()
    for place in ours.keys() | theirs.keys():
        above = _above(place)
        if above is not None and not (above in ours and above in theirs):
            continue
        if place not in theirs:
            found.add(Difference(place, f"only ours: {_listed(ours[place])}"))
        elif place not in ours:
            found.add(Difference(place, f"only theirs: {_listed(theirs[place])}"))
        else:
            found |= {Difference(place, f"ours is also {what}") for what in ours[place] - theirs[place]}
            found |= {Difference(place, f"ours is never {what}") for what in theirs[place] - ours[place]}
    return found


def _walk(value: Any, place: str, maps: frozenset[str]) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        yield place, "object"
        kind = value.get("type")
        inside = f"{place}<{kind}>" if isinstance(kind, str) else place
        if inside != place:
            yield inside, "object"
        for name, each in value.items():
            yield from _walk(each, f"{inside}{{}}" if place in maps else f"{inside}.{name}", maps)
    elif isinstance(value, list):
        yield place, "list"
        for each in value:
            yield from _walk(each, f"{place}[]", maps)
    else:
        yield place, _leaf(value, place.rpartition(".")[2])


def _leaf(value: object, name: str) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case int() | float():
            return "integer" if isinstance(value, int) else "number"
    text = str(value)
    if name in WORDS:
        return "word" if text in WORDS[name] else f"the unknown word {text!r}"
    if HEX.fullmatch(text):
        return f"{(len(text) - 2) * 4} bits in hex"
    return next((form for pattern, form in FORMS if pattern.fullmatch(text)), "text")


def _above(place: str) -> str | None:
    """Return the place of the object or list that a place is in."""
    if not place:
        return None
    return re.sub(r"(\.[^.\[\]<>{}]+|\[\]|\{\}|<[^>]*>)$", "", place)


def _listed(kinds: set[str]) -> str:
    return " or ".join(sorted(kinds))
