"""Our own routes: what a page can ask for, and what it cannot."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from app.jobs import Jobs, SavedPicture
from ldm_core.tasks.text_to_image import TextToImage
from ui.stream import studio_routes


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    jobs = Jobs(tmp_path / "queue.sqlite")
    yield jobs
    jobs.close()


@pytest.fixture
def client(jobs: Jobs) -> Iterator[TestClient]:
    app = FastAPI()
    app.include_router(studio_routes(jobs, lambda: {"state": "ready", "text": ""}))
    with TestClient(app) as client:
        yield client


def drawn(jobs: Jobs, folder: Path, prompt: str, seed: int = 5) -> str:
    """The id of a finished job with one picture."""
    job = jobs.submit(TextToImage(prompt=prompt, seed=seed, steps=2, width=64, height=64))
    jobs.claim(0)
    file = folder / f"{job.id}.png"
    Image.new("RGB", (64, 64), "red").save(file)
    jobs.add_picture(job.id, SavedPicture(0, seed, str(file), 64, 64))
    jobs.finish(job.id, "done", recipe={})
    return job.id


def events_of(text: str) -> list[tuple[str, dict]]:
    parts = [part.split("\n", 1) for part in text.strip().split("\n\n")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in parts]


def test_a_finished_job_is_told_at_once_and_then_ends(client: TestClient, jobs: Jobs, tmp_path: Path) -> None:
    job = drawn(jobs, tmp_path, "a lake", seed=2**63 - 1)
    events = events_of(client.get(f"/studio/jobs/{job}/events").text)
    assert [name for name, _ in events] == ["job", "end"]
    (picture,) = events[0][1]["pictures"]
    assert picture["seed"] == "9223372036854775807"
    assert picture["alt"] == "Result: a lake"
    answer = client.get(f"/{picture['url']}")
    assert answer.content == (tmp_path / f"{job}.png").read_bytes()
    assert picture["name"].endswith(".png")


def test_two_watchers_see_the_same_job_to_its_end(client: TestClient, jobs: Jobs) -> None:
    job = jobs.submit(TextToImage(prompt="a lake", seed=1, steps=2)).id
    seen: list[list[tuple[str, dict]]] = []

    def watch() -> None:
        seen.append(events_of(client.get(f"/studio/jobs/{job}/events").text))

    watchers = [threading.Thread(target=watch) for _ in range(2)]
    for watcher in watchers:
        watcher.start()
    jobs.claim(0)
    jobs.progress(job, 1, 2, 0.5)
    jobs.preview(job, 1, 0, ["data:image/jpeg;base64,AA=="])
    jobs.finish(job, "failed", "The disk is full.")
    for watcher in watchers:
        watcher.join(10)
    assert len(seen) == 2
    for events in seen:
        assert events[-1][0] == "end"
        assert [data for name, data in events if name == "job"][-1]["error"] == "The disk is full."


def test_a_page_gets_the_running_job_and_the_last_results(client: TestClient, jobs: Jobs, tmp_path: Path) -> None:
    drawn(jobs, tmp_path, "first")
    drawn(jobs, tmp_path, "second")
    running = jobs.submit(TextToImage(prompt="third")).id
    state = client.get("/studio/text_to_image").json()
    assert state["job"] == running
    assert [picture["alt"] for picture in state["earlier"]] == ["Result: second", "Earlier picture: first"]


def test_pictures_that_were_deleted_are_not_offered(client: TestClient, jobs: Jobs, tmp_path: Path) -> None:
    gone, last = drawn(jobs, tmp_path, "first"), drawn(jobs, tmp_path, "second")
    (tmp_path / f"{gone}.png").unlink()
    state = client.get("/studio/text_to_image").json()
    assert (state["job"], state["earlier"]) == (last, [])
    assert client.get(f"/studio/pictures/{gone}/0").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "jobs/none/events", "pictures/none/0", "no_such_task", "examples/none.webp", "examples/..%2f..%2fREADME.md",
        "examples/examples.json",
    ],
)  # fmt: skip
def test_what_is_not_there_is_404_with_a_sentence(client: TestClient, path: str) -> None:
    answer = client.get(f"/studio/{path}")
    assert answer.status_code == 404
    if "%2f" not in path:
        assert set(answer.json()) == {"error", "detail"}


def test_a_long_prompt_does_not_make_an_endless_alternative_text(
    client: TestClient, jobs: Jobs, tmp_path: Path
) -> None:
    job = drawn(jobs, tmp_path, "word " * 3000)
    state = events_of(client.get(f"/studio/jobs/{job}/events").text)[0][1]
    assert len(state["pictures"][0]["alt"]) < 250
