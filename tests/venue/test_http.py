"""Requests over real sockets: answers, delays, cuts, and what is refused before the machine hears of it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from http.client import HTTPConnection
from typing import Any

import aiohttp
import httpx
import pytest

from algo_trade.errors import EngineError, ParameterError
from algo_trade.venue.app import make_app
from algo_trade.venue.clock import Clock
from algo_trade.venue.driver import Driver
from algo_trade.venue.testing import RunningVenue, running_venue
from tests.venue.memory import MemoryVenue
from tests.venue.waiting import until


def statistics(venue: RunningVenue) -> dict[str, Any]:
    [told] = venue.control("statistics")
    assert isinstance(told, dict)
    return told


def host_of(venue: RunningVenue) -> tuple[str, int]:
    host, _, port = venue.url.removeprefix("http://").partition(":")
    return host, int(port)


def test_both_paths_are_answered_and_no_content_type_is_asked_for(venue: RunningVenue, http: httpx.Client) -> None:
    for path in ("info", "exchange"):
        answer = http.post(f"{venue.url}/{path}", content=b'{"say":"x"}')
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        assert answer.json() == {"path": path, "said": "x"}
    assert statistics(venue)["peers"] == ["127.0.0.1"]


def test_a_forwarded_address_is_not_believed(venue: RunningVenue, http: httpx.Client) -> None:
    http.post(f"{venue.url}/info", json={"say": 1}, headers={"X-Forwarded-For": "10.0.0.1"})
    assert statistics(venue)["peers"] == ["127.0.0.1"]


def test_the_status_and_the_body_of_a_refusal_pass_as_they_are(venue: RunningVenue, http: httpx.Client) -> None:
    answer = http.post(f"{venue.url}/info", json={"status": 429})
    assert (answer.status_code, answer.content) == (429, b"null")
    assert answer.headers["content-type"].startswith("text/plain")


def test_answers_come_in_another_order_than_their_requests(venue: RunningVenue) -> None:
    async def main() -> None:
        order: list[int] = []
        async with httpx.AsyncClient(base_url=venue.url, timeout=30) as client, asyncio.TaskGroup() as tasks:

            async def ask(number: int) -> None:
                answer = await client.post("/exchange", json={"say": number, "hold": True})
                assert answer.json()["said"] == number
                order.append(number)

            for number in range(3):
                tasks.create_task(ask(number))
                await until(lambda held=number + 1: statistics(venue)["held"] == held)  # type: ignore[misc]
            assert (await client.post("/info", json={"say": "others go on"})).status_code == 200
            venue.control("release")
        assert sorted(order) == [0, 1, 2]

    asyncio.run(main())


def test_a_delayed_answer_holds_back_no_other(venue: RunningVenue) -> None:
    async def main() -> None:
        async with httpx.AsyncClient(base_url=venue.url, timeout=30) as client, asyncio.TaskGroup() as tasks:
            slow = tasks.create_task(client.post("/info", json={"say": "slow", "delay_ns": 10**9}))
            await until(lambda: statistics(venue)["requests"] == 1)
            assert (await client.post("/info", json={"say": "quick"})).json()["said"] == "quick"
            assert not slow.done()
        assert slow.result().json()["said"] == "slow"

    asyncio.run(main())


def test_an_answer_without_a_body_cuts_the_connection_after_the_machine_has_acted(venue: RunningVenue) -> None:
    with httpx.Client(base_url=venue.url) as client:
        assert client.post("/info", json={"say": 1}).status_code == 200
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            client.post("/exchange", json={"cut": True})
        assert client.post("/info", json={"say": 2}).json()["said"] == 2
    assert statistics(venue)["requests"] == 3


def test_two_hundred_requests_at_once_each_get_their_own_answer(venue: RunningVenue) -> None:
    async def main() -> None:
        connector = aiohttp.TCPConnector(limit=200)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def ask(number: int) -> None:
                wish = {"say": number, "in_ns": (number * 7 % 50) * 1_000_000}
                async with session.post(f"{venue.url}/exchange", json=wish) as answer:
                    assert (await answer.json())["said"] == number

            async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
                for number in range(200):
                    tasks.create_task(ask(number))

    asyncio.run(main())
    assert statistics(venue)["requests"] == 200


@pytest.mark.parametrize("path", ["/info", "/exchange", "/control"])
def test_a_body_above_a_mebibyte_is_refused_and_the_connection_lives_on(venue: RunningVenue, path: str) -> None:
    headers = {"Authorization": f"Bearer {venue.control_token}"}
    with httpx.Client(base_url=venue.url, headers=headers) as client:
        assert client.post(path, content=b"x" * ((1 << 20) + 1)).status_code == 413
        # In pieces, without a length that would give it away.
        assert client.post(path, content=(b"x" * 65_536 for _ in range(40))).status_code == 413
        assert client.post("/info", content=b" " * (1 << 20)).json()["said"] == 1 << 20
    assert statistics(venue)["requests"] == 1


@pytest.mark.parametrize("path", ["/info", "/exchange", "/control"])
def test_a_wrong_method_is_405_and_an_unknown_path_404(
    shared_venue: RunningVenue, path: str, http: httpx.Client
) -> None:
    assert http.get(shared_venue.url + path).status_code == 405
    assert http.post(shared_venue.url + path + "/more").status_code == 404


@pytest.mark.parametrize(
    "host",
    ["example.com", "example.com:3001", "127.0.0.1.example.com", "10.0.0.1", "[2001:db8::1]:80", "", "localhost@x"],
)
def test_another_host_name_is_refused(shared_venue: RunningVenue, host: str, http: httpx.Client) -> None:
    for path in ("/info", "/control", "/health"):
        answer = http.post(shared_venue.url + path, headers={"Host": host})
        assert (answer.status_code, answer.text[:5]) == (403, "Host:")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:3001", "127.0.0.1", "127.0.0.2:1", "[::1]", "[::1]:3001"])
def test_every_loopback_name_is_welcome(shared_venue: RunningVenue, host: str, http: httpx.Client) -> None:
    assert http.get(f"{shared_venue.url}/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer wrong", "Basic TOKEN", "TOKEN", "Bearer TOKENx"])
def test_control_without_its_token_is_401_and_does_nothing(
    shared_venue: RunningVenue, authorization: str | None, http: httpx.Client
) -> None:
    headers = (
        {} if authorization is None else {"Authorization": authorization.replace("TOKEN", shared_venue.control_token)}
    )
    answer = http.post(f"{shared_venue.url}/control", content=b'[{"fail": 1}]', headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert shared_venue.control_token not in answer.text


def test_control_is_for_this_machine_alone_also_with_the_token() -> None:
    async def main() -> None:
        clock = Clock()
        driver = Driver(MemoryVenue("{}", clock.now_ns()), clock)
        app = make_app(driver, control_token="the token")  # noqa: S106 -- opens nothing
        for host, status in (("10.0.0.1", 403), ("127.0.0.1", 200), ("::1", 200)):
            transport = httpx.ASGITransport(app, client=(host, 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                answer = await client.post("/control", content=b"[]", headers={"Authorization": "Bearer the token"})
                assert answer.status_code == status

    asyncio.run(main())


def test_control_does_what_is_asked_and_says_what_is_wrong(venue: RunningVenue) -> None:
    assert venue.control("release", "statistics")[0] is None
    with pytest.raises(ParameterError, match="unknown wish"):
        venue.control(nonsense=1)


def test_health_tells_what_goes_on(venue: RunningVenue, http: httpx.Client) -> None:
    told = http.get(f"{venue.url}/health").json()
    assert told["time_ns"] > 0
    assert {name: told[name] for name in ("status", "broken", "connections", "requests", "slow_readers")} == {
        "status": "ok",
        "broken": None,
        "connections": 0,
        "requests": 0,
        "slow_readers": 0,
    }


def test_health_of_a_venue_whose_recording_broke_off_is_503_with_the_reason(http: httpx.Client) -> None:
    with running_venue(make=MemoryVenue, broken="lake/BTC: row 7 is damaged") as venue:
        answer = http.get(f"{venue.url}/health")
        assert (answer.status_code, answer.json()["broken"]) == (503, "lake/BTC: row 7 is damaged")


def test_the_venue_can_listen_on_the_other_loopback(http: httpx.Client) -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with running_venue(make=MemoryVenue, host="::1") as venue:
        assert http.post(f"{venue.url}/info", json={"say": 1}).status_code == 200
        assert statistics(venue)["peers"] == ["::1"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])  # noqa: S104 -- refused
def test_a_venue_that_others_could_reach_is_refused_with_the_reason(host: str) -> None:
    with (
        pytest.raises(ParameterError, match=r"must be 127\.0\.0\.1, ::1 or localhost.*nobody else may reach it"),
        running_venue(make=MemoryVenue, host=host),
    ):
        pass


def test_options_that_do_not_fit_are_refused_before_anything_listens() -> None:
    with pytest.raises(ParameterError, match="unknown field"), running_venue(make=MemoryVenue, sed=1):
        pass


def test_a_venue_whose_machine_fails_answers_500_and_raises_where_it_was_started(http: httpx.Client) -> None:
    with (
        pytest.raises(EngineError, match="has died: the book is crossed") as raised,
        running_venue(make=MemoryVenue) as venue,
    ):
        assert http.post(f"{venue.url}/info", json={"fail": "the book is crossed"}).status_code == 500
    assert str(raised.value.__cause__) == "the book is crossed"


def test_control_of_a_venue_that_has_died_says_so(http: httpx.Client) -> None:
    def ask_for_ever(venue: RunningVenue) -> None:
        while True:
            venue.control("statistics")

    with pytest.raises(EngineError, match="has died"), running_venue(make=MemoryVenue) as venue:  # noqa: PT012
        http.post(f"{venue.url}/info", json={"fail": "x"})
        with pytest.raises(EngineError, match="has died"):
            ask_for_ever(venue)


def test_a_venue_stops_with_requests_half_sent_held_and_delayed() -> None:
    with running_venue(make=MemoryVenue) as venue:
        half = socket.create_connection(host_of(venue))
        half.sendall(b"POST /info HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        waiting = []
        for wish in (b'{"hold":true}', b'{"say":1,"delay_ns":3600000000000}'):
            connection = HTTPConnection(*host_of(venue), timeout=30)
            connection.request("POST", "/exchange", wish)
            waiting.append(connection)
        while statistics(venue)["requests"] < 2:
            pass
    assert [connection.getresponse().status for connection in waiting] == [503, 503]
    for connection in waiting:
        connection.close()
    half.settimeout(30)
    with contextlib.suppress(ConnectionResetError):
        assert half.recv(1) == b""
    half.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(host_of(venue))


def test_async_tests_may_use_it_too() -> None:
    async def main() -> None:
        async with running_venue(make=MemoryVenue) as venue, httpx.AsyncClient() as client:
            assert (await client.post(f"{venue.url}/info", json={"say": 1})).json()["said"] == 1

    asyncio.run(main())
