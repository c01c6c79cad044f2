"""A recorder with a socket of its own: all streams of the chosen symbols, and funding rates as they are settled."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final, Literal

from algo_trade.errors import AlgoTradeError, ParameterError
from algo_trade.hyperliquid.settings import MAINNET_WS_URL
from algo_trade.hyperliquid.stream.settings import SessionSettings
from algo_trade.hyperliquid.stream.subscription import Subscription
from algo_trade.hyperliquid.websocket import HyperliquidWebSocket
from algo_trade.recording.recording import KINDS, Recording, pause
from algo_trade.recording.rows import funding_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from algo_trade.hyperliquid.info import Info
    from algo_trade.hyperliquid.stream.session import StreamStatus
    from algo_trade.recording.recording import RecordSettings, RecordStatus, Tell
    from algo_trade.recording.sink import Sink

Book = Literal["full", "fast"]
HOUR_NS: Final = 3_600_000_000_000
# The exchange settles some milliseconds past the hour, and tells of it a little later.
_SETTLED_NS: Final = 20_000_000_000


def streams_of(coin: str, kinds: Sequence[str], *, interval: str = "1m", book: Book = "full") -> list[Subscription]:
    """Return the streams of a coin that bring these kinds."""
    streams = {
        "trades": Subscription("trades", coin=coin),
        "book": Subscription("l2Book", coin=coin, is_fast=book == "fast"),
        "quotes": Subscription("bbo", coin=coin),
        "contexts": Subscription("activeAssetCtx", coin=coin),
        "bars": Subscription("candle", coin=coin, interval=interval),
    }
    return [stream for kind, stream in streams.items() if kind in kinds]


async def record_funding(
    recording: Recording,
    info: Info,
    coins: Callable[[], Mapping[str, str]],
    stop: asyncio.Event,
    *,
    clock: Callable[[], int] = time.time_ns,
) -> None:
    """Ask after each full hour for the rates that were settled, of the coins that are recorded then; what failed is asked for the next time."""
    since: dict[str, int] = {}
    while not stop.is_set():
        began_ns = clock()
        for coin, symbol in coins().items():
            if stop.is_set():
                return
            start_ns = since.setdefault(coin, began_ns - HOUR_NS)
            try:
                rates = await info.funding_history(coin, start_ns=start_ns)
            except AlgoTradeError as error:
                recording.tell(
                    "venue.notice", "warning", f"{symbol}: funding: {error}: it is asked for again in an hour"
                )
                continue
            if rates and recording.put("funding", funding_table(symbol, rates)):
                since[coin] = max(row["time"] for row in rates) + 1
        now_ns = clock()
        await pause((HOUR_NS - (now_ns - _SETTLED_NS) % HOUR_NS) / 1e9, stop)


class Recorder:
    """Records markets of Hyperliquid until it is told to stop.

    Parameters
    ----------
    coins : our symbol for each of the exchange's names that is recorded
    sink : where to
    kinds : what to keep: trades, book, quotes, contexts, funding, bars
    interval : of the bars
    book : ``full``, twenty levels a side every few seconds, or ``fast``, five levels twice a second
    url, session : of the socket
    info : answers questions about funding; without it none is recorded
    settings : how often rows are made durable, and how many are held in memory
    tell : hears what happens
    clock : in nanoseconds since the epoch
    options : ``fetch``, ``connect``, ``random`` of :class:`HyperliquidWebSocket`

    Raises
    ------
    ParameterError
        No symbol, an unknown kind, or more streams than the exchange allows.

    Examples
    --------
    ::

        stop = asyncio.Event()
        async with HyperliquidClient(config) as client:
            with TieredStorage("lake", "sqlite:///warm.db") as storage:
                recorder = Recorder({"BTC": "BTC"}, storage, info=client.info, url=config.ws_url)
                await recorder.run(stop)
    """

    def __init__(
        self,
        coins: Mapping[str, str],
        sink: Sink,
        *,
        kinds: Sequence[str] = KINDS,
        interval: str = "1m",
        book: Book = "full",
        url: str = MAINNET_WS_URL,
        session: SessionSettings | None = None,
        info: Info | None = None,
        settings: RecordSettings | None = None,
        tell: Tell | None = None,
        clock: Callable[[], int] = time.time_ns,
        **options: Any,  # noqa: ANN401 -- those of HyperliquidWebSocket
    ) -> None:
        if not coins:
            raise ParameterError("record: no symbol: name some")
        session = session or SessionSettings()
        self.recording = Recording(coins, sink, kinds=kinds, settings=settings, tell=tell, clock=clock)
        self._coins = dict(coins)
        self._streams = [
            stream for coin in coins for stream in streams_of(coin, self.recording.kinds, interval=interval, book=book)
        ]
        if len(self._streams) > session.subscriptions_max:
            each = len(self._streams) // len(coins)
            raise ParameterError(
                f"record: {len(coins)} symbols with {each} streams each are {len(self._streams)}, and the exchange allows "
                f"{session.subscriptions_max}: at most {session.subscriptions_max // each} symbols, or fewer kinds"
            )
        self._info = info
        self._clock = clock
        self._socket = HyperliquidWebSocket(
            coins,
            url=url,
            settings=session,
            tap=self.recording.hear,
            listener=self.recording.told,
            clock=clock,
            **options,
        )

    def status(self) -> RecordStatus:
        """Return how the recording stands."""
        return self.recording.status()

    def streams(self) -> list[StreamStatus]:
        """Return every stream with its state and age."""
        return self._socket.status()

    async def run(self, stop: asyncio.Event) -> None:
        """Record until told to stop; what was heard is durable then.

        Raises
        ------
        StorageError
            The last rows could not be written.
        """
        try:
            async with self._socket as socket, asyncio.TaskGroup() as tasks:
                for stream in self._streams:
                    socket.subscribe(stream)
                tasks.create_task(self.recording.keep(stop))
                if self._info is not None and "funding" in self.recording.kinds:
                    tasks.create_task(
                        record_funding(self.recording, self._info, lambda: self._coins, stop, clock=self._clock)
                    )
        finally:
            await self.recording.close()
