"""What a book costs from the socket to a strategy: by library, and through our session. A server process on loopback sends as fast as it can.

Messages a second on loopback depend on how the two processes share the machine; the processor time of each message does not.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest
from benches.test_hyperliquid_decode import book

import algo_trade as at
from algo_trade._native import HyperliquidDecoder
from algo_trade.hyperliquid.stream import Open, Session, SessionSettings, Subscription

uvloop = pytest.importorskip("uvloop", reason="uvloop is not installed")

HERE = Path(__file__).parent
MESSAGES = 64 * 300
ROUNDS = 3
FOREVER = SessionSettings(stale_after_s={})


@contextlib.contextmanager
def firehose():
    command = [sys.executable, str(HERE / "firehose.py"), str(MESSAGES)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"ws://127.0.0.1:{int(process.stdout.readline())}/"
        finally:
            process.terminate()


async def read_websockets(url, received):
    from websockets.asyncio.client import connect

    async with connect(url, compression=None, ping_interval=None, max_queue=None) as socket:
        await socket.send("go")
        for _ in range(MESSAGES):
            received(await socket.recv(decode=False))


async def read_aiohttp(url, received):
    aiohttp = pytest.importorskip("aiohttp", reason="aiohttp is not installed")
    async with aiohttp.ClientSession() as session, session.ws_connect(url, decode_text=False) as socket:
        await socket.send_str("go")
        for _ in range(MESSAGES):
            received((await socket.receive()).data)


async def read_picows(url, received):
    from algo_trade.hyperliquid.stream.transport import connect_picows

    done, left = asyncio.Event(), MESSAGES

    def count(message):
        nonlocal left
        received(message)
        left -= 1
        if not left:
            done.set()

    transport = await connect_picows(url, count)
    transport.send(b"go")
    await done.wait()
    transport.close()
    await transport.wait_closed()


async def read_ours(url, received):
    done, left = asyncio.Event(), MESSAGES

    def listen(event):
        nonlocal left
        if isinstance(event, at.BookSnapshot):
            received(event)
            left -= 1
            if not left:
                done.set()

    # The books are old by their own time.
    clock = iter(range(1_737_918_843_542_000_000, sys.maxsize, 1000)).__next__
    async with at.HyperliquidWebSocket(
        {"BTC": "BTC"}, url=url, listener=listen, clock=clock, settings=FOREVER, random=random.Random(0)
    ) as socket:
        socket.subscribe(Subscription("l2Book", coin="BTC"))
        await done.wait()


READERS = {"websockets": read_websockets, "aiohttp": read_aiohttp, "picows": read_picows, "ours": read_ours}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("what", ["bytes", "decoded"])
def test_books_from_a_socket(benchmark, reader, what):
    if reader == "ours" and what == "bytes":
        pytest.skip("ours always decodes")
    decoder = HyperliquidDecoder({"BTC": "BTC"})
    seen, processor_s = [], []

    def received(message):
        seen.append(decoder.decode(message, 1)[0] if what == "decoded" and reader != "ours" else message)

    def read(url):
        seen.clear()
        started = time.process_time()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(READERS[reader](url, received))
        processor_s.append(time.process_time() - started)

    with firehose() as url:
        benchmark.pedantic(read, args=(url,), rounds=ROUNDS, warmup_rounds=1)
    assert len(seen) == MESSAGES
    if what == "decoded":
        assert all(isinstance(event, at.BookSnapshot) for event in seen)
    benchmark.extra_info["messages_per_second"] = round(MESSAGES / benchmark.stats.stats.min)
    benchmark.extra_info["processor_us_per_message"] = round(min(processor_s) / MESSAGES * 1e6, 2)


def session_of(symbols):
    """Return a session whose books are live, and its socket."""
    session = Session({symbol: symbol for symbol in symbols}, random=random.Random(0), settings=FOREVER)
    for symbol in symbols:
        session.subscribe(Subscription("l2Book", coin=symbol), 0)
    (opened,) = (action for action in session.actions() if isinstance(action, Open))
    session.opened(opened.socket, 0)
    session.actions()
    return session, opened.socket


@pytest.mark.parametrize("symbols", [1, 300])
def test_wake_up(benchmark, symbols):
    """The bytes of a book are there; the callback of a strategy is called, and looks at the best bid's time."""
    names = ["BTC", *(f"C{n}" for n in range(1, symbols))]
    session, socket = session_of(names)
    texts = [
        re.sub(rb'"time":[0-9]+', b'"time":1737918843542', book(k)).replace(
            b'"BTC"', b'"%s"' % names[k % symbols].encode()
        )
        for k in range(max(64, symbols))
    ]
    woken = []

    def on_book(event):
        woken.append(event.time_ns)

    now_ns = 2_000_000_000_000_000_000
    took_ns = []

    def wake():
        nonlocal now_ns
        for text in texts:
            started = time.perf_counter_ns()
            session.received(socket, text, now_ns)
            while (event := session.next_event()) is not None:
                if type(event) is at.BookSnapshot:
                    on_book(event)
            took_ns.append(time.perf_counter_ns() - started)
            now_ns += 1

    benchmark.pedantic(wake, rounds=50, warmup_rounds=3)
    assert len(woken) > 10 * len(texts)
    benchmark.extra_info["median_wake_up_us"] = round(statistics.median(took_ns) / 1000, 2)
    benchmark.extra_info["p99_wake_up_us"] = round(statistics.quantiles(took_ns, n=100)[-1] / 1000, 2)
