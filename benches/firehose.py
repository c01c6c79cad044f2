"""A WebSocket server that, once it has heard anything, sends a number of messages as fast as they are taken. Run as a program, it prints its port."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import struct
import sys

# RFC 6455, section 1.3.
ACCEPT_SUFFIX = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CHUNK = 64


def frame(message: bytes) -> bytes:
    """Return a whole text message as a server sends it: unmasked."""
    size = len(message)
    if size < 126:
        return struct.pack("!BB", 0x81, size) + message
    return struct.pack("!BBH", 0x81, 126, size) + message


async def accept(reader: asyncio.StreamReader) -> bytes:
    """Read a client's opening and return the answer to it."""
    return answer(await reader.readuntil(b"\r\n\r\n"))


def answer(request: bytes) -> bytes:
    """Return the answer to a client's opening."""
    (asked,) = (line for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
    key = asked.split(b": ")[1].strip()
    digest = hashlib.sha1(key + ACCEPT_SUFFIX, usedforsecurity=False).digest()
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
    )


async def serve(messages: list[bytes], count: int) -> None:
    frames = [frame(message) for message in messages]
    chunk = b"".join(frames[k % len(frames)] for k in range(CHUNK))

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await accept(reader))
        try:
            await reader.read(1)
            for _ in range(count // CHUNK):
                writer.write(chunk)
                await writer.drain()
            await reader.read(1)  # the client closes
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


def main() -> None:
    from test_hyperliquid_decode import book

    # Sent round and round, so all of one time: who keeps the newest passes over older ones.
    books = [re.sub(rb'"time":[0-9]+', b'"time":1737918843542', book(k)) for k in range(CHUNK)]
    asyncio.run(serve(books, int(sys.argv[1])))


if __name__ == "__main__":
    main()
