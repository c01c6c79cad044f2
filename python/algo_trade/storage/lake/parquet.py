"""Parts of a lake as files: written, joined, and read in order."""

from __future__ import annotations

import hashlib
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from algo_trade._native import write_ticks
from algo_trade.errors import ParameterError, StorageError
from algo_trade.storage.kinds import KINDS, SCHEMA_VERSION
from algo_trade.storage.lake.files import Entry, Folder
from algo_trade.storage.lake.layout import Part, Partition, date_of, part_path, place_of, span_ns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from algo_trade.storage.kinds import Kind
    from algo_trade.storage.lake.files import Files

RESOLUTION_KEY = "algo_trade.resolution_ns"
"""The length of a bar in the metadata of a file of bars: one day may hold a single bar, which cannot say."""

GROUP_ROWS = 1 << 17
BATCH_ROWS = 1 << 16
_READ_BYTES = 1 << 20


def write_part(folder: Path, partition: Partition, batches: pa.RecordBatchReader, source: str) -> tuple[Path, Part]:
    """Write rows that are in order into a file of a folder; return it and how the lake knows it once it is there."""
    kind = KINDS[partition.kind]
    file = folder / f"{secrets.token_hex(8)}.parquet"
    if kind.is_ticks:
        rows, first_ns, last_ns, _ = write_ticks(
            batches,
            str(file),
            kind=kind.name,
            venue=partition.venue,
            symbol=partition.symbol,
            day_ns=span_ns(partition.date)[0],
            source=source,
        )
    else:
        rows, first_ns, last_ns = _write_table(file, kind, partition, batches, source)
    path = part_path(partition, first_ns, last_ns)
    return file, Part(partition, first_ns, last_ns, path, rows, file.stat().st_size, sha256_of(file))


def _write_table(
    file: Path, kind: Kind, partition: Partition, batches: pa.RecordBatchReader, source: str
) -> tuple[int, int, int]:
    notes = {
        "algo_trade.schema": str(SCHEMA_VERSION),
        "algo_trade.kind": kind.name,
        "algo_trade.venue": partition.venue,
        "algo_trade.symbol": partition.symbol,
        "algo_trade.source": source,
        RESOLUTION_KEY: str(partition.resolution_ns),
    }
    rows, first_ns, last_ns = 0, 0, 0
    times = [
        name for name, of in zip(batches.schema.names, batches.schema.types, strict=True) if pa.types.is_timestamp(of)
    ]
    # Volumes hardly come twice: byte by byte they take less, and less time, than through a dictionary.
    split = [name for name in batches.schema.names if name == "volume"]
    plain = [name for name in batches.schema.names if name not in {*times, *split}]
    with (
        pa.OSFile(str(file), "wb") as sink,
        pq.ParquetWriter(
            sink,
            batches.schema.with_metadata(notes),
            compression="zstd",
            use_dictionary=plain,
            column_encoding=dict.fromkeys(times, "DELTA_BINARY_PACKED") | dict.fromkeys(split, "BYTE_STREAM_SPLIT"),
            sorting_columns=[pq.SortingColumn(batches.schema.get_field_index(kind.time))],
            write_page_index=True,
            write_page_checksum=True,
        ) as writer,
    ):
        for table in _groups(batches):
            writer.write_table(table, row_group_size=GROUP_ROWS)
            at = table[kind.time].cast(pa.int64())
            first_ns = at[0].as_py() if not rows else first_ns
            last_ns = at[-1].as_py()
            rows += table.num_rows
    return rows, first_ns, last_ns


def _groups(batches: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """Join batches until they fill a row group."""
    waiting: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        if batch.num_rows:
            waiting.append(batch)
            count += batch.num_rows
        if count >= GROUP_ROWS:
            yield pa.Table.from_batches(waiting)
            waiting, count = [], 0
    if waiting:
        yield pa.Table.from_batches(waiting)


def joined(kind: Kind, tables: Sequence[pa.Table]) -> pa.Table:
    """Return the rows of several tables in order, each once: of two with the same key the one of the earlier table.

    Raises
    ------
    ParameterError
        Some have a volume and others do not.
    """
    if len({"volume" in table.column_names for table in tables}) > 1:
        raise ParameterError(
            f"{kind.name}: volume: those of that day that are there have one or the new ones, not both: import the day anew"
        )
    frame = pl.concat([pl.DataFrame(table.drop_columns(["symbol"])) for table in tables])
    frame = frame.sort(kind.order, maintain_order=True).unique(kind.key, keep="first", maintain_order=True)
    symbol = next((table["symbol"][0].as_py() for table in tables if table.num_rows), "")
    schema = pa.schema([field for field in kind.schema if field.name in tables[0].column_names])
    return table_of(frame, schema, pa.repeat(pa.scalar(symbol, pa.string()), frame.height))


def table_of(frame: pl.DataFrame, schema: pa.Schema, symbols: pa.Array) -> pa.Table:
    """Return a frame as a table with these columns, of which it lacks the symbols."""
    rows: pa.Table = frame.to_arrow()
    columns = [symbols if field.name == "symbol" else rows[field.name] for field in schema]
    return pa.table([column.cast(field.type) for column, field in zip(columns, schema, strict=True)], schema=schema)


def read_part(
    files: Files,
    part: Part,
    columns: Sequence[str] | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
) -> Iterator[pa.RecordBatch]:
    """Give the rows of a part within [start, end), in order, with these columns or all.

    Raises
    ------
    StorageError
        The file is gone or damaged; the message names it.
    """
    kind = KINDS[part.partition.kind]
    if not kind.is_ticks and (start_ns is None or start_ns <= part.first_ns) and part.rows >= 0:
        start_ns = None  # Ticks of before a stream began lie ahead of what a part covers.
    if end_ns is not None and part.last_ns < end_ns:
        end_ns = None
    is_cut = start_ns is not None or end_ns is not None
    if columns is not None and kind.time not in columns and (is_cut or not columns):
        columns = [kind.time, *columns]
    with naming(files, part.path):
        for batch in _batches(files, part.path, columns, kind.time, start_ns, end_ns):
            cut = _cut(batch, kind.time, start_ns, end_ns)
            if cut.num_rows:
                yield cut


def _batches(
    files: Files,
    path: str,
    columns: Sequence[str] | None,
    time: str,
    start_ns: int | None,
    end_ns: int | None,
) -> Iterator[pa.RecordBatch]:
    if path.endswith(".arrow"):
        with files.filesystem.open_input_file(path) as opened:
            reader = pa.ipc.open_file(opened)
            for number in range(reader.num_record_batches):
                batch = reader.get_batch(number)
                yield batch if columns is None else batch.select(columns)
        return
    with pq.ParquetFile(
        files.filesystem.open_input_file(path),
        # Of a store, what lies together comes with one request.
        buffer_size=0 if files.is_remote else _READ_BYTES,
        pre_buffer=files.is_remote,
        page_checksum_verification=True,
    ) as file:
        groups = [
            number
            for number in range(file.metadata.num_row_groups)
            if _may_hold(file.metadata.row_group(number), time, start_ns, end_ns)
        ]
        # A volume that nobody told is no column.
        known = columns and [name for name in columns if name in file.schema_arrow.names]
        yield from file.iter_batches(BATCH_ROWS, row_groups=groups, columns=known, use_threads=False)


def _may_hold(group: pq.RowGroupMetaData, time: str, start_ns: int | None, end_ns: int | None) -> bool:
    """Whether rows of a group can lie within [start, end), by its statistics."""
    if start_ns is None and end_ns is None:
        return True
    column = next(each for each in map(group.column, range(group.num_columns)) if each.path_in_schema == time)
    found = column.statistics
    if found is None or not found.has_min_max:
        return True
    first, last = (pa.scalar(value, pa.timestamp("ns", tz="UTC")).value for value in (found.min, found.max))
    return (end_ns is None or first < end_ns) and (start_ns is None or last >= start_ns)


def _cut(batch: pa.RecordBatch, time: str, start_ns: int | None, end_ns: int | None) -> pa.RecordBatch:
    if start_ns is None and end_ns is None:
        return batch
    times = batch.column(time).cast(pa.int64()).to_numpy(zero_copy_only=False)
    first = 0 if start_ns is None else int(np.searchsorted(times, start_ns))
    last = batch.num_rows if end_ns is None else int(np.searchsorted(times, end_ns))
    return batch.slice(first, last - first)


@contextmanager
def naming(files: Files, path: str) -> Iterator[None]:
    """Turn what the readers raise into a ``StorageError`` that names the file and what to do."""
    name = f"{files.name}/{path}"
    try:
        yield
    except FileNotFoundError:
        raise StorageError(f"{name}: is gone: the manifest names it; restore it from a backup") from None
    except (pa.ArrowException, OSError, EOFError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise StorageError(
            f"{name}: cannot be read: {reason}; run `algo-trade data verify` to see what else is damaged"
        ) from error


def sha256_of(file: Path) -> str:
    """Return the digest of a file of this machine, as hex."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def describe(files: Files, entry: Entry) -> Part | None:
    """Return a file as the lake knows it, by its name and by what it says itself; None if it is no part.

    Raises
    ------
    StorageError
        It is damaged; the message names it.
    """
    place = place_of(entry.path)
    if place is None:
        return None
    partition, first_ns, last_ns = place
    with naming(files, entry.path), files.filesystem.open_input_file(entry.path) as opened:
        if entry.path.endswith(".arrow"):
            reader = pa.ipc.open_file(opened)
            rows, length_ns = sum(reader.get_batch(at).num_rows for at in range(reader.num_record_batches)), 0
        else:
            metadata = pq.read_metadata(opened)
            rows, length_ns = metadata.num_rows, _resolution(metadata)
        digest = hashlib.sha256(files.read(entry.path)).hexdigest()
    return Part(
        partition._replace(resolution_ns=length_ns).whole, first_ns, last_ns, entry.path, rows, entry.size, digest
    )


def place_in(file: Path) -> tuple[Partition, int, int] | None:
    """Return what a file of this machine is a part of and the times that it covers, by its path or as it says; None if it is no part.

    Raises
    ------
    StorageError
        It looks like a part, and is damaged; the message names it.
    """
    if (place := place_of(file.absolute().as_posix())) is not None:
        return place
    with file.open("rb") as opened:
        magic = opened.read(6)
    if not magic.startswith((b"PAR1", b"ARROW1")):
        return None
    folder = Folder(file.parent)
    with naming(folder, file.name), folder.filesystem.open_input_file(file.name) as source:
        is_arrow = magic == b"ARROW1"
        said = getattr(pa.ipc.open_file(source), "metadata", None) if is_arrow else pq.read_metadata(source).metadata
    notes = {key.decode(): value.decode(errors="replace") for key, value in (said or {}).items()}
    kind = KINDS.get(notes.get("algo_trade.kind", ""))
    if kind is None:
        return None
    with naming(folder, file.name), folder.filesystem.open_input_file(file.name) as source:
        rows = pa.ipc.open_file(source).read_all() if is_arrow else pq.read_table(source, columns=[kind.time])
    found = pc.min_max(rows[kind.time].cast(pa.int64())).as_py()
    length_ns = int(notes.get(RESOLUTION_KEY, 0))
    first_ns, last_ns = found["min"] or 0, found["max"] or 0
    date = date_of(last_ns, length_ns)
    partition = Partition(kind.name, notes["algo_trade.venue"], notes["algo_trade.symbol"], date, length_ns)
    return partition, first_ns, last_ns


def counted(files: Files, part: Part) -> Part:
    """Return a part with its count of rows, which lakes without a log do not know."""
    if part.rows >= 0:
        return part
    return describe(files, Entry(part.path, part.size, 0.0)) or part


def columns_of(files: Files, part: Part) -> list[str]:
    """Return the names of the columns of a part.

    Raises
    ------
    StorageError
        The file is gone or damaged; the message names it.
    """
    with naming(files, part.path), files.filesystem.open_input_file(part.path) as opened:
        schema = pa.ipc.open_file(opened).schema if part.path.endswith(".arrow") else pq.read_schema(opened)
        return list(schema.names)


def resolution_in(file: Path) -> int:
    """Return the length of the bars in a file of this machine, as it says; 0 if it does not."""
    return _resolution(pq.read_metadata(file))


def _resolution(metadata: pq.FileMetaData) -> int:
    return int((metadata.metadata or {}).get(RESOLUTION_KEY.encode(), 0))
