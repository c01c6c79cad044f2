"""A runner as a process of its own, for tests that kill it."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

import orjson

from algo_trade._native import Journal, SigningKey
from tests.bots.world import ask, venue_positions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from algo_trade.venue.testing import RunningVenue

MAIN = "import sys; from algo_trade.cli import main; sys.argv[0] = 'algo-trade'; main()"
PATIENCE_S = 60.0
PRICES = {"BTC": Decimal(90_000), "ETH": Decimal(3_000)}
_FILL = re.compile(r"^Fill\(.*?cloid: Cloid\(([^)]*)\).*?trade_id: (\d+)")


def typed(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Type ``algo-trade`` and words that end by themselves, in a folder."""
    return subprocess.run(
        [sys.executable, "-c", MAIN, *words],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


def wait(condition: Callable[[], Any], within_s: float = PATIENCE_S, what: str = "it") -> Any:
    """Wait for something to become true, and return it."""
    until_s = time.monotonic() + within_s
    while not (found := condition()):
        assert time.monotonic() < until_s, f"{what}: did not come about within {within_s} s"
        time.sleep(0.02)
    return found


class Process:
    """``algo-trade run`` in a folder, against a venue; it can be killed, and begun again.

    Parameters
    ----------
    first : Python that it runs before all else, for what a test has no time to wait for
    tables : of its configuration
    """

    def __init__(
        self, folder: Path, venue: RunningVenue, bots: list[dict[str, Any]], *, first: str = "", **tables: Any
    ) -> None:
        self.folder, self.venue, self._first = folder, venue, first
        self.secret = "0x" + os.urandom(32).hex()
        self.address = SigningKey(self.secret).address
        self.bot_ids = [bot["bot_id"] for bot in bots]
        ask(venue, "clearinghouseState", user=self.address)
        # The journal of a crash has to be taken up fast: a test has no time for the exchange's own deadlines.
        document = {
            "server": {"port": 0},
            "hyperliquid": {
                "api_url": venue.url,
                "ws_url": venue.ws_url,
                "account_address": self.address,
                "state_dir": str(folder / "nonces"),
                "expires_after_ms": 1_500,
                "settle_margin_ms": 500,
                "limits": {"ip_weight_per_minute": 1_000_000, "ip_burst": 100_000},
            },
            "telemetry": {"log_format": "json", "log_file": str(folder / "log.json"), "log_level": "debug"},
            "storage": {"strategies": str(folder)},
            "bots": bots,
            **tables,
        }
        (folder / "Config.json").write_bytes(orjson.dumps(document))
        self.process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start(self, *words: str) -> None:
        """Begin, and wait until it answers."""
        environment = {**os.environ, "HYPERLIQUID_PRIVATE_KEY": self.secret}
        with (self.folder / "stderr.txt").open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-c", self._first + MAIN, *(words or ("run", "--json"))],
                cwd=self.folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        assert self.process.stdout is not None
        text = b""
        while not text.rstrip().endswith(b"}"):
            line = self.process.stdout.readline()
            assert line, (self.folder / "stderr.txt").read_text()
            text += line
        self.url = orjson.loads(text)["url"]

    def kill(self) -> None:
        """End it as a power cut would."""
        self.end(signal.SIGKILL)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it, with SIGTERM in good order; return its exit code."""
        process, self.process = self.process, None
        assert process is not None
        process.send_signal(number)
        code = process.wait(PATIENCE_S)
        if process.stdout is not None:
            process.stdout.close()
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.kill()

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        """Ask its API."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, None if body is None else orjson.dumps(body))
            response = connection.getresponse()
            text = response.read()
            assert response.status < 300, text
            return orjson.loads(text) if text else None

    def raw(self, method: str, path: str, body: Any = None) -> bytes:
        """Ask its API, and return whatever it answers."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, None if body is None else orjson.dumps(body))
            response = connection.getresponse()
            return str(response.headers).encode() + response.read()

    def core_limit(self) -> int:
        """Return how large a crash dump of it may be."""
        assert self.process is not None
        return resource.prlimit(self.process.pid, resource.RLIMIT_CORE)[0]

    def bots(self) -> dict[str, dict[str, Any]]:
        return {bot["bot_id"]: bot for bot in self("GET", "/api/bots")}

    def ready(self) -> None:
        """Wait until every bot trades on what is fresh."""
        wait(lambda: all(bot["is_live"] for bot in self.bots().values()), what=f"ready: {self.bots()}")

    # --- what it has written, and what the venue says ---

    def journals(self) -> list[Path]:
        return sorted((self.folder / "state" / "journals").glob("*/*.journal"))

    def fills_in_journals(self) -> Counter[tuple[str, int]]:
        """Return how often each fill (order, trade) is written."""
        found: Counter[tuple[str, int]] = Counter()
        for path in self.journals():

            def line(text: str) -> None:
                if (match := _FILL.match(text)) is not None:
                    found[match[1], int(match[2])] += 1

            Journal(path).dump(line)
        return found

    def holds_together(self) -> dict[str, Decimal]:
        """Return what the bots hold together by their own books, without what is flat."""
        sums: dict[str, Decimal] = {}
        for bot in self.bots().values():
            for position in bot["positions"] if bot["mode"] == "live" else ():
                symbol = position["symbol"]
                sums[symbol] = sums.get(symbol, Decimal(0)) + Decimal(position["quantity"])
        return {symbol: quantity for symbol, quantity in sums.items() if quantity}

    def won_together(self) -> Decimal:
        """Return what the live bots have won, were every symbol worth what it is in PRICES.

        What is realised is another thing for bots that hold against each other than for the account: only the sum is the same.
        """
        won = Decimal(0)
        for bot in self.bots().values():
            if bot["mode"] == "live":
                won += Decimal(bot["pnl"])
                for each in bot["positions"]:
                    won -= Decimal(each["unrealised_pnl"])
                    won += Decimal(each["quantity"]) * (PRICES[each["symbol"]] - Decimal(each["entry_price"]))
        return won

    def venue_holds(self) -> dict[str, Decimal]:
        return venue_positions(self.venue, self.address)

    def venue_won(self, deposit: int = 100_000) -> Decimal:
        """Return the same of the account, by the venue's word."""
        state = ask(self.venue, "clearinghouseState", user=self.address)
        won = Decimal(state["marginSummary"]["accountValue"]) - deposit
        for row in state["assetPositions"]:
            position = row["position"]
            won -= Decimal(position["unrealizedPnl"])
            won += Decimal(position["szi"]) * (PRICES[position["coin"]] - Decimal(position["entryPx"]))
        return won

    def venue_fills(self) -> list[dict[str, Any]]:
        fills: list[dict[str, Any]] = ask(self.venue, "userFills", user=self.address)
        return fills

    def venue_orders(self) -> list[dict[str, Any]]:
        orders: list[dict[str, Any]] = ask(self.venue, "frontendOpenOrders", user=self.address)
        return orders
