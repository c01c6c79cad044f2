"""A lake in an object store is one like any other; what a store does wrong is said without its secrets."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import obstore
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import algo_trade as at
from algo_trade.core.times import time_ns
from algo_trade.data import HistoricalDataProvider, synthetic_ticks
from algo_trade.errors import ParameterError, StorageError, StorageUnavailableError
from algo_trade.storage.lake import ParquetStorage, objects
from algo_trade.storage.lake.check import verify
from tests.backtest.commands import Answer, here
from tests.lake.objects import BUCKET, environment, serving
from tests.lake.rows import bars, trades
from tests.lake.test_storage import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving() as found:
        yield found


@pytest.fixture
def url(port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in environment(port).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return f"s3://{BUCKET}/{secrets.token_hex(4)}/lake"


def test_rows_are_written_read_joined_compacted_swept_and_verified(url: str) -> None:
    lake = ParquetStorage(url)
    assert lake.parts() == []
    lake.write("trades", trades("BTC", (10, 20, 30)), venue="v")
    assert lake.write("trades", trades("BTC", (20, 30)), venue="v") == []
    lake.write("trades", trades("BTC", (15, 40)), venue="v")
    lake.write("trades", trades("BTC", (50, 60)), venue="v")
    lake.write("bars", bars("A/B", range(100)), venue="v", resolution="1m")
    assert lake.query("trades").read_all().equals(shown(trades("BTC", (10, 15, 20, 30, 40, 50, 60))))
    assert lake.compact() == (2, 1)
    assert lake.sweep() == [], "somebody may read them"
    assert len(lake.sweep(after_s=0)) == 3
    fresh = ParquetStorage(url)
    assert len(fresh.parts()) == 2
    assert list(verify(fresh, fresh.parts())) == []
    closes = fresh.query("bars", "A/B", start=time_ns("2026-03-01T00:10"), columns=["close"]).read_all()
    assert closes.num_rows == 90


def test_only_what_a_question_needs_is_fetched(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = ParquetStorage(url)
    rows = trades("BTC", range(300_000))
    aux = pa.array(np.random.default_rng(1).integers(1 << 62, size=rows.num_rows))
    (part,) = lake.write("trades", rows.set_column(rows.schema.get_field_index("aux"), "aux", aux), venue="v")
    fetched: list[int] = []
    whole: Any = obstore.get_range

    def counting(*arguments: object, **options: Any) -> object:
        fetched.append(options["length"])
        return whole(*arguments, **options)

    monkeypatch.setattr(obstore, "get_range", counting)
    start = time_ns("2026-03-01") + 300_000
    found = lake.query("trades", start=start, end=start + 10, columns=["exchange_time", "side"]).read_all()
    assert found.num_rows == 0
    start = time_ns("2026-03-01") + 250_000
    found = lake.query("trades", start=start, end=start + 10, columns=["exchange_time", "side"]).read_all()
    assert found.num_rows == 10
    assert len(fetched) <= 4
    assert sum(fetched) < part.size / 4


def test_of_two_writers_who_commit_at_once_one_comes_after_the_other(url: str) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            lake = ParquetStorage(url)
            for step in range(3):
                lake.write(
                    "trades", trades("BTC", range(step * 100 + number * 10, step * 100 + number * 10 + 15)), venue="v"
                )
        except BaseException as error:  # noqa: BLE001 -- told by the test
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    wanted = sorted({step * 100 + number * 10 + at for number in range(3) for step in range(3) for at in range(15)})
    lake = ParquetStorage(url)
    assert lake.query("trades").read_all().equals(shown(trades("BTC", wanted)))
    assert not [each for each in verify(lake, lake.parts()) if each.severity == "error"]


def test_a_commit_whose_answer_was_lost_is_ours(url: str) -> None:
    files = ParquetStorage(url).files
    files.write("_manifest/000000000001.json", b"ours")
    files.write("_manifest/000000000001.json", b"ours")
    with pytest.raises(FileExistsError):
        files.write("_manifest/000000000001.json", b"theirs")


def test_a_backtest_reads_bars_by_range_and_ticks_from_copies(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "lake"
    synthetic_ticks("BTC", 20_000, folder)
    near, far = ParquetStorage(folder), ParquetStorage(url)
    near.write("bars", bars("BTC", range(1440)), venue="v", resolution="1m")
    for kind in ("book", "trades"):
        far.write(kind, near.query(kind).read_all().drop_columns(["venue"]), venue="synthetic")
    far.write("bars", bars("BTC", range(1440)), venue="v", resolution="1m")
    far.files.write("instruments.toml", (folder / "instruments.toml").read_bytes())

    def run(lake: str, rows: str, strategy: str, **options: Any) -> str:
        return at.backtest(f"lake://{rows}/BTC?lake={lake}", strategy, initial_capital=10**9, **options).digest

    for rows, strategy in (("bars", "ma_crossover"), ("book,trades", "market_maker")):
        assert run(url, rows, strategy, quantity=1) == run(str(folder), rows, strategy, quantity=1)
    copies = list((tmp_path / "cache").rglob("*.parquet"))
    assert len(copies) == 2
    before = [copy.stat().st_ino for copy in copies]
    HistoricalDataProvider(far.select(["book", "trades"], "BTC"))
    assert [copy.stat().st_ino for copy in copies] == before, "they were fetched once"
    copies[0].write_bytes(b"cut off")
    assert run(url, "book,trades", "market_maker", quantity=1)
    os.utime(copies[0], (0, 0))
    HistoricalDataProvider(far.select("trades", "BTC"))
    assert len(list((tmp_path / "cache").rglob("*.parquet"))) <= 2


def test_what_is_gone_or_damaged_is_named_and_the_rest_is_read(url: str) -> None:
    lake = ParquetStorage(url)
    parts = lake.write("trades", pa.concat_tables([trades("BTC"), trades("ETH"), trades("SOL")]), venue="v")
    lake.files.delete(parts[0].path)
    content = bytearray(lake.files.read(parts[1].path))
    content[len(content) // 3] ^= 0x10
    lake.files.delete(parts[1].path)
    lake.files.write(parts[1].path, bytes(content))
    with pytest.raises(StorageError, match=f"{url}/{parts[0].path}: is gone: the manifest names it"):
        lake.query("trades", "BTC").read_all()
    assert lake.query("trades", "SOL").read_all().num_rows == 3
    found = {finding.where: finding.problem for finding in verify(lake, parts)}
    assert found[f"{url}/{parts[0].path}"].startswith("is gone")
    assert set(found) == {f"{url}/{part.path}" for part in parts[:2]}


def test_a_bucket_that_is_not_there_is_said(url: str) -> None:
    del url
    lake = ParquetStorage("s3://nowhere/lake")
    with pytest.raises(StorageError, match="s3://nowhere/lake: there is no bucket nowhere: make it, or check its name"):
        lake.parts()
    with pytest.raises(StorageError, match="there is no bucket nowhere"):
        lake.write("trades", trades(), venue="v")


@contextmanager
def silent() -> Iterator[int]:
    """Listen, and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_store_that_does_not_answer_is_said_without_its_secrets(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "TIMEOUT_S", 1)
    monkeypatch.setattr(objects, "RETRIES", 0)
    with silent() as port:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        lake = ParquetStorage(url)
        asked: list[Callable[[], object]] = [lake.parts, lambda: lake.write("trades", trades(), venue="v")]
        for ask in asked:
            with pytest.raises(StorageUnavailableError) as found:
                ask()
            assert str(found.value).startswith(f"{url}: the store does not answer: ")
            assert "a-secret" not in str(found.value)
            assert len(str(found.value)) < 400
    with pytest.raises(StorageUnavailableError, match="the store does not answer"):
        lake.parts()


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("s3://key:hidden@bucket/lake", "s3://bucket: credentials and options do not belong into the URL"),
        ("s3://bucket/lake?secret=hidden", "s3://bucket: credentials and options do not belong into the URL"),
        ("s3:///lake", "names no bucket: s3://BUCKET/PREFIX"),
        ("http://bucket/hidden", "http://: is no lake: give a folder, or s3://, gs://, az://"),
    ],
)
def test_an_address_that_cannot_be_is_refused_without_what_it_holds(given: str, problem: str) -> None:
    with pytest.raises(ParameterError, match=problem) as found:
        ParquetStorage(given)
    assert "hidden" not in str(found.value)


def test_without_the_library_an_object_store_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['obstore'] = None\n"
        "from algo_trade.storage.lake import ParquetStorage\n"
        "try: ParquetStorage('s3://bucket/lake')\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == "ConfigError s3:// needs obstore: pip install 'algo-trade[storage]'\n"


def test_commands_take_a_store(
    url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def data(*arguments: str | Path) -> Answer:
        return here(capfd, monkeypatch, "data", *arguments)

    lake = ParquetStorage(url)
    for minutes in (range(10), range(20, 30)):
        lake.write("bars", bars("BTC", minutes), venue="v", resolution="1m")
    done = data("list", url, "--json")
    assert [each["rows"] for each in json.loads(done.out)] == [20], done.err
    assert data("verify", url).code == 0
    assert data("compact", url, "--keep", "0").out == "2 files became 1; 2 that nobody needs were deleted\n"
    done = data("query", url, "--sql", "select symbol, count(*) as n from bars group by symbol", "--json")
    assert json.loads(done.out) == [{"symbol": "BTC", "n": 20}], done.err
    done = data("query", url, "--out", tmp_path / "rows.csv")
    assert done.out == f"20 rows in {tmp_path / 'rows.csv'}\n", done.err
    done = data("list", "s3://nowhere/lake")
    assert (done.code, done.out) == (1, ""), done.err
    assert "there is no bucket nowhere" in done.err
    assert "Traceback" not in done.err


ROWS = st.lists(
    st.tuples(st.sampled_from(["BTC", "ETH"]), st.integers(0, 1), st.integers(0, 30)), min_size=1, max_size=8
)


@settings(max_examples=6, deadline=None)
@given(st.lists(st.one_of(ROWS, st.just("compact"), st.just("sweep")), min_size=1, max_size=5))
def test_any_mix_of_deeds_answers_like_a_table_in_memory(port: int, deeds: list) -> None:  # type: ignore[type-arg]
    table: set[tuple[str, int, int]] = set()
    with pytest.MonkeyPatch.context() as patched:
        for name, value in environment(port).items():
            patched.setenv(name, value)
        lake = ParquetStorage(f"s3://{BUCKET}/{secrets.token_hex(8)}")
        for deed in deeds:
            if deed == "compact":
                lake.compact()
            elif deed == "sweep":
                lake.sweep(after_s=0)
            else:
                table |= set(deed)
                rows = [trades(symbol, (after,), day=f"2026-03-0{1 + day}") for symbol, day, after in deed]
                lake.write("trades", pa.concat_tables(rows).unify_dictionaries(), venue="v")
        got = lake.query("trades", columns=["symbol", "exchange_time"]).read_all().to_pylist()
        wanted = [(symbol, time_ns(f"2026-03-0{1 + day}") + after) for symbol, day, after in sorted(table)]
        assert [(row["symbol"], row["exchange_time"].value) for row in got] == wanted
