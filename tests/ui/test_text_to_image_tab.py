"""What the tab makes of its fields: requests, and sentences for what cannot be one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.jobs import Jobs
from ldm_core.tasks import check
from ui.examples import FOLDER, read_examples
from ui.fields import number_in
from ui.tabs.text_to_image import NUMBERS, OPTIONS, WORDS, stop_job, submit

GOOD = {
    "prompt": "a lake",
    "negative_prompt": "",
    "model": "",
    "sampler": "ddim",
    "schedule": "uniform",
    "steps": "20",
    "cfg_scale": "5",
    "seed": "7",
    "width": "256",
    "height": "256",
    "count": "1",
}


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    def judge(request: object) -> tuple[str, ...]:
        check(request)  # type: ignore[arg-type]
        return ()

    jobs = Jobs(tmp_path / "queue.sqlite", judge)
    yield jobs
    jobs.close()


def send(jobs: Jobs, **changes: object) -> dict[str, str]:
    values = {**GOOD, **changes}
    return submit(jobs, *(values[name] for name in OPTIONS))


def test_the_fields_become_the_request(jobs: Jobs) -> None:
    job = jobs.get(send(jobs, cfg_scale="2.5", count="3")["job"])
    assert job is not None
    wanted = {"prompt": "a lake", "sampler": "ddim", "steps": 20, "cfg_scale": 2.5, "seed": 7, "width": 256, "count": 3}
    assert {name: job.request[name] for name in wanted} == wanted


def test_the_largest_seed_arrives_as_it_was_typed(jobs: Jobs) -> None:
    job = jobs.get(send(jobs, seed=str(2**63 - 1))["job"])
    assert job is not None
    assert job.request["seed"] == 9223372036854775807


def test_empty_number_fields_stand_for_the_defaults(jobs: Jobs) -> None:
    job = jobs.get(send(jobs, **dict.fromkeys(NUMBERS, " "))["job"])
    assert job is not None
    assert (job.request["steps"], job.request["width"], job.request["count"]) == (None, None, 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("steps", "0"), ("steps", "-1"), ("steps", "1000000000"), ("steps", "2.5"), ("steps", "many"),
        ("steps", "9" * 5000), ("width", "7"), ("height", "1000000"),
        ("cfg_scale", "nan"), ("cfg_scale", "inf"), ("cfg_scale", "-1"),
        ("seed", "text"), ("seed", "-2"), ("seed", str(2**63)), ("count", "0"), ("count", "1e3000"),
        ("prompt", "x" * 20_001), ("prompt", ["a", "list"]), ("steps", {"a": 1}), ("seed", True),
    ],
)  # fmt: skip
def test_a_wrong_value_gives_one_sentence_that_names_its_field(jobs: Jobs, field: str, value: object) -> None:
    answer = send(jobs, **{field: value})
    label = {"cfg_scale": "CFG scale"}.get(field, field.capitalize())
    assert list(answer) == ["error"]
    assert answer["error"].startswith(label)
    assert "\n" not in answer["error"]
    assert len(answer["error"]) < 200
    assert jobs.list() == []


@pytest.mark.parametrize("shown", [None, {}, {"error": "x"}, {"job": 7}, "text", {"job": "no such job"}])
def test_stopping_what_is_not_there_does_nothing(jobs: Jobs, shown: object) -> None:
    job = send(jobs)["job"]
    stop_job(jobs, shown)
    assert jobs.get(job).state == "queued"  # type: ignore[union-attr]


def test_stop_stops_the_job_that_is_shown(jobs: Jobs) -> None:
    one, two = send(jobs)["job"], send(jobs)["job"]
    stop_job(jobs, {"job": one})
    assert [jobs.get(job).state for job in (one, two)] == ["stopped", "queued"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("typed", "meant"), [("20", 20), (" 7 ", 7), ("2.5", 2.5), ("", None), ("abc", "abc"), (None, None)]
)
def test_number_in(typed: object, meant: object) -> None:
    assert number_in(typed) == meant


def test_every_field_of_the_page_is_one_of_the_request() -> None:
    assert set(OPTIONS) == set(WORDS) | set(NUMBERS) == set(GOOD)


def test_there_are_twelve_examples_and_all_are_requests() -> None:
    from ldm_core.tasks import request_from_json

    examples = read_examples()
    assert len(examples) == 12
    for example in examples:
        check(request_from_json({"task": "text_to_image", **example.request}))
        assert not example.image or (FOLDER / example.image).is_file()
