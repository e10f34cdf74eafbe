"""One job: what it is, how it looks from outside, and what a watcher of it has not seen yet."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

ENDED = ("done", "failed", "stopped")
ATTEMPTS = 3  # starts of one job: one that takes the process down with it must not do so for ever
News = tuple[str, dict[str, Any]]


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

    number: place in the order of arrival. state: queued, running, done, failed or stopped.
    request: its JSON, the seed made concrete. error: the sentence of a failed job. notes: remarks that do not stop it.
    recipe: the resolved request, once done. Times in seconds since 1970, 0 = not yet.
    step, steps: of a running job, 0 before the first. loading: the model that it waits for.
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


@dataclass(frozen=True)
class Look:
    """A job at one moment. previews: how many there were until now. last: whether nothing will change after this."""

    job: Job
    position: int
    preview: dict[str, Any] | None
    previews: int
    last: bool


class Watcher:
    """Remembers what one watcher has seen of a job. look: the job now, None if there is none."""

    def __init__(self, look: Callable[[str], Look | None], job_id: str) -> None:
        self.over = False
        self._look = look
        self._id = job_id
        self._seen: tuple[Job, int] | None = None
        self._step: tuple[int, int, float | None] = (0, 0, None)
        self._previews = 0

    def news(self) -> list[News]:
        """What changed since the last call; see `Jobs.watch`."""
        look = self._look(self._id)
        if look is None:
            self.over = True
            return []
        job, news = look.job, []
        seen = replace(job, step=0, steps=0, seconds_left=None), look.position
        if seen != self._seen:
            self._seen = seen
            news.append(("job", {**job.to_json(), "position": look.position}))
        step = job.step, job.steps, job.seconds_left
        if step != self._step and not job.over:  # the end comes last
            self._step = step
            news.append(("progress", {"step": job.step, "steps": job.steps, "seconds_left": job.seconds_left}))
        if look.preview is not None and look.previews != self._previews:
            self._previews = look.previews
            news.append(("preview", look.preview))
        self.over = look.last
        return news


def take_up(job: Job) -> Job:
    """A job that ran when the process died: back into the queue, unless it was stopped or has died too often."""
    if job.stopping:
        return replace(job, state="stopped", ended=time.time())
    if job.attempts >= ATTEMPTS:
        error = f"The application ended {ATTEMPTS} times while it drew this; perhaps there was too little memory."
        return replace(job, state="failed", error=error, ended=time.time())
    return replace(job, state="queued", step=0, steps=0, seconds_left=None, loading="")


def job_from_json(data: dict[str, Any]) -> Job:
    """The job that `Job.to_json` gave."""
    pictures = tuple(SavedPicture(**picture) for picture in data["pictures"])
    return Job(**{**data, "pictures": pictures, "notes": tuple(data["notes"])})
