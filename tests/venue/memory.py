"""A machine with the venue's face and no market: it does what its customers ask for."""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING, Any

from algo_trade.errors import EngineError, ParameterError

if TYPE_CHECKING:
    from algo_trade.venue.machine import Outgoing

SECOND_NS = 1_000_000_000


class MemoryVenue:
    """Requests and messages are JSON objects that say what is to happen to them.

    ``{"say": X}`` is answered with X. With ``"delay_ns": N`` the answer leaves later, with ``"in_ns": N`` the machine has it only
    then, with ``"hold": true`` only when the operator asks for ``release``. ``{"cut": true}`` cuts, ``{"fail": TEXT}`` breaks the
    machine. A message ``{"burst": N, "bytes": M}`` causes N messages of M bytes, ``{"close": CODE}`` closes.
    """

    def __init__(self, options_json: str, now_ns: int) -> None:
        options = json.loads(options_json)
        unknown = options.keys() - {"connections", "broken", "seed"}
        if unknown:
            raise ParameterError(f"venue options: unknown field `{min(unknown)}`")
        self.broken: str | None = options.get("broken")
        self.connections_max: int = options.get("connections", 1_000)
        self.now_ns = now_ns
        self.last = 0
        self.outgoing: deque[Outgoing] = deque()
        self.held: list[Outgoing] = []
        self.timed: list[tuple[int, Outgoing]] = []
        self.open: dict[int, str] = {}
        self.ended: list[int] = []
        self.peers: set[str] = set()
        self.requests = 0

    def request(self, path: str, body: bytes, peer: str, now_ns: int) -> int:
        self._pass(now_ns)
        self.requests += 1
        self.peers.add(peer)
        self.last += 1
        asked = json.loads(body) if len(body) < 1 << 16 else {"say": len(body)}
        if "fail" in asked:
            raise EngineError(asked["fail"])
        answer = None if "cut" in asked else json.dumps({"path": path, "said": asked.get("say")}).encode()
        if asked.get("status", 200) != 200:
            answer = b"null"
        self._say(asked, ("answer", self.last, asked.get("status", 200), answer, asked.get("delay_ns", 0)))
        return self.last

    def connect(self, peer: str, now_ns: int) -> int | str:
        self._pass(now_ns)
        if len(self.open) >= self.connections_max:
            return f"Cannot open more than {self.connections_max} connections."
        self.last += 1
        self.open[self.last] = peer
        return self.last

    def receive(self, connection: int, message: bytes, now_ns: int) -> None:
        self._pass(now_ns)
        asked = json.loads(message)
        if "fail" in asked:
            raise EngineError(asked["fail"])
        delay_ns = asked.get("delay_ns", 0)
        if "close" in asked:
            return self.outgoing.append(("close", connection, asked["close"], delay_ns))
        if "burst" in asked:
            text = b'"' + b"x" * (asked["bytes"] - 2) + b'"'
            return self.outgoing.extend([("message", connection, text, 0)] * asked["burst"])
        return self._say(asked, ("message", connection, json.dumps(asked["say"]).encode(), delay_ns))

    def disconnect(self, connection: int, now_ns: int) -> None:
        self._pass(now_ns)
        del self.open[connection]
        self.ended.append(connection)

    def advance(self, now_ns: int) -> None:
        self._pass(now_ns)
        for due in sorted((due for due in self.timed if due[0] <= now_ns), key=lambda due: due[0]):
            self.timed.remove(due)
            self.outgoing.append(due[1])

    def deadline(self) -> int:
        return min((due[0] for due in self.timed), default=self.now_ns + SECOND_NS)

    def drain(self) -> list[Outgoing]:
        out = list(self.outgoing)
        self.outgoing.clear()
        return out

    def control(self, body: bytes, now_ns: int) -> bytes:
        self._pass(now_ns)
        done: list[Any] = []
        for wish in json.loads(body):
            if wish == "statistics":
                done.append(
                    {
                        "held": len(self.held),
                        "open": len(self.open),
                        "ended": len(self.ended),
                        "requests": self.requests,
                        "peers": sorted(self.peers),
                        "now_ns": now_ns,
                    }
                )
            elif wish == "release":
                self.outgoing.extend(reversed(self.held))
                self.held.clear()
                done.append(None)
            else:
                return json.dumps({"error": f"unknown wish {wish}", "done": done}).encode()
        return json.dumps({"done": done}).encode()

    def _say(self, asked: dict[str, Any], what: Outgoing) -> None:
        if "hold" in asked:
            self.held.append(what)
        elif "in_ns" in asked:
            self.timed.append((self.now_ns + asked["in_ns"], what))
        else:
            self.outgoing.append(what)

    def _pass(self, now_ns: int) -> None:
        assert now_ns >= self.now_ns, "the venue's time went back"
        self.now_ns = now_ns
