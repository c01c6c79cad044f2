"""What the trading of bots came to, on its way to the storage: fills, what became of orders, and what each bot owned."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from algo_trade._native import FillEvent, ModifyOrder, OrderUpdate
from algo_trade.hyperliquid.reporting import NOBODY
from algo_trade.recording.recording import OWN, VENUE, Written
from algo_trade.recording.rows import table_of
from algo_trade.risk.exposure import ENDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from algo_trade._native import OrderEvent, Position, SubmitOrder
    from algo_trade.bots.trader import Owned
    from algo_trade.core.protocols import Report

PAPER: Final = "paper"
"""The venue of what was filled in simulation, so that it is never taken for what was filled."""
EQUITY_EVERY_NS: Final = 60_000_000_000
ROWS_MAX: Final = 100_000
_STEP = Decimal("1e-8")
ZERO = Decimal(0)


class Ledger:
    """Rows of all bots that are not written yet. Traders put them in from their own threads, and never wait.

    Parameters
    ----------
    kinds : what is kept: some of ``fills``, ``order_states``, ``equity``
    rows_max : of a kind and venue; beyond, nothing is kept until they are written

    Attributes
    ----------
    not_kept : rows for which there was no room
    """

    def __init__(self, kinds: Iterable[str], rows_max: int = ROWS_MAX) -> None:
        kept = [kind for kind in OWN if kind in set(kinds)]
        self._rows: dict[tuple[str, str], deque[tuple[object, ...]]] = {
            (kind, venue): deque() for kind in kept for venue in (VENUE, PAPER)
        }
        self._rows_max = rows_max
        self.not_kept = 0

    def put(self, kind: str, venue: str, row: tuple[object, ...]) -> None:
        """Take a row of a kind."""
        rows = self._rows.get((kind, venue))
        if rows is None:
            return
        if len(rows) < self._rows_max:
            rows.append(row)
        else:
            self.not_kept += 1

    def take(self) -> list[Written]:
        """Return what is new."""
        taken = []
        for (kind, venue), rows in self._rows.items():
            # Others may be put in meanwhile.
            new = [rows.popleft() for _ in range(len(rows))]
            if new:
                taken.append(Written(kind, table_of(kind, new), None, venue))
        return taken


@dataclass(slots=True)
class _Order:
    """An order as it stands; ``asked`` are the price and what is to be left of it by a change that is not answered."""

    side: str
    price: Decimal
    quantity: Decimal
    filled: Decimal = ZERO
    order_id: str = ""
    asked: tuple[Decimal, Decimal] | None = None
    told: str = ""

    @classmethod
    def of(cls, order: OrderEvent) -> _Order:
        price = order.price if order.price is not None else order.trigger_price
        return cls(order.side, price or ZERO, order.quantity)


class BotLedger:
    """What a bot's trading came to, as rows.

    It hears what the bot's system hears, which tells nothing twice: what a journal is replayed with does not come here.

    Parameters
    ----------
    ledger : takes the rows
    bot_id : whose
    account : the address that it trades for; None on paper, where each bot has an account of its own name
    quotes : in which currency each symbol is paid
    clock : in nanoseconds since the epoch
    """

    def __init__(
        self, ledger: Ledger, bot_id: str, account: str | None, quotes: Mapping[str, str], clock: Callable[[], int]
    ) -> None:
        self._ledger = ledger
        self._venue = PAPER if account is None else VENUE
        self._names = (bot_id if account is None else account, bot_id)
        self._quotes = dict(quotes)
        self._clock = clock
        self._orders: dict[str, _Order] = {}
        # Quantities, and what was paid for them.
        self._held: dict[str, tuple[Decimal, Decimal]] = {}
        self._owned_ns = 0

    def carry_over(self, positions: Iterable[tuple[str, Position]]) -> None:
        """Take over what is held since before a restart."""
        for symbol, each in positions:
            self._held[symbol] = each.quantity, each.quantity * (each.entry_price or ZERO)

    def adopt(self, order: OrderEvent, filled: Decimal) -> None:
        """Take over an order from before a restart, of which so much was filled then. That it rests was written then."""
        adopted = self._orders[order.cloid] = _Order.of(order)
        adopted.filled = filled
        adopted.told = "resting" if order.trigger_price is None else "waiting"

    def asked(self, command: SubmitOrder | ModifyOrder) -> None:
        """Take note of an order, or of a change that is wanted of one."""
        if isinstance(command, ModifyOrder):
            known = self._orders.get(command.cloid)
            if known is not None:
                known.asked = command.price, command.quantity
        else:
            self._orders[command.order.cloid] = _Order.of(command.order)

    def told(self, report: Report) -> None:
        """Write down what the venue said. An amount that no column can hold is not kept: trading does not fail by what is written down."""
        try:
            self._told(report)
        except ArithmeticError:
            self._ledger.not_kept += 1

    def owned(self, owned: Owned, *, is_last: bool = False) -> None:
        """Write down what is owned, once a minute, and at the end."""
        now_ns = self._clock()
        if not is_last and now_ns - self._owned_ns < EQUITY_EVERY_NS:
            return
        self._owned_ns = now_ns
        books = owned.books
        unrealised = sum((each.unrealised_pnl for each in books.positions), ZERO)
        currency = next(iter(self._quotes.values()))
        self._put("equity", (now_ns, currency, *self._names, books.equity, owned.cash, unrealised))

    def _told(self, report: Report) -> None:
        if isinstance(report, FillEvent):
            self._fill(report)
        elif isinstance(report, OrderUpdate):
            self._order_state(report)
        elif report.kind == "position" and report.symbol is not None:
            quantity = report.quantity or ZERO
            self._held[report.symbol] = quantity, quantity * (report.entry_price or ZERO)

    def _fill(self, fill: FillEvent) -> None:
        order = self._orders.get(fill.cloid)
        order_id = str(fill.oid) if fill.oid else ""
        if order is not None:
            order.filled += fill.quantity
            order.order_id = order_id
        # A forced fill is shared out among the bots that held the symbol: each has its part.
        is_shared = fill.cloid == NOBODY and fill.reason == "liquidation"
        row = (
            fill.time_ns,
            self._clock(),
            fill.symbol,
            *self._names,
            f"{fill.trade_id}/{self._names[1]}" if is_shared else str(fill.trade_id),
            order_id,
            "" if fill.cloid == NOBODY else fill.cloid,
            fill.side,
            fill.price,
            fill.quantity,
            fill.liquidity == "maker",
            fill.fee,
            self._quotes.get(fill.symbol, ""),
            self._realised(fill),
        )
        self._put("fills", row)

    def _realised(self, fill: FillEvent) -> Decimal:
        """Return what a fill made of what was held, before fees."""
        held, cost = self._held.get(fill.symbol, (ZERO, ZERO))
        signed = fill.quantity if fill.side == "buy" else -fill.quantity
        closed = max(-abs(held), min(abs(held), signed)) if held * signed < 0 else ZERO
        part = -cost * closed / held if closed else ZERO
        self._held[fill.symbol] = held + signed, cost - part + (signed - closed) * fill.price
        return (-closed * fill.price - part).quantize(_STEP)

    def _order_state(self, update: OrderUpdate) -> None:
        order = self._orders.get(update.cloid)
        if order is None:
            # Nothing more is known of it.
            order = _Order("", ZERO, ZERO)
        asked, order.asked = order.asked, None
        is_changed = asked is not None and update.status != "action_rejected"
        if asked is not None and is_changed:
            order.price, order.quantity = asked[0], order.filled + asked[1]
        is_known, order.told = update.status == order.told and not is_changed, ""
        if update.status in ENDS:
            self._orders.pop(update.cloid, None)
        if is_known:
            return
        row = (
            update.time_ns,
            self._clock(),
            update.symbol,
            *self._names,
            order.order_id,
            update.cloid,
            order.side,
            order.price,
            order.quantity,
            order.filled,
            update.status,
            update.reason or "",
        )
        self._put("order_states", row)

    def _put(self, kind: str, row: tuple[object, ...]) -> None:
        self._ledger.put(kind, self._venue, row)
