"""Every error this package raises.

::

    AlgoTradeError
    ├── InputError              fix what was given
    │   ├── NumberError         a number that is not exact, not finite, or out of range
    │   ├── DataError           a row, column or file of market data
    │   ├── ParameterError      a parameter or option: unknown, of the wrong type, or out of range
    │   ├── ConfigError         a file that people write: venue, configuration
    │   └── CredentialError     a private key: missing, malformed, or kept where others can read it
    ├── VenueError              the exchange, or the way to it
    │   ├── NotSentError        nothing was executed: it may be asked again later
    │   ├── RefusedError        it said no, and why: `kind` says what to do about it
    │   │   └── SignatureError  it took us for somebody else: stop, nothing of it may be tried again
    │   └── UnknownOutcomeError no answer came: ask it what happened, never send again
    ├── BotError                a bot cannot do what is asked of it, in the state that it is in
    │   ├── UnknownBotError     there is none of that name
    │   ├── BotExistsError      there is one of that name
    │   ├── BotRunsError        it has to be stopped first
    │   └── MailboxFullError    it does not keep up with what it is told
    ├── StorageError            the state store or a lake: damaged, of another version, full, or not to be had
    │   ├── StorageUnavailableError  it does not answer now: it may be asked again later
    │   ├── LakeChangedError    others write to the lake all the time: it may be asked again
    │   └── LeaseError          another process holds what was asked for
    ├── StrategyError           a strategy raised; its cause is chained
    │   └── HaltError           a limit of loss is broken: the bot is not started again by itself
    ├── JournalError            a journal is damaged, or a replay differs
    └── EngineError             the engine refuses to go on: an overflow, an endless loop of messages

Most classes are defined in the compiled core, which raises them; those of the exchange and the state store are raised in Python
alone. This module is where to import them from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from algo_trade._native import (
    AlgoTradeError,
    ConfigError,
    CredentialError,
    DataError,
    EngineError,
    InputError,
    JournalError,
    NumberError,
    ParameterError,
    StrategyError,
)

if TYPE_CHECKING:
    from algo_trade.hyperliquid.refusals import RefusalKind

__all__ = [
    "AlgoTradeError",
    "BotError",
    "BotExistsError",
    "BotRunsError",
    "ConfigError",
    "CredentialError",
    "DataError",
    "EngineError",
    "HaltError",
    "InputError",
    "JournalError",
    "LakeChangedError",
    "LeaseError",
    "MailboxFullError",
    "NotSentError",
    "NumberError",
    "ParameterError",
    "RefusedError",
    "SignatureError",
    "StorageError",
    "StorageUnavailableError",
    "StrategyError",
    "UnknownBotError",
    "UnknownOutcomeError",
    "VenueError",
]


class VenueError(AlgoTradeError):
    """The exchange, or the way to it."""


class NotSentError(VenueError):
    """Nothing was executed: no connection, no room within the limits, or an expiry that came first."""


class RefusedError(VenueError):
    """The exchange said no to the whole of it: ``text`` is its word, ``kind`` what we take it for."""

    def __init__(self, message: str, *, text: str, kind: RefusalKind) -> None:
        super().__init__(message)
        self.text = text
        self.kind = kind


class SignatureError(RefusedError):
    """The exchange does not take us for who we are: whatever else is signed this way fares no better."""


class UnknownOutcomeError(VenueError):
    """No answer came to an action that may have been executed: it is never sent again.

    ``nonce`` is what it was signed with; ``deadline_ms`` is when it can not be executed any more, None if it does not expire.
    """

    def __init__(self, message: str, *, nonce: int, deadline_ms: int | None) -> None:
        super().__init__(message)
        self.nonce = nonce
        self.deadline_ms = deadline_ms


class HaltError(StrategyError):
    """A limit of loss is broken: the bot is not started again by itself."""


class BotError(AlgoTradeError):
    """A bot cannot do what is asked of it, in the state that it is in."""


class UnknownBotError(BotError):
    """There is no bot of that name."""


class BotExistsError(BotError):
    """There is a bot of that name."""


class BotRunsError(BotError):
    """A bot has to be stopped first."""


class MailboxFullError(BotError):
    """A bot does not keep up with what it is told."""


class StorageError(AlgoTradeError):
    """The state store or a lake: damaged, of another version, full, or not to be had. What was acknowledged before is there."""


class StorageUnavailableError(StorageError):
    """The state store does not answer now. What was asked may be asked again; a write may have been done."""


class LakeChangedError(StorageError):
    """Others write to the lake all the time: what was asked may be asked again."""


class LeaseError(StorageError):
    """Another process holds what was asked for: the message says which."""
