"""Which files are the lake: a log of commits, each of which adds and removes parts, all or nothing.

A commit is a small file with the next number, which only one writer can make. Whoever reads takes the newest checkpoint and the commits
after it: a version, which stays as it is whatever is committed meanwhile. Files that no version names are none of the lake's: a writer
that died leaves some, and :meth:`Manifest.sweep` deletes them a day later. So are files that were removed, since somebody may read them.
"""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from algo_trade._native import __version__
from algo_trade.errors import LakeChangedError, StorageError
from algo_trade.storage.kinds import SCHEMA_VERSION, SeriesId
from algo_trade.storage.lake.files import REQUESTS, at_once
from algo_trade.storage.lake.layout import MANIFEST, Part, Partition, place_of
from algo_trade.storage.lake.parquet import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from algo_trade.storage.lake.files import Files

CHECKPOINT_EVERY = 32
"""So many commits, or one of so many parts, make a checkpoint: what has to be parsed stays small."""
CHECKPOINT_PARTS = 1_000
SWEEP_AFTER_S = 86_400.0
_TRIES = 50

_PARTS = pa.schema(
    [
        ("kind", pa.string()),
        ("venue", pa.string()),
        ("symbol", pa.string()),
        ("date", pa.string()),
        ("resolution_ns", pa.int64()),
        ("first_ns", pa.int64()),
        ("last_ns", pa.int64()),
        ("path", pa.string()),
        ("rows", pa.int64()),
        ("size", pa.int64()),
        ("sha256", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Version:
    """What a lake was at a moment: its parts, as a table, so that a lake of many is looked through at once.

    Attributes
    ----------
    number : of the newest commit in it; 0 where there is none
    table : a row for each part
    """

    number: int
    table: pa.Table

    def parts(
        self,
        kinds: Sequence[str] = (),
        *,
        symbols: Sequence[str] = (),
        venue: str | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
        resolution_ns: int | None = None,
    ) -> list[Part]:
        """Return the parts that may have rows of these kinds, symbols and this venue within [start, end), in order."""
        table = self.table
        for column, wanted in (("kind", kinds), ("symbol", symbols), ("venue", [venue] if venue is not None else ())):
            if wanted:
                table = table.filter(pc.is_in(table[column], pa.array(wanted, pa.string())))
        if start_ns is not None:
            table = table.filter(pc.greater_equal(table["last_ns"], start_ns))
        if end_ns is not None:
            table = table.filter(pc.less(table["first_ns"], end_ns))
        if resolution_ns is not None:
            table = table.filter(pc.equal(table["resolution_ns"], resolution_ns))
        return sorted(map(Part.of_json, table.to_pylist()))

    def last_times(self) -> dict[SeriesId, int]:
        """Return the last time of each series."""
        names = list(SeriesId._fields)
        last = self.table.group_by(names).aggregate([("last_ns", "max")])
        return {SeriesId(*(row[name] for name in names)): row["last_ns_max"] for row in last.to_pylist()}

    def partitions(
        self,
        kinds: Sequence[str] = (),
        symbols: Sequence[str] = (),
        *,
        venue: str | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
    ) -> dict[Partition, list[Part]]:
        """Return the parts of each partition that there is, partitions and parts in order."""
        held: dict[Partition, list[Part]] = {}
        for part in self.parts(kinds, symbols=symbols, venue=venue, start_ns=start_ns, end_ns=end_ns):
            held.setdefault(part.partition, []).append(part)
        return held


class Manifest:
    """The log of a lake.

    Parameters
    ----------
    files : the lake's
    """

    def __init__(self, files: Files) -> None:
        self._files = files

    def version(self, known: Version | None = None) -> Version:
        """Return the newest version, ``known`` itself if it is that. Of a folder that has no log, all parts that lie in it.

        Raises
        ------
        StorageError
            The log is damaged, or written by a newer program.
        """
        for _ in range(_TRIES):
            names = sorted(entry.path.rpartition("/")[2] for entry in self._files.list(MANIFEST))
            if not names:
                return Version(0, _table(_found(self._files)))
            if known is not None and known.number == max(map(_number, names)):
                return known
            checkpoint = max((name for name in names if name.endswith(".arrow")), default=None)
            since = 0 if checkpoint is None else _number(checkpoint)
            commits = [name for name in names if name.endswith(".json") and _number(name) > since]
            try:
                base = _table([]) if checkpoint is None else self._checkpoint(checkpoint)
                return self._replay(since, base, commits)
            except FileNotFoundError:
                continue  # Whoever made a checkpoint meanwhile has deleted what it stands for.
            except OSError as error:
                raise StorageError(f"{self._files.name}/{MANIFEST}: cannot be read: {error.strerror}") from None
        raise StorageError(f"{self._files.name}: its log changes all the time: try again")

    def begin(self) -> None:
        """Give a folder that has no log one, with the parts that lie in it: from now on only what the log names counts.

        Whoever writes calls it before any of his files lies there: they would be taken for parts that were there before.
        """
        if any(True for _ in self._files.list(MANIFEST)):
            return
        found = [describe(self._files, entry) for entry in list(self._files.list())]
        with suppress(FileExistsError):  # another writer came first
            self._write(1, [part for part in found if part is not None], [])

    def commit(self, change: Callable[[Version], tuple[Sequence[Part], Iterable[str]] | None]) -> list[Part]:
        """Add parts and remove others, by path, and return what was added. Their files are there already, and stay there.

        ``change`` says what, given the newest version; it is called again if another writer came first, and says None where nothing
        is to be done any more.

        Raises
        ------
        StorageError
            The log cannot be read or written.
        """
        for _ in range(_TRIES):
            version = self.version()
            changed = change(version)
            if changed is None:
                return []
            add, remove = list(changed[0]), sorted(changed[1])
            for path in remove:
                # Its age counts from now, before it is not needed: it stays for those who read it.
                self._files.touch(path)
            number = version.number + 1
            try:
                self._write(number, add, remove)
            except FileExistsError:
                continue
            if number % CHECKPOINT_EVERY == 0 or len(add) >= CHECKPOINT_PARTS:
                # What was committed is there, whether it is written down once more or not.
                with suppress(OSError, StorageError):
                    self._make_checkpoint(Version(number, _changed(version.table, add, remove)))
            return add
        raise LakeChangedError(f"{self._files.name}: others commit all the time: try again")

    def sweep(self, *, after_s: float = SWEEP_AFTER_S) -> list[str]:
        """Delete files that are none of the lake's, and for longer than this; return their paths.

        Within less than a writer or a reader takes for its work, files go that are still needed.
        """
        live = set(self.version().table["path"].to_pylist())
        swept = [
            entry.path
            for entry in self._files.list()
            if entry.path not in live and entry.age_s >= after_s and place_of(entry.path) is not None
        ]
        for path in swept:
            self._files.delete(path)
        return swept

    def _replay(self, number: int, table: pa.Table, commits: Sequence[str]) -> Version:
        add: dict[str, Part] = {}
        remove: set[str] = set()
        contents = at_once(self._read, commits, REQUESTS if self._files.is_remote else 1)
        for name, said in zip(commits, contents, strict=True):
            if _number(name) != number + 1:
                raise StorageError(
                    f"{self._files.name}/{MANIFEST}: commit {number + 1} is missing, {name} is there: restore it from a backup"
                )
            number += 1
            for path in said["remove"]:
                if add.pop(path, None) is None:
                    remove.add(path)
            add.update((each["path"], Part.of_json(each)) for each in said["add"])
        return Version(number, _changed(table, add.values(), remove))

    def _read(self, name: str) -> dict[str, Any]:
        where = f"{self._files.name}/{MANIFEST}/{name}"
        try:
            said = orjson.loads(self._files.read(f"{MANIFEST}/{name}"))
            version = said["schema"]
            if version <= SCHEMA_VERSION:
                return {"add": said["add"], "remove": said["remove"]}
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise StorageError(f"{where}: is damaged ({error}): restore it from a backup") from None
        raise StorageError(
            f"{where}: has schema {version}, written by algo_trade {said.get('program')}; this one ({__version__}) knows schemas up to "
            f"{SCHEMA_VERSION}: run a newer one"
        )

    def _write(self, number: int, add: Sequence[Part], remove: Sequence[str]) -> None:
        said = {
            "schema": SCHEMA_VERSION,
            "program": __version__,
            "time": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
            "add": [part.as_json() for part in add],
            "remove": remove,
        }
        self._files.write(f"{MANIFEST}/{number:012}.json", orjson.dumps(said))

    def _checkpoint(self, name: str) -> pa.Table:
        content = self._files.read(f"{MANIFEST}/{name}")
        try:
            return pa.ipc.open_file(content).read_all()
        except (pa.ArrowException, OSError) as error:
            raise StorageError(
                f"{self._files.name}/{MANIFEST}/{name}: is damaged ({error}): restore it from a backup"
            ) from None

    def _make_checkpoint(self, version: Version) -> None:
        """Write all parts down at once, and delete the commits that only the checkpoint before needed."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, _PARTS) as writer:
            writer.write_table(version.table)
        try:
            self._files.write(f"{MANIFEST}/{version.number:012}.arrow", sink.getvalue().to_pybytes())
        except FileExistsError:
            return
        for entry in list(self._files.list(MANIFEST)):
            if _number(entry.path.rpartition("/")[2]) <= version.number - CHECKPOINT_EVERY:
                self._files.delete(entry.path)


def _number(name: str) -> int:
    digits = name.partition(".")[0]
    return int(digits) if digits.isdigit() else -1


def _table(parts: Iterable[Part]) -> pa.Table:
    return pa.Table.from_pylist([part.as_json() for part in parts], schema=_PARTS)


def version_of(parts: Iterable[Part]) -> Version:
    """Return a version of these parts, which is of no commit."""
    return Version(0, _table(parts))


def _changed(table: pa.Table, add: Iterable[Part], remove: Iterable[str]) -> pa.Table:
    gone = pa.array(list(remove), pa.string())
    kept = table.filter(pc.invert(pc.is_in(table["path"], gone))) if len(gone) else table
    return pa.concat_tables([kept, _table(add)])


def _found(files: Files) -> list[Part]:
    """Return the parts in a folder, by their names; how many rows they have is not known from outside."""
    found = []
    for entry in files.list():
        place = place_of(entry.path)
        if place is not None:
            partition, first_ns, last_ns = place
            found.append(Part(partition, first_ns, last_ns, entry.path, -1, entry.size))
    return found
