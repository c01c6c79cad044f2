"""Values that a schema of the venue's document allows, and values that it does not, for Hypothesis."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from tests.venue.openapi import Schema

# What JSON can hold where something else is wanted.
ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.text(max_size=8)
    | st.sampled_from(["-0", "1e9", "0.0", "٣"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def made(schema: Schema) -> st.SearchStrategy[Any]:
    """Make what a schema allows; it may use what `tests.venue.openapi` uses."""
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "oneOf" in schema:
        return st.one_of([made(each) for each in schema["oneOf"]])
    match schema["type"]:
        case "object":
            fields = {name: made(each) for name, each in schema["properties"].items()}
            required = {name: fields[name] for name in fields if name in schema["required"]}
            some = st.fixed_dictionaries(required, optional={n: fields[n] for n in fields if n not in required})
            # The order of keys is signed, and Hypothesis has its own.
            return some.map(lambda each: {name: each[name] for name in fields if name in each})
        case "array":
            return st.lists(made(schema["items"]), max_size=schema["maxItems"])
        case "string" if "pattern" in schema:
            return st.from_regex(schema["pattern"], fullmatch=True)
        case "string":
            return st.text(max_size=20)
        case "integer":
            return st.integers(schema["minimum"], schema["maximum"])
        case "boolean":
            return st.booleans()
        case _:
            return st.none()


@st.composite
def spoilt(draw: st.DrawFn, document: Any) -> Any:
    """Change one place of a document: something odd in place of what is there, or nothing, or more."""
    document = copy.deepcopy(document)
    holders = list(_holders(document))
    holder, key = draw(st.sampled_from(holders))
    change = draw(st.sampled_from(["replace", "remove", "add"]))
    if change == "replace":
        holder[key] = draw(ODD)
    elif change == "remove":
        del holder[key]
    elif isinstance(holder, dict):
        holder[draw(st.text(max_size=4))] = draw(ODD)
    else:
        holder.append(draw(ODD))
    return document


def _holders(value: Any) -> Any:
    """Give every place in a document: what holds it, and its key there."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _holders(value[key])
