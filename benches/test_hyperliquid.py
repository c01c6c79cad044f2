"""How fast an order is signed, beside the official client (with coincurve, as fast as it can) and beside libsecp256k1 alone."""

from __future__ import annotations

import json
import time
from statistics import median

import pytest
from eth_account import Account
from hyperliquid.utils import signing as sdk

from algo_trade import hyperliquid

coincurve = pytest.importorskip("coincurve", reason="the peer's fast backend: pip install coincurve")

PAIRS = 15
CALLS = 200
NONCE = 1_700_000_000_000
SECRET = bytes.fromhex("23" * 32)


def action(count):
    wire = {"a": 1, "b": True, "p": "65432.1", "s": "0.01234", "r": False, "t": {"limit": {"tif": "Alo"}}}
    orders = [{**wire, "c": f"0x{number:032x}"} for number in range(count)]
    return {"type": "order", "orders": orders, "grouping": "na"}


def typed(count):
    return [
        hyperliquid.WireOrder(
            1, is_buy=True, price="65432.1", quantity="0.01234", time_in_force="alo", cloid=f"0x{number:032x}"
        )
        for number in range(count)
    ]


def seconds(call):
    start = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - start) / CALLS


def compare(benchmark, capsys, name, ours, theirs, least):
    """Time both in pairs, so that both meet the same weather: the ratios of the pairs, and our time."""
    benchmark.pedantic(ours, rounds=CALLS, warmup_rounds=10)
    pairs = [(seconds(theirs), seconds(ours)) for _ in range(PAIRS)]
    ratios = sorted(their / our for their, our in pairs)
    benchmark.extra_info["ratio"] = median(ratios)
    with capsys.disabled():
        ours_us, theirs_us = (1e6 * min(pair[side] for pair in pairs) for side in (1, 0))
        spread = f"{median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        print(f"\n{name}: {ours_us:.1f} us against {theirs_us:.1f} us, ratio {spread}")
    assert median(ratios) >= least


# Of many orders as dicts, most of the time goes into reading the dicts.
@pytest.mark.parametrize(("count", "least"), [(1, 10), (20, 5)])
def test_signing_beside_the_official_client(benchmark, capsys, count, least):
    key, account, wanted = hyperliquid.SigningKey(SECRET), Account.from_key(SECRET), action(count)
    assert hyperliquid.sign_l1_action(key, wanted, NONCE) == sdk.sign_l1_action(
        account, wanted, None, NONCE, None, is_mainnet=True
    )
    compare(
        benchmark,
        capsys,
        f"{count} orders, as a dict",
        lambda: hyperliquid.sign_l1_action(key, wanted, NONCE),
        lambda: sdk.sign_l1_action(account, wanted, None, NONCE, None, is_mainnet=True),
        least=least,
    )


@pytest.mark.parametrize("count", [1, 20])
def test_the_body_of_typed_orders_beside_the_official_client(benchmark, capsys, count):
    key, account, orders, wanted = hyperliquid.SigningKey(SECRET), Account.from_key(SECRET), typed(count), action(count)

    def official():
        signature = sdk.sign_l1_action(account, wanted, None, NONCE, None, is_mainnet=True)
        return json.dumps({"action": wanted, "nonce": NONCE, "signature": signature})

    assert json.loads(hyperliquid.signed_orders(key, orders, NONCE)) == json.loads(official())
    compare(
        benchmark,
        capsys,
        f"{count} typed orders, to the bytes that are sent",
        lambda: hyperliquid.signed_orders(key, orders, NONCE),
        official,
        least=10 if count == 1 else 5,
    )


def test_the_body_of_a_typed_order_beside_a_signature_alone(benchmark, capsys):
    key, orders, raw = hyperliquid.SigningKey(SECRET), typed(1), coincurve.PrivateKey(SECRET)
    digest = b"\x07" * 32
    compare(
        benchmark,
        capsys,
        "1 typed order, to the bytes that are sent, beside coincurve's bare signature",
        lambda: hyperliquid.signed_orders(key, orders, NONCE),
        lambda: raw.sign_recoverable(digest, hasher=None),
        least=0.7,
    )


def test_a_signer_beside_the_official_client(benchmark, capsys):
    key, wanted = hyperliquid.SigningKey(SECRET), action(1)
    signature = hyperliquid.sign_l1_action(key, wanted, NONCE)

    def ours():
        return hyperliquid.recover(hyperliquid.l1_digest(hyperliquid.action_hash(wanted, NONCE)), signature)

    def official():
        return sdk.recover_agent_or_user_from_l1_action(wanted, signature, None, NONCE, None, is_mainnet=True)

    assert ours() == official().lower()
    compare(benchmark, capsys, "the signer of 1 order", ours, official, least=5)
