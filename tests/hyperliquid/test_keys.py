"""Private keys: where they come from, what is refused, and that nothing ever shows one."""

from __future__ import annotations

import copy
import json
import os
import pickle
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from algo_trade import hyperliquid
from algo_trade.errors import CredentialError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DIGITS = "9e3b7c51d2f84a06b7e1c0935f6a28d4419bd07c6e5f3a8210cd94e7b65f3a12"
ADDRESS = hyperliquid.SigningKey(DIGITS).address


def write(path: Path, text: str | bytes, mode: int = 0o600) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


def shows_the_key(text: str) -> bool:
    """Any eight digits in a row."""
    lower = text.lower()
    return any(DIGITS[start : start + 8] in lower for start in range(len(DIGITS) - 7))


def test_a_key_is_made_of_hex_bytes_or_an_account_and_gives_its_address() -> None:
    known = hyperliquid.SigningKey("0x0123456789012345678901234567890123456789012345678901234567890123")
    assert known.address == "0x14791697260e4c9a71f18484c9f997b308e59325"
    assert known.checksum_address == "0x14791697260E4c9A71f18484C9f997B308e59325"

    class Account:
        key = bytes.fromhex(DIGITS)

    for given in (f"0x{DIGITS}", DIGITS.upper(), bytes.fromhex(DIGITS), Account()):
        assert hyperliquid.SigningKey(given).address == ADDRESS


def test_a_key_shows_its_address_alone_and_does_not_leave_the_process() -> None:
    key = hyperliquid.SigningKey(DIGITS)
    assert repr(key) == str(key) == f"SigningKey({ADDRESS})"
    assert not any(shows_the_key(str(getattr(key, name))) for name in dir(key))
    for copied in (lambda: pickle.dumps(key), lambda: copy.copy(key), lambda: copy.deepcopy(key)):
        with pytest.raises(TypeError, match="neither copied nor pickled"):
            copied()


MALFORMED: list[Any] = [
    DIGITS[1:],
    DIGITS + "0",
    f"0x0x{DIGITS[4:]}",
    DIGITS[:-1] + "g",
    DIGITS[:-1] + "é",
    DIGITS[:-1] + "\ud800",
    f" {DIGITS[1:]}",
    "f" * 64,
    "0" * 64,
    "",
    bytes.fromhex(DIGITS)[1:],
    bytearray.fromhex(DIGITS),
    [DIGITS],
    int(DIGITS, 16),
    None,
]


@pytest.mark.parametrize("given", MALFORMED, ids=range(len(MALFORMED)))
def test_a_malformed_key_is_refused_and_no_trace_shows_it(given: Any) -> None:
    makers: list[Callable[[], object]] = [
        lambda: hyperliquid.SigningKey(given),
        lambda: hyperliquid.sign_l1_action(given, {"type": "noop"}, 1),
        lambda: hyperliquid.signed_request(given, {"type": "noop"}, 1),
        lambda: hyperliquid.signed_cancels(given, [(0, 1)], 1),
    ]
    for make in makers:
        with pytest.raises(CredentialError) as raised:
            make()
        assert not shows_the_key("".join(traceback.format_exception(raised.value)))


def test_no_error_of_signing_shows_the_key() -> None:
    key = hyperliquid.SigningKey(DIGITS)
    user: dict[str, Any] = {"type": "usdSend"}
    wrong: list[Callable[[], object]] = [
        lambda: hyperliquid.sign_l1_action(key, {"a": object()}, 1),
        lambda: hyperliquid.sign_l1_action(DIGITS, {"a": 2**64}, 1),
        lambda: hyperliquid.sign_l1_action(DIGITS, {}, 1, "0x12"),
        lambda: hyperliquid.sign_user_action(DIGITS, user),
        lambda: hyperliquid.signed_user_request(key, user),
    ]
    for call in wrong:
        with pytest.raises(InputError) as raised:
            call()
        assert not shows_the_key("".join(traceback.format_exception(raised.value)))


def test_a_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYPERLIQUID_PRIVATE_KEY", f"0x{DIGITS}\n")
    assert hyperliquid.key_from_env().address == ADDRESS
    monkeypatch.setenv("OTHER", DIGITS[1:])
    with pytest.raises(CredentialError, match="variable OTHER: a private key is 32 bytes") as raised:
        hyperliquid.key_from_env("OTHER")
    assert not shows_the_key("".join(traceback.format_exception(raised.value)))
    monkeypatch.delenv("OTHER")
    with pytest.raises(CredentialError, match="OTHER is not set"):
        hyperliquid.key_from_env("OTHER")


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_key_comes_from_a_file_of_its_owner_alone(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path / "key", f"0x{DIGITS}\n", mode)
    assert hyperliquid.key_from_file(path).address == ADDRESS
    assert hyperliquid.key_from_file(str(path)).address == ADDRESS


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o602, 0o610, 0o601, 0o777])
def test_a_file_that_others_can_get_at_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path / "key", DIGITS, mode)
    for read in (hyperliquid.key_from_file, lambda path: hyperliquid.key_from_keystore(path, "")):
        with pytest.raises(CredentialError, match=f"mode {mode:04o}: others can get at the key: chmod 600 "):
            read(path)


def test_what_is_no_file_of_a_key_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    for path, message in [
        (tmp_path / "missing", "No such file"),
        (tmp_path, "not a regular file"),
        (pipe, "not a regular file"),
        (write(tmp_path / "empty", ""), "this has 0 bytes"),
        (write(tmp_path / "large", "0" * 70_000), "more than 65536 bytes"),
        (write(tmp_path / "binary", b"\xff" * 32), "not text"),
        (write(tmp_path / "short", DIGITS[1:]), "this has 63 bytes"),
        (write(tmp_path / "two", f"{DIGITS}\n{DIGITS}\n"), "this has 129 bytes"),
    ]:
        with pytest.raises(CredentialError, match=message) as raised:
            hyperliquid.key_from_file(path)
        assert not shows_the_key("".join(traceback.format_exception(raised.value)))


def test_a_key_comes_from_a_keystore_with_its_password(tmp_path: Path) -> None:
    account = pytest.importorskip("eth_account", reason="pip install eth-account").Account
    # A low count of rounds: the test is of the reading.
    keystore = account.encrypt(f"0x{DIGITS}", "correct horse", kdf="pbkdf2", iterations=10)
    path = write(tmp_path / "keystore.json", json.dumps(keystore))
    assert hyperliquid.key_from_keystore(path, "correct horse").address == ADDRESS
    assert hyperliquid.key_from_keystore(path, lambda: "correct horse").address == ADDRESS
    for name, text, password in [
        ("wrong", json.dumps(keystore), "battery staple"),
        ("broken", json.dumps(keystore)[:-20], "correct horse"),
        ("other", '{"version": 3}', "correct horse"),
        ("list", "[]", "correct horse"),
        ("plain", DIGITS, "correct horse"),
    ]:
        with pytest.raises(CredentialError, match="no keystore that opens with this password") as raised:
            hyperliquid.key_from_keystore(write(tmp_path / name, text), password)
        shown = "".join(traceback.format_exception(raised.value))
        assert not shows_the_key(shown)
        assert password not in shown
