"""Every finished run, in one SQLite file that several processes may share."""

import json
import math
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from benchsuite.core import InputError
from benchsuite.results import COLUMNS, KEY, Circumstances, Effort, Row, Run, run_of

_VERSION = 4
_SQL = {str: "TEXT NOT NULL", int: "INTEGER NOT NULL", float: "REAL"}  # nan is NULL
_STEP = [name for name in COLUMNS if name not in (*KEY, "reports", "backend")]
_NAMES = ", ".join(f'"{name}"' for name in KEY)  # quoted: `table` is a word of SQL
_ALL = ", ".join(f'"{name}"' for name in COLUMNS)
_EVERY = f"SELECT {_ALL} FROM incumbents JOIN runs ON run = id"
_FINAL = f"{_EVERY} AND step = last_step"


def _declare(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}" {_SQL[COLUMNS[name]]}' for name in names)


def _equal(names: Iterable[str]) -> str:
    return " AND ".join(f'"{name}" = ?' for name in names)


_ORIGINS = "CREATE TABLE origins (id INTEGER PRIMARY KEY, facts TEXT UNIQUE NOT NULL)"
_ORIGIN = "origin INTEGER REFERENCES origins (id)"
_SCHEMA = f"""
{_ORIGINS};
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, {_declare(KEY)}, reports TEXT NOT NULL,
    backend TEXT NOT NULL, last_step INTEGER NOT NULL, trials INTEGER, thought REAL,
    {_ORIGIN}, UNIQUE ({_NAMES}));
CREATE TABLE incumbents (
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE, {_declare(_STEP)},
    PRIMARY KEY (run, step)) WITHOUT ROWID;
CREATE TABLE failures ({_declare(KEY)}, reason TEXT NOT NULL, UNIQUE ({_NAMES}));
PRAGMA user_version = {_VERSION};
"""

_UPGRADES = {  # from each earlier version to the next
    1: """
ALTER TABLE runs ADD COLUMN trials INTEGER;
ALTER TABLE runs ADD COLUMN thought REAL;
PRAGMA user_version = 2;
""",
    2: """
ALTER TABLE runs ADD COLUMN backend TEXT NOT NULL DEFAULT 'table';
PRAGMA user_version = 3;
""",
    3: f"""
{_ORIGINS};
ALTER TABLE runs ADD COLUMN {_ORIGIN};
PRAGMA user_version = 4;
""",
}

_MOVE = "move it away; `import-results` reads tables back in"
_ROOM = "make room; every run acknowledged so far is safe"
_RIGHTS = "make it writable, or name another --results"
_ADVICE = {  # by the name of SQLite's error, or its beginning
    "SQLITE_NOTADB": _MOVE,
    "SQLITE_CORRUPT": _MOVE,
    "SQLITE_FULL": _ROOM,
    "SQLITE_IOERR": _ROOM,
    "SQLITE_READONLY": _RIGHTS,
    "SQLITE_CANTOPEN": _RIGHTS,
    "SQLITE_BUSY": "another program is writing to it: try again",
}


class Failure(NamedTuple):
    """A run that came to no result, and why."""

    run: Run
    reason: str


class Store:
    """Runs under their unique key; each is one transaction, durable once it returns.

    Raises:
        InputError: The file cannot be opened, read or written, is damaged, or comes
            from another version. Nothing that was recorded before is touched.
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        """Open the file.

        Args:
            path: Of the database.
            create: Whether to make it if there is none.
        """
        self.path = path
        if not create and not path.exists():
            raise InputError(
                f"no runs in {path.parent}: `benchsuite run` makes some, and"
                f" `benchsuite import-results {path.parent}` reads tables in"
            )
        with self._trouble():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=60, isolation_level=None)
        try:
            self._prepare()
        except BaseException:
            self._db.close()
            raise

    def _prepare(self) -> None:
        """Make or upgrade the tables, and refuse those of a later version."""
        with self._trouble():
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")  # a power cut loses nothing
            self._db.execute("PRAGMA foreign_keys = ON")
        with self._transaction():
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            (tables,) = self._db.execute("PRAGMA schema_version").fetchone()
            if not version and not tables:  # a new file
                self._run(_SCHEMA)
                version = _VERSION
            while version in _UPGRADES:
                self._run(_UPGRADES[version])
                version += 1
            if version != _VERSION:
                raise InputError(
                    f"{self.path} has version {version}, not {_VERSION}: export it with"
                    " the version of benchsuite that wrote it, and import the CSVs"
                )

    def _run(self, script: str) -> None:
        """Execute statements one by one, which leaves the transaction open."""
        for statement in script.split(";\n"):
            self._db.execute(statement)

    @contextmanager
    def _trouble(self) -> Iterator[None]:
        """Say in one line what is wrong with the file, and what to do."""
        try:
            yield
        except OSError as error:
            raise InputError(f"cannot open {self.path}: {error.strerror}") from error
        except sqlite3.DatabaseError as error:
            name = getattr(error, "sqlite_errorname", "")
            hint = next((v for k, v in _ADVICE.items() if name.startswith(k)), name)
            raise InputError(f"{self.path}: {error}; {hint}") from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing, and nobody else writes meanwhile."""
        with self._trouble():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:  # an interrupt as well
                self._db.rollback()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._db.close()

    def __contains__(self, run: Run) -> bool:
        with self._trouble():
            query = f"SELECT 1 FROM runs WHERE {_equal(KEY)}"
            return self._db.execute(query, astuple(run)).fetchone() is not None

    def add(
        self,
        rows: Sequence[Row],
        effort: Effort | None = None,
        circumstances: Circumstances | None = None,
        *,
        replace: bool = False,
    ) -> bool:
        """Record one whole run.

        Args:
            rows: Of one run, in the order of their steps.
            effort: What it took, if that is known.
            circumstances: Where it comes from, if that is known.
            replace: Forget what is recorded under this key or an earlier `source` of
                the same strategy, rather than keep it.

        Returns:
            Whether it was recorded; False, and no change, if the run was there.
        """
        with self._transaction():
            return self._add(rows, effort, circumstances, replace)

    def add_all(self, runs: Iterable[Sequence[Row]]) -> int:
        """Record many runs in one transaction, and count those that were not there.

        Raises:
            InputError: One is recorded already with another result; nothing changes.
        """
        new = 0
        with self._transaction():
            for rows in runs:
                kept = self._recorded(rows[0])
                if kept is not None and repr(kept) != repr(rows[-1]):
                    raise InputError(
                        f"{self.path} has another result of {rows[0].strategy} on"
                        f" {rows[0].benchmark} with seed {rows[0].seed}:"
                        f" {_difference(kept, rows[-1])}"
                    )
                new += self._add(rows, None, None, replace=False)
        return new

    def _recorded(self, row: Row) -> Row | None:
        """Find the final incumbent of the run that `row` belongs to."""
        query = f"{_FINAL} WHERE {_equal(KEY)}"
        line = self._db.execute(query, astuple(run_of(row))).fetchone()
        return _row(line) if line else None

    def _add(
        self,
        rows: Sequence[Row],
        effort: Effort | None,
        circumstances: Circumstances | None,
        replace: bool,
    ) -> bool:
        run = run_of(rows[0])
        if replace:
            self._forget("runs", run)
        holes = ", ".join("?" * (len(KEY) + 6))
        added = self._db.execute(
            f"INSERT INTO runs ({_NAMES}, reports, backend, last_step, trials, thought,"
            f" origin) VALUES ({holes}) ON CONFLICT DO NOTHING",
            (
                *(*astuple(run), rows[0].reports, rows[0].backend, rows[-1].step),
                *(effort or (None, None)),
                self._origin(circumstances) if circumstances else None,
            ),
        )
        if not added.rowcount:
            return False
        holes = ", ".join("?" * (len(_STEP) + 1))
        self._db.executemany(
            f"INSERT INTO incumbents VALUES ({holes})",
            [(added.lastrowid, *[getattr(r, name) for name in _STEP]) for r in rows],
        )
        self._forget("failures", run)
        return True

    def _origin(self, circumstances: Circumstances) -> int:
        """Find or make the number under which circumstances are kept."""
        facts = json.dumps(circumstances._asdict(), sort_keys=True)
        self._db.execute(
            "INSERT INTO origins (facts) VALUES (?) ON CONFLICT DO NOTHING", (facts,)
        )
        query = "SELECT id FROM origins WHERE facts = ?"
        (number,) = self._db.execute(query, (facts,)).fetchone()
        return int(number)

    def _forget(self, table: str, run: Run) -> None:
        """Delete what this and earlier sources of the strategy left of a run."""
        same = {name: getattr(run, name) for name in KEY if name != "source"}
        query = f"DELETE FROM {table} WHERE {_equal(same)}"
        self._db.execute(query, tuple(same.values()))

    def fail(self, run: Run, reason: str) -> None:
        """Record that a run failed; it is tried again the next time it is asked for."""
        holes = ", ".join("?" * (len(KEY) + 1))
        with self._transaction():
            self._forget("failures", run)
            query = f"INSERT INTO failures VALUES ({holes})"
            self._db.execute(query, (*astuple(run), reason))

    def rows(self, *, curves: bool = False) -> Iterator[Row]:
        """Yield the final incumbent of every run, or each of them, sorted.

        Args:
            curves: Whether to yield every change of incumbent.
        """
        query = f"{_EVERY if curves else _FINAL} ORDER BY {_NAMES}, step"
        with self._trouble():
            yield from map(_row, self._db.execute(query))

    def efforts(self) -> dict[Run, Effort]:
        """Tell what each run took whose time was taken: those that were done here."""
        query = f"SELECT {_NAMES}, trials, thought FROM runs WHERE thought IS NOT NULL"
        with self._trouble():
            return {
                Run(*line[:-2]): Effort(*line[-2:]) for line in self._db.execute(query)
            }

    def circumstances(self) -> dict[Run, Circumstances]:
        """Tell where each run comes from that was done with this store."""
        query = f"SELECT {_NAMES}, origin FROM runs WHERE origin IS NOT NULL"
        with self._trouble():
            known = {
                number: Circumstances(**json.loads(facts))
                for number, facts in self._db.execute("SELECT id, facts FROM origins")
            }
            return {
                Run(*line[:-1]): known[line[-1]] for line in self._db.execute(query)
            }

    def failures(self) -> list[Failure]:
        """List the runs that failed and have not succeeded since, sorted."""
        with self._trouble():
            lines = self._db.execute(f"SELECT * FROM failures ORDER BY {_NAMES}")
            return [Failure(Run(*line[:-1]), line[-1]) for line in lines]


def _row(values: Sequence[Any]) -> Row:
    """What SQLite has as NULL is nan."""
    known: list[Any] = [math.nan if value is None else value for value in values]
    return Row(**dict(zip(COLUMNS, known, strict=True)))


def _difference(kept: Row, new: Row) -> str:
    """Name the first column in which two rows differ."""
    for name in COLUMNS:
        one, other = getattr(kept, name), getattr(new, name)
        if repr(one) != repr(other):
            return f"{name} is {one!r} there and {other!r} here"
    return "nothing differs"
