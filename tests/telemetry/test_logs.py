"""One way for all that is logged."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import subprocess
import sys
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from algo_trade.telemetry.logs import Logs, instant
from algo_trade.telemetry.redaction import HIDDEN, Secrets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
NOW = 1_700_000_000_123_456_789


@contextmanager
def logs(folder: Path, **more: Any) -> Iterator[Logs]:
    made = Logs(**{"form": "json", "path": folder / "log", "now_ns": lambda: NOW, **more})
    made.start()
    try:
        yield made
    finally:
        made.close()


def refuse(text: str) -> None:
    raise ValueError(text)


def documents(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log").read_text().splitlines()]


def test_a_line_is_a_document_with_time_level_and_fields(tmp_path: Path) -> None:
    with logs(tmp_path) as made:
        made.log.bind(bot_id="b1").info("order sent", cloid="0x" + "ab" * 16, symbol="BTC")
    assert (tmp_path / "log").read_text() == (
        '{"time":"2023-11-14T22:13:20.123456789Z","level":"info","event":"order sent",'
        f'"bot_id":"b1","cloid":"0x{"ab" * 16}","symbol":"BTC"}}\n'
    )


def test_a_time_is_written_to_the_nanosecond() -> None:
    assert instant(0) == "1970-01-01T00:00:00.000000000Z"
    assert instant(-1) == "1969-12-31T23:59:59.999999999Z"
    assert instant(1_000_000_007) == "1970-01-01T00:00:01.000000007Z"


def test_the_standard_librarys_loggers_go_the_same_way(tmp_path: Path) -> None:
    with logs(tmp_path):
        logging.getLogger("aiohttp.access").info(
            '%s - "%s" %d', "127.0.0.1", "GET /health", 200, extra={"bot_id": "b1"}
        )
        logging.getLogger("aiohttp").debug("not from this level on")
    (found,) = documents(tmp_path)
    assert found == {
        "time": "2023-11-14T22:13:20.123456789Z",
        "level": "info",
        "event": '127.0.0.1 - "GET /health" 200',
        "bot_id": "b1",
        "logger": "aiohttp.access",
    }


def test_a_logger_that_wrote_by_itself_goes_the_same_way_meanwhile(tmp_path: Path) -> None:
    logger, itself = logging.getLogger("writes.by.itself"), io.StringIO()
    handler = logging.StreamHandler(itself)
    logger.addHandler(handler)
    logger.propagate = False
    try:
        with logs(tmp_path):
            logger.warning("key %s", KEY)
        logger.warning("afterwards")
        assert (logger.handlers, logger.propagate, itself.getvalue()) == ([handler], False, "afterwards\n")
    finally:
        logger.removeHandler(handler)
        logger.propagate = True
    assert [each["event"] for each in documents(tmp_path)] == [f"key {HIDDEN}"]


def test_a_logger_that_anybody_gets_from_structlog_goes_the_same_way(tmp_path: Path) -> None:
    with logs(tmp_path):
        structlog.get_logger("x").warning("hello", key=KEY)
    (found,) = documents(tmp_path)
    assert (found["event"], found["key"]) == ("hello", HIDDEN)


def test_what_asyncio_says_of_a_lost_task_goes_the_same_way(tmp_path: Path) -> None:
    async def run() -> None:
        asyncio.get_running_loop().call_exception_handler({"message": "lost", "exception": ValueError(KEY)})

    with logs(tmp_path):
        asyncio.run(run())
    (found,) = documents(tmp_path)
    assert (found["logger"], found["level"]) == ("asyncio", "error")
    assert KEY not in json.dumps(found)


def test_warnings_go_the_same_way(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        with logs(tmp_path):
            warnings.warn("old", stacklevel=1)
    (found,) = documents(tmp_path)
    assert (found["logger"], found["level"]) == ("py.warnings", "warning")


def test_fields_of_the_context_are_told_with_every_message_of_a_task(tmp_path: Path) -> None:
    async def bot(bot_id: str) -> None:
        structlog.contextvars.bind_contextvars(bot_id=bot_id)
        await asyncio.sleep(0)
        logging.getLogger("x").info("std")
        structlog.get_logger().info("struct")

    async def run() -> None:
        await asyncio.gather(bot("b1"), bot("b2"))

    with logs(tmp_path):
        asyncio.run(run())
    assert sorted((each["bot_id"], each["event"]) for each in documents(tmp_path)) == [
        ("b1", "std"),
        ("b1", "struct"),
        ("b2", "std"),
        ("b2", "struct"),
    ]


def test_the_level_can_be_changed_while_running(tmp_path: Path) -> None:
    with logs(tmp_path, level="warning") as made:
        made.log.info("1")
        logging.getLogger("x").info("2")
        made.set_level("debug")
        made.log.debug("3")
        logging.getLogger("x").debug("4")
        made.set_level("error")
        made.log.warning("5")
        made.write("warning", "6", {})
    assert [each["event"] for each in documents(tmp_path)] == ["3", "4"]


def test_no_caller_can_forget_to_redact(tmp_path: Path) -> None:
    secrets = Secrets()
    secrets.add("hunter2!")
    with logs(tmp_path, secrets=secrets) as made:
        made.log.info(
            f"key {KEY}", url="postgresql://me:pw@there/x", inner={"x": [KEY]}, headers={"Authorization": "Bearer x"}
        )
        logging.getLogger("x").warning("sent %s", "hunter2!", extra={"password": "x"})
        made.write("info", "hunter2!", {KEY: 1})
        try:
            refuse(f"no such key: {KEY}, hunter2!")
        except ValueError:
            made.log.exception("failed")
            logging.getLogger("x").exception("failed")
    text = (tmp_path / "log").read_text()
    for secret in (KEY, "hunter2!", "me:pw", "Bearer x"):
        assert secret not in text
    assert documents(tmp_path)[3]["exception"].startswith("Traceback (most recent call last):\n")
    assert documents(tmp_path)[3]["exception"].endswith(f"ValueError: no such key: {HIDDEN}, {HIDDEN}")


def test_a_transaction_hash_is_told(tmp_path: Path) -> None:
    with logs(tmp_path) as made:
        made.log.info("fill", tx_hash=f"0x{KEY}")
    assert documents(tmp_path)[0]["tx_hash"] == f"0x{KEY}"


@pytest.mark.parametrize("thrown", [lambda e: e, lambda e: (type(e), e, e.__traceback__), lambda _: True])
def test_an_exception_may_be_given_in_three_ways(thrown: Any, tmp_path: Path) -> None:
    with logs(tmp_path) as made:
        try:
            refuse("x")
        except ValueError as error:
            made.log.warning("failed", exc_info=thrown(error))
        made.log.error("nothing", exc_info=True)
    first, second = documents(tmp_path)
    assert first["exception"].endswith("ValueError: x")
    assert "exception" not in second


def test_what_somebody_calls_time_does_not_pass_for_ours(tmp_path: Path) -> None:
    with logs(tmp_path) as made:
        made.log.info("x", time="noon", level="high", exception="none")
        made.write("info", "y", {"event": "z"})
    first, second = documents(tmp_path)
    assert (first["time_"], first["level_"], first["exception_"], first["level"]) == ("noon", "high", "none", "info")
    assert (second["event"], second["event_"]) == ("y", "z")


def test_no_value_is_too_odd_for_a_line(tmp_path: Path) -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no")

        __repr__ = __str__

    for form in ("json", "pretty"):
        with logs(tmp_path, form=form) as made:
            made.log.info("x", half="\ud800", big=2**100, nan=float("nan"), broken=Broken(), odd={1: {2: b"x"}})
            logging.getLogger("x").info("%d", "no number")
            logging.getLogger("x").info(Broken())
            made.log.info("still there")
        assert made.lost == 0
    assert "still there" in (tmp_path / "log").read_text()


def test_pretty_lines_are_one_line_each_and_move_no_cursor(tmp_path: Path) -> None:
    with logs(tmp_path, form="pretty") as made:
        made.log.info("one\ntwo \x1b[31mred\u202e", field="a\nb\x9b", many=["\x1b"])
    text = (tmp_path / "log").read_text()
    assert text.count("\n") == 1
    assert r"one\ntwo \x1b[31mred\u202e" in text
    assert "\x1b" not in text
    assert text.startswith("2023-11-14T22:13:20.123456789Z [info     ] ")


def test_a_pretty_exception_keeps_its_lines(tmp_path: Path) -> None:
    with logs(tmp_path, form="pretty") as made:
        try:
            refuse(f"\x1b {KEY}")
        except ValueError:
            made.log.exception("failed")
    text = (tmp_path / "log").read_text()
    assert "\nTraceback (most recent call last):\n" in text
    assert KEY not in text
    assert "\x1b" not in text


def test_a_huge_message_is_cut_and_an_exception_keeps_its_end(tmp_path: Path) -> None:
    with logs(tmp_path) as made:
        made.log.info("x " * 10**6)
        made.log.error("failed", exc_info=ValueError("x" * 10**6 + " the end"))
    assert (tmp_path / "log").stat().st_size < 100_000
    assert documents(tmp_path)[1]["exception"].endswith(" the end")


def test_messages_are_counted_by_level(tmp_path: Path) -> None:
    seen: list[str] = []
    with logs(tmp_path, on_message=seen.append) as made:
        made.log.info("x")
        made.log.debug("not told, not counted")
        logging.getLogger("x").critical("x")
    assert seen == ["info", "critical"]


def test_what_was_there_before_is_given_back(tmp_path: Path) -> None:
    root = logging.getLogger()
    handler = logging.StreamHandler(io.StringIO())
    root.addHandler(handler)
    before = root.handlers[:], root.level, sys.excepthook, threading.excepthook, structlog.is_configured()
    try:
        with logs(tmp_path, level="debug"):
            assert root.handlers != before[0]
        assert (root.handlers, root.level, sys.excepthook, threading.excepthook, structlog.is_configured()) == before
    finally:
        root.removeHandler(handler)


def test_one_log_inside_of_another_gives_the_outer_one_back(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    with logs(tmp_path):
        with logs(tmp_path / "inner"):
            structlog.get_logger().info("inner")
        structlog.get_logger().info("outer")
    assert [each["event"] for each in documents(tmp_path)] == ["outer"]
    assert [each["event"] for each in documents(tmp_path / "inner")] == ["inner"]


PROGRAM = """
import logging, sys, threading
from algo_trade.telemetry import Logs
logs = Logs(form="json")
logs.secrets.add("hunter2!")
logs.start()
logging.getLogger("x").warning("hello")
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
if "close" in sys.argv:
    logs.close()
raise ValueError("hunter2!")
"""


def run(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        text=True,
        check=False,
        timeout=60,
        **{"stderr": subprocess.PIPE, **more},
    )


def test_an_exception_that_nobody_caught_is_logged_without_secrets() -> None:
    ended = run()
    assert ended.returncode == 1
    assert "hunter2!" not in ended.stderr
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert [line["event"] for line in lines[:2]] == ["hello", "nobody caught an exception"]
    assert "ZeroDivisionError" in lines[1]["exception"]


def test_a_closed_standard_error_does_not_end_the_process() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ended = run("close", stderr=writer)
    os.close(writer)
    assert ended.returncode == 1


INTERRUPTED = """
import logging, signal, time
from algo_trade.telemetry import Logs, Metrics
metrics = Metrics()
logs = Logs(form="json", on_message=metrics.log_message)
logs.start()
signal.signal(signal.SIGALRM, lambda *_: logging.getLogger("x").warning("again"))
signal.setitimer(signal.ITIMER_REAL, 0.0003, 0.0003)
end = time.monotonic() + 1
while time.monotonic() < end:
    logs.log.warning("here")
    metrics.log_message("warning")
signal.setitimer(signal.ITIMER_REAL, 0)
metrics.render()
logs.close()
"""


def test_who_logs_in_the_middle_of_a_message_locks_nothing() -> None:
    # A signal stands for destructors too, which the garbage collector calls at any moment.
    ended = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 0, ended.stderr[-1_000:]
    assert ended.stderr.count('"event":"again"') > 100
    assert ended.stderr.count('"event":"here"') > 100


def test_colour_is_for_terminals_alone() -> None:
    program = "from algo_trade.telemetry import Logs; logs = Logs(); logs.start(); logs.log.info('x'); logs.close()"
    leader, follower = os.openpty()
    plain = subprocess.run([sys.executable, "-c", program], stderr=subprocess.PIPE, check=True)
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | {"TERM": "xterm"}
    subprocess.run([sys.executable, "-c", program], stderr=follower, check=True, env=environment)
    shown = os.read(leader, 10_000)
    subprocess.run([sys.executable, "-c", program], stderr=follower, check=True, env=environment | {"NO_COLOR": "1"})
    without = os.read(leader, 10_000)
    os.close(leader)
    os.close(follower)
    assert b"\x1b[" not in plain.stderr
    assert b"\x1b[" in shown
    assert b"\x1b[" not in without
