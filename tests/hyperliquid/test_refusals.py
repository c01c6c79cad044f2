"""What is made of the exchange's refusals: by their beginnings, whatever follows."""

from __future__ import annotations

import pytest

from algo_trade.errors import RefusedError, SignatureError, VenueError
from algo_trade.hyperliquid.refusals import TEXTS, RefusalKind, Remedy, kind_of, refused

OURS = "0x" + "ab" * 20
OTHER = "0x" + "cd" * 20


@pytest.mark.parametrize(
    ("text", "kind", "remedy"),
    [
        ("Order must have minimum value of $10. asset=1", RefusalKind.MIN_NOTIONAL, Remedy.FIX),
        ("Order must have minimum value of 10 USDC.", RefusalKind.MIN_NOTIONAL, Remedy.FIX),
        ("Price must be divisible by tick size. asset=3", RefusalKind.TICK, Remedy.FIX),
        ("Insufficient margin to place order. asset=0", RefusalKind.MARGIN, Remedy.NOT_ALLOWED),
        ("Insufficient spot balance asset=10107", RefusalKind.BALANCE, Remedy.NOT_ALLOWED),
        ("Order was never placed, already canceled, or filled. asset=0", RefusalKind.GONE, Remedy.EXPECTED),
        ("Error placing new order during modify: whatever", RefusalKind.MODIFY, Remedy.EXPECTED),
        ("Only post-only orders allowed immediately after a network upgrade", RefusalKind.RESTRICTED, Remedy.RETRY),
        ("Too many cumulative requests sent (10001 > 10000) for …", RefusalKind.BUDGET, Remedy.RETRY),
        ("Order price cannot be more than 80% away from the reference price", RefusalKind.PRICE_BAND, Remedy.EXPECTED),
        ("L1 error: User or API Wallet 0x12 does not exist.", RefusalKind.SIGNER, Remedy.STOP),
        ("Invalid nonce: duplicate nonce 1", RefusalKind.NONCE, Remedy.STOP),
        ("Cannot set scheduled cancel time until enough", RefusalKind.SCHEDULE, Remedy.NOT_ALLOWED),
        ("Something new", RefusalKind.OTHER, Remedy.UNKNOWN),
    ],
)
def test_texts_are_known_by_their_beginnings(text: str, kind: RefusalKind, remedy: Remedy) -> None:
    assert (kind_of(text), kind_of(text).remedy) == (kind, remedy)


def test_traps_17_and_18_a_post_only_refusal_and_an_ioc_without_a_fill_are_expected() -> None:
    crossed = kind_of("Post only order would have immediately matched, bbo was 1@2. asset=0")
    nothing = kind_of("Order could not immediately match against any resting orders. asset=0")
    assert [crossed.remedy, nothing.remedy] == [Remedy.EXPECTED, Remedy.EXPECTED]


def test_trap_21_a_restricted_exchange_passes_by_itself() -> None:
    for article in ("a ", ""):
        text = f"Only post-only orders allowed immediately after {article}network upgrade"
        assert kind_of(text).remedy is Remedy.RETRY


def test_no_beginning_hides_another() -> None:
    for index, (text, _) in enumerate(TEXTS):
        assert not any(text.startswith(earlier) for earlier, _ in TEXTS[:index]), text


def test_trap_3_a_strange_signer_is_fatal_whatever_the_text_says() -> None:
    assert isinstance(refused("order", f"User or API Wallet {OTHER} does not exist."), SignatureError)
    must_deposit = "Must deposit before performing actions. User: {}"
    strange = refused("order", must_deposit.format(OTHER), frozenset([OURS]))
    assert isinstance(strange, SignatureError)
    assert strange.kind.remedy is Remedy.STOP
    known = refused("order", must_deposit.format(OURS.upper().replace("0X", "0x")), frozenset([OURS]))
    assert type(known) is RefusedError
    assert known.kind is RefusalKind.DEPOSIT


def test_an_error_keeps_the_text_and_stays_short() -> None:
    error = refused("order", "x" * 10_000)
    assert error.text == "x" * 10_000
    assert len(str(error)) < 400
    assert isinstance(error, VenueError)
