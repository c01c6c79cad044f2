"""A WebSocket server that sends the markets of many symbols at a steady rate: books, best prices, trades, mark prices, candles. Run as a program, it prints its port.

usage: market.py SYMBOLS MESSAGES_PER_SECOND SECONDS [WITH_BOOKS]
The first symbols, all if it is not said how many, have books and trades.
Whatever a client asks for on the socket, it gets all of it; asked over HTTP, it lists the symbols. At the end it says how many messages of each kind it has sent, on the socket and in print.
"""

from __future__ import annotations

import asyncio
import itertools
import json
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


async def serve(symbols: int, rate: int, seconds: int, with_books: int | None = None) -> None:
    sent = dict.fromkeys(KINDS, 0)
    numbers = itertools.count(1)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if request.startswith(b"POST"):
            (length,) = (line for line in request.lower().split(b"\r\n") if line.startswith(b"content-length"))
            question = json.loads(await reader.readexactly(int(length.partition(b":")[2])))
            body = json.dumps(listing(question["type"], symbols)).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n")
            writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
            writer.close()
            return
        writer.write(answer(request))
        await reader.read(1)
        asyncio.get_running_loop().create_task(swallow(reader))
        begun, told, answered = time.monotonic(), 0, 0
        while told < rate * seconds:
            due = min(rate * seconds, int((time.monotonic() - begun + TICK_S) * rate))
            now_ms = time.time_ns() // 1_000_000
            frames = []
            for number in itertools.islice(numbers, due - told):
                # Kinds change slower than symbols, so that every symbol gets every kind.
                symbol = number % symbols
                kinds = KINDS if with_books is None or symbol < with_books else WITHOUT_BOOKS
                kind = kinds[number // symbols % len(kinds)]
                sent[kind] += 1
                frames.append(frame(message(kind, f"C{symbol}", number, now_ms)))
            told = due
            # Clients ask now and then whether anybody is there; nobody here reads what they ask.
            if due // rate > answered:
                answered = due // rate
                frames.append(frame(b'{"channel":"pong"}'))
            writer.write(b"".join(frames))
            await writer.drain()
            await asyncio.sleep(max(0.0, begun + told / rate - time.monotonic()))
        writer.write(frame(json.dumps({"channel": "sent", "data": sent}).encode()))
        await asyncio.sleep(5)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


async def swallow(reader: asyncio.StreamReader) -> None:
    """Take what a client asks for."""
    while await reader.read(65_536):
        pass


if __name__ == "__main__":
    asyncio.run(serve(*map(int, sys.argv[1:])))
