"""What is sent to people, over real sockets of this machine."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from algo_trade.errors import ConfigError, CredentialError
from algo_trade.telemetry import AlertRule, Alerts, Logs, Metrics
from algo_trade.telemetry.alerts import Retry, try_rule
from algo_trade.telemetry.redaction import HIDDEN, Secrets
from algo_trade.telemetry.targets import Message, secret_parts, targets_of
from tests.telemetry.receiver import receiver
from tests.telemetry.test_metrics import samples

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
QUICK = Retry(attempts=3, first_s=0.01, max_s=0.02)


class Desk:
    """Alerts with all around them; ``log`` is what was logged."""

    def __init__(self, folder: Path, *rules: AlertRule, **more: Any) -> None:
        self.metrics = Metrics()
        self.secrets = Secrets()
        self._path = folder / "log"
        self._logs = Logs(level="debug", form="json", path=self._path, secrets=self.secrets)
        self.alerts = Alerts(
            rules,
            metrics=self.metrics,
            log=self._logs.log,
            secrets=self.secrets,
            **{"instance": "desk-1", "retry": QUICK, "pace": (1_000, 1.0), **more},
        )

    def run(self, act: Callable[[Alerts], Awaitable[None]], *, deadline_s: float = 5.0) -> None:
        async def run() -> None:
            await self.alerts.start()
            try:
                await act(self.alerts)
            finally:
                await self.alerts.close(deadline_s)

        self._logs.start()
        try:
            asyncio.run(run())
        finally:
            self._logs.close()

    @property
    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._path.read_text().splitlines()]

    def count(self, outcome: str, rule: str = "all") -> float:
        return samples(self.metrics).get(("algo_trade_alerts_total", outcome, rule), 0)


def rule(**more: Any) -> AlertRule:
    return AlertRule.model_validate({"name": "all", "url_env": "URLS", "level": "debug", **more})


def offers(*given: tuple[str, Any, str]) -> Callable[[Alerts], Awaitable[None]]:
    async def act(alerts: Alerts) -> None:
        for kind, level, text in given:
            alerts.offer(kind, level, text)

    return act


def test_a_message_arrives_with_title_text_and_fields(tmp_path: Path) -> None:
    async def act(alerts: Alerts) -> None:
        fields = {"symbol": "BTC", "error": ValueError("x"), "exc_info": True}
        alerts.offer("bot.error", "error", "it <raised> & stopped", bot_id="b1", fields=fields)

    with receiver() as web:
        desk = Desk(tmp_path, rule(), environment={"URLS": web.url})
        desk.run(act)
    (came,) = web.came
    assert came["title"] == "error: bot.error b1 on desk-1"
    assert came["message"] == "it <raised> & stopped\nsymbol: BTC\nerror: ValueError: x"
    assert came["type"] == "failure"
    assert desk.count("sent") == 1


def test_a_rule_chooses_by_kind_and_level(tmp_path: Path) -> None:
    with receiver() as web:
        wanted = rule(kinds=["bot.error", "risk.*"], level="warning")
        Desk(tmp_path, wanted, environment={"URLS": web.url}).run(
            offers(
                ("bot.error", "error", "1"),
                ("bot.error", "info", "too low"),
                ("risk.breach", "warning", "2"),
                ("riskier", "error", "another kind"),
                ("bot.started", "error", "another kind"),
            )
        )
    assert web.texts == ["1", "2"]


def test_two_rules_and_two_addresses_get_their_own(tmp_path: Path) -> None:
    with receiver() as one, receiver() as two:
        environment = {"URLS": f"{one.url}\n  {two.url} ", "RISK": one.url}
        desk = Desk(tmp_path, rule(), rule(name="risk", kinds=["risk.*"], url_env="RISK"), environment=environment)
        desk.run(offers(("risk.breach", "error", "x"), ("bot.error", "error", "y")))
    assert sorted(one.texts) == ["x", "x", "y"]
    assert two.texts == ["x", "y"]
    assert (desk.count("sent"), desk.count("sent", "risk")) == (4, 1)


def test_past_its_number_a_kind_is_counted_and_told_of_at_the_end_of_the_period(tmp_path: Path) -> None:
    async def act(alerts: Alerts) -> None:
        for number in range(15):
            alerts.offer("bot.error", "error", f"failed {number}", bot_id=f"b{number}")
        alerts.offer("risk.breach", "error", "another kind")
        deadline = time.monotonic() + 5
        while len(web.came) < 5 and time.monotonic() < deadline:
            await asyncio.sleep(0.01)

    with receiver() as web:
        desk = Desk(tmp_path, rule(messages_max=3, period_s=1), environment={"URLS": web.url})
        desk.run(act)
    bots = ", ".join(f"b{number}" for number in range(3, 15))
    assert web.texts == [
        "failed 0",
        "failed 1",
        "failed 2",
        "another kind",
        f"and 12 more (bots {bots}); the last: failed 14",
    ]
    assert (desk.count("throttled"), desk.count("sent")) == (12, 5)


def test_the_end_tells_what_was_held_back_and_waits_for_it(tmp_path: Path) -> None:
    with receiver() as web:
        desk = Desk(tmp_path, rule(messages_max=1), environment={"URLS": web.url})
        desk.run(offers(*[("a", "info", str(number)) for number in range(4)]))
    assert web.texts == ["0", "and 3 more; the last: 3"]


def test_a_message_that_fails_is_tried_again(tmp_path: Path) -> None:
    with receiver(500, 503, 200) as web:
        desk = Desk(tmp_path, rule(), environment={"URLS": web.url})
        desk.run(offers(("a", "info", "x"), ("a", "info", "y")))
    assert web.texts == ["x", "x", "x", "y"]
    assert (desk.count("sent"), desk.count("failed")) == (2, 0)
    assert [each["failures"] for each in desk.log if "failures" in each] == [1, 2]


def test_a_target_that_fails_is_logged_counted_and_holds_up_no_other(tmp_path: Path) -> None:
    with receiver(401) as bad, receiver() as good:
        desk = Desk(tmp_path, rule(), environment={"URLS": f"{bad.url} {good.url} json://127.0.0.1:1/nobody"})
        desk.run(offers(("a", "info", "x"), ("a", "info", "y")))
    assert good.texts == ["x", "y"]
    assert len(bad.came) == 6
    assert (desk.count("sent"), desk.count("failed")) == (2, 4)
    failed = [each for each in desk.log if each["level"] == "error"]
    assert {each["target"] for each in failed} == {"URLS, address 1 (JSON)", "URLS, address 3 (JSON)"}
    assert all(each["wrong"] for each in failed)


def test_the_event_loop_does_not_wait_for_a_service_that_hangs(tmp_path: Path) -> None:
    worst_s = 0.0

    async def act(alerts: Alerts) -> None:
        nonlocal worst_s
        for number in range(300):
            start = time.perf_counter()
            alerts.offer("a", "info", str(number))
            await asyncio.sleep(0)
            worst_s = max(worst_s, time.perf_counter() - start)

    with receiver() as web:
        web.hold.clear()
        desk = Desk(tmp_path, rule(messages_max=1_000), environment={"URLS": web.url})
        start = time.monotonic()
        desk.run(act, deadline_s=0.2)
        took_s = time.monotonic() - start
    assert worst_s < 0.25
    assert took_s < 3
    # One was on its way, a hundred waited, the others found no room.
    assert desk.count("failed") == pytest.approx(101, abs=1)
    assert desk.count("dropped") == pytest.approx(199, abs=1)
    assert "alerts were not sent before the end" in {each["event"] for each in desk.log}


def test_what_found_no_room_is_told_with_the_next_message(tmp_path: Path) -> None:
    async def act(alerts: Alerts) -> None:
        for number in range(150):
            alerts.offer("a", "info", str(number))
        web.hold.set()

    with receiver() as web:
        web.hold.clear()
        desk = Desk(tmp_path, rule(messages_max=1_000), environment={"URLS": web.url})
        desk.run(act)
    assert len(web.came) == 100
    assert web.texts[0] == "0\n(50 later messages found no room and were not sent)"


def test_messages_may_come_from_any_thread(tmp_path: Path) -> None:
    async def act(alerts: Alerts) -> None:
        def offer() -> None:
            for number in range(5):
                alerts.offer("a", "info", str(number))

        thread = threading.Thread(target=offer)
        thread.start()
        await asyncio.to_thread(thread.join)

    with receiver() as web:
        Desk(tmp_path, rule(), environment={"URLS": web.url}).run(act)
    assert web.texts == ["0", "1", "2", "3", "4"]


def test_before_the_start_and_after_the_end_messages_are_dropped_and_counted(tmp_path: Path) -> None:
    with receiver() as web:
        desk = Desk(tmp_path, rule(), environment={"URLS": web.url})
        desk.run(offers())
        desk.alerts.offer("a", "info", "too late")
    assert web.came == []
    assert desk.count("dropped") == 1


def test_nothing_that_is_sent_or_logged_holds_a_secret(tmp_path: Path) -> None:
    async def act(alerts: Alerts) -> None:
        desk.secrets.add("hunter2!")
        alerts.offer("a", "error", f"{KEY} hunter2!", fields={"password": "x1y2z3", "url": "postgresql://me:pw@there"})
        logging.getLogger("urllib3").debug("POST /hook-51d0c7f2 of 127.0.0.1")

    with receiver(500) as web:
        desk = Desk(tmp_path, rule(), environment={"URLS": web.url})
        desk.run(act)
    sent, logged = json.dumps(web.came), json.dumps(desk.log)
    for secret in (KEY, "hunter2!", "x1y2z3", "me:pw"):
        assert secret not in sent
        assert secret not in logged
    assert "hook-51d0c7f2" not in logged
    assert "json://" not in logged
    assert HIDDEN in sent


def test_parts_of_an_address_are_secret_but_not_a_host() -> None:
    assert set(secret_parts("tgram://123456789:AAbbCCdd/-100200300")) >= {"123456789:AAbbCCdd", "-100200300"}
    assert set(secret_parts("mailto://me:p%40ssword@mail.there.org?from=a@b.c")) >= {"p%40ssword", "p@ssword"}
    assert "mail.there.org" not in secret_parts("mailto://me:p%40ssword@mail.there.org?from=a@b.c")
    assert "127.0.0.1:8080" not in secret_parts("json://127.0.0.1:8080/x")
    assert set(secret_parts("slack://T1A2B3C4D/B1A2B3C4D/abcdefgh12345678")) >= {"T1A2B3C4D", "abcdefgh12345678"}


def test_addresses_may_stand_in_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "urls"
    with receiver() as web:
        path.write_text(f"# ours\n{web.url}\n")
        path.chmod(0o644)
        wanted = rule(url_env=None, url_file=path)
        with pytest.raises(CredentialError, match="mode 0644: others can get at it: chmod 600"):
            Desk(tmp_path, wanted).run(offers())
        path.chmod(0o600)
        Desk(tmp_path, wanted).run(offers(("a", "info", "x")))
    assert web.texts == ["x"]


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({}, "telemetry.alerts 'all': the environment variable URLS is not set"),
        ({"URLS": " \n# none\n"}, "telemetry.alerts 'all': URLS holds no address"),
        ({"URLS": "json://127.0.0.1/s3cr3t nonsense-s3cr3t"}, "URLS, address 2: is no address that apprise knows"),
        ({"URLS": "tgram://s3cr3t"}, "URLS, address 1: is no address that apprise knows"),
    ],
)
def test_an_address_that_is_none_is_told_without_it(environment: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError) as refused:
        targets_of(rule(), environment, Secrets())
    assert says in str(refused.value)
    assert "s3cr3t" not in str(refused.value)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    for path, says in ((tmp_path / "x", "cannot be opened"), (tmp_path, "not a regular file")):
        with pytest.raises(CredentialError, match=says):
            targets_of(rule(url_env=None, url_file=path), {}, Secrets())


class Broken:
    """A target whose code fails, as code of others does."""

    name = "broken"

    async def send(self, message: Message) -> str | None:
        raise ZeroDivisionError(f"{message.kind} {KEY}")


def test_a_target_whose_code_fails_ends_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path, rule(), targets=lambda *_: [Broken()])
    desk.run(offers(("a", "info", "x"), ("a", "info", "y")))
    assert desk.count("failed") == 2
    assert desk.log[-1]["wrong"] == f"ZeroDivisionError: a {HIDDEN}"


def test_pauses_grow_up_to_a_bound() -> None:
    retry = Retry(attempts=10, first_s=1, max_s=30)
    for failures, longest in ((1, 1), (2, 2), (3, 4), (6, 30), (60, 30)):
        assert longest / 2 <= retry.pause_s(failures) <= longest


def test_a_rule_can_be_tried_and_says_what_came_of_each_address() -> None:
    message = Message("alerts.test", "info", "title", "body")
    with receiver() as good, receiver(403) as bad:
        environment = {"URLS": f"{good.url} {bad.url}"}
        one, two = asyncio.run(try_rule(rule(), message, Secrets(), environment))
    assert (one.target, one.wrong) == ("URLS, address 1 (JSON)", None)
    assert two.wrong is not None
    assert "403" in two.wrong
    assert good.texts == ["body"]
    (unset,) = asyncio.run(try_rule(rule(), message, Secrets(), {}))
    assert unset.wrong is not None
    assert "URLS is not set" in unset.wrong


def test_other_rules_take_effect_at_once_and_what_waits_by_those_that_go_is_sent(tmp_path: Path) -> None:
    with receiver() as first, receiver() as second:
        environment = {"FIRST": first.url, "SECOND": second.url}
        one, other = rule(name="one", url_env="FIRST", messages_max=1), rule(name="other", url_env="SECOND")

        async def act(alerts: Alerts) -> None:
            alerts.offer("bot.error", "error", "the first")
            alerts.offer("bot.error", "error", "held back")
            await alerts.change([one, other])
            alerts.offer("bot.error", "error", "a rule that stays counts on")
            await alerts.change([other])
            alerts.offer("bot.error", "error", "the last")

        desk = Desk(tmp_path, one, environment=environment)
        desk.run(act)
        assert first.texts == ["the first", "and 2 more; the last: a rule that stays counts on"]
        assert second.texts == ["a rule that stays counts on", "the last"]


def test_rules_whose_addresses_are_not_to_be_had_change_nothing(tmp_path: Path) -> None:
    with receiver() as first:

        async def act(alerts: Alerts) -> None:
            with pytest.raises(ConfigError, match="MISSING"):
                await alerts.change([rule(name="new", url_env="MISSING")])
            alerts.offer("bot.error", "error", "still told")

        desk = Desk(tmp_path, rule(), environment={"URLS": first.url})
        desk.run(act)
        assert first.texts == ["still told"]
