"""The pool of connections over real sockets: what was surely not sent, and what may have been executed."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from algo_trade.hyperliquid.transport import BODY_BYTES_MAX, AnswerLost, HttpTransport, RequestNotSent
from tests.hyperliquid.loopback import Connection, http, serve

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def with_server(
    handle: Callable[[Connection], Awaitable[None]], act: Callable[[HttpTransport], Awaitable[None]]
) -> None:
    async def scenario() -> None:
        async with serve(handle) as url:
            transport = HttpTransport(url + "/")
            try:
                await act(transport)
            finally:
                await transport.close()

    asyncio.run(scenario())


def test_one_connection_serves_many_requests() -> None:
    seen = []

    async def handle(connection: Connection) -> None:
        while (body := await connection.request()) is not None:
            seen.append((connection.number, body))
            await connection.reply(http(b'{"n":%d}' % len(seen), Retry_After="3"))

    async def act(transport: HttpTransport) -> None:
        first = await transport.post("/info", b"{1}", timeout_s=30)
        second = await transport.post("/info", b"{2}", timeout_s=30)
        assert (first.status, first.body, second.body) == (200, b'{"n":1}', b'{"n":2}')
        assert first.headers["retry-after"] == "3"
        assert seen == [(1, b"{1}"), (1, b"{2}")]

    with_server(handle, act)


def test_without_a_listener_nothing_was_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"

        async def scenario() -> None:
            transport = HttpTransport(url)
            with pytest.raises(RequestNotSent, match="no connection"):
                await transport.post("/exchange", b"{}", timeout_s=30)
            await transport.close()

        asyncio.run(scenario())


def test_trap_33_a_kept_alive_connection_that_was_closed_leaves_the_outcome_open_and_nothing_is_sent_twice() -> None:
    seen: list[bytes] = []

    async def handle(connection: Connection) -> None:
        body = await connection.request()
        assert body is not None
        seen.append(body)
        await connection.reply(http(b"{}"))
        # The next request is read and never answered: what a server does that gives an idle connection up.
        if (body := await connection.request()) is not None:
            seen.append(body)
        connection.reset()

    async def act(transport: HttpTransport) -> None:
        await transport.post("/exchange", b"{1}", timeout_s=30)
        with pytest.raises(AnswerLost):
            await transport.post("/exchange", b"{2}", timeout_s=30)
        assert seen == [b"{1}", b"{2}"]

    with_server(handle, act)


@pytest.mark.parametrize(
    "raw", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", b"\x00\x01 no http\r\n\r\n", b"HTTP/1.1 2"]
)
def test_a_connection_that_ends_within_an_answer_leaves_the_outcome_open(raw: bytes) -> None:
    async def handle(connection: Connection) -> None:
        await connection.request()
        await connection.reply(raw)
        connection.close()

    async def act(transport: HttpTransport) -> None:
        with pytest.raises(AnswerLost):
            await transport.post("/exchange", b"{}", timeout_s=30)

    with_server(handle, act)


def test_trap_11_a_server_that_keeps_silent_leaves_the_outcome_open() -> None:
    async def handle(connection: Connection) -> None:
        while await connection.request() is not None:
            pass

    async def act(transport: HttpTransport) -> None:
        with pytest.raises(AnswerLost, match=r"within 0\.2 s"):
            await transport.post("/exchange", b"{}", timeout_s=0.2)

    with_server(handle, act)


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async def handle(connection: Connection) -> None:
        while await connection.request() is not None:
            await connection.reply(http(b"", 307, Location="http://127.0.0.1:1/elsewhere"))

    async def act(transport: HttpTransport) -> None:
        assert (await transport.post("/exchange", b"{}", timeout_s=30)).status == 307

    with_server(handle, act)


def test_an_answer_without_end_is_given_up() -> None:
    async def handle(connection: Connection) -> None:
        await connection.request()
        await connection.reply(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (BODY_BYTES_MAX * 100))
        block = b" " * (1 << 20)
        while True:
            await connection.reply(block)

    async def act(transport: HttpTransport) -> None:
        with pytest.raises(AnswerLost, match="more than"):
            await transport.post("/info", b"{}", timeout_s=60)

    with_server(handle, act)
