"""The file behind the queue: one SQLite table, one row a job."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ldm_core.errors import UserError

VERSION = 1  # of the table; PRAGMA user_version


class QueueInUse(UserError):
    """Another process holds the file."""


class Store:
    """Rows of the queue. Not thread-safe by itself: `Jobs` calls it under its lock, from any thread.

    Raises UserError if the file cannot be opened or written, QueueInUse if another process has it open.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"The folder {path.parent} cannot be made: {error.strerror}.") from error
        with self._told():
            self._db = sqlite3.connect(path, timeout=0.2, isolation_level=None, check_same_thread=False)
            # Two servers on one queue would draw each other's jobs. The system drops the lock when a process dies.
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS jobs (id TEXT PRIMARY KEY, number INTEGER, state TEXT, job TEXT)"
            )
            found = self._db.execute("PRAGMA user_version").fetchone()[0]
            if found > VERSION:
                raise UserError(
                    f"The queue {path} was written by a newer version of this program.", "Move it away to start anew."
                )
            self._db.execute(f"PRAGMA user_version={VERSION}")

    def all(self) -> list[dict[str, Any]]:
        """Every job as it was written, in the order of arrival."""
        with self._told():
            return [json.loads(job) for (job,) in self._db.execute("SELECT job FROM jobs ORDER BY number")]

    def put(self, job_id: str, number: int, state: str, job: dict[str, Any]) -> None:
        """Write one job, new or known; on disk when this returns, as far as a crash of the process is concerned."""
        with self._told():
            row = (job_id, number, state, json.dumps(job, ensure_ascii=False))
            self._db.execute("INSERT OR REPLACE INTO jobs VALUES (?, ?, ?, ?)", row)

    def drop(self, job_id: str) -> None:
        """Forget a job."""
        with self._told():
            self._db.execute("DELETE FROM jobs WHERE id = ?", (job_id,))

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """SQLite's errors as sentences."""
        try:
            yield
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
                raise QueueInUse(f"The queue {self.path} is in use by another Latent Studio.") from error
            hint = "Move it away to start anew." if "database" in str(error) and "full" not in str(error) else ""
            raise UserError(f"The queue {self.path} cannot be used: {error}.", hint) from error
