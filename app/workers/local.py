"""The worker of this process: one thread that takes jobs from the queue and draws them with one engine."""

from __future__ import annotations

import base64
import io
import logging
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from app import library
from app.jobs import Job, Jobs, SavedPicture
from app.models import Shelf
from app.recipes import picture_recipe
from app.requests import prepare
from app.settings import Settings
from ldm_core.errors import UserError
from ldm_core.events import Done, Event, Failed, Loading, Picture, Pixels, Progress, Stopped

if TYPE_CHECKING:
    from ldm_core.engine import Engine

PREVIEW_SIDE = 256  # pixels; larger ones are made smaller
PREVIEW_QUALITY = 80
UNKNOWN = "Something went wrong inside the program while this was drawn; the server's log says what. Other jobs go on."

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Status:
    """What the worker is doing. state: loading, ready or failed; text: the sentence for it, "" where none is needed."""

    state: str
    text: str = ""


class LocalWorker:
    """Draws the jobs of one queue, one after the other; no job can end it. Imports torch in its own thread."""

    def __init__(
        self, jobs: Jobs, shelf: Shelf, settings: Settings, engine: Callable[[], Engine] | None = None
    ) -> None:
        self.status = Status("loading", "The drawing engine is starting.")
        self._jobs = jobs
        self._shelf = shelf
        self._settings = settings
        self._make_engine = engine or (lambda: _local_engine(shelf, settings))
        self._made: Engine | None = None
        self._thread = threading.Thread(target=self._work, name="worker", daemon=True)

    def start(self) -> None:
        """Begin. Called once the server answers: the first page must not wait for torch."""
        self._thread.start()

    def stop(self, timeout: float = 2.0) -> bool:
        """End the job that runs within a step, to be taken up at the next start; call `Jobs.close` first.

        Returns whether the thread ended within `timeout` seconds; as a daemon it ends with the process at the latest.
        """
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def model_state(self) -> dict[str, str]:
        """The status as JSON, for the page."""
        return asdict(self.status)

    def _work(self) -> None:
        self._warm()
        while (job := self._jobs.claim()) is not None:
            try:
                self._draw(job)
            except UserError as error:
                self._jobs.finish(job.id, "failed", str(error))
            except Exception:
                log.exception("Job %s failed", job.id)
                self._jobs.finish(job.id, "failed", UNKNOWN)

    def _warm(self) -> None:
        """Have the first model ready before somebody asks for a picture."""
        try:
            engine = self._engine()
            card = self._shelf.card("")
            self.status = Status("loading", f"The model {card.title} is being read.")
            engine.warm(card.name)
            self.status = Status("ready")
        except UserError as error:
            self.status = Status("failed", str(error))
        except Exception:
            log.exception("The drawing engine could not be started")
            self.status = Status("failed", "The drawing engine could not be started; the server's log says why.")

    def _engine(self) -> Engine:
        if self._made is None:
            self._made = self._make_engine()
        return self._made

    def _draw(self, job: Job) -> None:
        engine, limits = self._engine(), self._settings.limits
        request = self._jobs.request_of(job)
        self._jobs.loading(job.id, self._shelf.card(request.model).title)
        complete, recipe = prepare(request, self._shelf, limits)
        folder = library.day_folder(self._settings.outputs, job.task)
        with library.writable(folder):  # before the work, not after it
            # Pictures from before the process died are not drawn again; the same request would give the same.
            skip = [picture.index for picture in job.pictures if Path(picture.file).is_file()]
            stop = self._jobs.stop_flag(job.id)
            with closing(engine.run(complete, job_id=job.id, stop=stop, skip=skip)) as events:
                for event in events:
                    self._tell(job, event, recipe, folder)
        now = self._jobs.get(job.id)
        if now is not None and not now.over:
            raise RuntimeError("the engine ended a job without saying how")

    def _tell(self, job: Job, event: Event, recipe: dict[str, Any], folder: Path) -> None:
        """One event of the engine, for all who watch."""
        match event:
            case Loading(what):
                self._jobs.loading(job.id, what)
            case Progress():
                self._jobs.progress(job.id, event.step, event.steps, event.seconds_left)
                if event.preview is not None:
                    images = [data_uri(image) for image in event.preview]
                    self._jobs.preview(job.id, event.step, event.first, images)
            case Picture(index, seed, image):
                self._save(job, index, seed, image, recipe, folder)
            case Done():
                self.status = Status("ready")
                self._jobs.finish(job.id, "done", recipe=recipe)
            case Failed(error):
                self._jobs.finish(job.id, "failed", error)
            case Stopped():
                self._jobs.finish(job.id, "stopped", recipe=recipe)

    def _save(self, job: Job, index: int, seed: int, image: Pixels, recipe: dict[str, Any], folder: Path) -> None:
        own = picture_recipe(recipe, index)
        file = library.save(image, own, folder, model_hash=self._shelf.sha256(own["model"]))
        height, width = image.shape[:2]
        self._jobs.add_picture(job.id, SavedPicture(index, seed, str(file), width, height))


def data_uri(image: Pixels) -> str:
    """A preview, (h, w, 3) uint8, as a JPEG inside a data: URI, its longer side at most PREVIEW_SIDE."""
    picture = Image.fromarray(image)
    picture.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    jpeg = io.BytesIO()
    picture.save(jpeg, format="JPEG", quality=PREVIEW_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.getvalue()).decode("ascii")


def _local_engine(shelf: Shelf, settings: Settings) -> Engine:
    from ldm_core.engine import Engine

    keep = settings.data / "latents"
    return Engine(shelf.resolve, settings.device, settings.dtype, keep=keep, limits=settings.limits)
