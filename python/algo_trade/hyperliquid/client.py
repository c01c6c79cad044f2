"""The client of Hyperliquid: questions, orders and the rest of an account, over REST."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from algo_trade.errors import CredentialError, DataError, ParameterError, VenueError
from algo_trade.hyperliquid.account import Account
from algo_trade.hyperliquid.checks import AccountCheck, check_account
from algo_trade.hyperliquid.exchange import Exchange
from algo_trade.hyperliquid.gate import Gate
from algo_trade.hyperliquid.info import Info
from algo_trade.hyperliquid.instruments import Instruments, perpetuals, spot_pairs
from algo_trade.hyperliquid.limits import AddressBudget
from algo_trade.hyperliquid.nonces import NonceFile, now_ms
from algo_trade.hyperliquid.outcomes import Outcomes
from algo_trade.hyperliquid.sender import DEFAULT_CALLER, Sender
from algo_trade.hyperliquid.transport import HttpTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from types import TracebackType
    from typing import Any

    from algo_trade._native import SigningKey
    from algo_trade.hyperliquid.answers import Unknown
    from algo_trade.hyperliquid.instruments import InstrumentChange, ListedInstrument
    from algo_trade.hyperliquid.nonces import Nonces
    from algo_trade.hyperliquid.outcomes import Settled
    from algo_trade.hyperliquid.settings import HyperliquidConfig
    from algo_trade.hyperliquid.transport import Transport


class HyperliquidClient:
    """One account on Hyperliquid.

    ``info`` asks, ``exchange`` places and cancels orders, ``account`` does all else that is signed. It works between ``async with``.

    Parameters
    ----------
    config : which exchange, which account, which limits
    key : of the account, or better of an API wallet of it; without one, nothing can be signed
    dexes : the lists of perpetuals of others that are traded, by name
    transport, gate, nonces, clock_ms : the connections, the queue (one for all clients behind one IP address), the source of nonces
        (one for all that signs with the key) and the clock, if they are not to be made here

    Raises
    ------
    CredentialError
        Another process uses the key.

    Examples
    --------
    ::

        async with HyperliquidClient(HyperliquidConfig(account_address="0x…"), key_from_env()) as client:
            await client.check_account()
            order = NewOrder(coin="BTC", is_buy=True, price=Decimal(65000), quantity=Decimal("0.001"), time_in_force="alo")
            answer = await client.exchange.place(order)
            if isinstance(answer, Unknown):
                settled = await client.resolve(answer)
    """

    def __init__(
        self,
        config: HyperliquidConfig,
        key: SigningKey | None = None,
        *,
        dexes: Sequence[str] = (),
        transport: Transport | None = None,
        gate: Gate | None = None,
        nonces: Nonces | None = None,
        clock_ms: Callable[[], int] = now_ms,
    ) -> None:
        self.config = config
        self._key = key
        self._dexes = tuple(dexes)
        self._transport = transport or HttpTransport(config.api_url)
        self._own_nonces: NonceFile | None = None
        if key is not None and nonces is None:
            nonces = self._own_nonces = NonceFile(config.state_dir, key.address, clock_ms=clock_ms)
        self.budget = AddressBudget(config.limits)
        named = (config.account_address, config.vault_address, key.address if key is not None else None)
        self._sender = Sender(
            config,
            self._transport,
            gate or Gate(config.limits),
            self.budget,
            nonces=nonces,
            ours=frozenset(address for address in named if address),
            clock_ms=clock_ms,
        )
        self.info = Info(self._sender)
        self.instruments = Instruments()
        self.changes: list[InstrumentChange] = []
        self._reading = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._exchange: Exchange | None = None
        if key is not None:
            self._exchange = Exchange(self._sender, key, self.instrument, self._start, self._poll_quietly)
        self._account = Account(self._sender, key, self.instrument) if key is not None else None
        self._outcomes = Outcomes(self._sender, self.info, key) if key is not None else None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Wait for what is under way, and give up connections and key."""
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._transport.close()
        if self._own_nonces is not None:
            self._own_nonces.close()

    @property
    def exchange(self) -> Exchange:
        """Orders."""
        if self._exchange is None:
            raise CredentialError("the client has no key: orders cannot be signed")
        return self._exchange

    @property
    def account(self) -> Account:
        """Leverage, transfers, API wallets: all that is signed and is no order."""
        if self._account is None:
            raise CredentialError("the client has no key: nothing can be signed")
        return self._account

    # --- instruments ---

    async def instrument(self, name: str | int, *, caller: str = DEFAULT_CALLER) -> ListedInstrument:
        """Return an instrument by its number, the exchange's name or ours; the list is read again for one that is unknown.

        Raises
        ------
        ParameterError
            There is none.
        """
        found = self.instruments.get(name)
        if found is None:
            async with self._reading:
                # Whoever waited for another to read the list has no need to read it again.
                if self.instruments.get(name) is None:
                    await self._read_instruments(caller)
            found = self.instruments.get(name)
        if found is None:
            raise ParameterError(
                f"{name!r}: the exchange lists no such instrument; `client.instruments.all()` has them all"
            )
        return found

    async def load_instruments(self, *, caller: str = DEFAULT_CALLER) -> list[InstrumentChange]:
        """Read the lists of instruments (again); return what has changed, which ``changes`` collects."""
        async with self._reading:
            return await self._read_instruments(caller)

    async def _read_instruments(self, caller: str) -> list[InstrumentChange]:
        info = self.info.as_caller(caller)
        listed = perpetuals(await info.meta()) + spot_pairs(await info.spot_meta())
        if self._dexes:
            numbers = {dex["name"]: index for index, dex in enumerate(await info.perp_dexs()) if dex is not None}
            for name in self._dexes:
                if name not in numbers:
                    raise ParameterError(f"dexes: {name!r}: is not listed: {', '.join(numbers) or 'there are none'}")
                listed += perpetuals(await info.meta(name), dex=name, dex_index=numbers[name])
        newer = Instruments(listed)
        changed = self.instruments.changes(newer) if len(self.instruments) else []
        self.instruments = newer
        self.changes += changed
        return changed

    async def contexts(self, *, caller: str = DEFAULT_CALLER) -> dict[str, dict[str, Any]]:
        """Return prices and statistics of each perpetual, by the exchange's name.

        They come by place. If they are not as many as the instruments that came with them, both are read once more, and nothing is
        paired by half; if the list is not the one that is known, that is read again, too.

        Raises
        ------
        DataError
            They were not as many the second time, either.
        """
        info = self.info.as_caller(caller)
        try:
            answer = await info.meta_and_contexts()
        except DataError:
            await self.load_instruments(caller=caller)
            answer = await info.meta_and_contexts()
        names = [row["name"] for row in answer["meta"]["universe"]]
        known = [each.coin for each in self.instruments.all() if each.kind == "perp" and not each.dex]
        if names != known:
            await self.load_instruments(caller=caller)
        return dict(zip(names, answer["contexts"], strict=True))

    # --- the account ---

    async def check_account(self) -> AccountCheck:
        """Check key, account, clock and limits before trading; see :func:`~algo_trade.hyperliquid.checks.check_account`."""
        if self._key is None:
            raise CredentialError("the client has no key: there is nothing to check")
        return await check_account(self._sender, self.info, self.account, self._key)

    async def poll_budget(self) -> AddressBudget:
        """Take over what the exchange says of the account's requests."""
        settled = self.budget.settled
        told = await self.info.rate_limit()
        # Whether `surplus` is what was bought or what is left is told differently: nothing is built on it.
        self.budget.told(told["used"], told["cap"], settled)
        return self.budget

    async def _poll_quietly(self) -> None:
        """Ask for the budget beside what goes on; without an answer, the own count goes on."""
        try:
            await self.poll_budget()
        except (VenueError, DataError):
            return

    async def look(self, unknown: Unknown) -> Settled | None:
        """Look once what became of an order; see :meth:`Outcomes.look`."""
        return await self._outcomes_of_ours().look(unknown)

    async def resolve(self, unknown: Unknown) -> Settled:
        """Find out what became of an order whose answer was lost; see :meth:`Outcomes.resolve`."""
        return await self._outcomes_of_ours().resolve(unknown)

    async def void(self, unknown: Unknown) -> bool:
        """Keep an action from being executed, if it was not; see :meth:`Outcomes.void`."""
        return await self._outcomes_of_ours().void(unknown)

    def _outcomes_of_ours(self) -> Outcomes:
        if self._outcomes is None:
            raise CredentialError("the client has no key: it has sent no order")
        return self._outcomes

    def _start(self, work: Coroutine[None, None, None]) -> object:
        # Kept until it ends, and waited for by `close`: an action under way is not given up with whoever asked for it.
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
