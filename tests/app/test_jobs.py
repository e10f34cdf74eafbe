"""The queue: order, stopping, watching, and what a new process finds."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.job import ATTEMPTS
from app.jobs import KEPT, Jobs, SavedPicture
from app.store import QueueInUse
from ldm_core.errors import UserError
from ldm_core.tasks import check
from ldm_core.tasks.text_to_image import TextToImage

LAKE = TextToImage("a lake", seed=7, steps=5)


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    queue = Jobs(tmp_path / "queue.sqlite")
    yield queue
    queue.close()


def reopened(jobs: Jobs) -> Jobs:
    """What a new process finds after this one died without a word: the file as it is now."""
    jobs._store.close()
    return Jobs(jobs.path)


def test_jobs_run_in_the_order_of_arrival_and_know_how_many_come_first(jobs: Jobs) -> None:
    first, second, third = (jobs.submit(LAKE) for _ in range(3))
    assert [jobs.position(job.id) for job in (first, second, third)] == [0, 1, 2]
    running = jobs.claim()
    assert running is not None
    assert running.id == first.id
    assert [jobs.position(job.id) for job in (first, second, third)] == [0, 1, 2]
    jobs.finish(first.id, "done")
    assert [jobs.position(job.id) for job in (second, third)] == [0, 1]


def test_a_chance_seed_is_fixed_when_the_job_arrives(jobs: Jobs) -> None:
    seeds = {jobs.submit(TextToImage("a lake")).request["seed"] for _ in range(20)}
    assert min(seeds) >= 0
    assert len(seeds) > 15


def test_a_refused_request_never_enters_the_queue(tmp_path: Path) -> None:
    def judge(request: Any) -> tuple[str, ...]:
        check(request)
        return ("a remark",)

    jobs = Jobs(tmp_path / "queue.sqlite", judge)
    with pytest.raises(UserError, match="Steps"):
        jobs.submit(TextToImage("a lake", steps=0))
    assert jobs.list() == []
    assert jobs.submit(LAKE).notes == ("a remark",)
    jobs.close()


def test_stopping_ends_a_waiting_job_and_flags_a_running_one(jobs: Jobs) -> None:
    running, waiting = jobs.submit(LAKE), jobs.submit(LAKE)
    jobs.claim()
    flag = jobs.stop_flag(running.id)
    jobs.stop(waiting.id)
    assert jobs.get(waiting.id).state == "stopped"  # type: ignore[union-attr]
    assert not flag.is_set()
    assert jobs.stop(running.id).state == "running"  # type: ignore[union-attr]
    assert flag.is_set()
    assert jobs.stop("no such job") is None


def test_the_page_gets_the_job_that_runs_before_newer_ones_and_else_the_newest(jobs: Jobs) -> None:
    assert jobs.latest("text_to_image") is None
    first, second = jobs.submit(LAKE), jobs.submit(LAKE)
    assert jobs.latest("text_to_image").id == first.id  # type: ignore[union-attr]
    jobs.stop(first.id)
    jobs.stop(second.id)
    assert jobs.latest("text_to_image").id == second.id  # type: ignore[union-attr]


def test_owners_see_their_own(jobs: Jobs) -> None:
    jobs.submit(LAKE, owner="ann")
    bob = jobs.submit(LAKE, owner="bob")
    assert [job.id for job in jobs.list(owner="bob")] == [bob.id]


def test_a_new_process_finds_results_and_waiting_jobs_as_they_were(jobs: Jobs) -> None:
    done, failed, waiting = (jobs.submit(LAKE) for _ in range(3))
    jobs.claim()
    jobs.add_picture(done.id, SavedPicture(0, 7, "/pictures/x.png", 64, 96))
    jobs.finish(done.id, "done", recipe={"seed": 7})
    jobs.claim()
    jobs.finish(failed.id, "failed", "There was no memory.")
    before = [jobs.get(job.id) for job in (done, failed, waiting)]
    again = reopened(jobs)
    assert [again.get(job.id) for job in (done, failed, waiting)] == before
    again.close()


def test_a_job_that_was_running_when_the_process_died_runs_first_in_the_next(jobs: Jobs) -> None:
    running, waiting = jobs.submit(LAKE), jobs.submit(LAKE)
    jobs.claim()
    jobs.progress(running.id, 3, 5, 1.0)
    again = reopened(jobs)
    assert [job.state for job in again.list()] == ["queued", "queued"]
    taken = again.claim()
    assert taken is not None
    assert (taken.id, taken.step) == (running.id, 0)
    assert again.submit(LAKE).number > waiting.number
    again.close()


def test_a_job_that_was_being_stopped_when_the_process_died_stays_stopped(jobs: Jobs) -> None:
    job = jobs.submit(LAKE)
    jobs.claim()
    jobs.stop(job.id)
    again = reopened(jobs)
    assert again.get(job.id).state == "stopped"  # type: ignore[union-attr]
    again.close()


def test_a_job_that_takes_the_process_down_each_time_is_given_up(jobs: Jobs) -> None:
    job = jobs.submit(LAKE)
    for _ in range(ATTEMPTS):
        assert jobs.claim() is not None
        jobs = reopened(jobs)
    ended = jobs.get(job.id)
    assert ended is not None
    assert ended.state == "failed"
    assert "memory" in ended.error
    jobs.close()


def test_an_orderly_end_is_not_held_against_the_job(jobs: Jobs) -> None:
    job = jobs.submit(LAKE)
    for _ in range(ATTEMPTS + 1):
        assert jobs.claim() is not None
        jobs.close()
        jobs = Jobs(jobs.path)
    assert jobs.get(job.id).state == "queued"  # type: ignore[union-attr]
    jobs.close()


def test_a_second_queue_on_the_same_file_is_refused(jobs: Jobs) -> None:
    with pytest.raises(QueueInUse, match="in use"):
        Jobs(jobs.path)


@pytest.mark.parametrize("content", [b"this is no database, but long enough to be looked at" * 40, b"\0" * 5000])
def test_a_damaged_file_is_named_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "queue.sqlite").write_bytes(content)
    with pytest.raises(UserError, match=r"queue\.sqlite"):
        Jobs(tmp_path / "queue.sqlite")


def test_old_jobs_are_forgotten_and_unfinished_ones_never(jobs: Jobs) -> None:
    waiting = jobs.submit(LAKE)
    for _ in range(KEPT + 5):
        jobs.stop(jobs.submit(LAKE).id)
    jobs.submit(LAKE)
    assert len(jobs.list()) <= KEPT + 2
    assert jobs.get(waiting.id) is not None


def test_a_watcher_that_comes_late_gets_the_state_and_the_last_preview_first(jobs: Jobs) -> None:
    job = jobs.submit(LAKE)
    jobs.claim()
    jobs.progress(job.id, 2, 5, 1.5)
    jobs.preview(job.id, 2, 0, ["data:old"])
    jobs.preview(job.id, 3, 0, ["data:new"])
    watch = jobs.watch(job.id)
    name, data = next(watch)
    assert (name, data["state"], data["step"]) == ("job", "running", 2)
    assert next(watch) == ("progress", {"step": 2, "steps": 5, "seconds_left": 1.5})
    assert next(watch) == ("preview", {"first": 0, "step": 3, "images": ["data:new"]})
    jobs.finish(job.id, "done")
    assert [(name, data["state"]) for name, data in watch] == [("job", "done")]


def act(jobs: Jobs, job_id: str) -> None:
    """A worker's life with one job."""
    jobs.claim()
    for step in range(1, 6):
        jobs.progress(job_id, step, 5, 5.0 - step)
        jobs.preview(job_id, step, 0, [f"data:{step}"])
    jobs.add_picture(job_id, SavedPicture(0, 7, "x.png", 64, 64))
    jobs.finish(job_id, "done")


def test_many_watchers_in_threads_all_see_the_end(jobs: Jobs) -> None:
    job = jobs.submit(LAKE)
    seen: list[list[tuple[str, dict[str, Any]]]] = []
    threads = [threading.Thread(target=lambda: seen.append(list(jobs.watch(job.id)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    act(jobs, job.id)
    for thread in threads:
        thread.join(10)
    assert len(seen) == 8
    for news in seen:
        assert news[0][0] == "job"
        name, last = news[-1]
        assert (name, last["state"], len(last["pictures"])) == ("job", "done", 1)
        steps = [data["step"] for name, data in news if name == "progress"]
        assert steps == sorted(steps)


def test_watchers_in_an_event_loop_wait_without_a_thread(jobs: Jobs) -> None:
    job = jobs.submit(LAKE)

    async def follow() -> list[str]:
        return [data.get("state", name) async for name, data in jobs.watch_async(job.id)]

    async def main() -> list[list[str]]:
        watchers = [asyncio.create_task(follow()) for _ in range(60)]  # more than the threads of a pool
        await asyncio.sleep(0)
        threading.Thread(target=act, args=(jobs, job.id)).start()
        return await asyncio.wait_for(asyncio.gather(*watchers), 20)

    for news in asyncio.run(main()):
        assert news[0] in ("queued", "running", "done")
        assert news[-1] == "done"


def test_a_waiting_watcher_learns_that_its_place_has_moved_up(jobs: Jobs) -> None:
    first, second = jobs.submit(LAKE), jobs.submit(LAKE)
    watch = jobs.watch(second.id)
    assert next(watch)[1]["position"] == 1
    jobs.stop(first.id)
    assert next(watch)[1]["position"] == 0


def test_closing_the_queue_ends_watchers_and_the_waiting_worker(jobs: Jobs) -> None:
    ended: list[object] = []
    job = jobs.submit(LAKE)
    jobs.claim()
    flag = jobs.stop_flag(job.id)
    threads = [threading.Thread(target=lambda: ended.append(list(jobs.watch(job.id)))) for _ in range(2)]
    threads.append(threading.Thread(target=lambda: ended.append(jobs.claim())))
    for thread in threads:
        thread.start()
    jobs.close()
    for thread in threads:
        thread.join(10)
    assert len(ended) == 3
    assert flag.is_set()


def test_nothing_is_heard_of_a_job_that_does_not_exist(jobs: Jobs) -> None:
    assert list(jobs.watch("none")) == []
    assert jobs.get("none") is None
