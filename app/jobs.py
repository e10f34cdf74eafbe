"""The queue of jobs: it belongs to the server, outlives the page and the process, and many screens may watch one job.

Memory holds the truth while the process lives; every change is written through to an SQLite file, from which the next
start takes it up. What changes with each step (progress, previews) stays in memory.
"""

import asyncio
import logging
import secrets
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from app.job import Job, Look, News, SavedPicture, Watcher, job_from_json, take_up
from app.models import Shelf
from app.requests import accept
from app.settings import Settings
from app.store import QueueInUse, Store
from ldm_core.errors import UserError
from ldm_core.tasks import Request, request_from_json, request_to_json

KEPT = 500  # ended jobs that are remembered
SERVERS = 9  # on one folder

__all__ = ["Job", "Jobs", "SavedPicture", "open_jobs"]

log = logging.getLogger(__name__)


@dataclass
class _Live:
    """What memory alone holds of a job: the flag that stops it, its newest preview, and how many there were."""

    stop: threading.Event = field(default_factory=threading.Event)
    preview: dict[str, Any] | None = None
    previews: int = 0


class Jobs:
    """All jobs of one server. Every method may be called from any thread.

    judge: called with each request that is submitted; returns remarks for the person, or raises UserError to refuse it.
    Raises UserError if `path` cannot be used; its class is QueueInUse if another process holds it.
    """

    def __init__(self, path: Path, judge: Callable[[Request], tuple[str, ...]] = lambda request: ()) -> None:
        self.path = path
        self._judge = judge
        self._change = threading.Condition()
        self._wakers: set[Callable[[], None]] = set()
        self._closed = False
        self._store = Store(path)
        self._jobs: dict[str, Job] = {}
        self._live: dict[str, _Live] = {}
        with self._change:
            for data in self._store.all():
                job = job_from_json(data)
                self._jobs[job.id] = job
                if job.state == "running":
                    self._keep(take_up(job))
        self._next = 1 + max((job.number for job in self._jobs.values()), default=0)

    # -- for whoever wants a picture ------------------------------------------------------------------------------

    def submit(self, request: Request, owner: str = "") -> Job:
        """Put a request into the queue; a seed of -1 becomes a concrete one.

        Raises UserError if the request is refused, or the queue cannot be written.
        """
        notes = self._judge(request)
        if request.seed < 0:
            # Now and not when it is drawn: taken up again after a crash, the job must give the same pictures.
            request = replace(request, seed=secrets.randbelow(2**32))
        data = request_to_json(request)
        with self._change:
            job = Job(secrets.token_hex(8), self._next, data["task"], owner, "queued", data, time.time(), notes=notes)
            self._store.put(job.id, job.number, job.state, job.to_json())
            self._next += 1
            self._jobs[job.id] = job
            self._forget_oldest()
            self._tell()
        return job

    def get(self, job_id: str) -> Job | None:
        """The job as it is now, or None if there is none of that id."""
        with self._change:
            return self._jobs.get(job_id)

    def list(self, task: str = "", owner: str | None = None) -> list[Job]:
        """Jobs in the order of arrival; of one task and one owner only, if asked for."""
        with self._change:
            jobs = sorted(self._jobs.values(), key=lambda job: job.number)
        return [job for job in jobs if task in ("", job.task) and owner in (None, job.owner)]

    def latest(self, task: str = "", owner: str | None = None) -> Job | None:
        """What a page that is opened should show: the oldest job that still runs or waits, else the newest one."""
        jobs = self.list(task, owner)
        return next((job for job in jobs if not job.over), jobs[-1] if jobs else None)

    def position(self, job_id: str) -> int:
        """How many jobs come before this one, the running one included; 0 if it is next, runs or is over."""
        with self._change:
            job = self._jobs.get(job_id)
            if job is None or job.state != "queued":
                return 0
            return sum(not other.over and other.number < job.number for other in self._jobs.values())

    def stop(self, job_id: str) -> Job | None:
        """Stop a job: one that waits at once, one that runs within a step. Returns it, or None if there is none."""
        with self._change:
            job = self._jobs.get(job_id)
            if job is not None and job.state == "queued":
                job = self._keep(replace(job, state="stopped", ended=time.time()))
            elif job is not None and job.state == "running":
                self._live_of(job_id).stop.set()
                job = self._keep(replace(job, stopping=True))
            return job

    # -- watching -------------------------------------------------------------------------------------------------

    def watch(self, job_id: str) -> Iterator[News]:
        """What happens to a job, as (name, data), until it is over or the queue is closed. Blocks in between.

        "job": all of `Job` and its position, at first and whenever it changes apart from its steps.
        "progress": step, steps, seconds_left. "preview": first, step, images; see `preview`.
        A slow watcher misses steps, never the end. Nothing at all if there is no such job.
        """
        watcher = Watcher(self.look, job_id)
        while True:
            with self._change:
                while not (news := watcher.news()) and not watcher.over:
                    self._change.wait()
            yield from news
            if watcher.over:
                return

    async def watch_async(self, job_id: str) -> AsyncIterator[News]:
        """The same for an event loop; no thread waits."""
        loop, changed = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(changed.set)

        watcher = Watcher(self.look, job_id)
        with self._change:
            self._wakers.add(wake)
        try:
            while True:
                changed.clear()
                with self._change:
                    news = watcher.news()
                for item in news:
                    yield item
                if watcher.over:
                    return
                if not news:
                    await changed.wait()
        finally:
            with self._change:
                self._wakers.discard(wake)

    def look(self, job_id: str) -> Look | None:
        """One look at a job, for a watcher; None if there is no such job."""
        with self._change:
            job = self._jobs.get(job_id)
            if job is None:
                return None
            live = self._live_of(job_id) if job.state == "running" else _Live()
            return Look(job, self.position(job_id), live.preview, live.previews, job.over or self._closed)

    # -- for the worker -------------------------------------------------------------------------------------------

    def claim(self, timeout: float | None = None) -> Job | None:
        """Wait for the next job and mark it as running; None after `timeout` seconds without one, or when closed."""
        with self._change:
            self._change.wait_for(lambda: self._closed or self._first() is not None, timeout)
            job = self._first()
            if self._closed or job is None:
                return None
            self._live[job.id] = _Live()
            return self._keep(replace(job, state="running", started=time.time(), attempts=job.attempts + 1))

    def stop_flag(self, job_id: str) -> threading.Event:
        """Set as soon as somebody stops the job."""
        with self._change:
            return self._live_of(job_id).stop

    def loading(self, job_id: str, what: str) -> None:
        """The job waits for a model that is being read."""
        with self._change:
            self._jobs[job_id] = replace(self._jobs[job_id], loading=what)
            self._tell()

    def progress(self, job_id: str, step: int, steps: int, seconds_left: float | None) -> None:
        """A step is done."""
        with self._change:
            job = self._jobs[job_id]
            self._jobs[job_id] = replace(job, step=step, steps=steps, seconds_left=seconds_left, loading="")
            self._tell()

    def preview(self, job_id: str, step: int, first: int, images: Sequence[str]) -> None:
        """The newest previews, encoded once for all who watch: data: URIs, of picture `first` and those after it."""
        with self._change:
            live = self._live_of(job_id)
            live.preview, live.previews = {"first": first, "step": step, "images": list(images)}, live.previews + 1
            self._tell()

    def add_picture(self, job_id: str, picture: SavedPicture) -> None:
        """A picture is on disk."""
        with self._change:
            job = self._jobs[job_id]
            others = [other for other in job.pictures if other.index != picture.index]
            self._keep(replace(job, pictures=tuple(sorted([*others, picture], key=lambda p: p.index))))

    def finish(self, job_id: str, state: str, error: str = "", recipe: dict[str, Any] | None = None) -> Job:
        """The job is over: done, failed or stopped."""
        with self._change:
            job = replace(self._jobs[job_id], state=state, error=error, recipe=recipe, ended=time.time(), loading="")
            self._live.pop(job_id, None)
            return self._keep(job)

    def request_of(self, job: Job) -> Request:
        """The request of a job as its dataclass. Raises UserError if this version does not know it."""
        return request_from_json(job.request)

    def close(self) -> None:
        """Let go of the file; watchers and a waiting `claim` return. A running job is begun anew at the next start."""
        with self._change:
            if self._closed:
                return
            for job in [job for job in self._jobs.values() if job.state == "running" and not job.stopping]:
                self._keep(replace(job, state="queued", attempts=job.attempts - 1))
            for live in self._live.values():
                live.stop.set()
            self._closed = True
            self._store.close()
            self._tell()

    # -- inside; the lock is held ---------------------------------------------------------------------------------

    def _keep(self, job: Job) -> Job:
        self._jobs[job.id] = job
        try:
            if not self._closed:
                self._store.put(job.id, job.number, job.state, job.to_json())
        except UserError as error:
            # On a full disk the person must still learn how the job ended, so it goes on in memory.
            log.error("%s", error)
        self._tell()
        return job

    def _tell(self) -> None:
        self._change.notify_all()
        for wake in self._wakers:
            wake()

    def _first(self) -> Job | None:
        waiting = (job for job in self._jobs.values() if job.state == "queued")
        return min(waiting, key=lambda job: job.number, default=None)

    def _live_of(self, job_id: str) -> _Live:
        return self._live.setdefault(job_id, _Live())

    def _forget_oldest(self) -> None:
        ended = sorted((job for job in self._jobs.values() if job.over), key=lambda job: job.number)
        for job in ended[:-KEPT]:
            del self._jobs[job.id]
            self._store.drop(job.id)


def open_jobs(settings: Settings, shelf: Shelf) -> Jobs:
    """The queue of a server, in its data folder. A second server on the same folder gets another one beside it."""
    judge = partial(accept, shelf=shelf, limits=settings.limits)
    for number in range(1, SERVERS + 1):
        try:
            return Jobs(settings.data / f"queue-{number}.sqlite", judge)
        except QueueInUse:
            continue
    raise UserError(f"{SERVERS} servers use {settings.outputs} already.", "Start this one with --outputs OTHER_FOLDER.")
