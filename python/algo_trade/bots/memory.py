"""What is kept of a bot between two runs: what it owned, what it had lost, and whether its last run came to an end."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from algo_trade._native import AccountEvent
from algo_trade.hyperliquid.reporting import NOBODY
from algo_trade.risk.limits import LossState
from algo_trade.risk.portfolio import PortfolioLoss

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from algo_trade._native import FillEvent, JournalEstate, OrderEvent
    from algo_trade.bots.models import Books
    from algo_trade.storage import DatabaseClient


@dataclass(frozen=True, slots=True)
class LastRun:
    """The last run of a bot: its journal, the epoch that it began with, what it was made of, and how it ended.

    A run that failed is over, but what it left is in its journal alone.
    """

    journal: str
    epoch: int
    made_of: str
    has_ended: bool
    has_failed: bool = False


@dataclass(frozen=True, slots=True)
class Estate:
    """What a run leaves to the next one.

    Parameters
    ----------
    cash, capital : its money, and what that was counted against
    positions : symbols with their quantities and entry prices
    time_ns : when; 0 of a run that was cut off, of which more may be told than is in it
    orders : those that were not done, each with its fills
    fundings : when funding was paid last, by symbol
    forced : the exchange's own trades that are in it
    """

    cash: Decimal
    capital: Decimal
    positions: tuple[tuple[str, Decimal, Decimal], ...]
    time_ns: int = 0
    orders: tuple[tuple[OrderEvent, tuple[FillEvent, ...]], ...] = ()
    fundings: Mapping[str, int] = field(default_factory=dict)
    forced: frozenset[int] = frozenset()

    @classmethod
    def of(cls, books: Books, cash: Decimal, capital: Decimal, now_ns: int) -> Estate:
        """Return what is owned now."""
        held = ((each.symbol, each.quantity, each.entry_price or Decimal(0)) for each in books.positions)
        return cls(cash, capital, tuple(held), now_ns)

    @classmethod
    def of_journal(cls, left: JournalEstate, capital: Decimal) -> Estate:
        """Return what a run left that was cut off, by its journal."""
        fills: dict[str, list[FillEvent]] = {}
        for fill in left.fills:
            fills.setdefault(fill.cloid, []).append(fill)
        return cls(
            left.cash,
            capital,
            tuple(left.positions),
            orders=tuple((order, tuple(fills.get(order.cloid, ()))) for order in left.orders),
            fundings=left.last_funding_ns,
            forced=frozenset(fill.trade_id for fill in fills.get(NOBODY, ())),
        )

    def events(self, now_ns: int) -> Iterator[AccountEvent]:
        """Yield what brings an account that has its capital, be that another one now, to the same state: what was won is kept."""
        won = self.cash - self.capital
        if won:
            yield AccountEvent.transfer(now_ns, won)
        for symbol, quantity, entry_price in self.positions:
            yield AccountEvent.position(symbol, now_ns, quantity, entry_price)


@dataclass(frozen=True, slots=True)
class Closing:
    """Orders that closed positions of a bot past its strategy. They follow from the epoch, and from what it held before each of them left."""

    epoch: int
    time_ns: int
    rounds: tuple[Mapping[str, Decimal], ...]


class Memory:
    """What a store knows of a bot."""

    def __init__(self, store: DatabaseClient, bot_id: str) -> None:
        self._store = store
        self._bot_id = bot_id

    async def last_run(self) -> LastRun | None:
        """Return the last run, if there was one."""
        kept = await self._store.value(self._bot_id, "run")
        return None if kept is None else LastRun(**kept)

    async def begin(self, run: LastRun) -> None:
        """Keep that a run has begun."""
        await self._store.put_value(self._bot_id, "run", asdict(replace(run, has_ended=False, has_failed=False)))

    async def fail(self, run: LastRun) -> None:
        """Keep that a run has failed: it is not to be gone on with."""
        await self._store.put_value(self._bot_id, "run", asdict(replace(run, has_failed=True)))

    async def end(self, run: LastRun, estate: Estate) -> None:
        """Keep that a run has ended, and what it left."""
        await self._store.put_value(
            self._bot_id,
            "estate",
            {
                "cash": str(estate.cash),
                "capital": str(estate.capital),
                "time_ns": estate.time_ns,
                "positions": [[symbol, str(quantity), str(price)] for symbol, quantity, price in estate.positions],
            },
        )
        # Each is in the journal by now, and from here on in the estate.
        await self._store.remove_value(self._bot_id, "closings")
        await self._store.put_value(self._bot_id, "run", asdict(replace(run, has_ended=True)))

    async def estate(self) -> Estate | None:
        """Return what the last run left, if one came to an end."""
        kept: dict[str, Any] | None = await self._store.value(self._bot_id, "estate")
        if kept is None:
            return None
        positions = tuple((symbol, Decimal(quantity), Decimal(price)) for symbol, quantity, price in kept["positions"])
        return Estate(Decimal(kept["cash"]), Decimal(kept["capital"]), positions, kept["time_ns"])

    async def closings(self) -> list[Closing]:
        """Return what was closed past the bot's strategy, of which its journal may not tell."""
        kept = await self._store.value(self._bot_id, "closings") or {"closings": []}
        return [
            Closing(
                each["epoch"],
                each["time_ns"],
                tuple({symbol: Decimal(quantity) for symbol, quantity in held.items()} for held in each["rounds"]),
            )
            for each in kept["closings"]
        ]

    async def keep_closings(self, closings: Iterable[Closing]) -> None:
        """Keep what is being closed past the bot's strategy: before it leaves."""
        kept = [
            {
                "epoch": each.epoch,
                "time_ns": each.time_ns,
                "rounds": [{symbol: str(quantity) for symbol, quantity in held.items()} for held in each.rounds],
            }
            for each in closings
        ]
        await self._store.put_value(self._bot_id, "closings", {"closings": kept})

    async def loss(self) -> LossState:
        """Return what losses are measured from."""
        kept = await self._store.value(self._bot_id, "loss") or {}
        day_equity, peak = (None if kept.get(name) is None else Decimal(kept[name]) for name in ("day_equity", "peak"))
        return LossState(int(kept.get("day", -1)), day_equity, peak)

    async def keep_loss(self, loss: LossState) -> None:
        """Keep what losses are measured from."""
        kept = {
            "day": loss.day,
            "day_equity": None if loss.day_equity is None else str(loss.day_equity),
            "peak": None if loss.peak is None else str(loss.peak),
        }
        await self._store.put_value(self._bot_id, "loss", kept)


class PortfolioMemory:
    """What a store knows of the losses of all bots of a mode together.

    Parameters
    ----------
    instance : tells runners apart that share a store; whoever takes over from another one has its name
    """

    def __init__(self, store: DatabaseClient, mode: str, instance: str | None) -> None:
        self._store = store
        self._name = f"portfolio:{mode}" if instance is None else f"portfolio:{mode}:{instance}"
        self._kept: PortfolioLoss | None = None

    async def loss(self) -> PortfolioLoss | None:
        """Return what losses are measured from, if anybody was there."""
        kept = await self._store.value(self._name, "loss")
        if kept is None:
            return None
        won = {bot_id: Decimal(amount) for bot_id, amount in kept["won"].items()}
        return PortfolioLoss(kept["day"], Decimal(kept["lost"]), Decimal(kept["left"]), won)

    async def keep(self, loss: PortfolioLoss | None) -> None:
        """Keep what losses are measured from, unless it is kept already."""
        if loss is None or loss == self._kept:
            return
        won = {bot_id: str(amount) for bot_id, amount in loss.won.items()}
        kept = {"day": loss.day, "lost": str(loss.lost), "left": str(loss.left), "won": won}
        await self._store.put_value(self._name, "loss", kept)
        self._kept = loss
