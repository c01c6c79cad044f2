"""The kinds of what is told, each with its meaning: rules of alerts name them, docs/operations.md lists them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "alerts.test": "a test message, sent by `algo-trade alerts test`; past patterns and limits of its rule",
        "account.foreign": "an order or a fill of the account that is no bot's",
        "account.orphan": "an order of an earlier run of a bot that begins anew: it is cancelled",
        "api.request": "a request to the API, with its status; those that only ask are told at `debug`",
        "bot.error": "a bot failed and trades no more; its orders are being cancelled",
        "bot.history": "the exchange has fewer bars of the past than a bot wants to begin with",
        "bot.notice": "what the strategy's own risk manager says",
        "bot.paused": "a bot opens nothing any more, as it was told",
        "bot.recovered": "a bot goes on where a process that died was stopped",
        "bot.restart": "a bot that failed is started again, and when",
        "bot.running": "a bot trades again after a pause",
        "bot.started": "a bot trades",
        "bot.stop": "a bot that stops could not end in good order",
        "bot.stopped": "a bot has stopped",
        "config.changed": "the configuration has changed: what takes effect now, and what at the next start",
        "config.refused": "the files of the configuration are wrong, and where; what was last good stays",
        "data.stale": "what is known of a symbol or of the account is old: nothing is opened on it",
        "journal.cut": "a journal ended in the middle of a record: it was cut off there",
        "journal.failed": "the disk of the journals fails: no order leaves any more",
        "kill": "the kill switch",
        "log.lost": "messages of the log were lost: the disk is full, or nobody reads; in the log alone",
        "reconcile.difference": "the exchange says otherwise what is held, and what was done about it",
        "record.failed": "what is heard of the markets cannot be written, or not all of it; trading goes on",
        "record.gap": "something of the markets was not heard, and cannot be fetched: it stands in the kind `gaps` of the storage",
        "record.resumed": "what is heard of the markets is written again",
        "risk.halt": "a limit of loss is broken: the bot, or all of them, trade no more",
        "risk.not_flat": "positions could not be closed",
        "risk.refused": "a limit refused an order",
        "runner.heartbeat": "the heartbeat for the watchdog could not be written",
        "runner.late": "bots did not end in time",
        "runner.unguarded": "nothing at the exchange cancels the orders if this machine dies: run a watchdog",
        "runtime.lag": "the event loop was held up for longer than `lag_warning_s`",
        "storage.failed": "the store of state does not take what is to be kept",
        "venue.broken": "a socket of the exchange failed for good; the bots on it start again",
        "venue.notice": "what the exchange's streams say besides",
        "venue.trouble": "something went wrong with an order on its way",
    }
)
