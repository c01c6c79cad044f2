"""What is refused before anything is signed, and what the bodies of requests look like."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from algo_trade import hyperliquid
from algo_trade.errors import InputError, NumberError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = hyperliquid.SigningKey("0x" + "23" * 32)
NONCE = 1_700_000_000_000


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ({"orders": [{"p": Decimal("1.5")}]}, r"action\.orders\[0\]\.p: Decimal is neither text, number"),
        ({"a": {"b": (1, 2**64)}}, r"action\.a\.b\[1\]: an integer is out of range"),
        ({"a": -(2**63) - 1}, "out of range"),
        ({"a": 10**5_000}, "out of range"),
        ({"a": float("nan")}, "action.a: `NaN` is not a finite number"),
        ({"a": float("inf")}, "not a finite number"),
        ({"a": {1: 2}}, "action.a: a key is int, not text"),
        ({"a": b"x"}, "action.a: bytes is neither"),
        ({"a": "\ud800"}, "action.a: the text has half of a surrogate pair"),
        ({"\ud800": 1}, "action: the text has half of a surrogate pair"),
        ({"a": nested(128)}, "more than 128 deep"),
        (object(), "action: object is neither"),
    ],
)
def test_what_an_action_cannot_hold_is_refused_with_its_place(action: Any, message: str) -> None:
    for call in (hyperliquid.action_hash, lambda *rest: hyperliquid.sign_l1_action(KEY, *rest)):
        with pytest.raises(ParameterError, match=message):
            call(action, NONCE)


def test_a_dict_that_holds_itself_is_refused() -> None:
    action: dict[str, Any] = {}
    action["self"] = action
    with pytest.raises(ParameterError, match="more than 128 deep"):
        hyperliquid.action_hash(action, NONCE)
    assert hyperliquid.action_hash(nested(128), NONCE)


def test_the_order_of_keys_is_part_of_the_hash_and_a_vault_may_come_without_its_prefix() -> None:
    one, other = {"type": "noop", "x": 1}, {"x": 1, "type": "noop"}
    assert hyperliquid.action_hash(one, NONCE) != hyperliquid.action_hash(other, NONCE)
    vault = "0x1719884EB866CB12B2287399B15F7DB5E7D775EA"
    hashes = {hyperliquid.action_hash(one, NONCE, form) for form in (vault, vault.lower(), vault[2:].lower())}
    assert len(hashes) == 1


def test_terms_and_signatures_of_another_form_are_refused() -> None:
    digest = hyperliquid.l1_digest(hyperliquid.action_hash({"type": "noop"}, NONCE))
    signature = hyperliquid.sign_l1_action(KEY, {"type": "noop"}, NONCE)
    assert hyperliquid.recover(digest, signature) == KEY.address
    wrong: list[tuple[Callable[[], object], str]] = [
        (lambda: hyperliquid.sign_l1_action(KEY, {}, NONCE, "0x12"), "vault_address: `0x12` is not an address"),
        (lambda: hyperliquid.l1_digest(b"x"), "action_hash: 1 bytes: must be 32"),
        (lambda: hyperliquid.recover(b"", signature), "digest: 0 bytes: must be 32"),
        (lambda: hyperliquid.recover(digest, {**signature, "v": 26}), "v = 26: must be 27 or 28"),
        (lambda: hyperliquid.recover(digest, {**signature, "v": 2**70}), "signature: .* must have `r` and `s`"),
        (lambda: hyperliquid.recover(digest, {**signature, "r": "12"}), "signature: .* must have `r` and `s`"),
        (lambda: hyperliquid.recover(digest, {"r": "0x1", "s": "0x1"}), "signature: .* must have `r` and `s`"),
        (lambda: hyperliquid.recover(digest, {**signature, "s": "0x0"}), "no key can have signed this"),
        (lambda: hyperliquid.user_digest({"type": "order"}), "not a user-signed action"),
    ]
    for call, message in wrong:
        with pytest.raises(ParameterError, match=message):
            call()


def test_a_signature_of_something_else_gives_another_address() -> None:
    signature = hyperliquid.sign_l1_action(KEY, {"type": "noop"}, NONCE)
    for digest in (
        hyperliquid.l1_digest(hyperliquid.action_hash({"type": "noop"}, NONCE), is_mainnet=False),
        hyperliquid.l1_digest(hyperliquid.action_hash({"type": "noop"}, NONCE + 1)),
        hyperliquid.l1_digest(hyperliquid.action_hash({"type": "noop"}, NONCE, expires_after=NONCE)),
    ):
        assert hyperliquid.recover(digest, signature) != KEY.address


def test_a_body_holds_what_was_signed_and_nothing_else() -> None:
    order = hyperliquid.WireOrder(
        10_107,
        False,
        Decimal("25.1230"),
        0.1 + 0.2,
        reduce_only=True,
        trigger_price="26",
        trigger="sl",
        cloid="0x" + "AB" * 16,
    )
    vault = "0x1719884EB866CB12B2287399B15F7DB5E7D775EA"
    body = hyperliquid.signed_orders(
        KEY, [order], NONCE, vault, False, NONCE + 5_000, grouping="positionTpsl", builder=(vault, 10)
    )
    read = json.loads(body)
    assert read["action"] == {
        "type": "order",
        "orders": [
            {
                "a": 10_107,
                "b": False,
                "p": "25.123",
                "s": "0.3",
                "r": True,
                "t": {"trigger": {"isMarket": True, "triggerPx": "26", "tpsl": "sl"}},
                "c": "0x" + "ab" * 16,
            }
        ],
        "grouping": "positionTpsl",
        "builder": {"b": vault.lower(), "f": 10},
    }
    assert (read["nonce"], read["vaultAddress"], read["expiresAfter"]) == (NONCE, vault.lower(), NONCE + 5_000)
    digest = hyperliquid.l1_digest(
        hyperliquid.action_hash(read["action"], NONCE, vault, NONCE + 5_000), is_mainnet=False
    )
    assert hyperliquid.recover(digest, read["signature"]) == KEY.address
    assert json.loads(hyperliquid.signed_request(KEY, {"type": "noop"}, NONCE)).keys() == {
        "action",
        "nonce",
        "signature",
    }


def test_an_order_that_cannot_be_is_refused() -> None:
    good: dict[str, Any] = {"asset": 0, "is_buy": True, "price": "1.5", "quantity": 2}
    order = hyperliquid.WireOrder(**good)
    assert (order.asset, order.is_buy, order.reduce_only, order.cloid) == (0, True, False, None)
    assert (order.price, order.quantity) == (Decimal("1.5"), Decimal(2))
    assert order == hyperliquid.WireOrder(**good) != hyperliquid.WireOrder(**{**good, "price": 2})
    assert "'p':'1.5'" in repr(order).replace('"', "'")
    wrong: list[tuple[dict[str, Any], type[InputError], str]] = [
        ({"price": 0}, ParameterError, "price = 0: must be above zero"),
        ({"price": -1}, ParameterError, "price = -1: must be above zero"),
        ({"quantity": -1}, ParameterError, "quantity = -1: must not be below zero"),
        ({"price": "1.123456789"}, NumberError, "finer than 1e-8"),
        ({"price": float("nan")}, NumberError, "NaN|nan"),
        ({"quantity": True}, NumberError, "not a number"),
        ({"time_in_force": "fok"}, ParameterError, "time_in_force = fok: must be one of gtc, ioc, alo"),
        ({"trigger": "tp"}, ParameterError, "give both, or neither"),
        ({"trigger_price": 1}, ParameterError, "give both, or neither"),
        ({"trigger": "x", "trigger_price": 1}, ParameterError, "trigger = x: must be one of tp, sl"),
        ({"cloid": "0x12"}, ParameterError, "cloid = `0x12`: must be 0x and 32 hex digits"),
    ]
    for change, error, message in wrong:
        with pytest.raises(error, match=message):
            hyperliquid.WireOrder(**{**good, **change})


def test_cancels_name_their_orders_in_one_way() -> None:
    cloid = "0x" + "01" * 16
    with pytest.raises(ParameterError, match="either oids or cloids"):
        hyperliquid.signed_cancels(KEY, [(0, 1), (0, cloid)], NONCE)
    with pytest.raises(ParameterError, match="must be 0x and 32 hex digits"):
        hyperliquid.signed_cancels(KEY, [(0, "1")], NONCE)
    with pytest.raises(ParameterError, match="grouping = no: must be one of"):
        hyperliquid.signed_orders(KEY, [], NONCE, grouping="no")  # type: ignore[arg-type]
