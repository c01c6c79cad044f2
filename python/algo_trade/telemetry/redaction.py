"""What is never told: private keys, tokens, passwords. One place takes them out of all that is logged or sent."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

HIDDEN = "[redacted]"

# A shorter value stands in too many innocent words to be taken out of them.
SECRET_CHARACTERS_MIN = 6

# Fields whose 64 hex digits are public. Everywhere else they are taken for a private key.
PUBLIC_FIELDS = frozenset({"hash", "tx_hash", "block_hash", "digest"})

TEXT_MAX = 8_192
_ITEMS_MAX = 100
_DEPTH_MAX = 6

# Nearly every text has none of these, and is done. Looking for words one by one is ten times as fast as one expression for all.
_SUSPECT = ("://", "auth", "bearer", "cookie", "key", "mnemonic", "pass", "pwd", "secret", "seed", "token")
_HEX = re.compile(r"(?:0[xX])?[0-9a-fA-F]{64,}")
_HEX_DIGITS = re.compile(r"[0-9a-fA-F]{64}")
# Up to the last @: passwords hold all sorts of characters that an address should not.
_USER = re.compile(r"://[^\s'\"<>]{0,512}@")
# What stands between a name and its value, in JSON inside of JSON too; taken whole, so that what was hidden is not found again.
_IS = r"\\*['\"]?\s*[:=]\s*+\\*+"
_HEADER = re.compile(r"(authorization|cookie|x-api-key)(\\*['\"]?\s*[:=,]\s*\(?b?\\*['\"]?)[^\r\n'\"]+", re.IGNORECASE)
_PEM = re.compile(r"-----BEGIN[A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END[A-Z ]{0,30}-----|\Z)", re.DOTALL)
_BEARER = re.compile(r"(bearer)(\s+)[A-Za-z0-9._~+/=-]+", re.IGNORECASE)
_NAME = r"pass(?:word|wd|phrase)|pwd|secret|token|(?:private|api|access|signing)[_-]?key|mnemonic|seed[_-]?phrase"
_ASSIGNED = re.compile(rf"({_NAME})({_IS})(?!\[redacted)(?:\"[^\"]*\"|'[^']*'|[^\s\"',;&}}\])]+)", re.IGNORECASE)
_SECRET_FIELD = re.compile(
    rf"(?:^|[_-])(?:{_NAME})$|authorization|cookie|credential|x-api-key|password|private_key|secret", re.IGNORECASE
)
_SECRET_VARIABLE = re.compile(r"(?:^|_)(?:KEY|TOKEN|SECRET|PASS|PASSWORD|PASSPHRASE|PASSWD|MNEMONIC)$", re.IGNORECASE)


class Secrets:
    """Values that are never told, and the shapes of those that nobody registered.

    Private keys (64 hex digits and more), bearer tokens, headers such as ``Authorization``, what stands before the ``@`` of an address,
    and what is assigned to a name such as ``password`` are known by their shape; all else has to be registered.
    """

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._registered: re.Pattern[str] | None = None

    def add(self, *values: str) -> bool:
        """Register values that are never told, in the forms in which they are written.

        Returns
        -------
        bool: False if one is too short to be known from other text (less than 6 characters), and so is not kept from it.
        """
        wanted = [value.strip() for value in values]
        for value in wanted:
            forms = {
                value,
                value.removeprefix("0x"),
                quote(value, safe=""),
                quote(value),
                unquote(value),
                repr(value)[1:-1],
            }
            self._values |= {form for form in forms if len(form) >= SECRET_CHARACTERS_MIN}
        if self._values:
            # The longest first: a part of it may be registered too.
            ordered = sorted(self._values, key=lambda value: (-len(value), value))
            self._registered = re.compile("|".join(map(re.escape, ordered)), re.IGNORECASE)
        return all(len(value) >= SECRET_CHARACTERS_MIN for value in wanted)

    def add_environment(self, environment: Mapping[str, str]) -> None:
        """Register the variables whose name says that they are secret, and the passwords of addresses."""
        for name, value in environment.items():
            if _SECRET_VARIABLE.search(name):
                self.add(value)
            elif "://" in value:
                self.add(*passwords_of(value))

    def redact(self, text: str, *, is_public: bool = False) -> str:
        """Return a text without secrets. Of a public one, 64 hex digits stay."""
        if self._registered is not None:
            text = self._registered.sub(HIDDEN, text)
        if not is_public and len(text) >= 64 and _HEX_DIGITS.search(text):
            text = _HEX.sub(HIDDEN, text)
        lower = text.lower()
        if not any(word in lower for word in _SUSPECT):
            return text
        text = _PEM.sub(HIDDEN, text)
        text = _USER.sub(f"://{HIDDEN}@", text)
        text = _HEADER.sub(rf"\1\2{HIDDEN}", text)
        text = _BEARER.sub(rf"\1\2{HIDDEN}", text)
        return _ASSIGNED.sub(rf"\1\2{HIDDEN}", text)

    def shortened(self, text: str, length_max: int = TEXT_MAX, *, is_public: bool = False) -> str:
        """Return a text without secrets that is not longer than told; of what is longer, a quarter is its beginning, the rest its end."""
        if len(text) <= length_max:
            return self.redact(text, is_public=is_public)
        # Half a secret is not known for one: what is cut through here is cut off below.
        head = self.redact(text[:length_max], is_public=is_public)[: length_max // 4]
        tail = self.redact(text[-length_max:], is_public=is_public)[-(length_max - length_max // 4) :]
        return f"{head} … {len(text) - length_max} characters left out … {tail}"

    def clean(self, value: object, field: str = "", *, depth: int = 0) -> object:
        """Return a value as JSON has it, without secrets and of bounded size. It never raises, whatever the value is.

        Parameters
        ----------
        value : anything
        field : the name that it goes by
        """
        if value is None or isinstance(value, bool | float):
            return value
        if field and _SECRET_FIELD.search(field):
            return HIDDEN
        if isinstance(value, str):
            return self.shortened(value, is_public=field in PUBLIC_FIELDS)
        if isinstance(value, int):
            # A private key is a number, too.
            return value if value.bit_length() < 64 else str(value) if value.bit_length() <= 128 else HIDDEN
        if depth >= _DEPTH_MAX:
            return "…"
        try:
            return self._clean(value, field, depth)
        except Exception as error:  # noqa: BLE001 -- code of others runs here, and telling of something must not be what fails
            return f"<{type(value).__name__}: cannot be shown: {type(error).__name__}>"

    def _clean(self, value: object, field: str, depth: int) -> object:
        if isinstance(value, bytes | bytearray | memoryview):
            return f"<{len(value)} bytes>"
        if isinstance(value, Mapping):
            pairs = [(str(name), each) for name, each in list(value.items())[:_ITEMS_MAX]]
            return {self.redact(name): self.clean(each, name, depth=depth + 1) for name, each in pairs}
        if isinstance(value, tuple | list | set | frozenset | deque):
            return self._listed(list(value), field, depth)
        if isinstance(value, Enum):
            return self.clean(value.value, field, depth=depth + 1)
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, Decimal | Path):
            return self.shortened(str(value), is_public=field in PUBLIC_FIELDS)
        if isinstance(value, BaseException):
            return self.shortened(f"{type(value).__name__}: {value}")
        return self.shortened(repr(value))

    def _listed(self, items: list[object], field: str, depth: int) -> object:
        # A header, as servers pass them on.
        if len(items) == 2 and isinstance(items[0], str) and _SECRET_FIELD.search(items[0]):
            return [items[0], HIDDEN]
        shown = [self.clean(each, field, depth=depth + 1) for each in items[:_ITEMS_MAX]]
        return shown if len(items) <= _ITEMS_MAX else [*shown, f"… {len(items) - _ITEMS_MAX} more"]


def passwords_of(address: str) -> list[str]:
    """Return the password of an address, if it has one, as it is written and as it is meant."""
    try:
        password = urlsplit(address.strip()).password
    except ValueError:
        return []
    return [password, unquote(password)] if password else []
