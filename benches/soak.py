"""A runner under load for many minutes: does its memory grow, do handles stay open, does its loop fall behind?

usage: soak.py [--minutes 20] [--bots 60] [--symbols 20] [--cut-minutes 2]

A local venue and `algo-trade run` trade over real sockets and real files, each in a process of its own: market makers, crossovers and a
strategy in Python, live and on paper. All sockets are cut now and then, and a bot is stopped and begun again every ten seconds. A line
a minute shows the runner, and .cache/soak.csv each sample. It ends with 1 if memory or handles grew between the second quarter of the
time and the last. By then more orders have ended than an account remembers, so that what is kept on purpose has its full size.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import http.client
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

from algo_trade._native import SigningKey
from algo_trade.venue.testing import running_venue

MAIN = "import sys; from algo_trade.cli import main; sys.argv[0] = 'algo-trade'; main()"
GROWTH_MAX, GROWN_MIB_MAX, HANDLES_MORE_MAX = 0.03, 5.0, 2
EVERY_S = 5
FIELDS = (
    "second",
    "rss_mib",
    "handles",
    "threads",
    "core",
    "lag_p99_ms",
    "orders",
    "fills",
    "live",
    "state_mib",
    "log_mib",
)

STRATEGY = '''
from decimal import Decimal

import algo_trade as at


class Pulse(at.Strategy):
    """Takes a little either way by turns, and quotes a little away from the price."""

    def on_start(self, ctx):
        self.number = 0
        ctx.set_timer(at.ms(150))

    def on_timer(self, ctx, now_ns):
        for symbol in ctx.symbols:
            book = ctx.book(symbol)
            if book.best_bid is None:
                continue
            self.number += 1
            size = Decimal(1).scaleb((20 / book.best_bid).adjusted() + 1)
            if self.number % 40 == 0:
                (ctx.buy if self.number % 80 else ctx.sell)(symbol, size)
            orders = ctx.orders(symbol)
            if self.number % 5 == 0:
                for order in orders.open:
                    ctx.cancel(order.cloid)
            elif len(orders) < 3:
                ctx.buy(symbol, size, price=book.best_bid - 20 * book.tick_size, time_in_force="alo")
'''


def bots(count: int, prices: dict[str, Decimal], strategy: str) -> list[dict]:
    """Return bots of three strategies, live and on paper by turns."""
    symbols = list(prices)

    def bot(number: int) -> dict:
        symbol = symbols[number % len(symbols)]
        kinds = [
            {"strategy": "market_maker", "params": {"quantity": size(prices[symbol]), "interval": 1000}},
            {"strategy": "ma_crossover", "params": {"fast": 3, "slow": 8}},
            {"strategy": strategy},
        ]
        mode = "live" if number % 2 else "paper"
        return {
            "bot_id": f"bot-{number}",
            "symbol": symbol,
            "mode": mode,
            "capital": 10_000,
            **kinds[number % len(kinds)],
        }

    return [bot(number) for number in range(count)]


def size(price: Decimal) -> str:
    """Return the smallest power of ten that is worth 20 dollars: nothing below ten is taken."""
    return format(Decimal(1).scaleb((20 / price).adjusted() + 1), "f")


class Runner:
    """``algo-trade run`` in a folder."""

    def __init__(self, folder: Path, venue, made: list[dict]) -> None:
        self.folder = folder
        secret = "0x" + os.urandom(32).hex()
        document = {
            "server": {"port": 0},
            "hyperliquid": {
                "api_url": venue.url,
                "ws_url": venue.ws_url,
                "account_address": SigningKey(secret).address,
                "state_dir": str(folder / "nonces"),
                "limits": {"ip_weight_per_minute": 1_000_000, "ip_burst": 100_000},
            },
            "storage": {"strategies": str(folder)},
            "telemetry": {"log_file": str(folder / "log.json"), "log_level": "info"},
            "bots": made,
        }
        (folder / "Config.json").write_text(json.dumps(document))
        self.process = subprocess.Popen(
            [sys.executable, "-c", MAIN, "run", "--json"],
            cwd=folder,
            env={**os.environ, "HYPERLIQUID_PRIVATE_KEY": secret},
            stdout=subprocess.PIPE,
            stderr=(folder / "stderr.txt").open("wb"),
            text=True,
        )
        text = ""
        while not text.rstrip().endswith("}"):
            line = self.process.stdout.readline()
            if not line:
                raise SystemExit(f"soak: the runner has not begun: {(folder / 'stderr.txt').read_text()}")
            text += line
        self.address = json.loads(text)["url"].removeprefix("http://")

    def ask(self, method: str, path: str) -> str:
        connection = http.client.HTTPConnection(self.address, timeout=60)
        try:
            with contextlib.closing(connection):
                connection.request(method, path)
                response = connection.getresponse()
                text = response.read().decode()
        except OSError as error:
            raise SystemExit(
                f"soak: the runner is gone ({error}): {(self.folder / 'stderr.txt').read_text()}"
            ) from error
        if response.status >= 300:
            raise SystemExit(f"soak: {method} {path}: {response.status}: {text}")
        return text

    def sample(self) -> dict[str, float]:
        """Return what the process has by the kernel's word, and what it has done by its own."""
        pid = self.process.pid
        status = Path(f"/proc/{pid}/status").read_text()
        used = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        metrics = self.ask("GET", "/metrics")
        live = [bot["is_live"] for bot in json.loads(self.ask("GET", "/api/bots")) if bot["state"] == "running"]
        return {
            "rss_mib": int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024,
            "threads": int(re.search(r"Threads:\s+(\d+)", status)[1]),
            "handles": len(list(Path(f"/proc/{pid}/fd").iterdir())),
            "cpu_s": (int(used[11]) + int(used[12])) / os.sysconf("SC_CLK_TCK"),
            "orders": total(metrics, "algo_trade_orders_total"),
            "fills": total(metrics, "algo_trade_fills_total"),
            "lag": buckets(metrics, "algo_trade_event_loop_lag_seconds_bucket"),
            "live": sum(live),
            "state_mib": size_mib(self.folder / "state"),
            "log_mib": size_mib(self.folder / "log.json"),
        }


def total(metrics: str, name: str) -> float:
    return sum(float(line.rpartition(" ")[2]) for line in metrics.splitlines() if line.startswith(name))


def buckets(metrics: str, name: str) -> dict[float, float]:
    found = re.findall(rf'^{name}{{[^}}]*le="([^"]+)"[^}}]*}} (\S+)', metrics, re.MULTILINE)
    return {float(le): float(count) for le, count in found}


def p99_ms(before: dict[float, float], now: dict[float, float]) -> float:
    """Return the upper bound of the bucket that holds the 99th of a hundred, since the sample before."""
    counts = {le: now[le] - before.get(le, 0.0) for le in sorted(now)}
    most = max(counts.values(), default=0.0)
    return next((le * 1e3 for le, count in counts.items() if count >= 0.99 * most), 0.0)


def size_mib(path: Path) -> float:
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return sum(each.stat().st_size for each in files) / (1 << 20)


def grew(rows: list[dict], what: str) -> tuple[float, float]:
    """Return the middle of the second quarter of all samples, and of the last."""
    quarter = len(rows) // 4
    early, late = rows[quarter : 2 * quarter], rows[-quarter:]
    return statistics.median(row[what] for row in early), statistics.median(row[what] for row in late)


def soak(minutes: float, bots_count: int, symbols_count: int, cut_minutes: float) -> int:
    rows: list[dict] = []
    limits = {"weight_a_minute": 1_000_000, "new_connections_a_minute": 10_000, "requests": 10_000_000}
    with (
        tempfile.TemporaryDirectory() as name,
        running_venue(seed=11, symbols=symbols_count, density=20, limits=limits) as venue,
    ):
        folder = Path(name)
        (folder / "pulse.py").write_text(STRATEGY)
        made = bots(bots_count, mids(venue), f"{folder / 'pulse.py'}:Pulse")
        runner = Runner(folder, venue, made)
        try:
            began_s = time.monotonic()
            before, cut_s, told_minute, turn = None, began_s, -1, 0
            print("minute  memory MiB  handles  threads  core  lag p99 ms  orders   fills  live  state MiB  log MiB")
            while (second := time.monotonic() - began_s) < minutes * 60:
                time.sleep(EVERY_S)
                if time.monotonic() - cut_s > cut_minutes * 60:
                    cut_s = time.monotonic()
                    venue.control("cut_connections")
                if turn % 2 == 0:
                    runner.ask("PUT", f"/api/bots/bot-{turn // 2 % bots_count}/stop")
                else:
                    runner.ask("PUT", f"/api/bots/bot-{turn // 2 % bots_count}/start")
                turn += 1
                now = runner.sample()
                now["second"] = time.monotonic() - began_s
                if before is not None:
                    now["core"] = (now["cpu_s"] - before["cpu_s"]) / (now["second"] - before["second"])
                    now["lag_p99_ms"] = p99_ms(before["lag"], now["lag"])
                    rows.append({field: round(now[field], 3) for field in FIELDS})
                    if int(second // 60) != told_minute:
                        told_minute = int(second // 60)
                        row = rows[-1]
                        print(
                            f"{told_minute:6}  {row['rss_mib']:10.1f}  {row['handles']:7}  {row['threads']:7}  {row['core']:4.2f}"
                            f"  {row['lag_p99_ms']:10.1f}  {row['orders']:6.0f}  {row['fills']:6.0f}  {row['live']:4}"
                            f"  {row['state_mib']:9.1f}  {row['log_mib']:7.1f}",
                            flush=True,
                        )
                before = now
            runner.process.send_signal(signal.SIGTERM)
            code = runner.process.wait(60)
        finally:
            if runner.process.poll() is None:
                runner.process.kill()
        if code:
            print(f"soak: the runner ended with {code}: {(folder / 'stderr.txt').read_text()}", file=sys.stderr)
            return 1
    Path(".cache").mkdir(exist_ok=True)
    with Path(".cache/soak.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(rows)
    return verdict(rows)


def verdict(rows: list[dict]) -> int:
    faults = []
    early, late = grew(rows, "rss_mib")
    print(f"memory: {early:.1f} MiB in the second quarter, {late:.1f} MiB in the last")
    if late - early > max(GROWN_MIB_MAX, early * GROWTH_MAX):
        faults.append("memory grew")
    for what in ("handles", "threads"):
        early, late = grew(rows, what)
        print(f"{what}: {early:.0f} in the second quarter, {late:.0f} in the last")
        if late - early > HANDLES_MORE_MAX:
            faults.append(f"{what} grew")
    lags = sorted(row["lag_p99_ms"] for row in rows)
    print(
        f"lag of the loop, 99th of a hundred in {EVERY_S} s: median {statistics.median(lags):.1f} ms, worst {lags[-1]:.1f} ms"
    )
    if rows[-1]["orders"] <= rows[len(rows) // 2]["orders"] or rows[-1]["fills"] <= rows[len(rows) // 2]["fills"]:
        faults.append("it did not trade to the end")
    print("flat" if not faults else "soak: " + ", ".join(faults))
    return 1 if faults else 0


def mids(venue) -> dict[str, Decimal]:
    """Return what each perpetual costs."""
    listed = {each["name"] for each in info(venue, "meta")["universe"]}
    return {coin: Decimal(price) for coin, price in info(venue, "allMids").items() if coin in listed}


def info(venue, kind: str):
    connection = http.client.HTTPConnection(venue.url.removeprefix("http://"), timeout=10)
    with contextlib.closing(connection):
        connection.request("POST", "/info", json.dumps({"type": kind}), {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--bots", type=int, default=60)
    parser.add_argument("--symbols", type=int, default=20)
    parser.add_argument("--cut-minutes", type=float, default=2)
    options = parser.parse_args()
    sys.exit(soak(options.minutes, options.bots, options.symbols, options.cut_minutes))
