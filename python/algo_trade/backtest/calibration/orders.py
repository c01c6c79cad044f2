"""One's own orders as they went at the venue: a table with one row per order, filled or not."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Literal, cast

import polars as pl

from algo_trade.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

COLUMNS = (
    "cloid",
    "symbol",
    "side",
    "price",
    "quantity",
    "sent_ts",
    "ack_ts",
    "first_fill_ts",
    "filled_quantity",
    "done_ts",
)
OPTIONAL = ("response_ts", "time_in_force")

Side = Literal["buy", "sell"]
TimeInForce = Literal["gtc", "ioc", "alo", "fok"]

_STEP = Decimal("1e-8")
_LIMIT = Decimal(90_000_000_000)
_NS_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class OwnOrder:
    """A limit order of one's own. Times are nanoseconds since the epoch, None where it did not happen.

    Attributes
    ----------
    line : where it stands in its file
    cloid, symbol, side, price, quantity, time_in_force : what was sent
    sent_ns : when it left us, by our clock
    ack_ns : when the venue had it, by the venue's clock
    response_ns : when the venue's answer reached us
    first_fill_ns : the first execution, by the venue's clock
    filled_quantity : what was executed in the end
    done_ns : when its cancel was sent; of an order filled whole, when that was
    """

    line: int
    cloid: str
    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    sent_ns: int
    ack_ns: int | None
    first_fill_ns: int | None
    filled_quantity: Decimal
    done_ns: int | None
    response_ns: int | None = None
    time_in_force: TimeInForce = "gtc"

    @property
    def is_filled(self) -> bool:
        """Whether any of it was executed."""
        return self.filled_quantity > 0

    @property
    def share(self) -> float:
        """The share of its quantity that was executed, 0 to 1."""
        return float(self.filled_quantity / self.quantity)


def read_table(path: Path) -> list[OwnOrder]:
    """Read a CSV or Parquet file with the columns of ``COLUMNS``, and those of ``OPTIONAL`` if it has them.

    Raises
    ------
    DataError
        With file, line (the header of a CSV file is line 1; rows of Parquet count from 1), column and value.
    """
    frame, first = _frame(path)
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise _wrong(
            path,
            None,
            missing[0],
            None,
            f"is missing. There are: {', '.join(frame.columns)}. Wanted: {', '.join(COLUMNS)}",
        )
    wanted = [name for name in (*COLUMNS, *OPTIONAL) if name in frame.columns]
    rows = frame.select(pl.col(wanted)).iter_rows(named=True)
    orders = [_Row(path, number, row).order() for number, row in enumerate(rows, first)]
    _check_cloids(path, orders)
    return orders


def _frame(path: Path) -> tuple[pl.DataFrame, int]:
    try:
        with path.open("rb") as file:
            is_parquet = file.read(4) == b"PAR1"
        if is_parquet:
            frame = pl.read_parquet(path)
            times = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Datetime)]
            frame = frame.with_columns(pl.col(times).dt.epoch("ns"))
            return frame.with_columns(pl.all().cast(pl.String)), 1
        return pl.read_csv(path, infer_schema=False), 2
    except FileNotFoundError:
        raise _wrong(path, None, None, None, "there is no such file") from None
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _wrong(path, None, None, None, f"cannot be read as CSV or Parquet: {reason}") from None


class _Row:
    """A row of text, read field by field."""

    def __init__(self, path: Path, line: int, fields: Mapping[str, str | None]) -> None:
        self._path, self._line = path, line
        self._fields = {name: (text or "").strip() for name, text in fields.items()}

    def order(self) -> OwnOrder:
        quantity = self._decimal("quantity")
        order = OwnOrder(
            line=self._line,
            cloid=self._text("cloid"),
            symbol=self._text("symbol"),
            side=cast("Side", self._word("side", ("buy", "sell"))),
            price=self._decimal("price"),
            quantity=quantity,
            sent_ns=self._sent(),
            ack_ns=self._time("ack_ts"),
            first_fill_ns=self._time("first_fill_ts"),
            filled_quantity=self._filled(quantity),
            done_ns=self._time("done_ts"),
            response_ns=self._time("response_ts"),
            time_in_force=cast("TimeInForce", self._word("time_in_force", ("gtc", "alo", "ioc", "fok"), "gtc")),
        )
        self._check(order)
        return order

    def _check(self, order: OwnOrder) -> None:
        for name, time in (
            ("ack_ts", order.ack_ns),
            ("first_fill_ts", order.first_fill_ns),
            ("done_ts", order.done_ns),
            ("response_ts", order.response_ns),
        ):
            if time is not None and time < order.sent_ns:
                raise self._error(
                    name, f"is before sent_ts = {order.sent_ns}: compare the clocks, and shift one of them"
                )
        if order.ack_ns is not None and order.response_ns is not None and order.response_ns < order.ack_ns:
            raise self._error(
                "response_ts", f"is before ack_ts = {order.ack_ns}: compare the clocks, and shift one of them"
            )
        if order.is_filled and order.first_fill_ns is None:
            raise self._error("first_fill_ts", f"is empty, and {order.filled_quantity} were filled: give the time")
        if not order.is_filled and order.first_fill_ns is not None:
            raise self._error("filled_quantity", "nothing was filled, and first_fill_ts says when: give the quantity")
        if order.is_filled and order.ack_ns is None and order.response_ns is None:
            raise self._error("ack_ts", "is empty, and the order was filled: give the time when the venue had it")

    def _text(self, name: str) -> str:
        if not self._fields[name]:
            raise self._error(name, "is empty")
        return self._fields[name]

    def _word(self, name: str, allowed: Iterable[str], default: str = "") -> str:
        word = self._fields.get(name, "").lower() or default
        if word not in allowed:
            raise self._error(name, f"must be one of {', '.join(allowed)}")
        return word

    def _time(self, name: str) -> int | None:
        text = self._fields.get(name, "")
        if not text:
            return None
        if not (text.isascii() and text.isdigit()) or not 0 < int(text[:20]) <= _NS_MAX or len(text) > 19:
            raise self._error(name, "must be a whole number of nanoseconds since 1970, or empty")
        return int(text)

    def _sent(self) -> int:
        time = self._time("sent_ts")
        if time is None:
            raise self._error("sent_ts", "is empty")
        return time

    def _decimal(self, name: str) -> Decimal:
        value = self._number(name)
        if value <= 0:
            raise self._error(name, "must be above zero")
        return value

    def _filled(self, quantity: Decimal) -> Decimal:
        if not self._fields["filled_quantity"]:
            return Decimal(0)
        filled = self._number("filled_quantity")
        if not 0 <= filled <= quantity:
            raise self._error("filled_quantity", f"must be 0 to the quantity, {quantity}")
        return filled

    def _number(self, name: str) -> Decimal:
        try:
            value = Decimal(self._text(name))
            if value.is_finite() and abs(value) <= _LIMIT and value == value.quantize(_STEP):
                return value
        except InvalidOperation:
            pass
        raise self._error(name, f"must be a decimal number in steps of 1e-8, at most {_LIMIT:,}")

    def _error(self, column: str, problem: str) -> DataError:
        return _wrong(self._path, self._line, column, self._fields.get(column, ""), problem)


def _check_cloids(path: Path, orders: list[OwnOrder]) -> None:
    seen: dict[str, int] = {}
    for order in orders:
        if order.cloid in seen:
            raise _wrong(
                path,
                order.line,
                "cloid",
                order.cloid,
                f"stands in line {seen[order.cloid]} too: one row for each order",
            )
        seen[order.cloid] = order.line


def at_line(path: Path, order: OwnOrder, column: str, value: object, problem: str) -> DataError:
    """Say what is wrong with an order, and where it stands."""
    return _wrong(path, order.line, column, str(value), problem)


def of_file(path: Path, problem: str) -> DataError:
    """Say what is wrong with a file as a whole."""
    return _wrong(path, None, None, None, problem)


def _wrong(path: Path, line: int | None, column: str | None, value: str | None, problem: str) -> DataError:
    where = f"{path}:{line}" if line is not None else str(path)
    what = "" if column is None else f" {column}:" if value is None else f" {column} = {value}:"
    error = DataError(f"{where}:{what} {problem}")
    error.file, error.line, error.column, error.value = str(path), line, column, value
    return error
