"""Questions in SQL, answered by DuckDB over the files of a lake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

from algo_trade.errors import ParameterError
from algo_trade.storage.kinds import KINDS, plain

if TYPE_CHECKING:
    from algo_trade.storage.lake.layout import Part
    from algo_trade.storage.lake.storage import ParquetStorage


def ask(lake: ParquetStorage, question: str) -> pa.Table:
    """Answer a question. Each kind is a table with ``venue`` and ``symbol``; what a question does not need is not read.

    The question sees the lake and nothing else: no files, no network, and nothing that it could change.

    Raises
    ------
    ParameterError
        The question cannot be answered; the message says why.
    """
    parts: dict[str, list[Part]] = {}
    for part in lake.parts():
        if part.path.endswith(".parquet"):
            parts.setdefault(part.partition.kind, []).append(part)
    with duckdb.connect(":memory:") as connection:
        for kind, of in KINDS.items():
            held = parts.get(kind)
            connection.register(kind, _dataset(lake, kind, held) if held else plain(None, of).empty_table())
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        try:
            answer: pa.Table = connection.sql(question).to_arrow_table()
        except AttributeError:
            raise ParameterError("sql: it asks nothing: begin with SELECT") from None
        except duckdb.Error as error:
            raise ParameterError(f"sql: {error}") from None
        return answer


def _dataset(lake: ParquetStorage, kind: str, parts: list[Part]) -> ds.Dataset:
    said = [
        (ds.field("venue") == part.partition.venue) & (ds.field("symbol") == part.partition.symbol) for part in parts
    ]
    # Symbols are those of the folders: of ticks the files have them as numbers of a dictionary.
    return ds.FileSystemDataset.from_paths(
        [part.path for part in parts],
        schema=plain(None, KINDS[kind]),
        format=ds.ParquetFileFormat(),
        filesystem=lake.files.filesystem,
        partitions=said,
    )
