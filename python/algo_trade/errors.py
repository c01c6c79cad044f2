"""Every error this package raises.

::

    AlgoTradeError
    ├── InputError              fix what was given
    │   ├── NumberError         a number that is not exact, not finite, or out of range
    │   ├── DataError           a row, column or file of market data
    │   ├── ParameterError      a parameter or option: unknown, of the wrong type, or out of range
    │   ├── ConfigError         a file that people write: venue, configuration
    │   └── CredentialError     a private key: missing, malformed, or kept where others can read it
    ├── StrategyError           a strategy raised; its cause is chained
    ├── JournalError            a journal is damaged, or a replay differs
    └── EngineError             the engine refuses to go on: an overflow, an endless loop of messages

The classes are defined in the compiled core, which raises them; this module is where to import them from.
"""

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

__all__ = [
    "AlgoTradeError",
    "ConfigError",
    "CredentialError",
    "DataError",
    "EngineError",
    "InputError",
    "JournalError",
    "NumberError",
    "ParameterError",
    "StrategyError",
]
