"""What others make of the venue's OpenAPI document: whatever is asked of it, it answers as it says, and is there afterwards."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings

pytest.importorskip("schemathesis", reason="requests out of an OpenAPI document: pip install schemathesis")

import schemathesis
from schemathesis import GenerationMode

from algo_trade.venue.testing import RunningVenue, running_venue
from tests.venue.customer import Customer
from tests.venue.openapi import ACTIONS, QUESTIONS, SIGNED_BY_WALLETS, WISHES, WORDS, document

if TYPE_CHECKING:
    from collections.abc import Iterator

UNREADABLE = "Failed to deserialize the JSON body into the target type"
KEY = "0x" + "01" * 32
# Not offered to the fuzzer: after these nothing is as it was.
DRASTIC = {"faults", "maintenance", "freeze_connections"}


@pytest.fixture(scope="module")
def fuzzed_venue() -> Iterator[RunningVenue]:
    limits = {"weight_a_minute": 1_000_000_000}
    with running_venue(seed=2, symbols=2, local={"block_ms": 5}, limits=limits) as venue:
        yield venue


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=30) as client:
        yield client


PATHS = schemathesis.openapi.from_dict(document())
# Questions that the exchange answers with 500 where it does not know the coin, the token or the exchange of others.
ABOUT_SOMETHING = {
    kind for kind, fields in QUESTIONS.items() if fields.keys() & {"coin", "req", "tokenId", "dex_maybe"}
}
# Each example is a request over a socket, and an action waits for its block: 30 s in all, or some minutes with --long.
fuzzed = settings(
    max_examples=min(3 * (settings.default or settings()).max_examples, 3_000),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def answer_to(case: Any, venue: RunningVenue) -> tuple[int, str]:
    """Send what was made; a connection that ends without an answer is an error."""
    headers = {"Authorization": f"Bearer {venue.control_token}"}
    answer = case.call(base_url=venue.url, headers=headers, timeout=30)
    if answer.status_code == 200:
        assert answer.headers["content-type"] == ["application/json"]
        json.loads(answer.content)
    return answer.status_code, answer.content.decode()


def with_integers(value: Any) -> Any:
    """Write whole numbers as such: to JSON Schema 0.0 is an integer, to the exchange it is not."""
    if isinstance(value, dict):
        return {name: with_integers(each) for name, each in value.items()}
    if isinstance(value, list):
        return [with_integers(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@pytest.mark.parametrize("path", ["/info", "/exchange", "/control"])
def test_what_fits_the_document_is_answered(path: str, fuzzed_venue: RunningVenue) -> None:
    @fuzzed
    @given(case=PATHS[path]["POST"].as_strategy(generation_mode=GenerationMode.POSITIVE))
    def holds(case: Any) -> None:
        case.body = with_integers(case.body)
        status, told = answer_to(case, fuzzed_venue)
        assert status == 200, (told, case.body)

    holds()


@pytest.mark.parametrize("path", ["/info", "/exchange", "/control"])
def test_what_does_not_fit_is_answered_or_refused_in_words(path: str, fuzzed_venue: RunningVenue) -> None:
    @fuzzed
    @given(case=PATHS[path]["POST"].as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def holds(case: Any) -> None:
        status, told = answer_to(case, fuzzed_venue)
        match status:
            case 200:
                pass
            case 422:
                assert told.startswith(UNREADABLE)
            case 500:
                assert (path, told) == ("/info", "null")
                assert case.body["type"] in ABOUT_SOMETHING
            case _:
                raise AssertionError((status, told, case.body))

    holds()


def test_after_all_that_the_venue_is_sound_and_trades(fuzzed_venue: RunningVenue, http: httpx.Client) -> None:
    fuzzed_venue.control(clock_offset_ms=0, post_only=False, bare_statuses=False, faults=[])
    health = http.get(f"{fuzzed_venue.url}/health").json()
    assert (health["status"], health["broken"], health["requests"]) == ("ok", None, 0)
    [statistics] = fuzzed_venue.control("statistics")
    assert statistics["faults"] == []
    fuzzed_venue.control(deposit={"user": "0x" + "ab" * 20, "amount": "1"})
    with running_venue(seed=2, symbols=2, local={"block_ms": 5}) as fresh:
        assert (
            Customer(fuzzed_venue, http).info("meta")["universe"][0]
            == Customer(fresh, http).info("meta")["universe"][0]
        )


def test_every_question_about_a_stranger_is_answered_also_before_the_first_order(http: httpx.Client) -> None:
    stranger = "0x" + "ab" * 20
    candles = {"coin": "BTC", "interval": "1m", "startTime": 0}
    token = "0x" + "0" * 31 + "1"
    fields = {"user": stranger, "builder": stranger, "vaultAddress": stranger, "tokenId": token, "oid": 1}
    fields |= {"coin": "BTC", "req": candles, "startTime": 0}
    with running_venue(market="customers", symbols=1, faucet="0", limits={"weight_a_minute": 1_000_000}) as venue:
        for kind in QUESTIONS:
            answer = http.post(f"{venue.url}/info", json={"type": kind, **fields})
            assert answer.status_code == 200, kind
        [context] = http.post(f"{venue.url}/info", json={"type": "metaAndAssetCtxs"}).json()[1]
        assert (context["markPx"], context["midPx"]) == (context["oraclePx"], None)


def listed_in(text: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", text.partition("expected one of")[2]))


def test_the_document_lists_every_question_that_the_venue_knows(fuzzed_venue: RunningVenue, http: httpx.Client) -> None:
    told = http.post(f"{fuzzed_venue.url}/info", json={"type": "no such"})
    assert listed_in(told.text) == QUESTIONS.keys()


def test_the_document_lists_every_action_that_the_venue_carries_out(
    fuzzed_venue: RunningVenue, http: httpx.Client
) -> None:
    signature = {"r": "0x1", "s": "0x1", "v": 27}
    body = {"action": {"type": "no such"}, "nonce": 1, "signature": signature}
    told = http.post(f"{fuzzed_venue.url}/exchange", json=body)
    assert told.status_code == 422
    assert listed_in(told.text) == ACTIONS.keys()
    assert not ACTIONS.keys() & SIGNED_BY_WALLETS.keys()


def test_the_document_lists_every_wish_that_leaves_the_venue_as_it_is(
    fuzzed_venue: RunningVenue, http: httpx.Client
) -> None:
    headers = {"Authorization": f"Bearer {fuzzed_venue.control_token}"}
    told = http.post(f"{fuzzed_venue.url}/control", json="no such", headers=headers).json()
    assert listed_in(told["error"]) == {*WISHES, *WORDS, *DRASTIC}
