"""Orders: placed, changed and cancelled, in batches, each with an id of ours and an expiry."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

from algo_trade._native import WireOrder, signed_cancels, signed_modifies, signed_orders
from algo_trade.errors import ParameterError, RefusedError, SignatureError, UnknownOutcomeError
from algo_trade.hyperliquid.answers import (
    CancelAnswer,
    Filled,
    OrderAnswer,
    Refused,
    Unknown,
    cancel_answer,
    matched,
    order_answer,
)
from algo_trade.hyperliquid.batches import Batches
from algo_trade.hyperliquid.gate import Priority
from algo_trade.hyperliquid.refusals import RefusalKind
from algo_trade.hyperliquid.sender import DEFAULT_CALLER

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
    from decimal import Decimal
    from typing import Any, TypeAlias

    from algo_trade._native import SigningKey
    from algo_trade.hyperliquid.instruments import ListedInstrument
    from algo_trade.hyperliquid.sender import Sender

    Find: TypeAlias = Callable[[str | int], Awaitable[ListedInstrument]]


def new_cloid() -> str:
    """Return an id that no order had before."""
    return f"0x{secrets.token_hex(16)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """An order to place. ``coin`` is the exchange's name or ours; ``cloid`` is drawn if none is given."""

    coin: str
    is_buy: bool
    price: Decimal
    quantity: Decimal
    time_in_force: Literal["gtc", "ioc", "alo"] = "gtc"
    reduce_only: bool = False
    trigger_price: Decimal | None = None
    trigger: Literal["tp", "sl"] | None = None
    trigger_market: bool = True
    cloid: str = field(default_factory=new_cloid)

    def refusal(self, instrument: ListedInstrument, *, is_whole_position: bool = False) -> Refused | None:
        """Return why the exchange would refuse it, in our words: the first rule of the instrument that it breaks."""
        takes = instrument.rules.takes(self.price, self.quantity, self.trigger_price, self.reduce_only)
        if takes and not instrument.is_delisted:
            return None
        if instrument.is_delisted:
            return Refused(
                RefusalKind.HALTED, f"{self.coin}: is delisted: positions in it are settled, and no order is taken"
            )
        rule = RefusalKind.TICK
        try:
            instrument.check_price(self.price)
            if self.trigger_price is not None:
                instrument.check_price(self.trigger_price, "trigger_price")
            if not (is_whole_position and self.quantity == 0):
                rule = RefusalKind.SIZE
                instrument.check_quantity(self.quantity)
                # A reduce-only order may be the rest of a position, which may be worth less.
                if not self.reduce_only:
                    rule = RefusalKind.MIN_NOTIONAL
                    instrument.check_notional(self.price, self.quantity)
        except ParameterError as error:
            return Refused(rule, str(error))
        return None

    def wire(self, instrument: ListedInstrument, *, is_whole_position: bool = False) -> WireOrder:
        """Return it as it is signed.

        Raises
        ------
        ParameterError
            The exchange would refuse it: its price, quantity or value breaks the instrument's rules, or it is delisted.
        """
        refusal = self.refusal(instrument, is_whole_position=is_whole_position)
        if refusal is not None:
            raise ParameterError(refusal.text)
        return WireOrder(
            instrument.asset,
            self.is_buy,
            self.price,
            self.quantity,
            reduce_only=self.reduce_only,
            time_in_force=self.time_in_force,
            trigger_price=self.trigger_price,
            trigger=self.trigger,
            trigger_market=self.trigger_market,
            cloid=self.cloid,
        )


Answer = TypeVar("Answer", bound=OrderAnswer | CancelAnswer)


class _Placing(NamedTuple):
    wire: WireOrder
    expires_at_ms: int | None


class _Replacing(NamedTuple):
    order: int | str
    wire: WireOrder
    expires_at_ms: int | None


class _Kind(NamedTuple):
    """Orders of one kind go together. Post-only orders have a class of their own in a block, and cancels another."""

    priority: Priority
    caller: str
    is_post_only: bool = False
    by_cloid: bool = False
    is_fast: bool = False
    expires_at_ms: int | None = None


def _kind(order: NewOrder, caller: str) -> _Kind:
    priority = Priority.REDUCE if order.reduce_only else Priority.ORDER
    return _Kind(priority, caller, is_post_only=order.time_in_force == "alo" and order.trigger is None)


class Exchange:
    """Orders of one account.

    Every order leaves with a cloid and an expiry, so that of one whose answer is lost it can be found out what became of it:
    its answer is then :class:`Unknown`, and ``resolve`` of the client ends that. Nothing in here sends an order twice.
    """

    def __init__(
        self,
        sender: Sender,
        key: SigningKey,
        find: Find,
        start: Callable[[Coroutine[None, None, None]], object],
        poll_budget: Callable[[], Coroutine[None, None, None]],
    ) -> None:
        self._sender = sender
        self._key = key
        self._find = find
        self._start = start
        self._poll_budget = poll_budget
        limits = sender.config.limits
        gather = partial(Batches, window_s=limits.batch_window_s, items_max=limits.batch_items_max, start=start)
        self._places: Batches[_Placing, OrderAnswer] = gather(self._send_placed)
        self._modifies: Batches[_Replacing, OrderAnswer] = gather(self._send_modified)
        self._cancels: Batches[tuple[int, int | str], CancelAnswer] = gather(self._send_cancels)

    async def place(
        self, order: NewOrder, *, expires_at_ms: int | None = None, caller: str = DEFAULT_CALLER
    ) -> OrderAnswer:
        """Place an order, together with others that are placed at the same moment.

        Parameters
        ----------
        order : what to place
        expires_at_ms : when it can not be taken up any more, if that is before the client's own expiry
        caller : who asks (the name of a bot): callers take turns

        Raises
        ------
        ParameterError
            The exchange would refuse it.
        NotSentError
            It was surely not executed.
        SignatureError
            The exchange takes us for somebody else: stop.
        """
        wire = order.wire(await self._find(order.coin))
        kind = _kind(order, caller)._replace(expires_at_ms=expires_at_ms)
        return await self._places.ask(kind, _Placing(wire, self._expires_at_ms(expires_at_ms)))

    async def place_together(
        self,
        orders: Sequence[NewOrder],
        *,
        grouping: Literal["na", "normalTpsl", "positionTpsl"] = "na",
        builder: tuple[str, int] | None = None,
        expires_at_ms: int | None = None,
        caller: str = DEFAULT_CALLER,
    ) -> list[OrderAnswer]:
        """Place orders as one action: a parent with its children, or exits of a position.

        ``builder`` is an address and its fee in tenths of a basis point. See :meth:`place` for what is raised.
        """
        self._check_count("orders", len(orders))
        whole = grouping == "positionTpsl"
        wires = [order.wire(await self._find(order.coin), is_whole_position=whole) for order in orders]
        priority = Priority.REDUCE if all(order.reduce_only for order in orders) else Priority.ORDER
        terms = self._terms()

        def sign(nonce: int, expires: int | None) -> bytes:
            return signed_orders(self._key, wires, nonce, *terms, expires, grouping=grouping, builder=builder)

        return await self._orders("order", wires, sign, priority, caller, self._expires_at_ms(expires_at_ms))

    async def cancel(
        self, coin: str, order: int | str, *, is_fast: bool = False, caller: str = DEFAULT_CALLER
    ) -> CancelAnswer:
        """Cancel an order by its oid or its cloid, together with others that are cancelled at the same moment.

        A refusal of kind ``GONE`` says that it does not rest: it may have been filled. A cancel does not expire. ``is_fast`` asks for
        priority over what may take, which plain cancels lose with an upgrade that is announced; an order with a trigger is not
        cancelled so. Try it on the testnet first: where the word stands in what is signed has been seen in documents only.
        """
        asset = (await self._find(coin)).asset
        kind = _Kind(Priority.CANCEL, caller, by_cloid=isinstance(order, str), is_fast=is_fast)
        return await self._cancels.ask(kind, (asset, order))

    async def modify(self, order: int | str, to: NewOrder, *, caller: str = DEFAULT_CALLER) -> OrderAnswer:
        """Replace an order, named by its oid or cloid, by another, together with others that are replaced at the same moment.

        The new one has a new oid; see :meth:`modify_all`.
        """
        wire = to.wire(await self._find(to.coin))
        return await self._modifies.ask(_kind(to, caller), _Replacing(order, wire, self._expires_at_ms()))

    async def modify_all(
        self, modifies: Sequence[tuple[int | str, NewOrder]], *, caller: str = DEFAULT_CALLER
    ) -> list[OrderAnswer]:
        """Replace orders, as one action.

        After a refusal the old order may rest or be gone: the answer is then :class:`Unknown`, to be resolved, with the exchange's text.
        See :meth:`place` for what is raised.
        """
        self._check_count("modifies", len(modifies))
        pairs = [(order, to.wire(await self._find(to.coin))) for order, to in modifies]
        priority = Priority.REDUCE if all(to.reduce_only for _, to in modifies) else Priority.ORDER
        return await self._modify(pairs, priority, caller, self._expires_at_ms())

    async def _send_placed(self, key: Hashable, placed: list[_Placing]) -> list[OrderAnswer]:
        assert isinstance(key, _Kind)  # noqa: S101 -- told by `place` alone
        wires = [each.wire for each in placed]
        terms = self._terms()

        def sign(nonce: int, expires: int | None) -> bytes:
            return signed_orders(self._key, wires, nonce, *terms, expires)

        # The first that was gathered expires first.
        return await self._orders("order", wires, sign, key.priority, key.caller, placed[0].expires_at_ms)

    async def _send_modified(self, key: Hashable, replaced: list[_Replacing]) -> list[OrderAnswer]:
        assert isinstance(key, _Kind)  # noqa: S101 -- told by `modify` alone
        pairs = [(each.order, each.wire) for each in replaced]
        return await self._modify(pairs, key.priority, key.caller, replaced[0].expires_at_ms)

    async def _modify(
        self, pairs: list[tuple[int | str, WireOrder]], priority: Priority, caller: str, expires_at_ms: int | None
    ) -> list[OrderAnswer]:
        terms = self._terms()
        since_ms = self._sender.clock_ms()

        def sign(nonce: int, expires: int | None) -> bytes:
            return signed_modifies(self._key, pairs, nonce, *terms, expires)

        wires = [wire for _, wire in pairs]
        answers = await self._orders("batchModify", wires, sign, priority, caller, expires_at_ms)
        settled_ms = self._sender.clock_ms()  # what the exchange did, it has done
        return [
            Unknown(0, since_ms, settled_ms, f"modify: {answer.text}", cloid=wire.cloid, is_change=True)
            if isinstance(answer, Refused)
            else replace(answer, is_change=True)
            if isinstance(answer, Unknown)
            else answer
            for answer, wire in zip(answers, wires, strict=True)
        ]

    async def _send_cancels(self, key: Hashable, cancels: list[tuple[int, int | str]]) -> list[CancelAnswer]:
        assert isinstance(key, _Kind)  # noqa: S101 -- told by `cancel` alone
        terms = self._terms()

        def sign(nonce: int, expires: int | None) -> bytes:
            return signed_cancels(self._key, cancels, nonce, *terms, expires, fast=key.is_fast)

        name = "cancelByCloid" if key.by_cloid else "cancel"
        ids = [order for _, order in cancels]
        return await self._send(name, ids, sign, cancel_answer, key.priority, key.caller, None)

    async def _orders(
        self,
        name: str,
        wires: list[WireOrder],
        sign: Callable[[int, int | None], bytes],
        priority: Priority,
        caller: str,
        expires_at_ms: int | None,
    ) -> list[OrderAnswer]:
        ids = [wire.cloid or "" for wire in wires]
        return await self._send(name, ids, sign, order_answer, priority, caller, expires_at_ms)

    async def _send(
        self,
        name: str,
        ids: Sequence[int | str],
        sign: Callable[[int, int | None], bytes],
        read: Callable[[dict[str, Any]], Answer],
        priority: Priority,
        caller: str,
        expires_at_ms: int | None,
    ) -> list[Answer | Refused | Unknown]:
        """Send one action on these orders, and return what became of each."""
        since_ms, nonce = self._sender.clock_ms(), 0
        if self._sender.wants_budget():
            self._start(self._poll_budget())

        def signed(drawn: int, expires: int | None) -> bytes:
            nonlocal nonce
            nonce = drawn
            return sign(drawn, expires)

        def unknown(deadline_ms: int | None, reason: str) -> list[Answer | Refused | Unknown]:
            return [
                Unknown(nonce, since_ms, deadline_ms, reason, cloid=order)
                if isinstance(order, str)
                else Unknown(nonce, since_ms, deadline_ms, reason, oid=order)
                for order in ids
            ]

        try:
            answer = await self._sender.act(
                name, signed, priority=priority, items=len(ids), expires_at_ms=expires_at_ms, caller=caller
            )
        except UnknownOutcomeError as error:
            # A cancel does not expire, but it does no harm when it comes late, either.
            harmless_ms = self._sender.clock_ms() + self._sender.config.settle_margin_ms
            return unknown(harmless_ms if priority is Priority.CANCEL else error.deadline_ms, str(error))
        except SignatureError:
            raise
        except RefusedError as error:
            return [Refused(error.kind, error.text) for _ in ids]
        statuses = matched(answer["statuses"], len(ids))
        if statuses is None:
            # An answer came: what was executed has been, and can be seen now.
            reason = f"{name}: {len(answer['statuses'])} answers to {len(ids)} orders: {answer}"
            return unknown(self._sender.clock_ms(), reason)
        answers: list[Answer | Refused | Unknown] = [read(status) for status in statuses]
        for each in answers:
            if isinstance(each, Filled):
                self._sender.budget.traded(int(each.quantity * each.average_price))
        return answers

    def _terms(self) -> tuple[str | None, bool]:
        return self._sender.config.vault_address, self._sender.config.is_mainnet

    def _expires_at_ms(self, wanted_ms: int | None = None) -> int | None:
        after_ms = self._sender.config.expires_after_ms
        own_ms = None if after_ms is None else self._sender.clock_ms() + after_ms
        return min((each for each in (own_ms, wanted_ms) if each is not None), default=None)

    def _check_count(self, what: str, count: int) -> None:
        most = self._sender.config.limits.batch_items_max
        if not 1 <= count <= most:
            raise ParameterError(f"{what}: {count} in one action: must be 1 to {most}")
