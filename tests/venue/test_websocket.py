"""Connections over real sockets: order, delays, slow readers, and how they end."""

from __future__ import annotations

import asyncio
import json
import select
import socket
import time
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import aiohttp
import pytest
import websockets
from websockets.asyncio.client import ClientConnection, connect
from websockets.frames import Frame, Opcode

from algo_trade.errors import EngineError
from algo_trade.venue.outbox import Allowance
from algo_trade.venue.testing import RunningVenue, running_venue
from tests.venue.memory import MemoryVenue
from tests.venue.waiting import until

if TYPE_CHECKING:
    from collections.abc import Coroutine


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run a test; 60 s is for ever."""

    async def main() -> None:
        async with asyncio.timeout(60):
            await test

    asyncio.run(main())


def health(venue: RunningVenue) -> dict[str, Any]:
    with urlopen(f"{venue.url}/health") as answer:
        told: dict[str, Any] = json.load(answer)
    return told


def statistics(venue: RunningVenue) -> dict[str, Any]:
    [told] = venue.control("statistics")
    assert isinstance(told, dict)
    return told


async def read_for_ever(ws: ClientConnection) -> None:
    while True:
        await ws.recv()


def test_a_message_is_answered_as_text_also_if_it_came_as_bytes(venue: RunningVenue) -> None:
    async def test() -> None:
        async with connect(venue.ws_url) as ws:
            await ws.send('{"say":"ö"}')
            assert json.loads(await ws.recv(decode=None)) == "ö"
            await ws.send(b'{"say":2}')
            assert await ws.recv() == "2"

    run(test())


def test_another_client_gets_the_same(venue: RunningVenue) -> None:
    async def test() -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(venue.ws_url) as ws:
            await ws.send_str('{"say":1}')
            assert await ws.receive_str() == "1"

    run(test())


def test_messages_keep_their_order_and_other_connections_do_not_wait(venue: RunningVenue) -> None:
    async def test() -> None:
        async with connect(venue.ws_url) as first, connect(venue.ws_url) as second:
            await first.send('{"say":"held up","delay_ns":500000000}')
            for number in range(50):
                await first.send(json.dumps({"say": number}))
            await second.send('{"say":"at once"}')
            assert await second.recv() == '"at once"'
            assert [await first.recv() for _ in range(51)] == ['"held up"', *(str(n) for n in range(50))]

    run(test())


def test_the_machine_hears_of_every_connection_that_ends(venue: RunningVenue) -> None:
    async def test() -> None:
        async with connect(venue.ws_url), connect(venue.ws_url) as cut:
            await until(lambda: statistics(venue)["open"] == 2)
            cut.transport.abort()
            await until(lambda: statistics(venue)["ended"] == 1)
        await until(lambda: statistics(venue)["ended"] == 2)
        assert health(venue)["connections"] == statistics(venue)["open"] == 0

    run(test())


def test_the_machine_closes_with_its_code_after_what_it_said(venue: RunningVenue) -> None:
    async def test() -> None:
        async with connect(venue.ws_url) as ws:
            await ws.send('{"say":"last"}')
            await ws.send('{"close":4000,"delay_ns":20000000}')
            assert await ws.recv() == '"last"'
            with pytest.raises(websockets.ConnectionClosedError):
                await ws.recv()
            assert ws.close_code == 4000
        await until(lambda: statistics(venue)["ended"] == 1)

    run(test())


def test_the_machine_cuts_a_connection_without_a_close_frame(venue: RunningVenue) -> None:
    async def test() -> None:
        async with connect(venue.ws_url) as ws:
            await ws.send('{"close":1006}')
            with pytest.raises(websockets.ConnectionClosedError) as raised:
                await ws.recv()
            assert raised.value.rcvd is None
        await until(lambda: statistics(venue)["ended"] == 1)

    run(test())


def test_a_refused_connection_is_answered_with_429_and_the_reason() -> None:
    async def test() -> None:
        async with running_venue(make=MemoryVenue, connections=1) as venue:
            async with connect(venue.ws_url):
                with pytest.raises(websockets.InvalidStatus) as raised:
                    await connect(venue.ws_url)
                assert raised.value.response.status_code == 429
                assert raised.value.response.body == b"Cannot open more than 1 connections."
            await until(lambda: statistics(venue)["open"] == 0)
            async with connect(venue.ws_url) as ws:
                await ws.send('{"say":1}')
                assert await ws.recv() == "1"

    run(test())


def test_another_host_name_is_refused_here_too(venue: RunningVenue) -> None:
    async def test() -> None:
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.WSServerHandshakeError) as raised:
                await session.ws_connect(venue.ws_url, headers={"Host": "example.com"})
            assert raised.value.status == 403
        assert statistics(venue)["open"] == 0

    run(test())


def test_a_message_above_a_mebibyte_ends_its_connection_and_no_other(venue: RunningVenue) -> None:
    async def test() -> None:
        async with connect(venue.ws_url) as other, connect(venue.ws_url) as ws:
            await ws.send(json.dumps({"say": "x" * (1 << 20)}))
            with pytest.raises(websockets.ConnectionClosedError):
                await ws.recv()
            assert ws.close_code == 1009
            await other.send('{"say":1}')
            assert await other.recv() == "1"
        await until(lambda: statistics(venue)["ended"] == 2)

    run(test())


def test_a_reader_that_does_not_keep_up_is_closed_and_counted_while_others_are_served() -> None:
    async def test() -> None:
        # Large messages, so that what the system holds between the two ends of a socket is soon full.
        allowance = Allowance(messages_max=64)
        async with (
            running_venue(make=MemoryVenue, allowance=allowance) as venue,
            connect(venue.ws_url) as other,
            # It takes no message out, so it stops to read from its socket.
            connect(venue.ws_url, max_queue=1, max_size=None, close_timeout=0) as slow,
        ):
            while health(venue)["slow_readers"] == 0:
                await slow.send('{"burst":16,"bytes":1000000}')
                await other.send('{"say":1}')
                assert await other.recv() == "1"
            await until(lambda: statistics(venue)["ended"] == 1)
            await other.send('{"say":"still here"}')
            assert await other.recv() == '"still here"'
            with pytest.raises(websockets.ConnectionClosed):
                await read_for_ever(slow)
            assert health(venue)["slow_readers"] == 1

    run(test())


def test_a_reader_that_never_reads_is_cut() -> None:
    handshake = (
        b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    wish = Frame(Opcode.TEXT, b'{"burst":40,"bytes":1000000}').serialize(mask=True)
    with running_venue(make=MemoryVenue, allowance=Allowance(messages_max=64, bytes_max=1 << 30)) as venue:
        address = venue.ws_url.removeprefix("ws://").removesuffix("/ws").split(":")
        with socket.create_connection((address[0], int(address[1]))) as deaf:
            deaf.settimeout(30)
            deaf.sendall(handshake)
            answer = b""
            while not answer.endswith(b"\r\n\r\n"):
                answer += deaf.recv(1)
            # The first fills every buffer between the two, so that the venue is in the middle of a message; then it is too much.
            while health(venue)["slow_readers"] == 0:
                deaf.sendall(wish)
            # A peer that was cut resets whoever goes on writing to it.
            with pytest.raises(ConnectionError):
                write_until_reset(deaf)
        assert health(venue)["slow_readers"] == 1


def write_until_reset(deaf: socket.socket) -> None:
    message = Frame(Opcode.TEXT, b'{"say":1}').serialize(mask=True)
    poll = select.poll()
    poll.register(deaf, 0)  # only what is always reported: that the other end is gone
    deadline_s = time.monotonic() + 30
    while time.monotonic() < deadline_s:
        deaf.sendall(message)
        poll.poll(20)


def test_a_reader_that_wakes_up_in_time_reads_why_it_was_closed() -> None:
    async def test() -> None:
        allowance = Allowance(messages_max=4)
        async with (
            running_venue(make=MemoryVenue, allowance=allowance) as venue,
            connect(venue.ws_url, max_size=None) as ws,
        ):
            await ws.send('{"burst":5,"bytes":10}')
            with pytest.raises(websockets.ConnectionClosedError):
                await ws.recv()
            assert ws.close_code == 1013
            assert health(venue)["slow_readers"] == 1

    run(test())


def test_a_burst_that_is_read_arrives_whole(venue: RunningVenue) -> None:
    async def test() -> None:
        async with connect(venue.ws_url) as ws:
            await ws.send('{"burst":2000,"bytes":2000}')
            for _ in range(2_000):
                assert len(await ws.recv()) == 2_000

    run(test())


def test_the_venue_stops_with_connections_open_and_says_that_it_goes_away() -> None:
    async def test() -> None:
        async with running_venue(make=MemoryVenue) as venue:
            sockets = [await connect(venue.ws_url) for _ in range(20)]
            stuck = await connect(venue.ws_url, max_queue=1, max_size=None, close_timeout=0)
            await stuck.send('{"burst":30,"bytes":500000}')
            await until(lambda: statistics(venue)["open"] == 21)
        for ws in sockets:
            with pytest.raises(websockets.ConnectionClosedOK):
                await ws.recv()
            assert ws.close_code == 1001
        with pytest.raises(websockets.ConnectionClosed):
            await read_for_ever(stuck)

    run(test())


def test_a_machine_that_fails_on_a_message_ends_the_venue() -> None:
    async def test() -> None:
        async with running_venue(make=MemoryVenue) as venue, connect(venue.ws_url) as ws:
            await ws.send('{"fail":"no such book"}')
            with pytest.raises(websockets.ConnectionClosed):
                await ws.recv()

    with pytest.raises(EngineError, match="has died: no such book"):
        run(test())
