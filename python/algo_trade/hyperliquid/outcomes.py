"""Orders of which no answer came: found out by looking, never by sending again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, TypeAlias

from algo_trade._native import signed_request
from algo_trade.errors import NotSentError, ParameterError, RefusedError, SignatureError, UnknownOutcomeError
from algo_trade.hyperliquid.gate import Priority
from algo_trade.hyperliquid.refusals import RefusalKind
from algo_trade.hyperliquid.together import Together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from algo_trade._native import SigningKey
    from algo_trade.hyperliquid import records as r
    from algo_trade.hyperliquid.answers import Unknown
    from algo_trade.hyperliquid.info import Info
    from algo_trade.hyperliquid.sender import Sender

Found: TypeAlias = Literal["resting", "done", "absent"]

_MILLI = 1_000_000
# Fills bear the exchange's time and the question ours.
_SINCE_MARGIN_MS = 60_000


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of an order.

    Parameters
    ----------
    state : it rests, it has ended, or it is nowhere and never will be
    oid : of the order that was found last; a change gives a new one
    status : the exchange's word, where it remembers one
    fills : all of it since it was sent, in order
    """

    state: Found
    oid: int | None
    status: str | None
    fills: tuple[r.Fill, ...]

    @property
    def filled(self) -> Decimal:
        """How much was filled: the sum of its fills, never what a status says."""
        return sum((fill["quantity"] for fill in self.fills), Decimal(0))


class Outcomes:
    """Ends the state *unknown*: by what the exchange knows of the cloid, by fills, by the expiry that was signed, or by voiding.

    When a connection breaks, all orders that were under way are in doubt at once: what rests and what was filled is asked once for
    all of them, since each such question costs a good part of the budget of a minute.
    """

    def __init__(self, sender: Sender, info: Info, key: SigningKey) -> None:
        self._sender = sender
        self._info = info
        self._key = key
        self._open = Together(lambda _: info.open_orders())
        self._fills = Together(lambda since_ns: info.fills_by_time(start_ns=since_ns))

    async def look(self, unknown: Unknown) -> Settled | None:
        """Look once: among open orders, at the order's status, and among fills. None: nothing is known of it.

        None is no proof that it was not executed, unless the look began after ``deadline_ms``: the exchange forgets orders.
        """
        order = unknown.cloid if unknown.cloid is not None else unknown.oid
        if order is None:
            raise ParameterError("unknown: has neither cloid nor oid: nothing tells it from other orders")
        status = (await self._info.order_status(order))["order"]
        resting, own = await self._stands(unknown, order, status)
        if not resting and (own or status is not None) and not _has_ended(status):
            # It may have come, or gone, between one question and the next: what is asked now is asked after it came.
            status = (await self._info.order_status(order))["order"]
            resting, own = await self._stands(unknown, order, status)
        word = None if status is None else status["status"]
        if resting:
            return Settled("resting", resting[-1]["oid"], word, own)
        if status is not None:
            # Said to rest, though it is not among those that do: whoever cancels it learns the truth.
            state: Found = "done" if _has_ended(status) else "resting"
            return Settled(state, status["order"]["oid"], word, own)
        return Settled("done", own[-1]["oid"], None, own) if own else None

    async def _stands(
        self, unknown: Unknown, order: int | str, status: r.OrderNews | None
    ) -> tuple[list[r.Order], tuple[r.Fill, ...]]:
        """Return how it rests, and its fills, which are asked for last."""
        resting = _resting(await self._open.answer(), order)
        oids = {each["oid"] for each in resting}
        oids |= {order} if isinstance(order, int) else set()
        oids |= {status["order"]["oid"]} if status is not None else set()
        start_ns = max(0, unknown.since_ms - _SINCE_MARGIN_MS) * _MILLI
        fills = await self._fills.answer(start_ns)
        own = (fill for fill in fills if fill["oid"] in oids or (unknown.cloid and fill["cloid"] == unknown.cloid))
        return resting, tuple(own)

    async def resolve(self, unknown: Unknown, *, poll_s: float = 0.5) -> Settled:
        """Look until it is known what became of an order.

        It ends when the order is found, or with the first look that began after ``deadline_ms`` and found nothing. Without a deadline,
        ``void`` it first. What a change was to replace may be found before the change arrives: of a change, only looks after the
        deadline count. Looks that fail are made again.
        """
        pause_s = poll_s
        while True:
            is_over = unknown.deadline_ms is not None and self._sender.clock_ms() >= unknown.deadline_ms
            try:
                found = None if unknown.is_change and not is_over else await self.look(unknown)
            except NotSentError:
                found, is_over = None, False
            if found is not None:
                return found
            if is_over:
                return Settled("absent", None, None, ())
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, 5.0)

    async def void(self, unknown: Unknown) -> bool:
        """Use the nonce of an action up with another that does nothing; return whether that was in time.

        True: the action was not executed, and never will be. False: its nonce is used, so it was executed or can not be any more:
        ``look`` tells which.

        Raises
        ------
        UnknownOutcomeError
            No answer came: void it again, which is harmless.
        """
        if unknown.nonce <= 0:
            raise ParameterError("unknown: was answered: there is nothing to void; look at it")
        vault, is_mainnet = self._sender.config.vault_address, self._sender.config.is_mainnet

        def sign(nonce: int, _: int | None) -> bytes:
            return signed_request(self._key, {"type": "noop"}, nonce, vault, is_mainnet)

        try:
            await self._sender.act("noop", sign, priority=Priority.CANCEL, nonce=unknown.nonce)
        except (SignatureError, UnknownOutcomeError):
            raise
        except RefusedError as error:
            if error.kind is RefusalKind.NONCE:
                return False
            raise
        return True


def _has_ended(status: r.OrderNews | None) -> bool:
    return status is not None and status["status"] not in ("open", "triggered")


def _resting(orders: Sequence[r.Order], order: int | str) -> list[r.Order]:
    return [each for each in orders if order == (each["oid"] if isinstance(order, int) else each["cloid"])]
