"""What can be configured: one class for each table of the file, with defaults, ranges and meanings."""

from __future__ import annotations

import ipaddress
import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from algo_trade.hyperliquid.settings import HyperliquidConfig
from algo_trade.telemetry.settings import TelemetryConfig

Positive = Annotated[Decimal, Field(gt=0)]
Share = Annotated[Decimal, Field(gt=0, le=1)]
Interval = Literal["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "8h", "12h", "1d", "3d", "1w", "1M"]
_BOT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class Table(BaseModel):
    """A table of the configuration: it never changes, and knows no other fields than its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True)


class ServerConfig(Table):
    """The control API."""

    host: str = "127.0.0.1"
    """The address that it listens on: a loopback one."""
    port: int = Field(default=8080, ge=0, le=65535)
    """0 takes one that is free, and says which."""
    origins: tuple[str, ...] = ()
    """Web pages of other origins that may call it, such as "http://localhost:3000"."""
    request_log: bool = True
    """Whether each request is logged."""

    @field_validator("host")
    @classmethod
    def _is_loopback(cls, host: str) -> str:
        try:
            is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            is_loopback = False
        if not is_loopback:
            raise ValueError("must be a loopback address, such as 127.0.0.1: the API has no protection of its own yet")
        return host


class DatabaseConfig(Table):
    """Where state is kept."""

    url: str = "sqlite:///state/algo_trade.db"
    """A file (``sqlite:///PATH``) or a server (``postgresql://…``)."""
    max_connections: int = Field(default=10, ge=1, le=1000)
    """Of a server's."""

    @field_validator("url")
    @classmethod
    def _is_known(cls, url: str) -> str:
        if not url.startswith(("sqlite:///", "postgresql://")):
            raise ValueError("must start with sqlite:/// or postgresql://")
        return url


Recorded: TypeAlias = Literal[
    "trades", "book", "quotes", "contexts", "funding", "bars", "fills", "order_states", "equity"
]
"""What a run can write down: of markets, and of its own trading."""


class RecordConfig(Table):
    """What a run keeps of the markets that its bots hear, and of what their trading comes to."""

    enabled: bool = False
    """Whether it keeps anything."""
    kinds: tuple[Recorded, ...] = Field(default=get_args(Recorded), min_length=1)
    """What is kept."""
    flush_every_s: Annotated[float, Field(gt=0, le=3_600)] = 1.0
    """How often it is made durable: what is lost at most if the machine dies."""
    rows_max: int = Field(default=1_000_000, ge=1_000)
    """Ticks in memory while the disk is full; beyond, what is heard is not kept, and trading goes on."""


class StorageConfig(Table):
    """Files that a run leaves."""

    state_dir: Path = Path("state")
    """Journals, snapshots, nonces."""
    lake: str = "lake"
    """What is recorded, in Parquet: a folder, or a place in an object store (s3://bucket/prefix)."""
    warm: str = ""
    """What was recorded in the last days, before it goes to the lake: sqlite:///PATH or postgresql://…; if empty, a file beside the
    lake, or in ``state_dir`` if the lake is in no folder."""
    record: RecordConfig = RecordConfig()
    strategies: Path = Path("strategies")
    """The folder of files that the API may name as strategies; this file may name any."""

    @field_validator("warm")
    @classmethod
    def _is_warm(cls, url: str) -> str:
        if url and not url.startswith(("sqlite:///", "postgresql://")):
            raise ValueError("must start with sqlite:/// or postgresql://, or be empty")
        return url

    @property
    def warm_url(self) -> str:
        """Where what was recorded in the last days is."""
        if self.warm:
            return self.warm
        return f"sqlite:///{self.state_dir / 'warm.db' if '://' in self.lake else f'{self.lake}-warm.db'}"


class RiskLimits(Table):
    """Limits outside the strategies' reach. None: no such limit."""

    max_order_notional: Positive | None = None
    """Of one order, in quote currency."""
    max_position_notional: Positive | None = None
    """Of the position in one symbol, working orders included."""
    max_leverage: Positive | None = None
    """Gross notional over equity."""
    max_orders_per_second: Positive | None = None
    """New ones and changes; cancels are free."""
    max_price_distance: Share | None = None
    """Of a limit from the mark price, as a share of it."""
    max_daily_loss: Positive | None = None
    """Of a day (UTC), in quote currency."""
    max_drawdown: Share | None = None
    """Of equity from its highest, as a share of that."""


class RiskConfig(RiskLimits):
    """Limits over all bots together, and what a breach does."""

    on_breach: Literal["halt", "flatten"] = "halt"
    """Stop and hold, or stop and close the positions."""


class BotConfig(Table):
    """One bot: a strategy, what it trades, and within which limits."""

    bot_id: str
    """Letters, digits, ``-`` and ``_``, at most 64: part of every order id and of file names."""
    symbols: tuple[str, ...] = Field(min_length=1)
    """What it trades; ``symbol`` names just one."""
    strategy: str = Field(min_length=1)
    """A name that ``algo-trade strategies`` lists, or ``file.py:Class``."""
    params: dict[str, Any] = {}
    """Of the strategy."""
    risk: RiskLimits = RiskLimits()
    """Limits of this bot alone."""
    quantity: Positive | None = None
    """Of an order that the strategy leaves open, in base units; else ``fraction``."""
    fraction: Positive = Decimal("0.1")
    """Of equity at the last price."""
    capital: Positive = Decimal(10_000)
    """What it may think it has, in quote currency: on paper its money, live its part of the account."""
    leverage: int = Field(default=1, ge=1, le=50)
    """Of the simulated venue: how often its capital may be in the market."""
    interval: Interval = "1m"
    """Of the bars that it hears."""
    warm_up: int | None = Field(default=None, ge=0, le=5_000)
    """Bars of the past that it hears before it may trade; None: as many as the strategy says."""
    account: str | None = None
    """A vault or sub-account of its own; None: the account of all."""
    mode: Literal["paper", "live"] = "paper"
    """Live data and the simulated venue, or the exchange."""
    enabled: bool = True
    """Whether it starts with the runner."""
    on_stop: Literal["cancel", "keep", "flatten"] = "cancel"
    """When it stops: cancel its orders and hold its positions, leave both as they are, or close everything."""
    on_pause: Literal["cancel", "keep"] = "cancel"
    """While it may open nothing: whether its resting orders are cancelled."""
    on_restart: Literal["adopt", "cancel"] = "adopt"
    """After a crash: what becomes of its orders that still rest."""
    on_stale: Literal["cancel", "keep"] = "cancel"
    """The same while what it knows of the market is old."""
    deadline_s: Annotated[float, Field(gt=0, le=3_600)] = 5.0
    """How long a strategy in Python may think about one event before it is given up."""
    isolation: Literal["thread", "process"] = "thread"
    """Where a strategy that is not built in lives: with all others, or, if it is not trusted, in a process of its own."""
    memory_mb: int = Field(default=2_048, ge=256, le=1_048_576)
    """Address space of that process, in MiB."""

    @model_validator(mode="before")
    @classmethod
    def _one_symbol(cls, given: Any) -> Any:  # noqa: ANN401 -- whatever was written
        if isinstance(given, dict) and "symbol" in given:
            if "symbols" in given:
                raise ValueError("give symbol or symbols, not both")
            given = {**given, "symbols": [given["symbol"]]}
            del given["symbol"]
        return given

    @field_validator("bot_id")
    @classmethod
    def _is_a_name(cls, bot_id: str) -> str:
        if not _BOT_ID.fullmatch(bot_id):
            raise ValueError("must be letters, digits, - and _, at most 64, and begin with a letter or digit")
        return bot_id

    @model_validator(mode="after")
    def _has_something_to_isolate(self) -> Self:
        if self.isolation == "process" and ":" not in self.strategy:
            raise ValueError(
                f"isolation = 'process' is for strategies of a file or module: {self.strategy} is built in, and runs nobody's code but ours"
            )
        return self

    @field_validator("symbols")
    @classmethod
    def _are_different(cls, symbols: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(symbols)) < len(symbols):
            raise ValueError("names a symbol twice")
        return symbols


class AppConfig(Table):
    """Everything that can be configured."""

    server: ServerConfig = ServerConfig()
    database: DatabaseConfig = DatabaseConfig()
    hyperliquid: HyperliquidConfig = HyperliquidConfig()
    storage: StorageConfig = StorageConfig()
    risk: RiskConfig = RiskConfig()
    telemetry: TelemetryConfig = TelemetryConfig()
    bots: tuple[BotConfig, ...] = ()

    @model_validator(mode="after")
    def _ids_are_different(self) -> Self:
        ids = [bot.bot_id for bot in self.bots]
        twice = next((bot_id for bot_id in ids if ids.count(bot_id) > 1), None)
        if twice is not None:
            raise ValueError(f"bots: bot_id = {twice!r}: is there twice")
        return self
