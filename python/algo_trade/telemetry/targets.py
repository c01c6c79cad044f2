"""To whom alerts go: addresses that apprise knows, out of a variable or a file, and the sending of one message."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

import apprise

from algo_trade.errors import ConfigError
from algo_trade.telemetry.private import read_private

if TYPE_CHECKING:
    from collections.abc import Mapping

    from algo_trade.telemetry.redaction import Secrets
    from algo_trade.telemetry.settings import AlertRule, Level

SEND_TIMEOUT_S = 30.0

# Where the place of the host holds one; elsewhere it is a token (tgram://TOKEN/CHAT, discord://ID/TOKEN).
_WITH_HOST = {"json", "jsons", "xml", "xmls", "form", "forms", "http", "https", "mailto", "mailtos", "ntfy", "gotify"}
# Shorter parts are no secrets, and would be taken out of innocent words.
_PART_MIN = 8

_KIND_OF_NOTICE: dict[str, apprise.NotifyType] = {
    "debug": apprise.NotifyType.INFO,
    "info": apprise.NotifyType.INFO,
    "warning": apprise.NotifyType.WARNING,
    "error": apprise.NotifyType.FAILURE,
}


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent."""

    kind: str
    level: Level
    title: str
    body: str


class Target(Protocol):
    """Somebody who gets messages."""

    @property
    def name(self) -> str:
        """What logs call it: nothing of its address."""
        ...

    async def send(self, message: Message) -> str | None:
        """Send a message. Return what went wrong, None if it arrived."""
        ...


class AppriseTarget:
    """An address of apprise: Telegram, Slack, Discord, mail, a webhook, and what else it knows.

    Parameters
    ----------
    place : where the address was found, for people
    url : of apprise
    secrets : keeps it out of whatever is told

    Raises
    ------
    ConfigError
        Apprise knows no such service, or the address is not complete.
    """

    def __init__(self, place: str, url: str, secrets: Secrets) -> None:
        secrets.add(*secret_parts(url))
        self._secrets = secrets
        # Templates would take ${NAME} out of the environment.
        asset = apprise.AppriseAsset(app_id="algo-trade", app_desc="algo-trade", allow_templates=False)
        self._service = apprise.Apprise(asset=asset)
        with QuietApprise():
            is_known = self._service.add(url)
        if not is_known:
            raise ConfigError(f"{place}: is no address that apprise knows (tgram://…, slack://…, mailto://…, json://…)")
        self.name = f"{place} ({self._service[0].service_name})"

    async def send(self, message: Message) -> str | None:
        """Send a message, in apprise's threads. Return what went wrong, without secrets; None if it arrived."""
        result = await self._service.async_notify(
            body=message.body,
            title=message.title,
            notify_type=_KIND_OF_NOTICE[message.level],
            body_format=apprise.NotifyFormat.TEXT,
            timeout=SEND_TIMEOUT_S,
        )
        if result:
            return None
        said = [self._secrets.shortened(entry.message, 500) for entry in result.logs()]
        return "; ".join(said) or "the service did not take it"


class QuietApprise:
    """While it is entered, apprise logs nothing: its messages quote addresses, and what matters of them stands in its results."""

    def __enter__(self) -> None:
        self._logger = logging.getLogger("apprise")
        self._before = self._logger.propagate, self._logger.level
        self._logger.propagate = False
        # Results hold what was logged, if it was.
        self._logger.setLevel(logging.WARNING)

    def __exit__(self, *_: object) -> None:
        self._logger.propagate, level = self._before
        self._logger.setLevel(level)


def targets_of(rule: AlertRule, environment: Mapping[str, str], secrets: Secrets) -> list[AppriseTarget]:
    """Return the targets of a rule. The first call takes half a second, for apprise reads its services.

    Raises
    ------
    ConfigError
        The variable is not set, or an address is none.
    CredentialError
        The file cannot be read, or others can read it.
    """
    rule_name = f"telemetry.alerts {rule.name!r}"
    if rule.url_env is not None:
        place, text = rule.url_env, environment.get(rule.url_env)
        if text is None:
            raise ConfigError(f"{rule_name}: the environment variable {place} is not set: it has to hold an address")
    else:
        # The rule has one of both.
        path = rule.url_file
        if path is None:
            raise ConfigError(f"{rule_name}: give url_env or url_file")
        place, text = str(path), read_private(path)
    urls = [word for line in text.splitlines() if not line.lstrip().startswith("#") for word in line.split()]
    if not urls:
        raise ConfigError(f"{rule_name}: {place} holds no address")
    return [AppriseTarget(f"{place}, address {number}", url, secrets) for number, url in enumerate(urls, 1)]


def secret_parts(url: str) -> list[str]:
    """Return an address and those of its parts that a message about it might quote."""
    try:
        parts = urlsplit(url)
        user = [parts.username or "", parts.password or ""]
        host = [] if parts.scheme.lower() in _WITH_HOST else [parts.netloc]
    except ValueError:
        return [url]
    words = [*user, *host, *parts.path.split("/"), *(pair.partition("=")[2] for pair in parts.query.split("&"))]
    words += [piece for word in words for piece in word.split("@")]
    return [url, *{form for word in words for form in (word, unquote(word)) if len(form) >= _PART_MIN}]
