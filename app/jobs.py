"""The queue of jobs: it belongs to the server, outlives the page and the process, and many screens may watch one job.

Memory holds the truth while the process lives; every change is written through to an SQLite file, from which the next
start takes it up. What changes with each step (progress, previews) stays in memory.
"""

import asyncio
import logging
import secrets
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from app.models import Shelf
from app.requests import accept
from app.settings import Settings
from app.store import QueueInUse, Store
from ldm_core.errors import UserError
from ldm_core.tasks import Request, request_from_json, request_to_json

ENDED = ("done", "failed", "stopped")
KEPT = 500  # ended jobs that are remembered
SERVERS = 9  # on one folder
ATTEMPTS = 3  # starts of one job; a job that takes the process down with it must not do so for ever
News = tuple[str, dict[str, Any]]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SavedPicture:
    """A finished picture on disk. index: within its job. width, height: pixels."""

    index: int
    seed: int
    file: str
    width: int
    height: int


@dataclass(frozen=True)
class Job:
    """A wish and what became of it.

    number: place in the order of arrival. state: queued, running, done, failed or stopped. request: its JSON, the seed made
    concrete. error: the sentence of a failed job. notes: remarks that do not stop it. recipe: the resolved request, once
    done. Times in seconds since 1970, 0 = not yet. step, steps: of a running job, 0 before the first.
    """

    id: str
    number: int
    task: str
    owner: str
    state: str
    request: dict[str, Any]
    created: float
    started: float = 0.0
    ended: float = 0.0
    error: str = ""
    notes: tuple[str, ...] = ()
    pictures: tuple[SavedPicture, ...] = ()
    recipe: dict[str, Any] | None = None
    attempts: int = 0
    stopping: bool = False
    step: int = 0
    steps: int = 0
    seconds_left: float | None = None
    loading: str = ""

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in ENDED

    def to_json(self) -> dict[str, Any]:
        """Every field, as JSON holds it."""
        return asdict(self)


@dataclass
class _Live:
    """What memory alone holds of a job: the flag that stops it, and its newest preview with a number that counts them."""

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
        for data in self._store.all():
            job = _from_json(data)
            self._jobs[job.id] = job
        for job in list(self._jobs.values()):
            if job.state == "running":
                self._keep(_take_up(job))
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

        "job": all of `Job` and its position, at first and whenever it changes apart from its steps. "progress": step,
        steps, seconds_left. "preview": first, step, images; see `preview`. A slow watcher misses steps, never the end. Nothing at all if there is no such job.
        """
        watcher = _Watcher(self, job_id)
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

        watcher = _Watcher(self, job_id)
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

    def preview(self, job_id: str, step: int, first: int, images: list[str]) -> None:
        """The newest previews, encoded once for all who watch: data: URIs of JPEGs, of picture `first` and those after it."""
        with self._change:
            live = self._live_of(job_id)
            live.preview, live.previews = {"first": first, "step": step, "images": images}, live.previews + 1
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
        """Let go of the file; watchers and a waiting `claim` return. A job that runs is stopped, and begun anew at the next start."""
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
            # The job itself goes on: on a full disk the person must still learn how it ended. Written again with its next change.
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
    """The queue of a server, in its data folder. A second server on the same folder gets a queue of its own beside it."""
    judge = partial(accept, shelf=shelf, limits=settings.limits)
    for number in range(1, SERVERS + 1):
        try:
            return Jobs(settings.data / f"queue-{number}.sqlite", judge)
        except QueueInUse:
            continue
    raise UserError(f"{SERVERS} servers use {settings.outputs} already.", "Start this one with --outputs OTHER_FOLDER.")


class _Watcher:
    """What one watcher has seen of a job. `news` is called with the queue's lock held."""

    def __init__(self, jobs: Jobs, job_id: str) -> None:
        self._jobs, self._id = jobs, job_id
        self._seen: tuple[Job, int] | None = None
        self._step: tuple[int, int, float | None] = (0, 0, None)
        self._previews = 0
        self.over = False

    def news(self) -> list[News]:
        """What changed since the last call."""
        job = self._jobs.get(self._id)
        if job is None:
            self.over = True
            return []
        news: list[News] = []
        seen = replace(job, step=0, steps=0, seconds_left=None), self._jobs.position(self._id)
        if seen != self._seen:
            self._seen = seen
            news.append(("job", {**job.to_json(), "position": seen[1]}))
        step = job.step, job.steps, job.seconds_left
        if step != self._step:
            self._step = step
            news.append(("progress", {"step": job.step, "steps": job.steps, "seconds_left": job.seconds_left}))
        live = self._jobs._live.get(self._id)
        if live and live.preview and live.previews != self._previews:
            self._previews = live.previews
            news.append(("preview", live.preview))
        self.over = job.over or self._jobs._closed
        return news


def _take_up(job: Job) -> Job:
    """A job that was running when the process died: back into the queue, unless that was its own doing or it was stopped."""
    if job.stopping:
        return replace(job, state="stopped", ended=time.time())
    if job.attempts >= ATTEMPTS:
        error = f"The application ended {ATTEMPTS} times while it drew this; perhaps there was too little memory."
        return replace(job, state="failed", error=error, ended=time.time())
    return replace(job, state="queued", step=0, steps=0, seconds_left=None, loading="")


def _from_json(data: dict[str, Any]) -> Job:
    pictures = tuple(SavedPicture(**picture) for picture in data["pictures"])
    return Job(**{**data, "pictures": pictures, "notes": tuple(data["notes"])})
