"""The worker of a server: real jobs on a tiny model, and what it says while it draws."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.jobs import Job, Jobs, open_jobs
from app.models import Shelf
from app.recipes import read_recipe
from app.settings import Settings
from app.workers.local import UNKNOWN, LocalWorker, data_uri
from ldm_core.engine import Engine
from ldm_core.errors import UserError
from ldm_core.events import Done
from ldm_core.tasks.text_to_image import TextToImage


@pytest.fixture
def shelf(settings: Settings, tmp_path: Path) -> Shelf:
    return Shelf(settings, embedded=tmp_path / "none")


@pytest.fixture
def jobs(settings: Settings, shelf: Shelf) -> Iterator[Jobs]:
    queue = open_jobs(settings, shelf)
    yield queue
    queue.close()


@pytest.fixture
def worker(jobs: Jobs, shelf: Shelf, settings: Settings) -> Iterator[LocalWorker]:
    worker = LocalWorker(jobs, shelf, settings)
    worker.start()
    yield worker
    jobs.close()
    assert worker.stop(20)


def news_of(jobs: Jobs, job: Job) -> list[tuple[str, dict[str, Any]]]:
    """All that a watcher hears of the job; gives up after a minute."""
    news: list[tuple[str, dict[str, Any]]] = []
    thread = threading.Thread(target=lambda: news.extend(jobs.watch(job.id)), daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive(), "the job did not end"
    return news


def test_a_job_gives_steps_previews_and_the_pictures_of_its_request(
    jobs: Jobs, worker: LocalWorker, shelf: Shelf, settings: Settings
) -> None:
    request = TextToImage("a red dragon by a lake", seed=7, steps=6, count=2)
    job = jobs.submit(request)
    assert "dragon" in job.notes[0]
    news = news_of(jobs, job)
    ended = jobs.get(job.id)
    assert ended is not None
    assert (ended.state, ended.error, ended.step) == ("done", "", 6)
    assert worker.model_state() == {"state": "ready", "text": ""}
    previews = [data for name, data in news if name == "preview"]
    assert previews
    for src in previews[-1]["images"]:
        jpeg = base64.b64decode(src.removeprefix("data:image/jpeg;base64,"))
        assert Image.open(io.BytesIO(jpeg)).format == "JPEG"
    # the same pixels as from Python, and a recipe of its own in each
    events = Engine(shelf.resolve, "cpu").run(request, previews=False)
    done = next(event for event in events if isinstance(event, Done))
    assert [picture.seed for picture in ended.pictures] == [7, 8]
    for picture, image in zip(ended.pictures, done.images, strict=True):
        assert np.array_equal(np.asarray(Image.open(picture.file)), image)
        options = read_recipe(Path(picture.file)).options
        assert (options["seed"], options["count"], options["model"]) == (picture.seed, 1, "scenes-text")
        assert Path(picture.file).is_relative_to(settings.outputs / "txt2img")
    assert list((settings.data / "latents").iterdir()) == []


def test_stop_ends_a_running_job_and_the_next_one_is_drawn(jobs: Jobs, worker: LocalWorker) -> None:
    long = jobs.submit(TextToImage("a lake", steps=1000))
    short = jobs.submit(TextToImage("a lake", steps=1))
    for name, data in jobs.watch(long.id):
        if name == "progress" and data["step"] >= 2:
            break
    jobs.stop(long.id)
    news_of(jobs, short)
    stopped = jobs.get(long.id)
    assert stopped is not None
    assert stopped.state == "stopped"
    assert 2 <= stopped.step < 1000
    assert jobs.get(short.id).state == "done"  # type: ignore[union-attr]


class Faulty:
    """An engine whose first run fails in a way that nobody foresaw."""

    def __init__(self, real: Engine, fault: Exception) -> None:
        self._real = real
        self._faults = [fault]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def run(self, request: TextToImage, **options: Any) -> Iterator[Any]:
        for event in self._real.run(request, **options):
            if self._faults:
                raise self._faults.pop()
            yield event


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (ZeroDivisionError("secret detail"), UNKNOWN),
        (UserError("The lamp is off.", "Light it."), "The lamp is off. Light it."),
    ],
)
def test_the_worker_outlives_any_failure_of_a_job(
    jobs: Jobs, shelf: Shelf, settings: Settings, fault: Exception, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    worker = LocalWorker(jobs, shelf, settings, lambda: Faulty(Engine(shelf.resolve, "cpu"), fault))  # type: ignore[arg-type,return-value]
    worker.start()
    first, second = (jobs.submit(TextToImage("a lake", steps=1)) for _ in range(2))
    news_of(jobs, second)
    failed = jobs.get(first.id)
    assert failed is not None
    assert (failed.state, failed.error) == ("failed", sentence)
    assert jobs.get(second.id).state == "done"  # type: ignore[union-attr]
    assert ("secret detail" in caplog.text) == (sentence == UNKNOWN)
    assert "secret detail" not in failed.error
    jobs.close()
    assert worker.stop(20)


def test_an_engine_that_cannot_start_is_a_sentence_on_the_page_and_in_each_job(
    jobs: Jobs, shelf: Shelf, settings: Settings
) -> None:
    def make() -> Engine:
        raise UserError("This machine has no cuda device.")

    worker = LocalWorker(jobs, shelf, settings, make)
    worker.start()
    job = jobs.submit(TextToImage("a lake", steps=1))
    news_of(jobs, job)
    assert jobs.get(job.id).error == "This machine has no cuda device."  # type: ignore[union-attr]
    assert worker.model_state() == {"state": "failed", "text": "This machine has no cuda device."}
    jobs.close()
    assert worker.stop(20)


def test_a_second_server_on_the_same_folder_gets_a_queue_of_its_own(
    jobs: Jobs, settings: Settings, shelf: Shelf
) -> None:
    other = open_jobs(settings, shelf)
    assert other.path != jobs.path
    other.submit(TextToImage("a lake"))
    assert jobs.list() == []
    other.close()


def test_large_previews_are_made_smaller_and_small_ones_are_left_alone() -> None:
    def size(height: int, width: int) -> tuple[int, int]:
        uri = data_uri(np.zeros((height, width, 3), np.uint8))
        return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).size

    assert size(300, 600) == (256, 128)
    assert size(64, 32) == (32, 64)
