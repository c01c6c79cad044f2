"""The lake: writing, reading, compacting."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, final

import numpy as np
import pyarrow as pa

from algo_trade.core.times import duration_ns, time_ns
from algo_trade.errors import DataError, ParameterError, StorageError
from algo_trade.storage.kinds import KINDS, conform, kind_of, plain, shown
from algo_trade.storage.lake.files import Folder
from algo_trade.storage.lake.layout import DAY_NS, Part, Partition, date_of, part_path
from algo_trade.storage.lake.manifest import SWEEP_AFTER_S, Manifest, Version
from algo_trade.storage.lake.parquet import columns_of, describe, joined, read_part, write_part

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence

    from algo_trade.storage.kinds import Kind
    from algo_trade.storage.lake.files import Files

    Time = str | int | dt.datetime | dt.date


_STAGE = ".write-"


@final
class ParquetStorage:
    """A lake of Parquet files: any number of kinds, venues, symbols and days, in one folder.

    Rows of a kind, venue, symbol and day are a set: a row that is there already is not written again (:attr:`Kind.key` says what makes
    two rows the same), and of two bars of one time the first one stays. Whoever reads sees the lake as it was at one commit. Several
    processes may write at the same time.

    Parameters
    ----------
    path : the folder; it is made with the first write

    Raises
    ------
    ParameterError
        The path is a file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        root = Path(path)
        if root.exists() and not root.is_dir():
            raise ParameterError(f"{path}: is no folder: a lake is one")
        self._files: Files = Folder(root)
        self._manifest = Manifest(self._files)

    def __repr__(self) -> str:
        return f"ParquetStorage({self._files.name})"

    @property
    def files(self) -> Files:
        """Where it lies."""
        return self._files

    @property
    def manifest(self) -> Manifest:
        """Which files are of it."""
        return self._manifest

    def version(self, known: Version | None = None) -> Version:
        """Return the lake as it is now: its parts, which stay what they are. ``known`` itself if nothing has changed since."""
        return self._manifest.version(known)

    # --- writing ---

    def write(
        self,
        kind: str,
        rows: pa.Table,
        *,
        venue: str,
        resolution: str | int | dt.timedelta | None = None,
        source: str = "",
    ) -> list[Part]:
        """Write rows, of any symbols and days, in any order; return the parts that are new. All of them are there then, or none.

        Parameters
        ----------
        kind : which rows: one of :data:`~algo_trade.storage.kinds.KINDS`
        rows : a table with the columns of the kind (docs/data.md)
        venue : where they are from
        resolution : the length of bars, which they must have
        source : where they were got, for whoever asks the file

        Raises
        ------
        ParameterError
            A column or an option that does not fit.
        StorageError
            The lake cannot be written, or is damaged where the rows go.
        """
        of, groups = _split(kind, rows, venue, resolution)
        if not groups:
            return []
        with self.staging() as folder:
            self._manifest.begin()
            # Of each group: what it was joined with, and what came of that. It is made anew only if that has changed meanwhile.
            made: dict[Partition, tuple[list[Part], list[Part]]] = {}

            def change(version: Version) -> tuple[list[Part], list[str]] | None:
                held = version.partitions([kind], venue=venue)
                for partition, table, first_ns, last_ns in groups:
                    old = [part for part in held.get(partition, ()) if part.overlaps(first_ns, last_ns)]
                    if partition not in made or made[partition][0] != old:
                        made[partition] = old, self._merged(folder, of, partition, old, table, source)
                changed = [(old, new) for old, new in made.values() if new]
                if not changed:
                    return None
                return [part for _, new in changed for part in new], [part.path for old, _ in changed for part in old]

            return self._manifest.commit(change)

    def _merged(
        self, folder: Path, kind: Kind, partition: Partition, old: list[Part], new: pa.Table, source: str
    ) -> list[Part]:
        """Write the rows of old parts and new ones into one; none if nothing is new."""
        tables = [*(self._table(kind, part) for part in old), new]
        table = joined(kind, tables)
        if old and table.num_rows == sum(part.rows for part in old):
            return []
        file, part = write_part(folder, partition, table.to_reader(), source)
        self._files.adopt(part.path, file)
        return [part]

    def _table(self, kind: Kind, part: Part) -> pa.Table:
        batches = list(read_part(self._files, part))
        if not batches:
            return kind.schema.empty_table()
        return pa.Table.from_batches(batches).replace_schema_metadata(None)

    def lay(
        self,
        folder: Path,
        kind: str,
        rows: pa.Table,
        *,
        venue: str,
        resolution: str | int | dt.timedelta | None = None,
        source: str = "",
    ) -> None:
        """Write rows as parts of a folder from :meth:`staging`, for :meth:`adopt`; the options are those of :meth:`write`."""
        of, groups = _split(kind, rows, venue, resolution)
        for partition, table, _, _ in groups:
            file, part = write_part(folder, partition, joined(of, [table]).to_reader(), source)
            Folder(folder).adopt(part.path, file)

    def adopt(self, folder: Path) -> list[Part]:
        """Take over the parts that lie in a folder in the layout of a lake; they are moved from there. All of them, or none.

        Each takes the place of the parts whose times it covers; one that is there already, byte for byte, stays.

        Raises
        ------
        DataError
            A part that is there already covers other times too; nothing has changed then.
        """
        self._manifest.begin()
        stage = Folder(folder)
        found = [part for part in (describe(stage, entry) for entry in list(stage.list())) if part is not None]

        def replaced(version: Version) -> list[str]:
            held = version.partitions()
            paths = []
            for new, old in ((part, old) for part in fresh for old in held.get(part.partition, ())):
                if new.first_ns <= old.first_ns and old.last_ns <= new.last_ns:
                    paths.append(old.path)
                elif old.overlaps(new.first_ns, new.last_ns):
                    raise DataError(
                        f"{self._files.name}/{old.path}: it covers more than the new part: import all data of that day at once, "
                        "or delete it"
                    )
            return paths

        version = self.version()
        known = {(part.partition, part.sha256): part for part in version.parts()}
        kept = [known[part.partition, part.sha256] for part in found if (part.partition, part.sha256) in known]
        fresh = [part for part in found if (part.partition, part.sha256) not in known]
        # What cannot be taken over is to be said before anything is moved.
        replaced(version)
        placed = []
        for part in fresh:
            path = part_path(part.partition, part.first_ns, part.last_ns, part.path.rpartition(".")[2])
            self._files.adopt(path, folder / part.path)
            placed.append(replace(part, path=path))
        if placed:
            self._manifest.commit(lambda version: (placed, replaced(version)))
        return sorted([*kept, *placed])

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Make a folder for files that are not finished; it goes at the end, with what is in it."""
        if isinstance(self._files, Folder):
            is_new = not self._files.root.exists()
            self._files.root.mkdir(parents=True, exist_ok=True)
            _remove_leftovers(self._files.root)
            folder = Path(tempfile.mkdtemp(prefix=f"{_STAGE}{os.getpid()}-", dir=self._files.root))
            try:
                yield folder
            finally:
                shutil.rmtree(folder)
                if is_new and not any(self._files.root.iterdir()):
                    self._files.root.rmdir()
        else:
            with tempfile.TemporaryDirectory() as name:
                yield Path(name)

    # --- reading ---

    def parts(
        self,
        kinds: str | Sequence[str] = (),
        symbols: str | Sequence[str] = (),
        *,
        venue: str | None = None,
        start: Time | None = None,
        end: Time | None = None,
        resolution: str | int | dt.timedelta | None = None,
    ) -> list[Part]:
        """Return the parts that hold such rows, in order."""
        return self.version().parts(
            _several(kinds),
            symbols=_several(symbols),
            venue=venue,
            start_ns=None if start is None else time_ns(start),
            end_ns=None if end is None else time_ns(end),
            resolution_ns=None if resolution is None else duration_ns(resolution),
        )

    def query(
        self,
        kind: str,
        symbols: str | Sequence[str] = (),
        *,
        venue: str | None = None,
        start: Time | None = None,
        end: Time | None = None,
        columns: Sequence[str] | None = None,
        resolution: str | int | dt.timedelta | None = None,
    ) -> pa.RecordBatchReader:
        """Return the rows of a kind as a stream: venue by venue, symbol by symbol, each in order of time.

        Parameters
        ----------
        kind : which rows
        symbols : of which symbols; all if none is named
        venue : of which venue; all if none is named
        start, end : rows within [start, end)
        columns : which columns, in this order; by default all, with ``venue`` first
        resolution : the length of bars, where there are several

        Raises
        ------
        ParameterError
            An unknown kind or column; bars of several lengths, and none is named.
        StorageError
            While reading: a file is gone or damaged.
        """
        of = kind_of(kind)
        schema = plain(None if columns is None else tuple(columns), of)
        parts = self.parts(kind, symbols, venue=venue, start=start, end=end, resolution=resolution)
        lengths = sorted({part.partition.resolution_ns for part in parts})
        if len(lengths) > 1:
            raise ParameterError(
                f"{kind}: there are lengths of {', '.join(map(str, lengths))} ns: name one as resolution"
            )
        start_ns, end_ns = (None if time is None else time_ns(time) for time in (start, end))
        stored = [name for name in schema.names if name not in {"venue", "symbol"}]

        def batches() -> Iterator[pa.RecordBatch]:
            for part in parts:
                for batch in read_part(self._files, part, stored, start_ns, end_ns):
                    yield shown(batch, schema, part.partition)

        return pa.RecordBatchReader.from_batches(schema, batches())

    # --- order ---

    def compact(self, *, rows_max: int = 1 << 23) -> tuple[int, int]:
        """Join the parts of each day into one, of at most so many rows; return how many parts went, and how many came.

        Parts that are not needed any more are deleted a day later by :meth:`sweep`: somebody may read them now.
        """
        gone = come = 0
        self._manifest.begin()
        for partition, parts in self.version().partitions().items():
            for run in _runs(parts, rows_max):
                if self._joined(partition, run):
                    gone, come = gone + len(run), come + 1
        return gone, come

    def _joined(self, partition: Partition, run: list[Part]) -> list[Part]:
        """Put a part in the place of several; none if they cannot be one, or somebody was there meanwhile."""
        columns = {tuple(columns_of(self._files, part)) for part in run}
        if len(columns) > 1:
            return []  # some have a volume, others do not

        def batches() -> Iterator[pa.RecordBatch]:
            for part in run:
                for batch in read_part(self._files, part):
                    yield batch.replace_schema_metadata(None)

        with self.staging() as folder:
            schema = pa.schema([KINDS[partition.kind].schema.field(name) for name in columns.pop()])
            rows = pa.RecordBatchReader.from_batches(schema, batches())
            file, part = write_part(folder, partition, rows, f"compacted from {len(run)} parts")
            if part.rows != sum(each.rows for each in run):
                raise StorageError(
                    f"{self._files.name}/{partition.folder}: files have other rows than the manifest says: nothing was changed; run "
                    "`algo-trade data verify`"
                )
            self._files.adopt(part.path, file)
        paths = {each.path for each in run}

        def change(version: Version) -> tuple[list[Part], set[str]] | None:
            # Somebody has written to this day meanwhile: it is joined the next time.
            return ([part], paths) if paths <= {each.path for each in version.parts([partition.kind])} else None

        return self._manifest.commit(change)

    def sweep(self, *, after_s: float = SWEEP_AFTER_S) -> list[str]:
        """Delete files that are none of the lake's; see :meth:`Manifest.sweep`."""
        return self._manifest.sweep(after_s=after_s)


def _remove_leftovers(root: Path) -> None:
    """Remove what a killed writer of this machine has left behind."""
    if not Path("/proc/self").exists():
        return  # Nobody can tell whether a process lives; leftovers stay, and harm nothing.
    for folder in root.glob(f"{_STAGE}*"):
        pid = folder.name.removeprefix(_STAGE).partition("-")[0]
        if pid.isdigit() and not Path("/proc", pid).exists():
            shutil.rmtree(folder, ignore_errors=True)


def _several(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _split(
    kind: str, rows: pa.Table, venue: str, resolution: str | int | dt.timedelta | None
) -> tuple[Kind, list[tuple[Partition, pa.Table, int, int]]]:
    """Return the rows of each symbol and day, checked."""
    of = kind_of(kind)
    if of.has_resolution != (resolution is not None):
        raise ParameterError(f"{kind}: resolution = {resolution}: bars have one, all others have none")
    length_ns = 0 if resolution is None else duration_ns(resolution)
    return of, list(_groups(of, conform(of, rows), venue, length_ns))


def _groups(
    kind: Kind, table: pa.Table, venue: str, resolution_ns: int
) -> Iterator[tuple[Partition, pa.Table, int, int]]:
    """Give the rows of each symbol and day, with their first and last time."""
    if not table.num_rows:
        return
    days = np.floor_divide(table[kind.time].cast(pa.int64()).to_numpy(), DAY_NS)
    symbols = table["symbol"].cast(pa.string()).to_numpy(zero_copy_only=False)
    names, numbers = np.unique(symbols.astype(str), return_inverse=True)
    order = np.lexsort((days, numbers))
    borders = np.flatnonzero(np.diff(numbers[order]) | np.diff(days[order])) + 1
    for rows in np.split(order, borders):
        partition = Partition(
            kind.name, venue, str(names[numbers[rows[0]]]), date_of(int(days[rows[0]]) * DAY_NS), resolution_ns
        )
        group = table.take(pa.array(rows))
        times = group[kind.time].cast(pa.int64()).to_numpy()
        yield partition, group, int(times.min()), int(times.max())


def _runs(parts: list[Part], rows_max: int) -> Iterator[list[Part]]:
    """Give neighbours that become one part."""
    run: list[Part] = []
    for part in parts:
        if run and sum(each.rows for each in run) + part.rows > rows_max:
            if len(run) > 1:
                yield run
            run = []
        run.append(part)
    if len(run) > 1:
        yield run
