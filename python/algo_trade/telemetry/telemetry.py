"""What is told of a run, in one place: logged, counted, and sent to people where a rule says so."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Self

from algo_trade.telemetry import lag
from algo_trade.telemetry.alerts import Alerts
from algo_trade.telemetry.lag import LagMonitor
from algo_trade.telemetry.logs import Logs
from algo_trade.telemetry.metrics import Metrics
from algo_trade.telemetry.redaction import Secrets
from algo_trade.telemetry.settings import Level, TelemetryConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from structlog.types import FilteringBoundLogger

    from algo_trade.telemetry.settings import AlertRule


class Telemetry:
    """The log, the metrics and the alerts of a process, between ``async with``.

    Parameters
    ----------
    config : the table ``[telemetry]``
    environment : where addresses may stand; variables whose names say that they are secret are never told
    version : of the program, for the metrics

    Examples
    --------
    >>> import asyncio
    >>> from algo_trade.telemetry import Telemetry, TelemetryConfig
    >>> async def run() -> str:
    ...     async with Telemetry(TelemetryConfig(log_level="error")) as telemetry:
    ...         telemetry.tell("bot.started", "info", "trades BTC", bot_id="b1")
    ...         return telemetry.metrics.render()[1]
    >>> asyncio.run(run())
    'text/plain; version=0.0.4; charset=utf-8'
    """

    def __init__(
        self,
        config: TelemetryConfig | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        version: str = "",
    ) -> None:
        self._config = config or TelemetryConfig()
        environment = os.environ if environment is None else environment
        self.metrics = Metrics(version=version)
        self.secrets = Secrets()
        self.secrets.add_environment(environment)
        self.logs = Logs(
            level=self._config.log_level,
            form=self._config.log_format,
            path=self._config.log_file,
            secrets=self.secrets,
            on_message=self.metrics.log_message,
        )
        self.alerts = Alerts(
            self._config.alerts,
            metrics=self.metrics,
            log=self.log,
            secrets=self.secrets,
            environment=environment,
            instance=self._config.instance,
        )
        self.metrics.before_render(lambda: self.metrics.log_messages_lost(self.logs.lost))
        self._lag = LagMonitor(
            self.metrics,
            lambda text: self.tell(lag.KIND, "warning", text),
            bound_s=self._config.lag_warning_s,
        )
        self._stack = AsyncExitStack()

    @property
    def log(self) -> FilteringBoundLogger:
        """A logger of structlog; ``bind`` gives it fields such as ``bot_id``."""
        return self.logs.log

    def tell(
        self, kind: str, level: Level, text: str | Callable[[], str], *, bot_id: str | None = None, **fields: object
    ) -> None:
        """Log what happened, count it, and send it where a rule says so. It never waits and never raises, from any thread.

        Parameters
        ----------
        kind : what happened, as rules name it: ``bot.error``, ``risk.breach``
        level : how much it matters
        text : for people; what is told often and seldom heard is worded when somebody hears it
        bot_id : whom it is about
        fields : what else belongs to it: ``cloid``, ``symbol``, ``exc_info``
        """
        if not isinstance(text, str):
            if not (self.logs.is_on(level) or self.alerts.wants(kind, level)):
                return
            text = text()
        about = {"kind": kind} if bot_id is None else {"kind": kind, "bot_id": bot_id}
        self.logs.write(level, text, about | fields)
        self.alerts.offer(kind, level, text, bot_id=bot_id, fields=fields)

    async def change_alerts(self, rules: Sequence[AlertRule]) -> None:
        """Send alerts by other rules from now on.

        Raises
        ------
        ConfigError, CredentialError
            The addresses of one are not to be had; nothing has changed then.
        """
        await self.alerts.change(rules)

    def set_level(self, level: Level) -> None:
        """Log from another level on."""
        self.logs.set_level(level)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self.logs.start()
            stack.callback(self.logs.close, self._config.flush_s)
            await self.alerts.start()
            stack.push_async_callback(self.alerts.close, self._config.flush_s)
            monitor = asyncio.create_task(self._lag.run(), name="lag")
            stack.push_async_callback(_ended, monitor)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self._stack.aclose()


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
