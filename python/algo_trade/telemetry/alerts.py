"""What is sent to people: rules say what and to whom; nothing here makes the event loop wait, and nothing of it raises."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import threading
import time
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from aiolimiter import AsyncLimiter

from algo_trade.telemetry.settings import LEVELS, AlertRule, Level
from algo_trade.telemetry.targets import Message, QuietApprise, Target, targets_of
from algo_trade.telemetry.throttle import Held, Throttle

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from structlog.types import FilteringBoundLogger

    from algo_trade.telemetry.metrics import AlertOutcome, Metrics
    from algo_trade.telemetry.redaction import Secrets

TEST_KIND = "alerts.test"

_QUEUE_MAX = 100
_FIELDS_MAX = 20
_TEXT_MAX = 1_500
_FIELD_MAX = 300


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a message is tried, and how long is waited in between: twice as long each time, less a random part."""

    attempts: int = 5
    first_s: float = 1.0
    max_s: float = 30.0

    def pause_s(self, failures: int) -> float:
        """Return how long to wait after so many failures."""
        longest = min(self.max_s, self.first_s * 2.0 ** (failures - 1))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 -- spreads attempts, hides nothing


@dataclass(slots=True, eq=False)
class _Lane:
    """One target of one rule, and what waits for it: a service that is down holds up no other."""

    rule: str
    target: Target
    limiter: AsyncLimiter
    queue: asyncio.Queue[Message] = field(default_factory=lambda: asyncio.Queue(_QUEUE_MAX))
    dropped: int = 0


@dataclass(slots=True)
class _Route:
    """A rule at work."""

    rule: AlertRule
    throttle: Throttle
    lanes: list[_Lane]


class Alerts:
    """Sends what rules name to where they say.

    Of each kind a rule lets so many messages pass in a period, and tells at its end how many more there were. Each target has a bounded
    queue and a pace; a message that fails is tried again, with growing pauses; failures are logged and counted.

    Parameters
    ----------
    rules : what goes where
    metrics : counts what became of alerts
    log : hears of failures
    secrets : what is never told
    environment : where addresses may stand
    instance : what messages call this runner; None: the name of the machine
    retry : of a message
    pace : messages in a number of seconds, for each target
    clock : seconds, always forward
    targets : in place of apprise's addresses
    """

    def __init__(
        self,
        rules: Sequence[AlertRule],
        *,
        metrics: Metrics,
        log: FilteringBoundLogger,
        secrets: Secrets,
        environment: Mapping[str, str] | None = None,
        instance: str | None = None,
        retry: Retry | None = None,
        pace: tuple[float, float] = (20, 60.0),
        clock: Callable[[], float] = time.monotonic,
        targets: Callable[[AlertRule, Mapping[str, str], Secrets], Sequence[Target]] = targets_of,
    ) -> None:
        self.rules = tuple(rules)
        self._metrics = metrics
        self._log = log
        self._secrets = secrets
        self._environment = os.environ if environment is None else environment
        self._instance = instance or socket.gethostname()
        self._retry = retry or Retry()
        self._pace = pace
        self._clock = clock
        self._targets = targets
        self._routes: list[_Route] = []
        self._lock = threading.RLock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_thread = 0
        # Of each target that is sent to, also of rules that are gone and for which something waits.
        self._workers: dict[_Lane, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._quiet = QuietApprise()

    async def start(self) -> None:
        """Read the addresses and begin to send.

        Raises
        ------
        ConfigError
            A variable is not set, or an address is none.
        CredentialError
            A file of addresses cannot be read, or others can read it.
        """
        routes = [await self._route(rule) for rule in self.rules]
        self._quiet.__enter__()
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._begin(routes)
        self._start(self._watch())

    async def change(self, rules: Sequence[AlertRule]) -> None:
        """Go by other rules from now on. A rule that stays goes on as it was; what waits by one that goes is sent.

        Raises
        ------
        ConfigError, CredentialError
            As :meth:`start`; nothing has changed then.
        """
        before = {route.rule: route for route in self._routes}
        routes = [before.pop(rule) if rule in before else await self._route(rule) for rule in rules]
        self.rules = tuple(rules)
        self._begin(routes)
        for route in before.values():
            self._tell_held(route, route.throttle.all_held())
            for lane in route.lanes:
                self._start(self._retire(lane))

    async def _route(self, rule: AlertRule) -> _Route:
        # In a thread: apprise takes its time to read its services.
        targets = await asyncio.to_thread(self._targets, rule, self._environment, self._secrets)
        lanes = [_Lane(rule.name, target, AsyncLimiter(*self._pace)) for target in targets]
        return _Route(rule, Throttle(rule.messages_max, rule.period_s), lanes)

    def _begin(self, routes: list[_Route]) -> None:
        """Go by these routes, and begin to send by those that are new."""
        self._routes = routes
        for lane in (lane for route in routes for lane in route.lanes if lane not in self._workers):
            self._workers[lane] = self._start(self._work(lane))

    async def _retire(self, lane: _Lane) -> None:
        """Let what waits for a target be sent, and then nothing more."""
        await lane.queue.join()
        self._workers.pop(lane).cancel()

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self, deadline_s: float) -> None:
        """Send what waits and what was held back, as long as that takes no longer than told; count what is left."""
        if self._loop is None:
            return
        for route in self._routes:
            self._tell_held(route, route.throttle.all_held())
        lanes = list(self._workers)
        try:
            async with asyncio.timeout(deadline_s):
                await asyncio.gather(*(lane.queue.join() for lane in lanes))
        except TimeoutError:
            # What is left is counted below.
            pass
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for lane in lanes:
            if left := lane.queue.qsize():
                self._metrics.alert(lane.rule, "failed", left)
                self._log.error(
                    "alerts were not sent before the end", rule=lane.rule, target=lane.target.name, count=left
                )
        self._quiet.__exit__()
        self._loop = None

    def offer(
        self,
        kind: str,
        level: Level,
        text: str,
        *,
        bot_id: str | None = None,
        fields: Mapping[str, object] | None = None,
    ) -> None:
        """Send a message where rules say so. It never waits, and may be called from any thread."""
        message: Message | None = None
        for route in self._routes:
            if not _is_meant(route.rule, kind, level):
                continue
            with self._lock:
                passes = route.throttle.passes(kind, self._clock(), text=text, bot_id=bot_id)
            if not passes:
                self._metrics.alert(route.rule.name, "throttled")
                continue
            message = message or self._message(kind, level, text, bot_id, fields or {})
            self._hand_over(route, message)

    def wants(self, kind: str, level: Level) -> bool:
        """Return whether a rule names this."""
        return any(_is_meant(route.rule, kind, level) for route in self._routes)

    def _hand_over(self, route: _Route, message: Message) -> None:
        loop = self._loop
        if loop is None or loop.is_closed():
            self._metrics.alert(route.rule.name, "dropped", len(route.lanes))
        elif threading.get_ident() == self._loop_thread:
            self._enqueue(route, message)
        else:
            try:
                loop.call_soon_threadsafe(self._enqueue, route, message)
            except RuntimeError:
                # It was closed just now.
                self._metrics.alert(route.rule.name, "dropped", len(route.lanes))

    def _enqueue(self, route: _Route, message: Message) -> None:
        for lane in route.lanes:
            try:
                lane.queue.put_nowait(message)
            except asyncio.QueueFull:
                lane.dropped += 1
                self._metrics.alert(lane.rule, "dropped")

    async def _work(self, lane: _Lane) -> None:
        """Send what waits for one target, one message after the other."""
        while True:
            message = await lane.queue.get()
            dropped, lane.dropped = lane.dropped, 0
            if dropped:
                body = f"{message.body}\n({dropped} later messages found no room and were not sent)"
                message = Message(message.kind, message.level, message.title, body)
            try:
                self._settle(lane, message, await self._deliver(lane, message))
            except asyncio.CancelledError:
                self._settle(lane, message, "the end came first")
                raise
            finally:
                lane.queue.task_done()

    async def _deliver(self, lane: _Lane, message: Message) -> str | None:
        """Try until it arrives or was tried often enough; return what went wrong."""
        failures = 0
        while True:
            async with lane.limiter:
                wrong = await attempt(lane.target, message, self._secrets)
            if wrong is None:
                return None
            failures += 1
            if failures >= self._retry.attempts:
                return wrong
            self._log.info(
                "an alert will be tried again", rule=lane.rule, target=lane.target.name, failures=failures, wrong=wrong
            )
            await asyncio.sleep(self._retry.pause_s(failures))

    def _settle(self, lane: _Lane, message: Message, wrong: str | None) -> None:
        outcome: AlertOutcome = "sent" if wrong is None else "failed"
        self._metrics.alert(lane.rule, outcome)
        if wrong is not None:
            # By the log alone: an alert about alerts would go the same way.
            self._log.error(
                "an alert was not sent", rule=lane.rule, target=lane.target.name, alert=message.kind, wrong=wrong
            )

    async def _watch(self) -> None:
        """Tell of what was held back when its period is over."""
        while True:
            await asyncio.sleep(min([1.0, *(route.rule.period_s / 4 for route in self._routes)]))
            for route in self._routes:
                with self._lock:
                    held = route.throttle.ended(self._clock())
                self._tell_held(route, held)

    def _tell_held(self, route: _Route, held: list[Held]) -> None:
        for each in held:
            bots = f" (bots {', '.join(each.bots)})" if each.bots else ""
            text = f"and {each.count} more{bots}; the last: {each.last}"
            self._enqueue(route, self._message(each.kind, route.rule.level, text, None, {}))

    def _message(self, kind: str, level: Level, text: str, bot_id: str | None, fields: Mapping[str, object]) -> Message:
        of_bot = f" {bot_id}" if bot_id else ""
        lines = [self._secrets.shortened(text, _TEXT_MAX)]
        for name, value in list(fields.items())[:_FIELDS_MAX]:
            if name in {"exc_info", "stack_info"} and not isinstance(value, BaseException):
                continue
            shown = self._secrets.shortened(str(self._secrets.clean(value, name)), _FIELD_MAX)
            lines.append(f"{self._secrets.redact(name)}: {shown}")
        return Message(kind, level, f"{level}: {kind}{of_bot} on {self._instance}", "\n".join(lines))


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a test message: ``wrong`` is None if it arrived."""

    rule: str
    target: str
    wrong: str | None
    seconds: float


async def try_rule(rule: AlertRule, message: Message, secrets: Secrets, environment: Mapping[str, str]) -> list[Tried]:
    """Send a message once to each target of a rule, past its patterns and limits. It never raises.

    Returns
    -------
    list of Tried: one for each target, or one for the rule if its addresses cannot be read.
    """
    try:
        targets: Sequence[Target] = await asyncio.to_thread(targets_of, rule, environment, secrets)
    except Exception as error:  # noqa: BLE001 -- what is wrong with one rule is told, and the others are tried
        return [Tried(rule.name, rule.url_env or str(rule.url_file), secrets.redact(str(error)), 0.0)]
    tried = []
    with QuietApprise():
        for target in targets:
            start = time.monotonic()
            wrong = await attempt(target, message, secrets)
            tried.append(Tried(rule.name, target.name, wrong, time.monotonic() - start))
    return tried


async def attempt(target: Target, message: Message, secrets: Secrets) -> str | None:
    """Send a message once; return what went wrong, whatever it was, without secrets."""
    try:
        return await target.send(message)
    except Exception as error:  # noqa: BLE001 -- a service's code may raise anything, and alerts must not end who tells them
        return secrets.shortened(f"{type(error).__name__}: {error}", 500)


def _is_meant(rule: AlertRule, kind: str, level: Level) -> bool:
    return LEVELS[level] >= LEVELS[rule.level] and any(fnmatchcase(kind, pattern) for pattern in rule.kinds)
