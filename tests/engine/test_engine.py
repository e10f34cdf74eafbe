"""The engine as its users see it: events, pictures, randomness, stopping, faults."""

from __future__ import annotations

import os
import shutil
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ldm_core import memory
from ldm_core.diffusion.noise import ImageNoise
from ldm_core.engine import Engine
from ldm_core.errors import UserError
from ldm_core.events import Done, Event, Failed, Loading, Picture, Pixels, Progress, Stopped
from ldm_core.model import LatentDiffusion, load_model
from ldm_core.tasks import TextToImage, request_from_json
from ldm_core.tasks.keep import OLDEST
from tests.tiny_model import write_tiny_models

REQUEST = TextToImage("a red tent by a lake", seed=7, steps=3)


def pictures(engine: Engine, request: TextToImage, **options: Any) -> list[Pixels]:
    done = list(engine.run(request, **options))[-1]
    assert isinstance(done, Done), done
    return list(done.images)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """What the network was given in each of its calls."""
    seen: list[Tensor] = []
    network = LatentDiffusion._network

    def watched(self: LatentDiffusion, x: Tensor, timesteps: Tensor, conditioning: Any) -> Tensor:
        seen.append(x.clone())
        return network(self, x, timesteps, conditioning)

    monkeypatch.setattr(LatentDiffusion, "_network", watched)
    return seen


# -- what comes out ---------------------------------------------------------------------------------------------------


def test_a_job_tells_of_every_step_then_of_every_picture_then_that_it_is_done(shared_engine: Engine) -> None:
    events = list(shared_engine.run(TextToImage("a tent", seed=7, steps=3, count=2)))
    assert [type(event) for event in events] == [Progress] * 3 + [Picture] * 2 + [Done]
    progress = [event for event in events if isinstance(event, Progress)]
    assert [(event.step, event.steps) for event in progress] == [(1, 3), (2, 3), (3, 3)]
    drawn = [event for event in events if isinstance(event, Picture)]
    assert [(event.index, event.seed, event.image.shape) for event in drawn] == [
        (0, 7, (64, 64, 3)),
        (1, 8, (64, 64, 3)),
    ]
    done = events[-1]
    assert isinstance(done, Done)
    assert all(np.array_equal(a, b.image) for a, b in zip(done.images, drawn, strict=True))


def test_the_picture_is_that_of_ddim_written_out_by_its_formula(tiny: Path, shared_engine: Engine) -> None:
    """Start noise, guidance, v, DDIM (arXiv:2010.02502, eq. 12), unnormalised latent, decoder: by hand, VP form."""
    model = load_model(tiny)
    steps, scale, seed = 5, 3.0, 11
    t = torch.arange(1001, dtype=torch.float64) / 1000
    f = torch.cos((t + 0.008) / 1.008 * torch.pi / 2) ** 2
    abar = torch.cumprod(1 - (1 - f[1:] / f[:-1]).clamp(max=0.999), 0)
    abar = 0.25 * abar / (0.25 * abar + 1 - abar)  # the tiny model's snr_shift
    times = [round(1000 * (steps - i) / steps) - 1 for i in range(steps)]
    x = torch.randn((4, 8, 8), generator=torch.Generator("cpu").manual_seed(seed))[None]
    cond, uncond = model.conditioner(["a blue lake"]), model.conditioner(["night"])
    for now, following in pairwise([*times, None]):
        assert now is not None
        a = float(abar[now])
        a_next = 1.0 if following is None else float(abar[following])
        v = [model.unet(x, torch.tensor([float(now)]), context=c.context, y=c.y) for c in (cond, uncond)]
        guided = v[1] + scale * (v[0] - v[1])
        x0, eps = a**0.5 * x - (1 - a) ** 0.5 * guided, a**0.5 * guided + (1 - a) ** 0.5 * x
        x = a_next**0.5 * x0 + (1 - a_next) ** 0.5 * eps
    mean, std = ([0.1, -0.1, 0.0, 0.2], [0.9, 1.1, 1.0, 1.2])
    z = x * torch.tensor(std)[:, None, None] + torch.tensor(mean)[:, None, None]
    expected = ((model.first_stage.decode(z)[0].clamp(-1, 1) + 1) * 127.5).permute(1, 2, 0).numpy()
    request = TextToImage("a blue lake", "night", "", "ddim", "trailing", steps, scale, 0.0, seed)
    (picture,) = pictures(shared_engine, request)
    assert expected.std() > 10  # it is a picture of something
    assert np.abs(picture - expected).max() <= 0.6


@pytest.mark.parametrize(("width", "height"), [(64, 64), (65, 100), (200, 64), (97, 129)])
def test_pictures_have_exactly_the_size_that_was_asked_for(shared_engine: Engine, width: int, height: int) -> None:
    events = list(shared_engine.run(TextToImage("a tent", seed=1, steps=2, width=width, height=height)))
    (picture,) = (event.image for event in events if isinstance(event, Picture))
    assert picture.shape == (height, width, 3)
    assert picture.dtype == np.uint8


def test_odd_sizes_are_the_middle_of_the_next_size_that_the_network_can_draw(shared_engine: Engine) -> None:
    (whole,) = pictures(shared_engine, TextToImage("a tent", seed=1, steps=2, width=96, height=64))
    (part,) = pictures(shared_engine, TextToImage("a tent", seed=1, steps=2, width=80, height=64))
    assert np.array_equal(part, whole[:, 8:88])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_draws_nearly_the_same_picture(tiny: Path, shared_engine: Engine, dtype: str) -> None:
    (picture,) = pictures(Engine(lambda name: tiny, device="cpu", dtype=dtype), REQUEST)
    (expected,) = pictures(shared_engine, REQUEST)
    assert not np.array_equal(picture, expected)
    assert np.abs(picture.astype(int) - expected).mean() < (0.5 if dtype == "float16" else 3)


# -- randomness -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sampler", ["ddim", "euler_ancestral", "dpmpp_2m"])
def test_the_same_request_gives_the_same_bits(tiny: Path, shared_engine: Engine, sampler: str) -> None:
    request = TextToImage("a red tent", sampler=sampler, eta=1.0 if sampler == "ddim" else None, seed=3, steps=3)
    (once,) = pictures(shared_engine, request)
    (again,) = pictures(shared_engine, request)
    (elsewhere,) = pictures(Engine(lambda name: tiny, device="cpu"), request)
    assert np.array_equal(once, again)
    assert np.array_equal(once, elsewhere)
    assert not np.array_equal(
        once, pictures(shared_engine, TextToImage("a red tent", sampler=sampler, seed=4, steps=3))[0]
    )


def test_previews_on_or_off_the_bits_are_the_same(shared_engine: Engine) -> None:
    request = TextToImage("a red tent", sampler="euler_ancestral", seed=3, steps=8, count=3)
    assert np.array_equal(pictures(shared_engine, request), pictures(shared_engine, request, previews=False))


def test_the_recipe_draws_the_same_bits_also_if_the_seed_was_chance(shared_engine: Engine) -> None:
    done = list(shared_engine.run(TextToImage("a lake")))[-1]
    assert isinstance(done, Done)
    assert None not in done.recipe.values()
    assert np.array_equal(pictures(shared_engine, request_from_json(done.recipe)), done.images)


@pytest.mark.parametrize("sampler", ["dpmpp_2m", "euler_ancestral"])
def test_each_picture_of_a_batch_has_the_noise_of_the_single_one_and_its_picture_within_2(
    shared_engine: Engine, calls: list[Tensor], monkeypatch: pytest.MonkeyPatch, sampler: str
) -> None:
    drawn: list[Tensor] = []
    draw = ImageNoise._draw

    def watched(self: ImageNoise) -> Tensor:
        drawn.append(draw(self))
        return drawn[-1]

    monkeypatch.setattr(ImageNoise, "_draw", watched)
    together = pictures(shared_engine, TextToImage("a red tent", sampler=sampler, seed=20, steps=4, count=4))
    noise_together, start_together = list(drawn), calls[0]
    for i in range(4):
        drawn.clear()
        calls.clear()
        (alone,) = pictures(shared_engine, TextToImage("a red tent", sampler=sampler, seed=20 + i, steps=4))
        assert torch.equal(start_together[4 + i], calls[0][1])  # the guided batch is without condition, then with it
        assert len(drawn) == len(noise_together)
        assert all(torch.equal(a[i], b[0]) for a, b in zip(noise_together, drawn, strict=True))
        assert np.abs(together[i].astype(int) - alone).max() <= 2


def test_many_pictures_are_drawn_in_batches_and_seeds_go_on(shared_engine: Engine, calls: list[Tensor]) -> None:
    count = 2 * memory.MOST_AT_ONCE + 3
    events = list(shared_engine.run(TextToImage("a tent", seed=50, steps=1, count=count, cfg_scale=1)))
    drawn = [event for event in events if isinstance(event, Picture)]
    assert [(event.index, event.seed) for event in drawn] == [(i, 50 + i) for i in range(count)]
    assert [len(x) for x in calls] == [memory.MOST_AT_ONCE, memory.MOST_AT_ONCE, 3]
    assert [(e.step, e.steps) for e in events if isinstance(e, Progress)] == [(1, 3), (2, 3), (3, 3)]
    (alone,) = pictures(shared_engine, TextToImage("a tent", seed=50 + count - 1, steps=1, cfg_scale=1))
    assert np.abs(drawn[-1].image.astype(int) - alone).max() <= 2


def test_without_guidance_the_network_is_called_once_for_each_picture_and_step(
    shared_engine: Engine, calls: list[Tensor]
) -> None:
    pictures(shared_engine, TextToImage("a tent", sampler="euler", steps=2, cfg_scale=1))
    pictures(shared_engine, TextToImage("a tent", sampler="euler", steps=2, cfg_scale=2))
    assert [len(x) for x in calls] == [1, 1, 2, 2]


def test_an_empty_prompt_draws_and_the_negative_prompt_counts(shared_engine: Engine) -> None:
    (empty,) = pictures(shared_engine, TextToImage(seed=1, steps=2))
    (negative,) = pictures(shared_engine, TextToImage(negative_prompt="a red lake", seed=1, steps=2))
    assert not np.array_equal(empty, negative)


def test_a_request_of_huge_numbers_of_pictures_does_not_hold_them_all(
    shared_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ldm_core.engine.HELD_BYTES", 3 * 64 * 64 * 3)
    request = TextToImage("a tent", seed=1, steps=1, count=3)
    assert len(pictures(shared_engine, request)) == 3
    events = list(shared_engine.run(TextToImage("a tent", seed=1, steps=1, count=4)))
    assert isinstance(events[-1], Done)
    assert events[-1].images == ()
    assert sum(isinstance(event, Picture) for event in events) == 4


# -- progress ---------------------------------------------------------------------------------------------------------


def test_previews_come_while_the_picture_forms_and_look_like_it(shared_engine: Engine) -> None:
    events = []
    for event in shared_engine.run(TextToImage("a red tent", seed=3, steps=25, width=100, height=80, count=2)):
        events.append(event)
        if isinstance(event, Progress):
            time.sleep(0.03)  # a person watches; the tiny model would be done before the first preview
    shown = [event for event in events if isinstance(event, Progress) and event.preview is not None]
    assert len(shown) >= 3
    for event in shown:
        assert event.preview is not None
        assert event.preview.shape == (2, 40, 50, 3)  # 4 pixels for 8 of the picture, cropped as it is
        assert event.first == 0


def test_time_left_falls_to_nothing(shared_engine: Engine) -> None:
    left = []
    for event in shared_engine.run(TextToImage("a red tent", seed=3, steps=10)):
        if isinstance(event, Progress):
            time.sleep(0.02)
            left.append(event.seconds_left)
    estimates = [seconds for seconds in left if seconds is not None]
    assert len(estimates) == 10
    assert estimates[4] >= 5 * 0.02
    assert 0 <= estimates[-1] < estimates[4]


# -- one model, one job at a time -------------------------------------------------------------------------------------


def test_the_model_is_read_once_and_again_only_if_its_file_changes(tmp_path: Path) -> None:
    _, path = write_tiny_models(tmp_path)
    engine = Engine(lambda name: path, device="cpu")
    assert [e for e in engine.run(REQUEST) if isinstance(e, Loading)] == [Loading("Tiny scenes")]
    assert not [e for e in engine.run(REQUEST) if isinstance(e, Loading)]
    (before,) = pictures(engine, REQUEST)
    write_tiny_models(tmp_path, snr_shift=1.0)
    assert [e for e in engine.run(REQUEST) if isinstance(e, Loading)]
    assert not np.array_equal(before, pictures(engine, REQUEST)[0])


def test_the_spec_is_known_without_reading_weights(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ldm_core.engine.load_model", lambda *_, **__: pytest.fail("weights were read"))
    assert Engine(lambda name: tiny, device="cpu").spec("any").defaults.steps == 4


def test_two_jobs_at_once_wait_for_one_another(shared_engine: Engine) -> None:
    order: list[tuple[int, str]] = []

    def draw(number: int) -> None:
        for event in shared_engine.run(TextToImage("a tent", seed=number, steps=4)):
            order.append((number, type(event).__name__))

    threads = [threading.Thread(target=draw, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    jobs = [number for number, _ in order]
    assert len(order) == 3 * 6
    assert all(len(set(jobs[i : i + 6])) == 1 for i in (0, 6, 12))


# -- stopping and faults ----------------------------------------------------------------------------------------------


def test_stop_ends_a_job_before_its_next_step(shared_engine: Engine, calls: list[Tensor]) -> None:
    stop = threading.Event()
    events: list[Event] = []
    for event in shared_engine.run(TextToImage("a tent", steps=500), stop=stop):
        events.append(event)
        if isinstance(event, Progress) and event.step == 2:
            stop.set()
    assert events[-1] == Stopped(0)
    assert len(calls) == 2
    assert not any(thread.name == "preview" for thread in threading.enumerate())


def test_pictures_that_were_finished_before_the_stop_are_counted(shared_engine: Engine) -> None:
    stop = threading.Event()
    events: list[Event] = []
    for event in shared_engine.run(TextToImage("a tent", steps=1, count=20), stop=stop):
        events.append(event)
        if isinstance(event, Picture) and event.index == 9:
            stop.set()
    assert events[-1] == Stopped(10)
    assert sum(isinstance(event, Picture) for event in events) == 10


def test_a_stop_after_the_last_picture_is_too_late_to_matter(shared_engine: Engine) -> None:
    stop = threading.Event()
    events: list[Event] = []
    for event in shared_engine.run(REQUEST, stop=stop):
        events.append(event)
        if isinstance(event, Picture):
            stop.set()
    assert isinstance(events[-1], Done)


def test_a_closed_job_leaves_the_engine_ready_and_no_thread_behind(shared_engine: Engine) -> None:
    events = shared_engine.run(TextToImage("a tent", steps=500))
    next(events)
    events.close()
    assert not any(thread.name == "preview" for thread in threading.enumerate())
    assert len(pictures(shared_engine, REQUEST)) == 1


def test_used_up_memory_is_one_sentence_and_the_next_job_draws(
    shared_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(LatentDiffusion, "decode", lambda self, latents: torch.empty(2**55))  # torch's own error
        failed = list(shared_engine.run(REQUEST))[-1]
    assert isinstance(failed, Failed)
    assert "memory" in failed.error
    assert "smaller" in failed.error
    assert "\n" not in failed.error
    assert len(pictures(shared_engine, REQUEST)) == 1


def test_work_that_cannot_fit_is_refused_before_it_begins(
    shared_engine: Engine, calls: list[Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda device: 10_000_000)
    failed = list(shared_engine.run(TextToImage("a tent", width=2048, height=2048)))[-1]
    assert isinstance(failed, Failed)
    assert "2048x2048" in failed.error
    assert "1.6 GB needed, 0.0 GB free" in failed.error
    assert not calls


def test_numbers_that_overflow_are_one_sentence_and_no_black_picture(
    shared_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LatentDiffusion, "_network", lambda self, x, t, c: x * float("nan"))
    failed = list(shared_engine.run(REQUEST))[-1]
    assert isinstance(failed, Failed)
    assert "too large" in failed.error


def test_wrong_requests_and_unknown_models_fail_with_their_sentence(shared_engine: Engine) -> None:
    def resolve(name: str) -> Path:
        raise UserError(f"There is no model '{name}'.")

    assert list(shared_engine.run(TextToImage(steps=0))) == [Failed("Steps must be from 1 to 1000, not 0.")]
    assert list(Engine(resolve, device="cpu").run(TextToImage(model="x"))) == [Failed("There is no model 'x'.")]


def test_errors_of_the_program_itself_are_not_dressed_up(
    shared_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LatentDiffusion, "decode", lambda self, latents: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        list(shared_engine.run(REQUEST))
    monkeypatch.undo()
    assert len(pictures(shared_engine, REQUEST)) == 1


@pytest.mark.parametrize(
    ("device", "dtype", "words"),
    [("tpu", "auto", "'tpu' is not known"), ("cpu", "int8", "'int8' is not known"), ("cuda:99", "auto", "cuda")],
)
def test_wrong_devices_and_dtypes_are_refused(tiny: Path, device: str, dtype: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        Engine(lambda name: tiny, device=device, dtype=dtype)


# -- nothing that was computed is lost --------------------------------------------------------------------------------


@pytest.fixture
def keeping(tiny: Path, tmp_path: Path) -> Engine:
    return Engine(lambda name: tiny, device="cpu", keep=tmp_path / "deep" / "keep")


def test_latents_are_on_disk_before_they_are_decoded_and_until_the_picture_is_consumed(
    keeping: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_decoding: list[list[str]] = []
    decode = LatentDiffusion.decode

    def watched(self: LatentDiffusion, latents: Tensor) -> Pixels:
        at_decoding.append(sorted(path.name for path in (tmp_path / "deep" / "keep").iterdir()))
        return decode(self, latents)

    monkeypatch.setattr(LatentDiffusion, "decode", watched)
    for event in keeping.run(TextToImage("a tent", seed=1, steps=2, count=2), job_id="job"):
        if isinstance(event, Picture):
            assert (tmp_path / "deep" / "keep" / f"job-{event.index}.safetensors").is_file()
    assert at_decoding == [["job-0.safetensors", "job-1.safetensors"], ["job-1.safetensors"]]
    assert list((tmp_path / "deep" / "keep").iterdir()) == []


def test_a_stopped_job_leaves_no_latents_behind(keeping: Engine, tmp_path: Path) -> None:
    stop = threading.Event()
    for event in keeping.run(TextToImage("a tent", seed=1, steps=1, count=3), job_id="job", stop=stop):
        if isinstance(event, Picture):
            stop.set()
    assert event == Stopped(1)
    assert list((tmp_path / "deep" / "keep").iterdir()) == []


def test_a_job_without_a_name_leaves_no_latents_behind_however_it_ends(
    keeping: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = keeping.run(TextToImage("a tent", steps=1, count=2))
    next(event for event in events if isinstance(event, Picture))
    assert len(list((tmp_path / "deep" / "keep").iterdir())) == 2
    events.close()
    assert list((tmp_path / "deep" / "keep").iterdir()) == []
    monkeypatch.setattr(LatentDiffusion, "decode", lambda self, latents: torch.empty(2**55))
    assert isinstance(list(keeping.run(REQUEST))[-1], Failed)
    assert list((tmp_path / "deep" / "keep").iterdir()) == []


def test_a_job_that_is_run_again_takes_up_its_finished_latents(keeping: Engine, calls: list[Tensor]) -> None:
    request = TextToImage("a tent", seed=1, steps=2, count=2)
    expected = pictures(keeping, request)
    events = keeping.run(request, job_id="job")
    assert isinstance(next(event for event in events if isinstance(event, Picture)), Picture)
    events.close()  # the picture was not consumed: as if the process had died
    calls.clear()
    again = pictures(keeping, request, job_id="job")
    assert not calls
    assert np.array_equal(again, expected)


def test_latents_of_another_request_or_damaged_ones_are_not_taken_up(
    keeping: Engine, tmp_path: Path, calls: list[Tensor]
) -> None:
    (expected,) = pictures(keeping, REQUEST)
    for spoil in (False, True):
        events = keeping.run(REQUEST if spoil else TextToImage("a lake", seed=7, steps=3), job_id="job")
        next(event for event in events if isinstance(event, Picture))
        events.close()
        if spoil:
            (tmp_path / "deep" / "keep" / "job-0.safetensors").write_bytes(b"damage")
        calls.clear()
        assert np.array_equal(pictures(keeping, REQUEST, job_id="job"), [expected])
        assert len(calls) == 3


def test_pictures_that_exist_already_are_not_drawn_again(shared_engine: Engine, calls: list[Tensor]) -> None:
    request = TextToImage("a tent", seed=1, steps=1, count=memory.MOST_AT_ONCE + 3)
    expected = pictures(shared_engine, request)
    calls.clear()
    events = list(shared_engine.run(request, skip=set(range(memory.MOST_AT_ONCE + 1))))
    drawn = [event for event in events if isinstance(event, Picture)]
    assert len(calls) == 1
    assert [event.index for event in drawn] == [memory.MOST_AT_ONCE + 1, memory.MOST_AT_ONCE + 2]
    assert np.array_equal([event.image for event in drawn], expected[memory.MOST_AT_ONCE + 1 :])


def test_a_folder_that_cannot_be_written_is_one_sentence(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    events = list(Engine(lambda name: tiny, device="cpu", keep=tmp_path / "file").run(REQUEST))
    assert isinstance(events[-1], Failed)
    assert "cannot be written" in events[-1].error


def test_latents_that_nobody_came_back_for_are_removed_after_a_week(tiny: Path, tmp_path: Path) -> None:
    old, new = tmp_path / "old-0.safetensors", tmp_path / "new-0.safetensors"
    for path in (old, new):
        shutil.copy(tiny, path)
    os.utime(old, (time.time() - OLDEST - 60,) * 2)
    Engine(lambda name: tiny, device="cpu", keep=tmp_path)
    assert new.exists()
    assert not old.exists()
