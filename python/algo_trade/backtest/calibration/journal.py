"""One's own orders out of the journal of a run."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from algo_trade.backtest.calibration.orders import OwnOrder
from algo_trade.backtest.journal import JournalFile

if TYPE_CHECKING:
    from pathlib import Path

    from algo_trade.backtest.calibration.orders import Side, TimeInForce

MAGIC = b"ATJRNL"

# The records as `replay --events` prints them.
_SUBMIT = re.compile(
    r"Command\(Submit\(OrderEvent \{ cloid: Cloid\((?P<cloid>\w+)\), instrument: InstrumentId\((?P<instrument>\d+)\), "
    r"side: (?P<side>\w+), quantity: Qty\((?P<quantity>[\d.]+)\), kind: (?P<kind>\w+)(?: \{ price: Price\((?P<price>[\d.]+)\) \})?.*"
    r"time_in_force: (?P<tif>\w+),.* time: Nanos\((?P<time>\d+)\)"
)
_CANCEL = re.compile(r"Command\(Cancel \{ cloid: Cloid\((?P<cloid>\w+)\)")
_MODIFY = re.compile(r"Command\(Modify.*? cloid: Cloid\((?P<cloid>\w+)\)")
_UPDATE = re.compile(
    r"Order\(OrderUpdate \{ cloid: Cloid\((?P<cloid>\w+)\),.* status: (?P<status>\w+).* "
    r"time: Nanos\((?P<time>\d+)\), local_time: Nanos\((?P<local>\d+)\)"
)
_FILL = re.compile(
    r"Fill\(FillEvent \{ cloid: Cloid\((?P<cloid>\w+)\),.* quantity: Qty\((?P<quantity>[\d.]+)\),.* "
    r"time: Nanos\((?P<time>\d+)\), local_time: Nanos\((?P<local>\d+)\)"
)
_TIME = re.compile(r"(?:local_time|time): Nanos\((\d+)\)")


@dataclass(slots=True)
class _Life:
    """What a journal has said of an order so far."""

    line: int
    submit: re.Match[str]
    ack_ns: int | None = None
    response_ns: int | None = None
    first_fill_ns: int | None = None
    filled: Decimal = field(default_factory=Decimal)
    cancel_ns: int | None = None
    end_ns: int | None = None
    is_usable: bool = True


class _Reader:
    """Takes the records of a journal one by one."""

    def __init__(self) -> None:
        self.lives: dict[str, _Life] = {}
        self._line = 0
        self._now_ns = 0

    def take(self, text: str) -> None:
        self._line += 1
        if text.startswith("Command("):
            self._command(text)
        elif text.startswith(("Order(", "Fill(")):
            self._report(text)
        elif text.startswith(("Timer(", "Control(")) and (found := _TIME.findall(text)):
            self._now_ns = int(found[-1])
        elif found := _TIME.findall(text[-400:]):
            self._now_ns = max(self._now_ns, int(found[-1]))

    def _command(self, text: str) -> None:
        if made := _SUBMIT.match(text):
            self._now_ns = int(made["time"])
            is_limit = made["kind"] == "Limit" and made["price"] is not None
            self.lives[made["cloid"]] = _Life(self._line, made, is_usable=is_limit)
        elif (found := _CANCEL.match(text)) and (life := self.lives.get(found["cloid"])) and life.cancel_ns is None:
            life.cancel_ns = self._now_ns
        elif (found := _MODIFY.match(text)) and (life := self.lives.get(found["cloid"])):
            # Its queue is that of another order from here on.
            life.is_usable = False

    def _report(self, text: str) -> None:
        found = _UPDATE.match(text) or _FILL.match(text)
        if found is None:
            return
        self._now_ns = int(found["local"])
        life = self.lives.get(found["cloid"])
        if life is None:
            return
        time = int(found["time"])
        if "status" not in found.re.groupindex:
            life.filled += Decimal(found["quantity"])
            life.first_fill_ns = life.first_fill_ns or time
        elif found["status"] in {"Filled", "Cancelled"}:
            life.end_ns = time
        if found.re is _FILL or found["status"] in {"Resting", "Filled"}:
            life.ack_ns = life.ack_ns or time
            life.response_ns = life.response_ns or self._now_ns


def is_journal(path: Path) -> bool:
    """Whether a file begins as journals do."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def read_journal(path: Path) -> tuple[list[OwnOrder], int]:
    """Return the limit orders of a journal, and how many others it holds: triggers, market orders, changed orders.

    Raises
    ------
    JournalError
        Where the journal is damaged.
    """
    file, reader = JournalFile(path), _Reader()
    file.dump(reader.take)
    symbols = file.manifest["symbols"]
    orders = [_order(cloid, life, symbols) for cloid, life in reader.lives.items() if life.is_usable]
    return orders, len(reader.lives) - len(orders)


def _order(cloid: str, life: _Life, symbols: list[str]) -> OwnOrder:
    made = life.submit
    quantity = Decimal(made["quantity"])
    is_whole = life.filled >= quantity
    return OwnOrder(
        line=life.line,
        cloid=cloid,
        symbol=symbols[int(made["instrument"])],
        side=cast("Side", made["side"].lower()),
        price=Decimal(made["price"]),
        quantity=quantity,
        sent_ns=int(made["time"]),
        ack_ns=life.ack_ns,
        first_fill_ns=life.first_fill_ns,
        filled_quantity=life.filled,
        done_ns=life.end_ns if is_whole else life.cancel_ns or life.end_ns,
        response_ns=life.response_ns,
        time_in_force=cast("TimeInForce", made["tif"].lower()),
    )
