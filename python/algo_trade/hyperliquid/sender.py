"""One way for everything that goes to the exchange: its turn in the queue, its nonce, its one posting, and what came of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson

from algo_trade._native import HyperliquidDecoder
from algo_trade.errors import DataError, NotSentError, RefusedError, SignatureError, UnknownOutcomeError, VenueError
from algo_trade.hyperliquid.gate import Connections, Priority, Ticket
from algo_trade.hyperliquid.limits import action_weight, info_weight, items_weight
from algo_trade.hyperliquid.nonces import now_ms
from algo_trade.hyperliquid.refusals import RefusalKind, refused
from algo_trade.hyperliquid.transport import AnswerLost, RequestNotSent, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from algo_trade.hyperliquid.gate import Gate
    from algo_trade.hyperliquid.limits import AddressBudget
    from algo_trade.hyperliquid.nonces import Nonces
    from algo_trade.hyperliquid.settings import HyperliquidConfig
    from algo_trade.hyperliquid.transport import Reply, Transport

DEFAULT_CALLER = "main"
# The request itself is at fault. Others of the 4xx, such as 408, are said by proxies, which do not know what became of it.
_NOT_READ = frozenset([400, 401, 403, 404, 405, 411, 413, 414, 415, 422])


class Sender:
    """Questions and actions of one account, over one transport.

    A question may be asked again; an action is posted once. Only what was surely not executed (no connection, 429) is posted again, the
    very same bytes with the very same nonce, and only while its expiry allows.
    """

    def __init__(
        self,
        config: HyperliquidConfig,
        transport: Transport,
        gate: Gate,
        budget: AddressBudget,
        *,
        nonces: Nonces | None,
        ours: frozenset[str],
        clock_ms: Callable[[], int] = now_ms,
    ) -> None:
        self.config = config
        self.budget = budget
        self._transport = transport
        self._gate = gate
        self._connections = Connections(config.connections_max)
        self._nonces = nonces
        self._ours = ours
        self._stopped: SignatureError | None = None
        self.clock_ms = clock_ms

    @property
    def stopped(self) -> SignatureError | None:
        """Why nothing is signed any more: the exchange took us for somebody else."""
        return self._stopped

    def wants_budget(self) -> bool:
        """Return whether the account's budget should be asked about now; said once, to one who then does."""
        return self.config.trader is not None and self.budget.wants_news(self._gate.now_s())

    # --- questions ---

    async def ask(self, question: dict[str, Any], *, caller: str = DEFAULT_CALLER) -> Any:  # noqa: ANN401 -- its shape is the question's
        """Return the answer to a question, as the decoder gives it.

        Raises
        ------
        NotSentError
            It could not be asked, or was not answered, however often it was tried.
        RefusedError
            The exchange does not understand it.
        DataError
            The exchange does not answer as it did.
        """
        name = question["type"]
        body = await self.ask_raw(question, caller=caller)
        return HyperliquidDecoder.decode_info(name, body)

    async def ask_raw(self, question: dict[str, Any], *, caller: str = DEFAULT_CALLER) -> bytes:
        """Return the body of the answer to a question, as it came; see :meth:`ask`."""
        name, body = question["type"], orjson.dumps(question)
        failed = ""
        for attempt in range(self.config.read_retries + 1):
            # The first failure may be a kept-alive connection that had died: that one is made up for at once.
            if attempt > 1:
                await asyncio.sleep(self._gate.pause_s(attempt - 2))
            hold = items_weight(name)
            ticket = Ticket(Priority.INFO, caller, info_weight(name), hold=hold, connections=self._connections)
            await self._gate.admit(ticket, within_s=self.config.queue_timeout_s)
            reply = None
            try:
                reply = await self._transport.post("/info", body, timeout_s=self.config.timeout_s)
            except TransportError as error:
                failed = str(error)
            finally:
                extra = items_weight(name, _items(reply.body)) if reply and reply.status == 200 and hold else 0
                self._gate.settle(ticket, extra, is_answer=reply is not None and reply.status == 200)
            if reply is None:
                continue
            if reply.status == 200:
                return reply.body
            failed = f"{name}: HTTP {reply.status}: {_shown(reply.body)}"
            if reply.status == 429:
                self._gate.back_off(ticket, _retry_after_s(reply))
            elif reply.status < 500:
                raise RefusedError(failed, text=_shown(reply.body), kind=RefusalKind.MALFORMED)
        raise NotSentError(f"{name}: no answer, asked {self.config.read_retries + 1} times: {failed}")

    # --- actions ---

    async def act(
        self,
        name: str,
        sign: Callable[[int, int | None], bytes],
        *,
        priority: Priority = Priority.ORDER,
        items: int = 1,
        expires_at_ms: int | None = None,
        caller: str = DEFAULT_CALLER,
        nonce: int | None = None,
    ) -> dict[str, Any]:
        """Sign an action when its turn has come, post it once, and return what the decoder makes of the answer.

        ``sign`` makes the body from a nonce and an expiry. A nonce is drawn unless one is given, which is for voiding alone.

        Raises
        ------
        NotSentError
            Nothing was executed: no room within the limits, no connection, or the expiry came first.
        RefusedError
            The exchange refused it as a whole: nothing of it was executed.
        UnknownOutcomeError
            It may have been executed.
        """
        if self._stopped is not None:
            raise self._stopped
        if self._nonces is None:
            raise NotSentError(f"{name}: the client has no key to sign with")
        body: bytes | None = None
        until_ms = self.clock_ms() + int(self.config.queue_timeout_s * 1_000)
        until_ms = until_ms if expires_at_ms is None else min(until_ms, expires_at_ms)
        is_again = False
        while True:
            weight = action_weight(items)
            ticket = Ticket(priority, caller, weight, items=items, budget=self.budget, connections=self._connections)
            await self._gate.admit(ticket, within_s=self._within_s(name, until_ms))
            if body is None:
                nonce = self._nonces.next() if nonce is None else nonce
                body = sign(nonce, expires_at_ms)
            answered = False
            try:
                reply = await self._transport.post("/exchange", body, timeout_s=self.config.timeout_s)
                answered = reply.status == 200
            except RequestNotSent as error:
                self.budget.refused(items)
                raise NotSentError(f"{name}: {error}") from error
            except AnswerLost as error:
                raise self._unknown(name, str(error), nonce or 0, expires_at_ms) from error
            finally:
                self._gate.settle(ticket, 0, is_answer=answered)
            if reply.status != 429:
                return self._read(name, reply, nonce or 0, expires_at_ms, items, is_again=is_again)
            # It was not executed. Should that be wrong, the same nonce keeps it from being executed twice.
            self.budget.refused(items)
            self._gate.back_off(ticket, _retry_after_s(reply))
            is_again = True

    def _within_s(self, name: str, until_ms: int) -> float:
        left_ms = until_ms - self.clock_ms()
        if left_ms <= 0:
            raise NotSentError(f"{name}: it expired at {until_ms} before it could be sent: nothing was executed")
        return left_ms / 1_000

    def _read(
        self, name: str, reply: Reply, nonce: int, expires_at_ms: int | None, items: int, *, is_again: bool
    ) -> dict[str, Any]:
        if reply.status in _NOT_READ:
            self.budget.refused(items)
            raise RefusedError(
                f"{name}: HTTP {reply.status}: {_shown(reply.body)}",
                text=_shown(reply.body),
                kind=RefusalKind.MALFORMED,
            )
        if reply.status != 200:
            raise self._unknown(name, f"HTTP {reply.status}: {_shown(reply.body)}", nonce, expires_at_ms)
        try:
            answer = HyperliquidDecoder.decode_exchange(reply.body)
        except DataError as error:
            raise self._unknown(name, f"{error}: {_shown(reply.body)}", nonce, expires_at_ms) from error
        if answer["is_ok"]:
            return answer
        refusal = refused(name, answer["error"], self._ours)
        if is_again and refusal.kind is RefusalKind.NONCE:
            raise self._unknown(name, f"sent again after a 429, {refusal.text}", nonce, expires_at_ms)
        if isinstance(refusal, SignatureError):
            self._stopped = refusal
        if refusal.kind is not RefusalKind.EXPIRED:
            self.budget.refused(items)
        if refusal.kind is RefusalKind.BUDGET:
            self.budget.spent()
        raise refusal

    def _unknown(self, name: str, reason: str, nonce: int, expires_at_ms: int | None) -> VenueError:
        deadline = None if expires_at_ms is None else expires_at_ms + self.config.settle_margin_ms
        text = f"{name}: it is not known whether it was executed: {reason}"
        return UnknownOutcomeError(text, nonce=nonce, deadline_ms=deadline)


def _items(body: bytes) -> int | None:
    """Return how many items an answer has; None if it cannot be read."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return len(answer) if isinstance(answer, list) else 0


def _retry_after_s(reply: Reply) -> float | None:
    """Return the pause that an answer asks for; dates are not read."""
    text = reply.headers.get("retry-after", "")
    return float(text) if text.isdecimal() else None


def _shown(body: bytes) -> str:
    return body[:200].decode(errors="replace")
