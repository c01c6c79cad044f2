"""All that is signed and is no order: leverage, the dead man's switch, slicing orders, transfers, approvals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from algo_trade._native import signed_request, signed_user_request, wire_decimal
from algo_trade.errors import NumberError, ParameterError, RefusedError
from algo_trade.hyperliquid.gate import Priority
from algo_trade.hyperliquid.refusals import kind_of
from algo_trade.hyperliquid.sender import DEFAULT_CALLER
from algo_trade.hyperliquid.settings import address_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from decimal import Decimal
    from typing import TypeAlias

    from algo_trade._native import SigningKey
    from algo_trade.hyperliquid.instruments import ListedInstrument
    from algo_trade.hyperliquid.sender import Sender

    Find: TypeAlias = Callable[[str | int], Awaitable[ListedInstrument]]

# The chain id that the official client signs transfers with, on both networks.
SIGNATURE_CHAIN = "0x66eee"
_USD_STEP = 1_000_000


class Account:
    """Actions of the account.

    Each returns when the exchange has carried it out. Whatever is asked may raise ``NotSentError`` (nothing was executed),
    ``RefusedError`` (the exchange said no; ``SignatureError`` if it took us for somebody else) and ``UnknownOutcomeError`` (no answer
    came: look before anything is asked again). Who gives up the wait for an action does not take it back.

    Vault or sub-account and expiry are part of what is signed, or absent. Transfers out and approvals are signed by the account's own
    key: of an API wallet the exchange does not take them.
    """

    def __init__(self, sender: Sender, key: SigningKey, find: Find, *, caller: str = DEFAULT_CALLER) -> None:
        self._sender = sender
        self._key = key
        self._find = find
        self._caller = caller

    # --- of the trader: the vault or sub-account, if one is configured ---

    async def update_leverage(self, coin: str, leverage: int, *, is_cross: bool = True) -> None:
        """Choose the leverage of a perpetual, 1 to its most."""
        instrument = await self._find(coin)
        if not 1 <= leverage <= instrument.max_leverage or instrument.kind != "perp":
            raise ParameterError(
                f"{coin}: leverage = {leverage}: must be 1 to {instrument.max_leverage}, of a perpetual"
            )
        await self._trade("updateLeverage", asset=instrument.asset, isCross=is_cross, leverage=leverage)

    async def update_isolated_margin(self, coin: str, amount: Decimal) -> None:
        """Add margin to an isolated position, or take some away (below zero); in USD, to 6 decimals."""
        asset = (await self._find(coin)).asset
        await self._trade("updateIsolatedMargin", asset=asset, isBuy=True, ntli=_micro_usd(amount))

    async def schedule_cancel(self, at_ms: int | None) -> None:
        """Have all orders cancelled at a time, at least 5 s ahead; None: not any more. The exchange wants $1M traded before."""
        await self._trade("scheduleCancel", Priority.CANCEL, **({} if at_ms is None else {"time": at_ms}))

    async def twap_order(
        self,
        coin: str,
        *,
        is_buy: bool,
        quantity: Decimal,
        minutes: int,
        reduce_only: bool = False,
        is_randomized: bool = False,
    ) -> int:
        """Have the exchange place an order in slices; return its number."""
        instrument = await self._find(coin)
        instrument.check_quantity(quantity)
        twap = {"a": instrument.asset, "b": is_buy, "s": wire_decimal(quantity), "r": reduce_only}
        priority = Priority.REDUCE if reduce_only else Priority.ORDER
        answer = await self._trade("twapOrder", priority, twap={**twap, "m": minutes, "t": is_randomized})
        return int(_status("twapOrder", answer)["running"]["twap_id"])

    async def twap_cancel(self, coin: str, twap_id: int) -> None:
        """Stop a slicing order."""
        asset = (await self._find(coin)).asset
        _status("twapCancel", await self._trade("twapCancel", Priority.CANCEL, a=asset, t=twap_id))

    async def noop(self) -> None:
        """Do nothing: a trial of key, chain and account."""
        await self._trade("noop", Priority.REDUCE)

    # --- of the account itself ---

    async def set_referrer(self, code: str) -> None:
        """Name who referred the account."""
        await self._own("setReferrer", code=code)

    async def create_sub_account(self, name: str) -> str | None:
        """Make a sub-account; return its address, if the answer has it."""
        data = (await self._own("createSubAccount", name=name))["data"]
        return data if isinstance(data, str) else None

    async def sub_account_transfer(self, sub_account: str, usd: Decimal, *, is_deposit: bool) -> None:
        """Move USD into a sub-account, or out of it."""
        user = address_of("sub_account", sub_account)
        await self._own("subAccountTransfer", subAccountUser=user, isDeposit=is_deposit, usd=_micro_usd(usd))

    async def sub_account_spot_transfer(
        self, sub_account: str, token: str, amount: Decimal, *, is_deposit: bool
    ) -> None:
        """Move a token (``NAME:0xid``) into a sub-account, or out of it."""
        user, text = address_of("sub_account", sub_account), wire_decimal(amount)
        await self._own("subAccountSpotTransfer", subAccountUser=user, isDeposit=is_deposit, token=token, amount=text)

    async def vault_transfer(self, vault: str, usd: Decimal, *, is_deposit: bool) -> None:
        """Move USD into a vault, or out of it."""
        address = address_of("vault", vault)
        await self._own("vaultTransfer", vaultAddress=address, isDeposit=is_deposit, usd=_micro_usd(usd))

    async def reserve_request_weight(self, weight: int) -> None:
        """Buy requests for the account's budget, at 0.0005 USDC each."""
        await self._own("reserveRequestWeight", weight=weight)
        self._sender.budget.cap += weight

    # --- signed by the account's own key alone ---

    async def usd_send(self, destination: str, amount: Decimal) -> None:
        """Send USDC to another account."""
        await self._user("usdSend", "time", destination=address_of("destination", destination), amount=_text(amount))

    async def spot_send(self, destination: str, token: str, amount: Decimal) -> None:
        """Send a token (``NAME:0xid``) to another account."""
        to = address_of("destination", destination)
        await self._user("spotSend", "time", destination=to, token=token, amount=_text(amount))

    async def withdraw(self, destination: str, amount: Decimal) -> None:
        """Withdraw USDC to an address outside; costs $1."""
        await self._user("withdraw3", "time", destination=address_of("destination", destination), amount=_text(amount))

    async def usd_class_transfer(self, amount: Decimal, *, to_perp: bool) -> None:
        """Move USDC between spot and perpetuals; of the sub-account, if one is configured."""
        vault = self._sender.config.vault_address
        text = _text(amount) + (f" subaccount:{vault}" if vault else "")
        await self._user("usdClassTransfer", "nonce", amount=text, toPerp=to_perp)

    async def send_asset(
        self, destination: str, token: str, amount: Decimal, *, source_dex: str, destination_dex: str
    ) -> None:
        """Send a token between accounts or lists of perpetuals: a dex is its name, "" the exchange's own list, "spot" the tokens."""
        fields = {"destination": address_of("destination", destination), "sourceDex": source_dex}
        fields |= {"destinationDex": destination_dex, "token": token, "amount": _text(amount)}
        await self._user("sendAsset", "nonce", **fields, fromSubAccount=self._sender.config.vault_address or "")

    async def approve_agent(self, address: str, name: str | None = None) -> None:
        """Let an API wallet trade for the account.

        One without a name, or of a name that is in use, replaces the one before at once. ``name`` has at most 16 characters, and may end
        in `` valid_until <ms>``. Never approve an address again that was removed: its old actions could be played back.
        """
        agent = address_of("address", address)
        # Without a name, an empty one is signed, and none is sent.
        await self._user("approveAgent", "nonce", agentAddress=agent, **({"agentName": name} if name else {}))

    async def approve_builder_fee(self, builder: str, max_fee_rate: str) -> None:
        """Let a builder charge up to a rate, such as ``0.001%``."""
        if not max_fee_rate.endswith("%"):
            raise ParameterError(f"max_fee_rate = {max_fee_rate!r}: must be a percentage, such as '0.001%'")
        await self._user("approveBuilderFee", "nonce", maxFeeRate=max_fee_rate, builder=address_of("builder", builder))

    async def _trade(self, kind: str, priority: Priority = Priority.ORDER, **fields: object) -> dict[str, Any]:
        return await self._l1(kind, self._sender.config.vault_address, priority, fields)

    async def _own(self, kind: str, **fields: object) -> dict[str, Any]:
        return await self._l1(kind, None, Priority.ORDER, fields)

    async def _l1(self, kind: str, vault: str | None, priority: Priority, fields: dict[str, object]) -> dict[str, Any]:
        action = {"type": kind, **fields}
        config = self._sender.config
        expires = None if config.expires_after_ms is None else self._sender.clock_ms() + config.expires_after_ms

        def sign(nonce: int, expires_at: int | None) -> bytes:
            return signed_request(self._key, action, nonce, vault, config.is_mainnet, expires_at)

        return await self._sender.act(kind, sign, priority=priority, expires_at_ms=expires, caller=self._caller)

    async def _user(self, kind: str, time: str, **fields: object) -> dict[str, Any]:
        chain = "Mainnet" if self._sender.config.is_mainnet else "Testnet"
        head = {"type": kind, "signatureChainId": SIGNATURE_CHAIN, "hyperliquidChain": chain}

        def sign(nonce: int, _: int | None) -> bytes:
            return signed_user_request(self._key, {**head, **fields, time: nonce})

        return await self._sender.act(kind, sign, caller=self._caller)


def _status(name: str, answer: dict[str, Any]) -> dict[str, Any]:
    """Return the one status of an answer; success is by status, not by the whole."""
    status: dict[str, Any] = answer["statuses"][0] if answer["statuses"] else {}
    if (text := status.get("error")) is not None:
        raise RefusedError(f"{name}: the exchange refused it: {text}", text=text, kind=kind_of(text))
    return status


def _text(amount: Decimal) -> str:
    text = wire_decimal(amount)
    if amount <= 0:
        raise ParameterError(f"amount = {amount}: must be above 0")
    return text


def _micro_usd(amount: Decimal) -> int:
    scaled = amount * _USD_STEP
    if scaled != int(scaled):
        raise NumberError(f"amount = {amount}: must have at most 6 decimals")
    return int(scaled)
