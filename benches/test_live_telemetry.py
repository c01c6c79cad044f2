"""What telling costs who tells: a line of the log beside the standard library's own way with a queue, metrics, a rendering of 300 bots."""

from __future__ import annotations

import logging
import queue
import time
from logging.handlers import QueueHandler, QueueListener
from statistics import median

import pytest

from algo_trade.telemetry import Logs, Metrics

CALLS = 2_000
PAIRS = 15
BOTS = 300
FIELDS = {"cloid": "0x" + "ab" * 16, "price": "65000.5", "symbol": "BTC", "size": 1.5}


def seconds(call):
    start = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - start) / CALLS


@pytest.fixture
def log(tmp_path):
    logs = Logs(form="json", path=tmp_path / "ours")
    logs.start()
    yield logs.log.bind(bot_id="b1")
    logs.close()


@pytest.fixture
def plain(tmp_path):
    """The standard library with a queue: it neither looks for secrets nor writes JSON."""
    lines = queue.Queue(-1)
    handler = logging.FileHandler(tmp_path / "theirs")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    listener = QueueListener(lines, handler)
    logger = logging.Logger("plain")
    logger.addHandler(QueueHandler(lines))
    listener.start()
    yield logger
    listener.stop()
    handler.close()


def test_a_line_of_the_log(benchmark, log, plain):
    def ours():
        log.info("order sent", **FIELDS)

    def theirs():
        plain.info("order sent bot_id=%s cloid=%s price=%s symbol=%s size=%s", "b1", *FIELDS.values())

    ratios = [seconds(theirs) / seconds(ours) for _ in range(PAIRS)]
    benchmark.extra_info["ratio_logging_with_queue"] = median(ratios)
    benchmark(ours)


def test_a_message_below_the_level(benchmark, log):
    benchmark(lambda: log.debug("order sent", **FIELDS))


def test_a_metric(benchmark):
    metrics = Metrics()
    benchmark(lambda: metrics.tick_to_order(0.0004))


def test_a_metric_with_labels(benchmark):
    metrics = Metrics()
    benchmark(lambda: metrics.bot_position("b1", "BTC", -0.25))


def test_rendering_300_bots(benchmark):
    metrics = Metrics()
    for number in range(BOTS):
        bot = f"bot-{number}"
        metrics.bot_state(bot, "running")
        metrics.bot_equity(bot, 10_000.5)
        metrics.bot_pnl(bot, -2.5)
        metrics.mailbox_depth(bot, 0)
        metrics.fills(bot)
        for state in ("in_flight", "resting", "partially_filled", "unknown"):
            metrics.open_orders(bot, state, 1)
        for outcome in ("filled", "cancelled", "rejected", "expired"):
            metrics.orders_done(bot, outcome)
        for symbol in range(5):
            metrics.bot_position(bot, f"S{symbol}", 1.0)
    text, _ = benchmark(metrics.render)
    assert text.count(b"\n") > 5_000
