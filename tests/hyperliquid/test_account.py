"""All that is signed and is no order: the same bytes as the official client's, with vault and expiry signed or absent."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hyperliquid.utils import signing as sdk

from algo_trade.errors import CredentialError, NumberError, ParameterError, RefusedError, UnknownOutcomeError
from algo_trade.hyperliquid.refusals import RefusalKind
from tests.hyperliquid.simulated import ACCOUNT, KEY, USER_SIGNED, SmallVenue, client, clock_ms, simulate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from algo_trade.hyperliquid.account import Account

OTHER = "0x" + "cd" * 20
VAULT = "0x" + "ef" * 20
TEN = Decimal(10)

TRADER: dict[str, tuple[Callable[[Account], Awaitable[Any]], dict[str, Any]]] = {
    "updateLeverage": (lambda a: a.update_leverage("BTC", 7), {"asset": 0, "isCross": True, "leverage": 7}),
    "updateIsolatedMargin": (
        lambda a: a.update_isolated_margin("ETH", Decimal("-1.5")),
        {"asset": 1, "isBuy": True, "ntli": -1_500_000},
    ),
    "scheduleCancel": (lambda a: a.schedule_cancel(5), {"time": 5}),
    "noop": (lambda a: a.noop(), {}),
}
OWN: dict[str, tuple[Callable[[Account], Awaitable[Any]], dict[str, Any]]] = {
    "setReferrer": (lambda a: a.set_referrer("ABC"), {"code": "ABC"}),
    "createSubAccount": (lambda a: a.create_sub_account("one"), {"name": "one"}),
    "subAccountTransfer": (
        lambda a: a.sub_account_transfer(OTHER, TEN, is_deposit=True),
        {"subAccountUser": OTHER, "isDeposit": True, "usd": 10_000_000},
    ),
    "subAccountSpotTransfer": (
        lambda a: a.sub_account_spot_transfer(OTHER, "PURR:0x1", Decimal("1.50"), is_deposit=False),
        {"subAccountUser": OTHER, "isDeposit": False, "token": "PURR:0x1", "amount": "1.5"},
    ),
    "vaultTransfer": (
        lambda a: a.vault_transfer(OTHER, TEN, is_deposit=True),
        {"vaultAddress": OTHER, "isDeposit": True, "usd": 10_000_000},
    ),
    "reserveRequestWeight": (lambda a: a.reserve_request_weight(100), {"weight": 100}),
}
USER: dict[str, tuple[Callable[[Account], Awaitable[Any]], str]] = {
    "usdSend": (lambda a: a.usd_send(OTHER.upper().replace("0X", "0x"), Decimal("12.50")), "sign_usd_transfer_action"),
    "spotSend": (lambda a: a.spot_send(OTHER, "PURR:0x1", TEN), "sign_spot_transfer_action"),
    "withdraw3": (lambda a: a.withdraw(OTHER, TEN), "sign_withdraw_from_bridge_action"),
    "usdClassTransfer": (lambda a: a.usd_class_transfer(TEN, to_perp=True), "sign_usd_class_transfer_action"),
    "sendAsset": (
        lambda a: a.send_asset(OTHER, "USDC", TEN, source_dex="", destination_dex="spot"),
        "sign_send_asset_action",
    ),
    "approveAgent": (lambda a: a.approve_agent(OTHER, "bot"), "sign_agent"),
    "approveBuilderFee": (lambda a: a.approve_builder_fee(OTHER, "0.001%"), "sign_approve_builder_fee"),
}


def posted(act: Callable[[Account], Awaitable[Any]], **settings: Any) -> dict[str, Any]:
    venue = SmallVenue()

    async def scenario() -> None:
        async with client(venue, **settings) as hl:
            await act(hl.account)

    simulate(scenario)
    assert venue.signers == [KEY.address], "what is signed is what is posted"
    return venue.posted[0]


ACTS = {kind: act for listed in (TRADER, OWN, USER) for kind, (act, _) in listed.items()}


@pytest.mark.parametrize("kind", TRADER | OWN)
def test_actions_have_the_keys_of_the_protocol_in_its_order(kind: str) -> None:
    act, fields = (TRADER | OWN)[kind]
    action = posted(act)["action"]
    assert list(action.items()) == [("type", kind), *fields.items()]


@pytest.mark.parametrize("kind", ACTS)
def test_trap_36_vault_and_expiry_are_signed_or_absent(kind: str) -> None:
    request = posted(ACTS[kind], vault_address=VAULT)
    assert request.get("vaultAddress") == (VAULT if kind in TRADER else None)
    assert (request.get("expiresAfter") is not None) == (kind not in USER)


@pytest.mark.parametrize("kind", USER)
def test_user_signed_actions_are_those_of_the_official_client(kind: str) -> None:
    account = pytest.importorskip("eth_account").Account.from_key("0x" + "01" * 32)
    act, name = USER[kind]
    request = posted(act)
    theirs = {key: value for key, value in request["action"].items() if key not in ("type", "signatureChainId")}
    theirs.pop("hyperliquidChain")
    signature = getattr(sdk, name)(account, theirs, False)
    assert {**theirs, "signatureChainId": "0x66eee", "hyperliquidChain": "Testnet"}.items() <= request["action"].items()
    assert [int(request["signature"][part], 16) for part in "rs"] == [int(signature[part], 16) for part in "rs"]
    assert request["signature"]["v"] == signature["v"]
    assert request["nonce"] == request["action"].get("time", request["action"].get("nonce"))
    assert kind in USER_SIGNED


def test_an_unnamed_api_wallet_is_signed_with_an_empty_name_and_sent_without() -> None:
    assert "agentName" not in posted(lambda account: account.approve_agent(OTHER))["action"]


def test_amounts_and_choices_that_would_be_refused_are_not_sent() -> None:
    venue = SmallVenue()

    async def scenario() -> None:
        async with client(venue) as hl:
            for act, error in (
                (hl.account.usd_send(OTHER, Decimal(0)), ParameterError),
                (hl.account.usd_send("0x12", TEN), ParameterError),
                (hl.account.update_leverage("BTC", 41), ParameterError),
                (hl.account.update_isolated_margin("BTC", Decimal("1.0000001")), NumberError),
                (hl.account.approve_builder_fee(OTHER, "0.001"), ParameterError),
            ):
                with pytest.raises(error):
                    await act

    simulate(scenario)
    assert venue.posted == []


def test_slicing_orders_are_read_by_their_status() -> None:
    venue = SmallVenue()
    told = b'{"status":"ok","response":{"type":"%s","data":{"status":%s}}}'
    venue.faults.extend(
        [
            told % (b"twapOrder", b'{"running":{"twapId":77}}'),
            told % (b"twapOrder", b'{"error":"Invalid TWAP duration: 1 min(s)"}'),
            told % (b"twapCancel", b'"success"'),
        ]
    )

    async def scenario() -> None:
        async with client(venue) as hl:
            assert await hl.account.twap_order("BTC", is_buy=True, quantity=Decimal(1), minutes=30) == 77
            with pytest.raises(RefusedError) as refused:
                await hl.account.twap_order("BTC", is_buy=True, quantity=Decimal(1), minutes=1)
            assert refused.value.kind is RefusalKind.TWAP
            await hl.account.twap_cancel("BTC", 77)

    simulate(scenario)
    assert venue.posted[0]["action"]["twap"] == {"a": 0, "b": True, "s": "1", "r": False, "m": 30, "t": False}


def test_a_transfer_whose_answer_is_lost_is_of_unknown_outcome_and_not_sent_again() -> None:
    venue = SmallVenue()
    venue.faults.append("after")

    async def scenario() -> None:
        async with client(venue) as hl:
            with pytest.raises(UnknownOutcomeError) as unknown:
                await hl.account.usd_send(OTHER, TEN)
            assert unknown.value.deadline_ms is None

    simulate(scenario)
    assert len(venue.posted) == 1


# --- checks before trading ---


def ready() -> SmallVenue:
    venue = SmallVenue()
    venue.info["userRole"] = {"role": "agent", "data": {"user": ACCOUNT}}
    day_ms = 86_400_000
    venue.info["extraAgents"] = lambda _: [
        {"name": "bot", "address": KEY.checksum_address, "validUntil": clock_ms() + 30 * day_ms}
    ]
    venue.info["exchangeStatus"] = lambda _: {"specialStatuses": None, "time": clock_ms()}
    venue.info["userRateLimit"] = {"cumVlm": "0.0", "nRequestsUsed": 12, "nRequestsCap": 10_000}
    return venue


def alarms(venue: SmallVenue, **settings: Any) -> tuple[str, ...]:
    found: list[tuple[str, ...]] = []

    async def scenario() -> None:
        async with client(venue, **settings) as hl:
            check = await hl.check_account()
            assert (check.signer, check.used) == (KEY.address, hl.budget.used)
            found.append(check.alarms)

    simulate(scenario)
    return found[0]


def test_an_account_in_order_raises_no_alarm_and_places_nothing() -> None:
    venue = ready()
    assert alarms(venue) == ()
    assert [request["action"] for request in venue.posted] == [
        {"type": "noop"},
        {"type": "scheduleCancel", "time": venue.posted[1]["action"]["time"]},
        {"type": "scheduleCancel"},
    ]


@pytest.mark.parametrize(
    ("role", "text"),
    [
        ({"role": "agent", "data": {"user": OTHER}}, f"API wallet of {OTHER}"),
        ({"role": "missing"}, "approve it on this network"),
        ({"role": "user"}, "is no API wallet"),
    ],
)
def test_traps_4_and_5_a_key_of_another_account_or_network_is_refused(role: dict[str, Any], text: str) -> None:
    venue = ready()
    venue.info["userRole"] = role
    with pytest.raises(CredentialError, match=text):
        alarms(venue)
    assert venue.posted == []


@pytest.mark.parametrize(
    ("role", "text"),
    [
        ({"role": "agent", "data": {"user": OTHER}}, f"set that of its account, {OTHER}"),
        ({"role": "missing"}, "does not know it on this network"),
    ],
)
def test_trap_5_the_address_of_an_api_wallet_or_of_nobody_is_no_account(role: dict[str, Any], text: str) -> None:
    venue = ready()
    venue.info["userRole"] = role

    async def scenario() -> None:
        async with client(venue, account_address=KEY.address) as hl:
            with pytest.raises(CredentialError, match=text):
                await hl.check_account()

    simulate(scenario)
    assert venue.posted == []


def test_trap_6_an_api_wallet_that_expires_soon_is_an_alarm() -> None:
    venue = ready()
    venue.info["extraAgents"] = lambda _: [
        {"name": "bot", "address": KEY.address, "validUntil": clock_ms() + 13 * 86_400_000}
    ]
    (alarm,) = alarms(venue)
    assert "expires in 13.0 days" in alarm


def test_trap_6_an_api_wallet_whose_expiry_is_not_told_is_an_alarm() -> None:
    venue = ready()
    venue.info["extraAgents"] = []
    (alarm,) = alarms(venue)
    assert "has no name" in alarm


@pytest.mark.parametrize(("ahead_ms", "is_alarm"), [(-3_000, True), (-900, False), (900, False), (3_000, True)])
def test_trap_32_a_clock_that_differs_by_more_than_a_second_is_an_alarm(ahead_ms: int, *, is_alarm: bool) -> None:
    venue = ready()
    venue.info["exchangeStatus"] = lambda _: {"specialStatuses": None, "time": clock_ms() - ahead_ms}
    assert bool(alarms(venue)) is is_alarm


def test_trap_29_without_a_dead_mans_switch_it_is_said_loudly() -> None:
    venue = ready()
    venue.refusals["scheduleCancel"] = (
        "Cannot set scheduled cancel time until enough volume traded. Required: $1000000."
    )
    (alarm,) = alarms(venue)
    assert "run a guard" in alarm


def test_trap_19_a_budget_that_is_nearly_spent_is_an_alarm() -> None:
    venue = ready()
    venue.info["userRateLimit"] = {"cumVlm": "0.0", "nRequestsUsed": 8_000, "nRequestsCap": 10_000}
    (alarm,) = alarms(venue)
    assert "8000 of 10000" in alarm


def test_a_vault_has_to_be_one_or_a_sub_account_of_ours() -> None:
    venue = ready()
    roles = {VAULT: {"role": "subAccount", "data": {"master": ACCOUNT}}, KEY.address: venue.info["userRole"]}
    venue.info["userRole"] = lambda question: roles[question["user"]]
    assert alarms(venue, vault_address=VAULT) == ()
    venue.nonces.clear()
    roles[VAULT] = {"role": "subAccount", "data": {"master": OTHER}}
    with pytest.raises(CredentialError, match="neither a vault nor a sub-account"):
        alarms(venue, vault_address=VAULT)
