"""Random actions of every kind hash, sign and recover as the official client does."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algo_trade import hyperliquid

pytest.importorskip("hyperliquid", reason="the official client: pip install hyperliquid-python-sdk")
from eth_account import Account
from hyperliquid.utils import signing as sdk

KEYS = [
    f"0x{number:064x}"
    for number in (1, 2**200 + 12_345, 0xA4DC551B3939651E835705352C13CD58F08F261C4FF3D2A310C1DB9CF33DAE01)
]
ACCOUNTS = {key: Account.from_key(key) for key in KEYS}

keys = st.sampled_from(KEYS)
millis = st.integers(min_value=10**12, max_value=2 * 10**12)
uint64 = st.integers(min_value=0, max_value=2**64 - 1)
uint32 = st.integers(min_value=0, max_value=2**32 - 1)
addresses = st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())
cloids = st.binary(min_size=16, max_size=16).map(lambda raw: "0x" + raw.hex())
decimals = st.integers(min_value=1, max_value=10**15).map(lambda steps: steps / 1e8).map(sdk.float_to_wire)
names = st.text(max_size=40)
tifs = st.sampled_from(["Gtc", "Ioc", "Alo"])


def ordered(parts: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Dicts with their keys in this order, which is hashed: `fixed_dictionaries` would shuffle them."""
    return st.tuples(*parts.values()).map(lambda values: dict(zip(parts, values, strict=True)))


def fixed(kind: str, **parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return ordered({"type": st.just(kind), **parts})


order_types = tifs.map(lambda tif: {"limit": {"tif": tif}}) | ordered(
    {"isMarket": st.booleans(), "triggerPx": decimals, "tpsl": st.sampled_from(["tp", "sl"])}
).map(lambda trigger: {"trigger": trigger})
order_parts = {"a": uint32, "b": st.booleans(), "p": decimals, "s": decimals, "r": st.booleans(), "t": order_types}
orders = ordered(order_parts) | ordered({**order_parts, "c": cloids})
groupings = st.sampled_from(["na", "normalTpsl", "positionTpsl"]) | uint64.map(lambda fee: {"p": fee})
builders = ordered({"b": addresses, "f": uint32})
typed_actions = st.one_of(
    fixed("order", orders=st.lists(orders, max_size=20), grouping=groupings),
    fixed("order", orders=st.lists(orders, max_size=20), grouping=groupings, builder=builders),
    fixed("cancel", cancels=st.lists(ordered({"a": uint32, "o": uint64}), max_size=20)),
    fixed("cancelByCloid", cancels=st.lists(ordered({"asset": uint32, "cloid": cloids}), max_size=20)),
    fixed("modify", oid=uint64 | cloids, order=orders),
    fixed("batchModify", modifies=st.lists(ordered({"oid": uint64 | cloids, "order": orders}), max_size=5)),
    fixed("scheduleCancel") | fixed("scheduleCancel", time=millis),
    fixed("updateLeverage", asset=uint32, isCross=st.booleans(), leverage=uint32),
    fixed("updateIsolatedMargin", asset=uint32, isBuy=st.just(True), ntli=st.integers(-(2**63), 2**63 - 1)),
    fixed("topUpIsolatedOnlyMargin", asset=uint32, leverage=decimals),
    fixed(
        "twapOrder",
        twap=ordered(
            {"a": uint32, "b": st.booleans(), "s": decimals, "r": st.booleans(), "m": uint32, "t": st.booleans()}
        ),
    ),
    fixed("twapCancel", a=uint32, t=uint64),
    fixed("createSubAccount", name=names),
    fixed("subAccountTransfer", subAccountUser=addresses, isDeposit=st.booleans(), usd=uint32),
    fixed("subAccountSpotTransfer", subAccountUser=addresses, isDeposit=st.booleans(), token=names, amount=decimals),
    fixed("vaultTransfer", vaultAddress=addresses, isDeposit=st.booleans(), usd=uint32),
    fixed("setReferrer", code=names),
    fixed("reserveRequestWeight", weight=uint64),
    fixed("noop"),
    fixed("agentSetAbstraction", abstraction=st.sampled_from(["i", "u", "p"])),
)
# What no action is, but could be: every width of every form of msgpack.
numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
leaves = st.none() | st.booleans() | numbers | st.text(max_size=300)
trees = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=40) | st.dictionaries(st.text(max_size=40), inner, max_size=40)
)
any_actions = typed_actions | st.dictionaries(st.text(), trees, max_size=20)


@given(keys, any_actions, uint64, st.none() | addresses, st.booleans(), st.none() | uint64)
def test_any_action_hashes_and_signs_as_the_official_client_does(
    key: str, action: dict[str, Any], nonce: int, vault: str | None, is_mainnet: bool, expires_after: int | None
) -> None:
    expected_hash = sdk.action_hash(action, vault, nonce, expires_after)
    assert hyperliquid.action_hash(action, nonce, vault, expires_after) == expected_hash
    expected = sdk.sign_l1_action(ACCOUNTS[key], action, vault, nonce, expires_after, is_mainnet)
    assert hyperliquid.sign_l1_action(key, action, nonce, vault, is_mainnet, expires_after) == expected
    digest = hyperliquid.l1_digest(expected_hash, is_mainnet)
    assert hyperliquid.recover(digest, expected) == ACCOUNTS[key].address.lower()


@given(keys, any_actions, millis, st.none() | addresses, st.booleans(), st.none() | millis)
def test_the_official_client_finds_the_signer_in_the_body_that_is_sent(
    key: str, action: dict[str, Any], nonce: int, vault: str | None, is_mainnet: bool, expires_after: int | None
) -> None:
    body = json.loads(hyperliquid.signed_request(ACCOUNTS[key], action, nonce, vault, is_mainnet, expires_after))
    assert (body["nonce"], body.get("vaultAddress"), body.get("expiresAfter")) == (nonce, vault, expires_after)
    assert body["action"] == action
    signer = sdk.recover_agent_or_user_from_l1_action(
        body["action"], body["signature"], vault, nonce, expires_after, is_mainnet
    )
    assert signer == ACCOUNTS[key].address


USER_TYPES = {
    "usdSend": ("UsdSend", sdk.USD_SEND_SIGN_TYPES),
    "withdraw3": ("Withdraw", sdk.WITHDRAW_SIGN_TYPES),
    "spotSend": ("SpotSend", sdk.SPOT_TRANSFER_SIGN_TYPES),
    "usdClassTransfer": ("UsdClassTransfer", sdk.USD_CLASS_TRANSFER_SIGN_TYPES),
    "sendAsset": ("SendAsset", sdk.SEND_ASSET_SIGN_TYPES),
    "tokenDelegate": ("TokenDelegate", sdk.TOKEN_DELEGATE_TYPES),
    "userSetAbstraction": ("UserSetAbstraction", sdk.USER_SET_ABSTRACTION_SIGN_TYPES),
    "userDexAbstraction": ("UserDexAbstraction", sdk.USER_DEX_ABSTRACTION_SIGN_TYPES),
    "convertToMultiSigUser": ("ConvertToMultiSigUser", sdk.CONVERT_TO_MULTI_SIG_USER_SIGN_TYPES),
}
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "string": names,
    "uint64": uint64,
    "address": addresses,
    "bool": st.booleans(),
}


@given(st.data(), keys, st.sampled_from(sorted(USER_TYPES)), st.booleans())
def test_any_user_action_signs_as_the_official_client_does(
    data: st.DataObject, key: str, kind: str, is_mainnet: bool
) -> None:
    name, types = USER_TYPES[kind]
    fields = {field["name"]: data.draw(FIELDS[field["type"]]) for field in types if field["name"] != "hyperliquidChain"}
    action = {"type": kind, **fields}
    posted = copy.deepcopy(action)
    expected = sdk.sign_user_signed_action(ACCOUNTS[key], posted, types, f"HyperliquidTransaction:{name}", is_mainnet)
    assert hyperliquid.sign_user_action(key, posted) == expected
    body = json.loads(hyperliquid.signed_user_request(key, posted))
    assert body["signature"] == expected
    assert body["nonce"] == fields.get("nonce", fields.get("time"))
    assert body["action"] == posted
    assert hyperliquid.recover(hyperliquid.user_digest(posted), expected) == ACCOUNTS[key].address.lower()


@given(keys, st.lists(orders, min_size=1, max_size=20), millis, st.sampled_from(["na", "normalTpsl", "positionTpsl"]))
def test_typed_orders_are_sent_and_signed_as_the_official_client_sends_them(
    key: str, wires: list[dict[str, Any]], nonce: int, grouping: str
) -> None:
    typed = [typed_order(wire) for wire in wires]
    body = json.loads(hyperliquid.signed_orders(key, typed, nonce, grouping=grouping))  # type: ignore[arg-type]
    action = {"type": "order", "orders": wires, "grouping": grouping}
    expected = sdk.sign_l1_action(ACCOUNTS[key], action, None, nonce, None, True)
    assert body == {"action": action, "nonce": nonce, "signature": expected}
    assert json.dumps(body["action"]) == json.dumps(action), "keys in the order in which they are hashed"


def typed_order(wire: dict[str, Any]) -> hyperliquid.WireOrder:
    options: dict[str, Any] = {"reduce_only": wire["r"], "cloid": wire.get("c")}
    if "limit" in wire["t"]:
        options["time_in_force"] = wire["t"]["limit"]["tif"].lower()
    else:
        trigger = wire["t"]["trigger"]
        options |= {
            "trigger_price": trigger["triggerPx"],
            "trigger": trigger["tpsl"],
            "trigger_market": trigger["isMarket"],
        }
    return hyperliquid.WireOrder(wire["a"], wire["b"], wire["p"], wire["s"], **options)


@given(
    keys,
    st.lists(st.tuples(uint32, uint64), min_size=1) | st.lists(st.tuples(uint32, cloids), min_size=1),
    millis,
    st.booleans(),
)
def test_typed_cancels_are_signed_as_the_official_client_signs_them(
    key: str, cancels: list[tuple[int, int | str]], nonce: int, fast: bool
) -> None:
    action: dict[str, Any]
    if isinstance(cancels[0][1], int):
        action = {"type": "cancel", "cancels": [{"a": asset, "o": oid} for asset, oid in cancels]}
    else:
        action = {"type": "cancelByCloid", "cancels": [{"asset": asset, "cloid": cloid} for asset, cloid in cancels]}
    if fast:
        action["f"] = True
    expected = sdk.sign_l1_action(ACCOUNTS[key], action, None, nonce, None, True)
    body = json.loads(hyperliquid.signed_cancels(key, cancels, nonce, fast=fast))
    assert body == {"action": action, "nonce": nonce, "signature": expected}


@given(keys, st.lists(st.tuples(uint64 | cloids, orders), min_size=1, max_size=5), millis)
def test_typed_modifies_are_signed_as_the_official_client_signs_them(
    key: str, modifies: list[tuple[int | str, dict[str, Any]]], nonce: int
) -> None:
    action = {"type": "batchModify", "modifies": [{"oid": oid, "order": wire} for oid, wire in modifies]}
    expected = sdk.sign_l1_action(ACCOUNTS[key], action, None, nonce, None, True)
    typed = [(oid, typed_order(wire)) for oid, wire in modifies]
    body = json.loads(hyperliquid.signed_modifies(key, typed, nonce))
    assert body == {"action": action, "nonce": nonce, "signature": expected}


@given(st.integers(-(10**15), 10**15))
def test_every_float_of_eight_decimals_is_written_as_the_official_client_writes_it(steps: int) -> None:
    value = steps / 1e8
    assert hyperliquid.wire_decimal(value) == sdk.float_to_wire(value)
