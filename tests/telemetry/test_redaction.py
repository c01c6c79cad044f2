"""What is never told."""

from __future__ import annotations

import string
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algo_trade.hyperliquid import SigningKey
from algo_trade.telemetry.redaction import HIDDEN, TEXT_MAX, Secrets

KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
ADDRESS = "0x1a642f0e3c3af545e7acbd38b07251b3990914f1"
CLOID = "0x" + "ab" * 16


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"key {KEY} is wrong", KEY),
        (f"key 0x{KEY.upper()}", KEY.upper()),
        (f"signature {KEY}{KEY[:2]}", KEY),
        ("Authorization: Bearer abc.def-ghi", "abc.def-ghi"),
        ("{'Authorization': 'Basic bWU6aHVudGVyMg=='}", "bWU6"),
        ("(b'authorization', b'Token t0ken')", "t0ken"),
        ("got bearer  abcdef123", "abcdef123"),
        ("set-cookie: session=s3ss10n; Path=/", "s3ss10n"),
        ("postgresql://me:hunter2@there:5432/x", "hunter2"),
        ("postgresql://me:hun/ter@2@there:5432/x", "hun/ter@2"),
        ("https://s3cr3tuser@there/1", "s3cr3tuser"),
        ("password=hunter2 user=me", "hunter2"),
        ('{"password": "hunter 2", "user": "me"}', "hunter 2"),
        (r'"{\"password\": \"hunter2\"}"', "hunter2"),
        ("https://there/x?api_key=k123456&y=1", "k123456"),
        ("private-key: zzz", "zzz"),
        ("my_token='t0ken'", "t0ken"),
        ("-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----", "MHcCAQEE"),
        ("-----BEGIN PRIVATE KEY-----\nMHcCAQEE", "MHcCAQEE"),
    ],
)
def test_a_secret_is_known_by_its_shape(text: str, secret: str) -> None:
    found = Secrets().redact(text)
    assert secret not in found
    assert HIDDEN in found
    assert Secrets().redact(found) == found


@pytest.mark.parametrize(
    "text",
    [
        "BTC filled at 65000.5",
        f"order {CLOID} of {ADDRESS}",
        "https://there:443/x?y=1",
        "keys: three, tokens left: 5",
        "author of the pass",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Secrets().redact(text) == text


def test_what_was_registered_is_hidden_in_every_form_it_is_written_in() -> None:
    secrets = Secrets()
    assert secrets.add("p@ss/w rd", "0xABCDEF12")
    for text in ("p@ss/w rd", "p%40ss%2Fw%20rd", "p%40ss/w%20rd", "abcdef12", "xABCDEF12y"):
        assert HIDDEN in secrets.redact(text), text


def test_a_short_value_is_not_registered_and_says_so() -> None:
    secrets = Secrets()
    assert not secrets.add("12345")
    assert secrets.redact("12345") == "12345"
    assert not secrets.add("  ")


def test_a_registered_part_does_not_keep_the_whole_from_being_hidden() -> None:
    secrets = Secrets()
    secrets.add("abcdef")
    secrets.add("abcdefghi")
    assert secrets.redact("x abcdefghi") == f"x {HIDDEN}"


def test_variables_are_registered_by_their_names_and_passwords_of_addresses() -> None:
    secrets = Secrets()
    secrets.add_environment(
        {
            "HYPERLIQUID_PRIVATE_KEY": "not-even-hex",
            "GITHUB_TOKEN": "t-123456",
            "APP_DATABASE__URL": "postgresql://me:hunter%212@there/x",
            "HYPERLIQUID_PRIVATE_KEY_FILE": "/run/credentials/key",
            "KEYBOARD_LAYOUT": "querty",
            "ODD": "://[",
        }
    )
    for hidden in ("not-even-hex", "t-123456", "hunter%212", "hunter!2"):
        assert secrets.redact(hidden) == HIDDEN
    for shown in ("/run/credentials/key", "querty"):
        assert secrets.redact(shown) == shown


def test_only_named_fields_may_hold_64_hex_digits() -> None:
    clean = Secrets().clean
    assert clean(KEY, "tx_hash") == KEY
    assert clean({"hash": KEY, "other": KEY}) == {"hash": KEY, "other": HIDDEN}
    assert clean([KEY], "hash") == [KEY]
    assert clean({"hash": {"inner": KEY}}) == {"hash": {"inner": HIDDEN}}
    secrets = Secrets()
    secrets.add(KEY)
    assert secrets.clean(KEY, "tx_hash") == HIDDEN


@pytest.mark.parametrize(
    "field", ["password", "api_key", "bot_token", "Authorization", "private_key", "client_secret", "mnemonic", "cookie"]
)
def test_a_field_with_the_name_of_a_secret_is_hidden_whatever_it_holds(field: str) -> None:
    assert Secrets().clean({field: "x"}) == {field: HIDDEN}
    assert Secrets().clean([(field, "x")]) == [[field, HIDDEN]]
    assert Secrets().clean({field: ["x", {"y": 1}]}) == {field: HIDDEN}


def test_a_key_is_hidden_as_number_bytes_and_inside_of_objects() -> None:
    @dataclass
    class Holder:
        key: str

    clean = Secrets().clean
    assert clean(int(KEY, 16)) == HIDDEN
    assert clean(bytes.fromhex(KEY)) == "<32 bytes>"
    assert KEY not in str(clean(Holder(KEY)))
    assert KEY not in str(clean(ValueError(f"bad key {KEY}")))
    assert KEY not in str(clean({KEY: 1}))
    assert KEY not in str(clean(SigningKey("0x" + KEY)))


def test_values_become_what_json_has() -> None:
    class Side(Enum):
        BUY = "buy"

    given_ = {
        "none": None,
        "flag": True,
        "float": 1.5,
        "big": 2**70,
        "decimal": Decimal("1.50"),
        "path": Path("x/y"),
        "side": Side.BUY,
        "when": datetime(2026, 1, 1, tzinfo=UTC),
        "many": deque([1, 2]),
    }
    assert Secrets().clean(given_) == {
        "none": None,
        "flag": True,
        "float": 1.5,
        "big": str(2**70),
        "decimal": "1.50",
        "path": "x/y",
        "side": "buy",
        "when": "2026-01-01T00:00:00+00:00",
        "many": [1, 2],
    }


def test_what_cannot_be_shown_says_so_and_raises_nothing() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    assert Secrets().clean(Broken()) == "<Broken: cannot be shown: RuntimeError>"


def test_size_and_depth_are_bounded() -> None:
    clean = Secrets().clean
    assert len(str(clean("x " * 10**6))) < TEXT_MAX + 100
    assert len(clean(list(range(1_000)))) == 101  # type: ignore[arg-type]
    assert len(clean({str(n): n for n in range(1_000)})) == 100  # type: ignore[arg-type]
    endless: list[object] = []
    endless.append(endless)
    assert "…" in str(clean(endless))


@given(st.integers(0, 3 * TEXT_MAX), st.integers(0, 3 * TEXT_MAX))
def test_a_secret_that_a_cut_goes_through_is_not_told_in_part(before: int, after: int) -> None:
    found = Secrets().shortened(f"{'- ' * (before // 2)}0x{KEY}{' -' * (after // 2)}")
    assert KEY[:8] not in found
    assert KEY[-8:] not in found


@given(st.text(alphabet=string.printable, max_size=300))
def test_no_text_fails_and_what_is_redacted_stays_so(text: str) -> None:
    once = Secrets().redact(text)
    assert Secrets().redact(once) == once
