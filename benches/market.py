"""A WebSocket server that sends the markets of many symbols at a steady rate: books, best prices, trades, mark prices, candles. Run as a program, it prints its port.

usage: market.py SYMBOLS MESSAGES_PER_SECOND SECONDS [WITH_BOOKS]
The first symbols, all if it is not said how many, have books and trades.
A client gets what it has subscribed to, the first one what nobody has. Asked over HTTP, it lists the symbols. At the end it says on
each socket how many messages of each kind it has sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
import sys
import time

from firehose import answer, frame

# Of ten messages: best prices and books change the most. The exchange allows a thousand streams: not every symbol can have all of them.
KINDS = ("bbo", "l2Book", "bbo", "trades", "l2Book", "bbo", "trades", "activeAssetCtx", "l2Book", "candle")
WITHOUT_BOOKS = ("bbo", "bbo", "bbo", "activeAssetCtx", "bbo", "bbo", "bbo", "activeAssetCtx", "bbo", "candle")
TICK_S = 0.001


def level(price: int, quantity: int) -> str:
    return f'{{"px":"{price}.5","sz":"{quantity}.25","n":3}}'


def side(first: int, step: int) -> str:
    return "[" + ",".join(level(first + step * k, k + 1) for k in range(5)) + "]"


def message(kind: str, coin: str, number: int, now_ms: int) -> bytes:
    """Return a message as the exchange sends it, of the present."""
    price = 50_000 + number % 97
    match kind:
        case "bbo":
            data = f'{{"coin":"{coin}","time":{now_ms},"bbo":[{level(price, 1)},{level(price + 1, 2)}]}}'
        case "l2Book":
            data = f'{{"coin":"{coin}","time":{now_ms},"levels":[{side(price, -1)},{side(price + 1, 1)}]}}'
        case "trades":
            data = (
                f'[{{"coin":"{coin}","side":"B","px":"{price}.5","sz":"0.25","time":{now_ms},"hash":"0x{0:064x}","tid":{number},'
                f'"users":["0x{1:040x}","0x{2:040x}"]}}]'
            )
        case "activeAssetCtx":
            data = (
                f'{{"coin":"{coin}","ctx":{{"funding":"0.0000125","openInterest":"1.0","prevDayPx":"9","dayNtlVlm":"1","premium":"0",'
                f'"oraclePx":"{price}.5","markPx":"{price}.5","midPx":"{price}.5","impactPxs":["{price}.5","{price + 1}.5"]}}}}'
            )
        case _:
            start_ms = now_ms - now_ms % 60_000
            data = (
                f'{{"t":{start_ms},"T":{start_ms + 59_999},"s":"{coin}","i":"1m","o":"{price}.5","c":"{price}.5","h":"{price + 9}.5",'
                f'"l":"{price - 9}.5","v":"{number}.5","n":{number}}}'
            )
    return f'{{"channel":"{kind}","data":{data}}}'.encode()


def listing(question: str, symbols: int) -> object:
    """Return what the exchange answers to a question about its markets: perpetuals, no spot, no history."""
    match question:
        case "meta":
            return {
                "universe": [{"name": f"C{number}", "szDecimals": 3, "maxLeverage": 20} for number in range(symbols)]
            }
        case "spotMeta":
            return {"tokens": [], "universe": []}
        case _:
            return []


class Client:
    """A connection, and the streams that it has asked for."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.wanted: set[tuple[str, str]] = set()
        self.frames: list[bytes] = []

    async def hear(self, reader: asyncio.StreamReader) -> None:
        """Take what it asks for, to the end."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                _, length = await reader.readexactly(2)
                size = length & 0x7F
                if size == 126:
                    (size,) = struct.unpack("!H", await reader.readexactly(2))
                mask, body = await reader.readexactly(4), await reader.readexactly(size)
                text = bytes(each ^ mask[place % 4] for place, each in enumerate(body))
                if text.startswith(b'{"method":"subscribe"'):
                    stream = json.loads(text)["subscription"]
                    self.wanted.add((stream["type"], stream.get("coin", "")))


async def serve(symbols: int, rate: int, seconds: int, with_books: int | None = None) -> None:
    sent = dict.fromkeys(KINDS, 0)
    clients: list[Client] = []
    has_begun = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if request.startswith(b"POST"):
            (length,) = (line for line in request.lower().split(b"\r\n") if line.startswith(b"content-length"))
            question = json.loads(await reader.readexactly(int(length.partition(b":")[2])))
            body = json.dumps(listing(question["type"], symbols)).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n")
            writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        else:
            writer.write(answer(request))
            client = Client(writer)
            clients.append(client)
            has_begun.set()
            await client.hear(reader)
            clients.remove(client)
        writer.close()

    async def send() -> None:
        await has_begun.wait()
        begun, told, answered = time.monotonic(), 0, 0
        while told < rate * seconds and clients:
            due = min(rate * seconds, int((time.monotonic() - begun + TICK_S) * rate))
            now_ms = time.time_ns() // 1_000_000
            for number in range(told + 1, due + 1):
                # Kinds change slower than symbols, so that every symbol gets every kind.
                symbol = number % symbols
                kinds = KINDS if with_books is None or symbol < with_books else WITHOUT_BOOKS
                kind = kinds[number // symbols % len(kinds)]
                sent[kind] += 1
                stream = (kind, f"C{symbol}")
                takers = [client for client in clients if stream in client.wanted] or clients[:1]
                for client in takers:
                    client.frames.append(frame(message(*stream, number, now_ms)))
            told = due
            # Clients ask now and then whether anybody is there: they are answered all the time.
            if due // rate > answered:
                answered = due // rate
                for client in clients:
                    client.frames.append(frame(b'{"channel":"pong"}'))
            for client in clients:
                frames, client.frames = client.frames, []
                with contextlib.suppress(ConnectionError):
                    client.writer.write(b"".join(frames))
                    await client.writer.drain()
            await asyncio.sleep(max(0.0, begun + told / rate - time.monotonic()))
        for client in clients:
            client.writer.write(frame(json.dumps({"channel": "sent", "data": sent}).encode()))

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await send()
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(*map(int, sys.argv[1:])))
