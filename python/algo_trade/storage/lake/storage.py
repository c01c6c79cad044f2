"""The lake: writing, reading, compacting."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, final

import pyarrow as pa

from algo_trade.core.times import duration_ns, time_ns
from algo_trade.errors import DataError, StorageError
from algo_trade.storage.kinds import KINDS, check_one_length, kind_of, plain, shown, times_of
from algo_trade.storage.lake.files import REQUESTS, Folder, ahead, at_once, files_of
from algo_trade.storage.lake.layout import Part, Partition, part_path
from algo_trade.storage.lake.manifest import SWEEP_AFTER_S, Manifest, Version
from algo_trade.storage.lake.parquet import columns_of, describe, joined, read_part, write_part
from algo_trade.storage.lake.split import split

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence

    from algo_trade.storage.kinds import Kind
    from algo_trade.storage.lake.files import Files
    from algo_trade.storage.lake.select import LakeSelection
    from algo_trade.storage.lake.split import Group

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
    path : the folder, or the URL of a place in an object store (``s3://bucket/prefix``, ``gs://``, ``az://``); it is made with the first
        write
    must_exist : whether it is an error if there is no such folder

    Raises
    ------
    ParameterError
        The path is a file, or a URL of another kind.
    DataError
        There is no such folder, and it must exist.
    """

    def __init__(self, path: str | os.PathLike[str], *, must_exist: bool = False) -> None:
        self._files: Files = files_of(path)
        if must_exist and isinstance(self._files, Folder) and not self._files.root.exists():
            raise DataError(f"{path}: there is no such lake: make one with `algo-trade data import`")
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
        of, groups = split(kind, rows, venue, resolution)
        if not groups:
            return []
        symbols = sorted({group.partition.symbol for group in groups})
        start_ns, end_ns = min(group.first_ns for group in groups), max(group.last_ns for group in groups) + 1
        with self._writing(), self.staging() as folder:
            self._manifest.begin()
            # Of each group: what it was joined with, and what came of that. It is made anew only if that has changed meanwhile.
            made: dict[Partition, tuple[list[Part], Part | None]] = {}

            def change(version: Version) -> tuple[list[Part], list[str]] | None:
                held = version.partitions([kind], symbols, venue=venue, start_ns=start_ns, end_ns=end_ns)
                todo: list[tuple[Group, list[Part]]] = []
                for group in groups:
                    old = [p for p in held.get(group.partition, ()) if p.overlaps(group.first_ns, group.last_ns)]
                    if group.partition not in made or made[group.partition][0] != old:
                        todo.append((group, old))
                for (group, old), new in zip(todo, self._put(folder, of, todo, source), strict=True):
                    made[group.partition] = old, new
                changed = [(old, new) for old, new in made.values() if new is not None]
                if not changed:
                    return None
                return [new for _, new in changed], [part.path for old, _ in changed for part in old]

            return self._manifest.commit(change)

    def _put(self, folder: Path, kind: Kind, todo: list[tuple[Group, list[Part]]], source: str) -> list[Part | None]:
        """Write the rows of each group and of old parts into one; None where nothing is new."""

        def make(work: tuple[Group, list[Part]]) -> tuple[Path, Part] | None:
            group, old = work
            table = joined(kind, [*(self._table(kind, part) for part in old), group.table]) if old else group.table
            if old and table.num_rows == sum(part.rows for part in old):
                return None
            return write_part(folder, group.partition, table.to_reader(), source)

        made = at_once(make, todo)
        self._files.adopt({part.path: file for file, part in filter(None, made)})
        return [each and each[1] for each in made]

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
        _, groups = split(kind, rows, venue, resolution)
        made = at_once(lambda group: write_part(folder, group.partition, group.table.to_reader(), source), groups)
        for file, part in made:
            target = folder / part.path
            target.parent.mkdir(parents=True, exist_ok=True)
            file.rename(target)

    def adopt(self, folder: Path) -> list[Part]:
        """Take over the parts that lie in a folder in the layout of a lake; they are moved from there. All of them, or none.

        Each takes the place of the parts whose times it covers; one that is there already, byte for byte, stays. Of bars, those that
        are there before and after it stay too.

        Raises
        ------
        DataError
            A part of ticks that is there already covers other times too; nothing has changed then.
        """
        with self._writing():
            return self._adopt(folder)

    def _adopt(self, folder: Path) -> list[Part]:
        self._manifest.begin()
        stage = Folder(folder)
        found = [part for part in (describe(stage, entry) for entry in list(stage.list())) if part is not None]
        version = self.version()
        known = {(part.partition, part.sha256): part for part in version.parts()}
        kept = [known[part.partition, part.sha256] for part in found if (part.partition, part.sha256) in known]
        fresh = [part for part in found if (part.partition, part.sha256) not in known]
        # What cannot be taken over is to be said before anything is moved.
        self._replaced(version, fresh)
        placed = []
        files = {}
        for part in fresh:
            path = part_path(part.partition, part.first_ns, part.last_ns, part.path.rpartition(".")[2])
            files[path] = folder / part.path
            placed.append(replace(part, path=path))
        if placed:
            self._files.adopt(files)
            # What is left of parts that are cut, by their paths: it is made once, whoever commits meanwhile.
            rests: dict[str, list[Part]] = {}

            def change(version: Version) -> tuple[list[Part], list[str]]:
                replaced = self._replaced(version, placed)
                for old, news in replaced:
                    if old.path not in rests:
                        rests[old.path] = self._rest(folder, old, news)
                return [*placed, *(part for old, _ in replaced for part in rests[old.path])], [
                    old.path for old, _ in replaced
                ]

            self._manifest.commit(change)
        return sorted([*kept, *placed])

    def _replaced(self, version: Version, fresh: list[Part]) -> list[tuple[Part, list[Part]]]:
        """Return the parts that new ones take the place of, each with those that do."""
        held = version.partitions(sorted({part.partition.kind for part in fresh}))
        replaced: dict[str, tuple[Part, list[Part]]] = {}
        for new in fresh:
            for old in held.get(new.partition, ()):
                is_covered = new.first_ns <= old.first_ns and old.last_ns <= new.last_ns
                if not is_covered and not old.overlaps(new.first_ns, new.last_ns):
                    continue
                if not is_covered and new.partition.kind != "bars":
                    raise DataError(
                        f"{self._files.name}/{old.path}: it covers more than the new part: import all data of that day at once, "
                        "or delete it"
                    )
                replaced.setdefault(old.path, (old, []))[1].append(new)
        return list(replaced.values())

    def _rest(self, folder: Path, old: Part, news: list[Part]) -> list[Part]:
        """Write what is left of a part of bars before, between and after new ones."""
        kind = KINDS[old.partition.kind]
        table = self._table(kind, old)
        times = times_of(kind, table)
        made, first = [], 0
        for new in [*sorted(news, key=lambda part: part.first_ns), None]:
            end = len(times) if new is None else int(times.searchsorted(new.first_ns))
            if end > first:
                rows = table.slice(first, end - first).to_reader()
                made.append(write_part(folder, old.partition, rows, "what another import has left"))
            first = end if new is None else int(times.searchsorted(new.last_ns, side="right"))
        self._files.adopt({part.path: file for file, part in made})
        return [part for _, part in made]

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Turn what the system refuses into a ``StorageError`` that names the lake: the last step of a write is its commit."""
        try:
            yield
        except (OSError, pa.ArrowException) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error).partition("\n")[0]
            raise StorageError(
                f"{self._files.name}: cannot be written: {reason}: nothing of it is there; make room or allow it, and write again"
            ) from error

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
        check_one_length(of, (part.partition.resolution_ns for part in parts))
        start_ns, end_ns = (None if time is None else time_ns(time) for time in (start, end))
        stored = [name for name in schema.names if name not in {"venue", "symbol"}]

        def read(part: Part) -> Iterator[pa.RecordBatch]:
            for batch in read_part(self._files, part, stored, start_ns, end_ns):
                yield shown(batch, schema, part.partition)

        def batches() -> Iterator[pa.RecordBatch]:
            # Of a store, some parts are fetched while the one before is looked at.
            if self._files.is_remote:
                for held in ahead(lambda part: list(read(part)), parts, REQUESTS):
                    yield from held
            else:
                for part in parts:
                    yield from read(part)

        return pa.RecordBatchReader.from_batches(schema, batches())

    def select(
        self,
        kinds: str | Sequence[str],
        symbols: str | Sequence[str] = (),
        *,
        venue: str | None = None,
        start: Time | None = None,
        end: Time | None = None,
        resolution: str | int | dt.timedelta | None = None,
    ) -> LakeSelection:
        """Pick rows for a backtest, which takes them as its data: bars, or ticks of some kinds.

        The options are those of :meth:`query`; what was picked stays, whatever is written meanwhile.

        Raises
        ------
        ParameterError
            No kinds of market rows; several venues or lengths of bars, and none is named.
        DataError
            There are no such rows; the message says what there is.
        """
        from algo_trade.storage.lake.select import select  # noqa: PLC0415 -- it knows lakes, too

        return select(self, kinds, symbols, venue=venue, start=start, end=end, resolution=resolution)

    # --- order ---

    def compact(self, *, rows_max: int = 1 << 23) -> tuple[int, int]:
        """Join the parts of each day into one, of at most so many rows; return how many parts went, and how many came.

        Parts that are not needed any more are deleted a day later by :meth:`sweep`: somebody may read them now.
        """
        gone = come = 0
        with self._writing():
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
            self._files.adopt({part.path: file})
        paths = {each.path for each in run}

        def change(version: Version) -> tuple[list[Part], set[str]] | None:
            # Somebody has written to this day meanwhile: it is joined the next time.
            return ([part], paths) if paths <= {each.path for each in version.parts([partition.kind])} else None

        return self._manifest.commit(change)

    def sweep(self, *, after_s: float = SWEEP_AFTER_S) -> list[str]:
        """Delete files that are none of the lake's; see :meth:`Manifest.sweep`."""
        with self._writing():
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
