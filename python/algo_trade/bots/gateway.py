"""The one way of all bots to the exchange: its limits, its markets, and an account for each address that is traded."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Generic, TypeVar

from algo_trade._native import Bar
from algo_trade.bots.accounts import AccountDesk
from algo_trade.bots.parking import Parking
from algo_trade.errors import CredentialError
from algo_trade.hyperliquid import HyperliquidClient, SessionSettings
from algo_trade.hyperliquid.feed import MarketFeed
from algo_trade.hyperliquid.gate import Gate
from algo_trade.hyperliquid.nonces import NonceFile
from algo_trade.hyperliquid.stream.subscription import INTERVALS_NS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from algo_trade._native import SigningKey
    from algo_trade.bots.record import MarketRecord
    from algo_trade.hyperliquid import HyperliquidConfig
    from algo_trade.hyperliquid.instruments import ListedInstrument
    from algo_trade.storage import DatabaseClient
    from algo_trade.telemetry import Telemetry

T = TypeVar("T")


class Held(Generic[T]):
    """A thing that works inside ``async with``, held open by a task of its own until it is let go or breaks."""

    def __init__(self, context: AbstractAsyncContextManager[T], broken: Callable[[BaseException], None]) -> None:
        self._context = context
        self._broken = broken
        self._enough = asyncio.Event()
        self._ready: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._hold())

    @property
    def thing(self) -> T | None:
        """What is held, once it is open."""
        return self._ready.result() if self._ready.done() and self._ready.exception() is None else None

    async def get(self) -> T:
        """Wait until it is open, and return it; raises what opening it raised."""
        return await asyncio.shield(self._ready)

    async def close(self) -> None:
        """Let it go."""
        self._enough.set()
        await asyncio.wait({self._task})

    async def _hold(self) -> None:
        try:
            async with self._context as thing:
                self._ready.set_result(thing)
                await self._enough.wait()
        except BaseException as error:
            if not self._ready.done():
                self._ready.set_exception(error)
                # Whoever waits for it hears of it; if nobody does, that is no error of its own.
                self._ready.exception()
            elif not self._enough.is_set():
                self._broken(error)
            if not isinstance(error, Exception):
                raise


class Gateway:
    """Opens what bots need when the first one needs it, and shares it among all.

    Parameters
    ----------
    config : of the exchange; ``account_address`` is the account of bots that name none
    key : signs; without it, nothing can be traded live
    telemetry : is told what no bot is concerned with
    store : keeps up to when everything of an account is known
    settings : of the sockets
    record : writes down what is heard of the markets
    clock : the time in nanoseconds since the epoch
    """

    def __init__(
        self,
        config: HyperliquidConfig,
        key: SigningKey | None = None,
        *,
        telemetry: Telemetry,
        store: DatabaseClient,
        settings: SessionSettings | None = None,
        record: MarketRecord | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.config = config
        self.clock = clock
        self._record = record
        self._key = key
        self._telemetry = telemetry
        self._store = store
        self._market_settings, self._account_settings = (settings or SessionSettings()).shared()
        self._gate = Gate(config.limits)
        self._nonces: NonceFile | None = None
        self._client: HyperliquidClient | None = None
        self._feed: Held[MarketFeed] | None = None
        self._accounts: dict[str, Held[AccountDesk]] = {}
        self._parkings: dict[str | None, Parking] = {}
        self._opening = asyncio.Lock()

    @property
    def can_trade(self) -> bool:
        """Whether there are a key and an account."""
        return self._key is not None and self.config.account_address is not None

    async def instrument(self, symbol: str) -> ListedInstrument:
        """Return what the exchange lists under a name."""
        return await self._questions().instrument(symbol)

    async def feed(self) -> MarketFeed:
        """Return the markets."""
        async with self._opening:
            if self._feed is None:
                client = self._questions()
                if not len(client.instruments):
                    await client.load_instruments()
                coins = {each.coin: each.symbol for each in client.instruments.all() if each.kind == "perp"}
                recording = None
                if self._record is not None:
                    recording = await self._record.open(coins, client.info.as_caller("record"), self._heard)
                feed = MarketFeed(
                    coins,
                    url=self.config.ws_url,
                    settings=self._market_settings,
                    notice=self._noticed,
                    recorder=recording,
                    clock=self.clock,
                )
                self._feed = Held(feed, self._feed_broke)
            held = self._feed
        return await held.get()

    async def account(self, address: str | None) -> AccountDesk:
        """Return the desk of a vault or sub-account, or with None of the account itself.

        Raises
        ------
        CredentialError
            There is no key, or no account.
        """
        if self._key is None or self.config.account_address is None:
            raise CredentialError(
                "trading live needs a key and an account: set HYPERLIQUID_PRIVATE_KEY to that of an API wallet and "
                'hyperliquid.account_address to the account that it trades for; mode = "paper" needs neither'
            )
        name = address or self.config.vault_address or self.config.account_address
        async with self._opening:
            held = self._accounts.get(name)
            if held is None:
                config = self.config if address is None else replace(self.config, vault_address=address)
                client = HyperliquidClient(config, self._key, gate=self._gate, nonces=self._nonce_source())
                desk = AccountDesk(
                    client,
                    self._account_settings,
                    telemetry=self._telemetry,
                    store=self._store,
                    parking=self.parking(address),
                    clock=self.clock,
                )
                held = self._accounts[name] = Held(desk, lambda error: self._account_broke(name, error))
        try:
            return await held.get()
        except Exception:
            self._accounts.pop(name, None)
            raise

    def _heard(self) -> dict[str, str]:
        """Return the coins, with their symbols, of which somebody hears something now."""
        feed = None if self._feed is None else self._feed.thing
        coins = {each.subscription.coin for each in (() if feed is None else feed.status())}
        known = {each.coin: each.symbol for each in self._questions().instruments.all()}
        return {coin: known[coin] for coin in sorted(filter(None, coins)) if coin in known}

    def parking(self, address: str | None) -> Parking:
        """Return where what stopped bots hold of an account is kept."""
        return self._parkings.setdefault(address, Parking())

    def accounts(self) -> list[AccountDesk]:
        """Return every desk that is open."""
        return [desk for held in self._accounts.values() if (desk := held.thing) is not None]

    def stream_ages(self) -> Iterator[tuple[str, float]]:
        """Yield each stream of the markets that must not be silent, and for how many seconds it has been.

        Streams of accounts, and trades, come when something happens.
        """
        feed = None if self._feed is None else self._feed.thing
        for each in () if feed is None else feed.status():
            if each.age_ns is not None and each.subscription.kind in self._market_settings.stale_after_s:
                yield str(each.subscription), each.age_ns / 1e9

    def budgets(self) -> Iterator[tuple[str, float]]:
        """Yield each limit of the exchange, and what is left within it: weight of the address, requests of each account."""
        yield "ip_weight", self._gate.left
        for desk in self.accounts():
            yield f"requests {desk.name}", desk.requests_left

    async def history(self, symbol: str, interval: str, bars: int) -> list[Bar]:
        """Return the last complete bars of a symbol, or as many as there are: of a young market, fewer."""
        if not bars:
            return []
        client = self._questions()
        instrument = await client.instrument(symbol)
        now_ns, length_ns = self.clock(), INTERVALS_NS[interval]
        rows = await client.info.candles(
            instrument.coin, interval, start_ns=now_ns - (bars + 1) * length_ns, end_ns=now_ns
        )
        return [
            Bar(
                instrument.symbol,
                row["open_time"],
                row["last_time"] + 1_000_000,
                row["open"],
                row["high"],
                row["low"],
                row["close"],
                row["volume"],
                row["trades"],
            )
            for row in rows
            if row["last_time"] + 1_000_000 <= now_ns
        ][-bars:]

    async def close(self) -> None:
        """Give everything up."""
        for account in list(self._accounts.values()):
            await account.close()
        if self._feed is not None:
            await self._feed.close()
        if self._client is not None:
            await self._client.close()
        if self._nonces is not None:
            self._nonces.close()

    def _questions(self) -> HyperliquidClient:
        if self._client is None:
            self._client = HyperliquidClient(self.config, gate=self._gate)
        return self._client

    def _nonce_source(self) -> NonceFile:
        if self._key is None:
            raise CredentialError("there is no key")
        if self._nonces is None:
            self._nonces = NonceFile(self.config.state_dir, self._key.address)
        return self._nonces

    def _feed_broke(self, error: BaseException) -> None:
        self._feed = None
        self._telemetry.tell("venue.broken", "error", f"the socket of the markets: {error!r}")

    def _account_broke(self, name: str, error: BaseException) -> None:
        self._accounts.pop(name, None)
        self._telemetry.tell("venue.broken", "error", f"the socket of account {name}: {error!r}")

    def _noticed(self, notice: object) -> None:
        self._telemetry.tell("venue.notice", "debug", lambda: str(notice)[:2_000])
