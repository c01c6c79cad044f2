"""Addresses of stores: what they name, and that no password is ever shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algo_trade.errors import ParameterError
from algo_trade.storage.address import is_server, shown, sqlite_path

if TYPE_CHECKING:
    from pathlib import Path


def test_a_relative_path_is_one_in_the_working_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert sqlite_path("sqlite:///state/algo_trade.db") == tmp_path / "state" / "algo_trade.db"
    assert sqlite_path(f"sqlite:///{tmp_path}/x.db") == tmp_path / "x.db"


def test_links_are_followed_so_that_two_names_of_one_store_have_the_same_leases(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert sqlite_path(f"sqlite:///{tmp_path}/link/x.db") == tmp_path / "real" / "x.db"


@pytest.mark.parametrize("url", ["sqlite:///", "sqlite:///state/", "sqlite:///:memory:", "sqlite:///x.db?mode=ro"])
def test_an_address_without_a_file_is_refused(url: str) -> None:
    with pytest.raises(ParameterError, match="must name a file, without options"):
        sqlite_path(url)


@pytest.mark.parametrize("url", ["mysql://user:hunter2@host/db", "state.db", "", "sqlite://x.db"])
def test_a_store_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(ParameterError, match="must start with sqlite:/// or postgresql://") as caught:
        is_server(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("postgresql://ann:hunter2@db.example:5432/state", "postgresql://ann@db.example:5432/state"),
        ("postgresql://ann@db/state?password=hunter2", "postgresql://ann@db/state"),
        (
            "postgresql://ann:hunter2@one:1,two:2/state?target_session_attrs=primary",
            "postgresql://ann@one:1,two:2/state",
        ),
        ("postgresql://ann:hun@ter2@db/state", "postgresql://ann@db/state"),
        ("postgresql:///state?host=/run/postgresql&password=hunter2", "postgresql:///state"),
        ("postgresql://ann:hun/ter2@db/state", "postgresql://ann@db/state"),
        ("postgresql://ann:hun?ter2@db/state", "postgresql://ann@db/state"),
    ],
)
def test_an_address_is_shown_without_password_and_options(url: str, seen: str) -> None:
    assert shown(url) == seen


@pytest.mark.parametrize("password", ["hun/ter2", "hun?ter2", "hun#ter2", "hun ter2"])
def test_a_password_that_would_be_read_in_two_ways_is_refused_and_not_shown(password: str) -> None:
    with pytest.raises(ParameterError, match="write them as %2F") as caught:
        is_server(f"postgresql://ann:{password}@db/state")
    assert "ter2" not in str(caught.value)


@given(st.text("ab:@/?#% ", max_size=20))
def test_no_password_is_shown_however_the_address_is_written(rest: str) -> None:
    assert "hunter2" not in shown(f"postgresql://ann:{rest}hunter2@db/state")
