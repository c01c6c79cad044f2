"""What users give as data, as inputs of the native reader: ``(name, opener, symbol)``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

from algo_trade.data.lake import bar_files
from algo_trade.errors import DataError, ParameterError


@runtime_checkable
class ArrowTable(Protocol):
    """Anything that gives its rows as an Arrow C stream: polars, pyarrow, pandas, DuckDB and others."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Give a capsule with the stream."""


Single: TypeAlias = "str | os.PathLike[str] | ArrowTable"
DataLike: TypeAlias = "Single | Sequence[Single] | Mapping[str, Single]"
Input: TypeAlias = "tuple[str, Callable[[], ArrowTable] | None, str | None]"

#: Endings of the files that a directory stands for.
ENDINGS = (".csv", ".csv.gz", ".csv.zst", ".parquet", ".pq", ".arrow", ".feather", ".ipc")
BATCH_ROWS = 16_384
READ_BYTES = 1 << 20


def find_inputs(data: DataLike, columns: Mapping[str, str]) -> list[Input]:
    """List the inputs of what a user gave.

    Raises
    ------
    DataError
        A path that does not exist, or a directory without data files.
    ParameterError
        Something that is neither path nor table.
    """
    if isinstance(data, Mapping):
        return [
            (name, opener, symbol) for symbol, item in data.items() for name, opener, _ in _of_single(item, columns)
        ]
    if isinstance(data, (list, tuple)):
        inputs = [found for item in data for found in _of_single(item, columns)]
        if not inputs:
            message = "data: the list is empty: give at least one path or table"
            raise ParameterError(message)
        return inputs
    return list(_of_single(data, columns))


def paths_of(data: DataLike) -> list[str] | dict[str, str] | None:
    """Give what the data can be read from again, as text; None if a part of them is a table in memory."""
    if isinstance(data, Mapping):
        named = {symbol: os.fspath(item) for symbol, item in data.items() if isinstance(item, (str, os.PathLike))}
        return named if len(named) == len(data) else None
    items = list(data) if isinstance(data, (list, tuple)) else [data]
    paths = [os.fspath(item) for item in items if isinstance(item, (str, os.PathLike))]
    return paths if len(paths) == len(items) else None


def _of_single(item: object, columns: Mapping[str, str]) -> Iterator[Input]:
    if isinstance(item, (str, os.PathLike)):
        path = Path(item)
        if path.is_dir() and (parts := bar_files(path)):
            yield from (_of_file(part, columns) for part in parts)
        elif path.is_dir():
            files = sorted(file for file in path.iterdir() if file.is_file() and file.name.lower().endswith(ENDINGS))
            if not files:
                raise _data_error(str(path), f"the directory holds no data files ({', '.join(ENDINGS)})")
            for file in files:
                yield _of_file(file, columns)
        else:
            yield _of_file(path, columns)
    elif isinstance(item, ArrowTable):
        yield (f"{type(item).__name__} table", lambda: item, None)
    else:
        message = f"data: {type(item).__name__} is neither a path nor a table with __arrow_c_stream__"
        raise ParameterError(message)


def _of_file(path: Path, columns: Mapping[str, str]) -> Input:
    name = str(path)
    try:
        with path.open("rb") as file:
            first = file.read(8)
    except FileNotFoundError:
        raise _data_error(name, "there is no such file") from None
    except OSError as error:
        raise _data_error(name, f"cannot be read: {error.strerror}") from error
    if first.startswith(b"PAR1"):
        return (name, lambda: _open_parquet(name, columns), None)
    if first.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return (name, lambda: _open_ipc(name, is_file=first.startswith(b"ARROW1")), None)
    return (name, None, None)


def _wanted(names: Sequence[str], columns: Mapping[str, str]) -> list[str]:
    """Names of the columns that can be columns of bars; the native reader says which is missing."""
    wanted = {name.lower() for name in ("timestamp", "symbol", "open", "high", "low", "close", "volume")}
    wanted |= {header.lower() for header in columns.values()}
    kept = [name for name in names if name.strip().lower() in wanted]
    # All of them where some are missing, so that the message can list and suggest.
    return kept if len(kept) >= 5 else list(names)


def _open_parquet(name: str, columns: Mapping[str, str]) -> ArrowTable:
    # pyarrow takes a tenth of a second to import, which those who read CSV need not spend.
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    with _naming(name):
        # Small reads on one thread: as quick, since the bars are made on one, and 40 MiB less at the peak.
        file = pq.ParquetFile(name, pre_buffer=False, buffer_size=READ_BYTES)
        schema = file.schema_arrow
        wanted = _wanted(schema.names, columns)
        batches = file.iter_batches(batch_size=BATCH_ROWS, columns=wanted, use_threads=False)
        chosen = pa.schema([schema.field(column) for column in schema.names if column in set(wanted)])
        reader: ArrowTable = pa.RecordBatchReader.from_batches(chosen, batches)
        return reader


def _open_ipc(name: str, *, is_file: bool) -> ArrowTable:
    import pyarrow as pa  # noqa: PLC0415

    with _naming(name):
        if not is_file:
            stream: ArrowTable = pa.ipc.open_stream(pa.OSFile(name))
            return stream
        file = pa.ipc.open_file(pa.OSFile(name))
        batches = (file.get_batch(index) for index in range(file.num_record_batches))
        reader: ArrowTable = pa.RecordBatchReader.from_batches(file.schema, batches)
        return reader


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Turn what pyarrow raises into a ``DataError`` that names the file."""
    import pyarrow as pa  # noqa: PLC0415

    try:
        yield
    except (pa.ArrowException, OSError, EOFError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _data_error(name, f"cannot be read: {reason}") from error


def _data_error(name: str, problem: str) -> DataError:
    error = DataError(f"{name}: {problem}")
    error.file = name
    return error
