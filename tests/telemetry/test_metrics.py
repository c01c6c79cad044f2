"""What is measured, and what that costs."""

from __future__ import annotations

import asyncio
import time
from statistics import median

from prometheus_client.parser import text_string_to_metric_families

from algo_trade.telemetry import Metrics
from algo_trade.telemetry.series import OTHER


def samples(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Name and values of labels, in the order of the labels' names."""
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(metrics.render()[0].decode())
        for sample in family.samples
    }


def observed() -> Metrics:
    """Metrics of which each was told once, of two bots."""
    metrics = Metrics(version="1.2.3")
    metrics.tick_to_order(0.0004)
    metrics.loop_lag(0.02)
    metrics.journal_durable(0.002)
    metrics.journal_failed(is_failed=True)
    metrics.stream_age("trades:BTC", 1.5)
    metrics.rate_limit_budget("ip_weight", 900)
    for bot in ("b1", "b2"):
        metrics.open_orders(bot, "resting", 3)
        metrics.orders_done(bot, "filled")
        metrics.fills(bot)
        metrics.mailbox_depth(bot, 7)
        metrics.bot_state(bot, "running")
        metrics.bot_equity(bot, 10_000.5)
        metrics.bot_pnl(bot, -2.5)
        metrics.bot_position(bot, "BTC", -0.25)
    metrics.reconciliation_differences(2)
    metrics.alert("operators", "sent")
    metrics.log_message("info")
    metrics.log_messages_lost(4)
    metrics.config_reload("refused")
    return metrics


def test_what_was_observed_is_rendered_as_prometheus_reads_it() -> None:
    metrics = observed()
    assert metrics.render()[1].startswith("text/plain; version=0.0.4")
    found = samples(metrics)
    assert {
        ("algo_trade_tick_to_order_seconds_bucket", "0.0002"): 0,
        ("algo_trade_tick_to_order_seconds_bucket", "0.0005"): 1,
        ("algo_trade_tick_to_order_seconds_count",): 1,
        ("algo_trade_event_loop_lag_seconds_sum",): 0.02,
        ("algo_trade_journal_durable_seconds_count",): 1,
        ("algo_trade_journal_failed",): 1,
        ("algo_trade_stream_age_seconds", "trades:BTC"): 1.5,
        ("algo_trade_rate_limit_budget", "ip_weight"): 900,
        ("algo_trade_open_orders", "b1", "resting"): 3,
        ("algo_trade_orders_total", "b1", "filled"): 1,
        ("algo_trade_fills_total", "b2"): 1,
        ("algo_trade_mailbox_depth", "b1"): 7,
        ("algo_trade_bot_state", "b1", "running"): 1,
        ("algo_trade_bot_equity", "b1"): 10_000.5,
        ("algo_trade_bot_pnl", "b1"): -2.5,
        ("algo_trade_bot_position", "b1", "BTC"): -0.25,
        ("algo_trade_reconciliation_differences_total",): 2,
        ("algo_trade_alerts_total", "sent", "operators"): 1,
        ("algo_trade_log_messages_total", "info"): 1,
        ("algo_trade_log_messages_lost_total",): 4,
        ("algo_trade_config_reloads_total", "refused"): 1,
        ("algo_trade_config_reloads_total", "applied"): 0,
        ("algo_trade_build_info", "1.2.3"): 1,
    }.items() <= found.items()


def test_the_buckets_of_tick_to_order_go_from_50_microseconds_to_a_second() -> None:
    bounds = [key[1] for key in samples(Metrics()) if key[0] == "algo_trade_tick_to_order_seconds_bucket"]
    assert (bounds[0], bounds[-2], bounds[-1]) == ("5e-05", "1.0", "+Inf")


def test_every_metric_is_described_once_and_none_is_left_out() -> None:
    metrics = observed()
    described = metrics.described()
    assert len({each.name for each in described}) == len(described)
    assert all(each.name.startswith("algo_trade_") and each.help for each in described)
    families = {family.name: family for family in text_string_to_metric_families(metrics.render()[0].decode())}
    assert {each.name.removesuffix("_total") for each in described} == set(families)
    for each in described:
        family = families[each.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (each.kind, each.help)
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(each.labels), each.name


def test_a_bot_is_in_one_state() -> None:
    metrics = Metrics()
    metrics.bot_state("b1", "running")
    metrics.bot_state("b1", "error")
    found = samples(metrics)
    assert found["algo_trade_bot_state", "b1", "running"] == 0
    assert found["algo_trade_bot_state", "b1", "error"] == 1


def test_every_series_of_a_removed_bot_goes_away() -> None:
    metrics = observed()
    metrics.forget("b1")
    metrics.forget("never was")
    text = metrics.render()[0].decode()
    assert 'bot="b1"' not in text
    assert text.count('bot="b2"') == 8
    metrics.fills("b1")
    assert samples(metrics)["algo_trade_fills_total", "b1"] == 1


def test_a_stream_that_is_no_more_goes_away() -> None:
    metrics = observed()
    metrics.keep_streams({"bbo:ETH"})
    assert "trades:BTC" not in metrics.render()[0].decode()


def test_series_are_bounded_and_what_comes_after_is_counted_together() -> None:
    metrics = Metrics(series_max=10)
    for number in range(1_000):
        metrics.fills(f"b{number}")
    counts = {key[1]: value for key, value in samples(metrics).items() if key[0] == "algo_trade_fills_total"}
    assert counts == {f"b{number}": 1 for number in range(9)} | {OTHER: 991}
    metrics.forget("b3")
    metrics.fills("new")
    assert samples(metrics)["algo_trade_fills_total", "new"] == 1


def test_a_long_label_is_cut() -> None:
    metrics = Metrics()
    metrics.stream_age("x" * 10_000, 1)
    assert "x" * 128 in metrics.render()[0].decode()
    assert "x" * 129 not in metrics.render()[0].decode()


def test_gauges_may_be_set_just_before_they_are_read() -> None:
    metrics = Metrics()
    depth = [3]
    metrics.before_render(lambda: metrics.mailbox_depth("b1", depth[0]))
    assert samples(metrics)["algo_trade_mailbox_depth", "b1"] == 3
    depth[0] = 4
    assert samples(metrics)["algo_trade_mailbox_depth", "b1"] == 4


def test_two_sets_of_metrics_know_nothing_of_each_other() -> None:
    first, second = Metrics(), Metrics()
    first.fills("b1")
    assert ("algo_trade_fills_total", "b1") not in samples(second)


def test_rendering_in_steps_gives_the_same_and_lets_others_run() -> None:
    metrics = observed()
    for number in range(2_000):
        metrics.mailbox_depth(f"x{number}", 1)

    async def run() -> tuple[bytes, int]:
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.create_task(count())
        text, _ = await metrics.render_in_steps()
        counting.cancel()
        return text, turns

    text, turns = asyncio.run(run())
    assert turns > 20

    def without_process(text: bytes) -> list[bytes]:
        return [line for line in text.splitlines() if b"_process_" not in line]

    assert without_process(text) == without_process(metrics.render()[0])


def test_observing_costs_microseconds() -> None:
    # A loose bound, for busy machines; docs/decisions/0038-telemetry.md has what was measured.
    metrics = observed()
    calls = 2_000
    spent = []
    for _ in range(15):
        start = time.perf_counter()
        for _ in range(calls):
            metrics.tick_to_order(0.0004)
            metrics.fills("b1")
            metrics.bot_position("b1", "BTC", 1.0)
        spent.append((time.perf_counter() - start) / (3 * calls))
    assert median(spent) < 10e-6
