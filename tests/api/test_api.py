"""The control API over real sockets: what it answers, what it refuses, and that a refusal changes nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from algo_trade.api import ApiServer
from algo_trade.config import ServerConfig
from algo_trade.errors import ParameterError
from tests.bots.world import World, until, world

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

pytest.importorskip("picows", reason="needs the extra `live`")

BOT = {"bot_id": "b1", "symbol": "BTC", "strategy": "ma_crossover", "warm_up": 0, "enabled": False}
ORIGIN = "http://localhost:3000"


class Api:
    """A client of a server, and the world behind it."""

    def __init__(self, it: World, http: httpx.AsyncClient, ws_url: str) -> None:
        self.it, self.http, self.ws_url = it, http, ws_url

    async def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        content = body if isinstance(body, bytes) else None if body is None else orjson.dumps(body)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        response = await self.http.request(method, path, content=content, headers=names)
        if response.status_code >= 400:
            assert response.headers["content-type"] == "application/problem+json"
            problem = response.json()
            assert problem["status"] == response.status_code
            assert problem["title"]
            assert problem["detail"]
        return response.status_code, response.json() if response.content else None


def run(folder: Path, scenario: Callable[[Api], Awaitable[None]], *bots: dict[str, Any], **server: Any) -> None:
    async def main() -> None:
        async with world(folder, *bots) as it:
            config = ServerConfig(port=0, **server)
            api = ApiServer(it.runner, config)
            stop = asyncio.Event()
            serving = asyncio.create_task(api.serve(stop))
            try:
                async with httpx.AsyncClient(base_url=api.address.url, timeout=20) as http:
                    await scenario(Api(it, http, api.address.ws_url))
            finally:
                stop.set()
                await serving
                api.close()

    asyncio.run(asyncio.wait_for(main(), 60))


def test_a_bot_is_made_found_replaced_and_removed(tmp_path: Path) -> None:
    async def scenario(api: Api) -> None:
        assert await api("GET", "/api/bots") == (200, [])
        status, made = await api("POST", "/api/bots", BOT)
        assert status == 201
        assert (made["bot_id"], made["state"], made["positions"], made["pnl"]) == ("b1", "stopped", [], "0")
        assert (await api("POST", "/api/bots", BOT))[0] == 409
        status, found = await api("GET", "/api/bots/b1")
        assert (status, found["config"]["params"]) == (200, {})
        assert found["config"]["fraction"] == "0.1"
        status, _ = await api("PUT", "/api/bots/b1", {**BOT, "params": {"fast": 5}})
        assert status == 200
        _, found = await api("GET", "/api/bots/b1")
        assert found["config"]["params"] == {"fast": 5}
        assert [bot["bot_id"] for bot in (await api("GET", "/api/bots"))[1]] == ["b1"]
        assert await api("DELETE", "/api/bots/b1") == (204, None)
        assert (await api("GET", "/api/bots/b1"))[0] == 404
        assert (await api("DELETE", "/api/bots/b1"))[0] == 404

    run(tmp_path, scenario)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "bot_id"),
        ([], "must be a JSON object"),
        (b"{", "not JSON"),
        ({**BOT, "bot_id": "../b"}, "bot_id"),
        ({**BOT, "strategy": "none"}, "none"),
        ({**BOT, "params": {"fast": 0}}, "fast"),
        ({**BOT, "params": {"slower": 1}}, "slower"),
        ({**BOT, "mode": "real"}, "mode"),
        ({**BOT, "capital": -1}, "capital"),
        ({**BOT, "what": 1}, "what"),
        ({**BOT, "strategy": "/elsewhere/x.py:X"}, "must be a built-in one, or a file in"),
    ],
)
def test_a_wrong_bot_is_refused_with_what_is_wrong_and_is_not_there(tmp_path: Path, body: Any, says: str) -> None:
    async def scenario(api: Api) -> None:
        status, problem = await api("POST", "/api/bots", body)
        assert status == 422
        assert says in problem["detail"]
        assert await api("GET", "/api/bots") == (200, [])

    run(tmp_path, scenario)


def test_a_wrong_replacement_leaves_the_bot_as_it_was(tmp_path: Path) -> None:
    async def scenario(api: Api) -> None:
        await api("POST", "/api/bots", BOT)
        for body in ({**BOT, "params": {"fast": -1}}, {**BOT, "bot_id": "b2"}, {"symbol": "BTC"}):
            assert (await api("PUT", "/api/bots/b1", body))[0] == 422
        assert (await api("PUT", "/api/bots/b9", {**BOT, "bot_id": "b9"}))[0] == 404
        _, found = await api("GET", "/api/bots/b1")
        assert found["config"]["params"] == {}

    run(tmp_path, scenario)


def test_the_commands_of_a_bot_are_idempotent_and_a_running_bot_is_not_removed(tmp_path: Path) -> None:
    async def scenario(api: Api) -> None:
        await api("POST", "/api/bots", BOT)
        assert (await api("PUT", "/api/bots/b1/pause"))[0] == 409
        for word, state in (("start", "running"), ("pause", "paused"), ("resume", "running")):
            for _ in range(2):
                status, found = await api("PUT", f"/api/bots/b1/{word}")
                assert (status, found["state"]) == (200, state)
        assert (await api("DELETE", "/api/bots/b1"))[0] == 409
        await until(lambda: api.it.bot("b1")["last_heartbeat"])
        for _ in range(2):
            assert (await api("PUT", "/api/bots/b1/stop"))[1]["state"] == "stopped"
        assert (await api("PUT", "/api/bots/b9/start"))[0] == 404
        assert (await api("PUT", "/api/bots/b1/jump"))[0] == 404
        assert (await api("POST", "/api/bots/b1/start"))[0] == 405

    run(tmp_path, scenario)


def test_foreign_names_and_pages_are_refused_and_change_nothing(tmp_path: Path) -> None:
    async def scenario(api: Api) -> None:
        for host in ("evil.example", "127.0.0.1.evil.example", "evil.example:8080", ""):
            assert (await api("GET", "/api/bots", host=host))[0] == 400
        for origin in ("http://evil.example", "null", "http://localhost:3001", "https://localhost:3000"):
            assert (await api("POST", "/api/bots", BOT, origin=origin))[0] == 403
        assert await api("GET", "/api/bots") == (200, [])
        for host in ("localhost", "127.0.0.1:1", "[::1]:8080"):
            assert (await api("GET", "/api/bots", host=host))[0] == 200
        response = await api.http.request("GET", "/api/bots", headers={"Origin": ORIGIN})
        assert response.headers["access-control-allow-origin"] == ORIGIN
        asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "PUT"}
        assert (await api.http.request("OPTIONS", "/api/bots/b1", headers=asked)).status_code == 200
        own = str(api.http.base_url).rstrip("/")
        assert (await api("POST", "/api/bots", BOT, origin=own))[0] == 201, "a page of its own may"
        with pytest.raises(InvalidStatus, match="403"):
            async with connect(api.ws_url, origin="http://evil.example"):  # type: ignore[arg-type]
                pass

    run(tmp_path, scenario, origins=(ORIGIN,))


def test_a_body_without_end_is_refused(tmp_path: Path) -> None:
    async def scenario(api: Api) -> None:
        assert (await api("POST", "/api/bots", b"x" * (2 << 20)))[0] == 413

        async def endless() -> Any:
            for _ in range(40):
                yield b" " * 65_536

        with pytest.raises(httpx.HTTPError):
            (await api.http.post("/api/bots", content=endless())).raise_for_status()
        assert await api("GET", "/api/bots") == (200, [])

    run(tmp_path, scenario)


def test_the_kill_switch_takes_nothing_but_what_it_knows(tmp_path: Path) -> None:
    async def scenario(api: Api) -> None:
        wrong: list[Any] = [[], {"flatten": 1}, {"what": True}, b"{"]
        right: list[Any] = [None, {}, {"flatten": False}, {"flatten": True}]
        for body in wrong:
            assert (await api("POST", "/api/kill", body))[0] == 422
        for body in right:
            status, done = await api("POST", "/api/kill", body)
            assert (status, done["cancelled"], done["quiet"]) == (200, 0, True)

    run(tmp_path, scenario)


def test_the_socket_tells_all_bots_once_a_second(tmp_path: Path) -> None:
    async def scenario(api: Api) -> None:
        async with connect(api.ws_url) as socket:
            first = orjson.loads(await socket.recv())
            assert (first["topic"], first["bots"]) == ("bots", [])
            await api("POST", "/api/bots", BOT)
            second = orjson.loads(await asyncio.wait_for(socket.recv(), 3))
            assert [bot["bot_id"] for bot in second["bots"]] == ["b1"]
            await socket.send("anything")
            assert orjson.loads(await asyncio.wait_for(socket.recv(), 3))["topic"] == "bots"

    run(tmp_path, scenario)


def test_health_readiness_and_metrics_say_how_it_is(tmp_path: Path) -> None:
    async def scenario(api: Api) -> None:
        status, health = await api("GET", "/health")
        assert (status, health["status"]) == (200, "ok")
        assert await api("GET", "/ready") == (200, {"ready": True, "reasons": []})
        with pytest.raises(Exception, match="NONE"):
            await api.it.runner.registry.find("lost").start()
        response = await api.http.get("/ready")
        assert (response.status_code, response.json()["ready"]) == (503, False)
        assert "NONE" in response.json()["reasons"][0]
        metrics = (await api.http.get("/metrics")).text
        assert 'algo_trade_bot_state{bot="lost",state="error"} 1.0' in metrics

    run(tmp_path, scenario, {"bot_id": "lost", "symbol": "NONE", "strategy": "rsi"})


def test_it_listens_to_this_machine_alone(tmp_path: Path) -> None:
    async def scenario(api: Api) -> None:
        for host in ("0.0.0.0", "192.0.2.1", "example.com"):  # noqa: S104
            with pytest.raises((ParameterError, ValueError), match=r"loopback|127\.0\.0\.1"):
                ApiServer(api.it.runner, ServerConfig(host=host))
        taken = int(api.ws_url.rsplit(":", 1)[1].split("/")[0])
        with pytest.raises(ParameterError, match="already in use"):
            ApiServer(api.it.runner, ServerConfig(port=taken))

    run(tmp_path, scenario)
