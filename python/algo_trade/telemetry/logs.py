"""The log: structlog and the standard library's loggers on one way, which no secret gets past and which never waits."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any, Literal

import orjson
import structlog
from structlog.dev import ConsoleRenderer, plain_traceback

from algo_trade.telemetry.redaction import Secrets
from algo_trade.telemetry.settings import LEVELS, Level
from algo_trade.telemetry.sink import STANDARD_ERROR, Sink

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping
    from pathlib import Path
    from types import TracebackType

    from structlog.types import FilteringBoundLogger

_EXCEPTION_MAX = 32_768
_LAST_WORDS_S = 1.0
# Of a record of the standard library; what else it has was given by the caller.
_RECORD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message", "taskName"}
# Characters that would move the cursor, change colours, end the line or turn the direction of writing.
_CONTROLS = {
    code: f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
    for code in (*range(32), *range(127, 160), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
} | {ord("\n"): "\\n", ord("\t"): "\\t", ord("\r"): "\\r"}
_CONTROLS_BUT_LINES = {code: text for code, text in _CONTROLS.items() if chr(code) not in "\n\t"}


class Logs:
    """The log of the process, while it is started.

    Loggers of structlog (``structlog.get_logger()``, and ``log`` here) and of the standard library (uvicorn, aiohttp, asyncio), warnings and
    exceptions that nobody caught all come here. Each message is made into a line without secrets at once, by whoever logs it, and
    written by a thread.

    Parameters
    ----------
    level : from which on it is logged; ``set_level`` changes it
    form : for people, or a JSON document a line
    path : of a file; None: standard error
    secrets : what is never told
    now_ns : the clock
    on_message : is told the level of each message
    sink : in place of the file or standard error
    """

    def __init__(
        self,
        *,
        level: Level = "info",
        form: Literal["pretty", "json"] = "pretty",
        path: Path | None = None,
        secrets: Secrets | None = None,
        now_ns: Callable[[], int] = time.time_ns,
        on_message: Callable[[str], None] = lambda _: None,
        sink: Sink | None = None,
    ) -> None:
        self.secrets = secrets or Secrets()
        self._level = LEVELS[level]
        self._now_ns = now_ns
        self._on_message = on_message
        self._sink = sink or Sink(path, self._notice)
        self._outlet = _Outlet(self._sink)
        self._pretty = None if form == "json" else _pretty(is_colourful=path is None and _is_terminal())
        self._handler = _Handler(self)
        self._taken: _Taken | None = None
        self._failed = 0
        logger = structlog.wrap_logger(self._outlet, **self._options())
        self.log: FilteringBoundLogger = logger.bind()

    @property
    def lost(self) -> int:
        """How many messages found no room, could not be written, or could not be made into a line."""
        return self._sink.lost + self._failed

    def start(self) -> None:
        """Begin to write, and take over the loggers of the process.

        Raises
        ------
        ConfigError
            The file of the log cannot be opened.
        """
        self._sink.start()
        self._taken = _Taken()
        structlog.configure(logger_factory=lambda *_: self._outlet, **self._options())
        root = logging.getLogger()
        root.handlers[:] = [self._handler]
        root.setLevel(self._level)
        # It tells of every write to any file in a folder that it watches: the log's own may be among them.
        logging.getLogger("watchfiles").setLevel(logging.WARNING)
        logging.captureWarnings(capture=True)
        sys.excepthook = self._ended_by
        threading.excepthook = lambda failed: self._uncaught(
            failed.exc_type, failed.exc_value or failed.exc_type(), failed.exc_traceback
        )

    def close(self, deadline_s: float = 2.0) -> None:
        """Give the loggers back, and write what waits, as long as that takes no longer than told."""
        if self._taken is not None:
            self._taken.give_back()
            self._taken = None
        self._sink.close(deadline_s)

    def set_level(self, level: Level) -> None:
        """Log from another level on."""
        self._level = LEVELS[level]
        if self._taken is not None:
            logging.getLogger().setLevel(self._level)

    def is_on(self, level: str) -> bool:
        """Return whether something of this level is logged now."""
        return LEVELS[level] >= self._level

    def write(self, level: str, event: str, fields: Mapping[str, object]) -> None:
        """Log a message: what the loggers do in the end. Any name is good for a field."""
        if LEVELS[level] >= self._level:
            self._sink.put(self.line(level, event, fields), is_urgent=LEVELS[level] >= LEVELS["warning"])

    def line(self, level: str, event: object, fields: Mapping[str, object]) -> bytes:
        """Return a message as a line. It never raises."""
        try:
            made = self._line(level, event, fields)
        except Exception:  # noqa: BLE001 -- a message that cannot be told must not end who tells it
            self._failed += 1
            return b""
        self._on_message(level)
        return made

    def _line(self, level: str, event: object, fields: Mapping[str, object]) -> bytes:
        given = structlog.contextvars.get_contextvars() | dict(fields)
        thrown = _exception(given.pop("exc_info", None))
        stack = given.pop("stack_info", None)
        clean = self.secrets.clean
        made: dict[str, Any] = {"time": instant(self._now_ns()), "level": level, "event": clean(str(event))}
        for name, value in given.items():
            # What somebody calls "time" does not pass for ours.
            key = self.secrets.redact(str(name))
            made[f"{key}_" if key in {"time", "level", "event", "exception"} else key] = clean(value, str(name))
        if isinstance(stack, str):
            made["stack"] = self.secrets.shortened(stack, _EXCEPTION_MAX)
        if thrown is not None:
            made["exception"] = self.secrets.shortened(thrown, _EXCEPTION_MAX)
        if self._pretty is None:
            return _json(made)
        plain = {name.translate(_CONTROLS): _printable(value, name) for name, value in made.items()}
        return f"{self._pretty(None, level, plain)}\n".encode(errors="replace")

    def _notice(self, lost: int) -> bytes:
        return self.line("warning", f"{lost} messages of the log were lost", {"kind": "log.lost", "lost": lost})

    def _options(self) -> dict[str, Any]:
        return {
            "processors": [self._process],
            "wrapper_class": structlog.make_filtering_bound_logger(logging.NOTSET),
            "context_class": dict,
            "cache_logger_on_first_use": False,
        }

    def _process(
        self, _: object, level: str, event: MutableMapping[str, Any]
    ) -> tuple[tuple[bytes, bool], dict[str, Any]]:
        number = LEVELS.get(level, LEVELS["error"])
        if number < self._level:
            raise structlog.DropEvent
        line = self.line(level, event.pop("event", ""), event)
        return (line, number >= LEVELS["warning"]), {}

    def take(self, record: logging.LogRecord) -> None:
        """Log a record of the standard library."""
        level = _name_of(record.levelno)
        fields = {name: value for name, value in vars(record).items() if name not in _RECORD_FIELDS}
        fields["logger"] = record.name
        if record.exc_info:
            fields["exc_info"] = record.exc_info
        if record.stack_info:
            fields["stack_info"] = record.stack_info
        self.write(level, record.getMessage(), fields)

    def _ended_by(self, kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
        self._uncaught(kind, error, where)
        # The process ends now, and the thread that writes with it.
        self._sink.flush(_LAST_WORDS_S)

    def _uncaught(self, kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
        if not issubclass(kind, KeyboardInterrupt | SystemExit):
            self.write("critical", "nobody caught an exception", {"exc_info": (kind, error, where)})


def instant(time_ns: int) -> str:
    """Return a time as RFC 3339 writes it, in UTC, to the nanosecond.

    >>> instant(1_700_000_000_000_000_001)
    '2023-11-14T22:13:20.000000001Z'
    """
    seconds, nanoseconds = divmod(time_ns, 1_000_000_000)
    when = time.gmtime(seconds)
    return (
        f"{when.tm_year:04}-{when.tm_mon:02}-{when.tm_mday:02}T{when.tm_hour:02}:{when.tm_min:02}:{when.tm_sec:02}"
        f".{nanoseconds:09}Z"
    )


class _Outlet:
    """What structlog takes for its logger: every method puts a line into the sink."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def take(self, line: bytes, is_urgent: bool) -> None:  # noqa: FBT001 -- structlog calls it
        self._sink.put(line, is_urgent=is_urgent)

    debug = info = warning = error = critical = take


class _Handler(logging.Handler):
    """What the standard library takes for a handler."""

    def __init__(self, logs: Logs) -> None:
        super().__init__()
        self._logs = logs

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._logs.take(record)
        except Exception:  # noqa: BLE001 -- arguments that do not fit their message are no reason to end anything
            self._logs.write("warning", "a message could not be made", {"logger": record.name, "message": record.msg})


class _Taken:
    """What the process had before its loggers were taken over."""

    def __init__(self) -> None:
        root = logging.getLogger()
        self._handlers = root.handlers[:]
        self._level = root.level
        self._structlog = structlog.get_config() if structlog.is_configured() else None
        self._hooks = sys.excepthook, threading.excepthook
        # What writes by itself, as uvicorn's do unless told otherwise, would write secrets.
        self._own = [
            (logger, logger.handlers[:], logger.propagate)
            for logger in list(root.manager.loggerDict.values())
            if isinstance(logger, logging.Logger)
            and not all(isinstance(handler, logging.NullHandler) for handler in logger.handlers)
        ]
        for logger, _, _ in self._own:
            logger.handlers[:] = []
            logger.propagate = True

    def give_back(self) -> None:
        root = logging.getLogger()
        root.handlers[:] = self._handlers
        root.setLevel(self._level)
        for logger, handlers, propagate in self._own:
            logger.handlers[:] = handlers
            logger.propagate = propagate
        logging.captureWarnings(capture=False)
        sys.excepthook, threading.excepthook = self._hooks
        if self._structlog is None:
            structlog.reset_defaults()
        else:
            structlog.configure(**self._structlog)


def _json(made: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(made, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        # Half a surrogate pair, or a number of a kind of its own.
        return json.dumps(made, default=repr).encode() + b"\n"


def _pretty(*, is_colourful: bool) -> ConsoleRenderer:
    return ConsoleRenderer(
        colors=is_colourful,
        sort_keys=False,
        timestamp_key="time",
        exception_formatter=plain_traceback,
    )


def _is_terminal() -> bool:
    return os.isatty(STANDARD_ERROR) and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def _printable(value: object, name: str) -> object:
    if isinstance(value, str):
        return value.translate(_CONTROLS_BUT_LINES if name in {"exception", "stack"} else _CONTROLS)
    return value if value is None or isinstance(value, bool | int | float) else str(value).translate(_CONTROLS)


def _name_of(number: int) -> str:
    """Return the name of the highest level that a number reaches."""
    return next((name for name, least in reversed(LEVELS.items()) if number >= least), "debug")


def _exception(given: object) -> str | None:
    """Return the traceback of what stands for an exception: one, a triple, or True for the one that is being handled."""
    if not given:
        return None
    if isinstance(given, BaseException):
        return "".join(traceback.format_exception(given)).rstrip()
    triple = given if isinstance(given, tuple) and len(given) == 3 else sys.exc_info()
    kind, error, where = triple
    if kind is None or error is None:
        return None
    return "".join(traceback.format_exception(kind, error, where)).rstrip()
