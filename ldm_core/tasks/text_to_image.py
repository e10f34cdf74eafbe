"""A prompt becomes pictures."""

from __future__ import annotations

from collections.abc import Container, Generator, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from threading import Event as Flag
from typing import TYPE_CHECKING

from ldm_core.events import Event, Picture, Pixels, Progress, Stopped
from ldm_core.tasks.clock import Clock
from ldm_core.tasks.keep import Keeper

if TYPE_CHECKING:
    from torch import Tensor

    from ldm_core.diffusion.samplers import Step
    from ldm_core.model import LatentDiffusion
    from ldm_core.preview import Previewer


@dataclass(frozen=True)
class TextToImage:
    """Everything that decides the pictures of a prompt. None, or an empty name: the model's own default.

    model: a name on the shelf; empty for the embedded model. seed: of the first picture, -1 for chance; picture i has
    seed + i. cfg_scale: 1 = no guidance. eta: 0..1, the share of fresh noise in samplers that take it; None is the
    sampler's own. width, height: any number of pixels within the limits; what the network cannot draw exactly is drawn
    larger and cropped.
    """

    prompt: str = ""
    negative_prompt: str = ""
    model: str = ""
    sampler: str = ""
    schedule: str = ""
    steps: int | None = None
    cfg_scale: float | None = None
    eta: float | None = None
    seed: int = -1
    width: int | None = None
    height: int | None = None
    count: int = 1


def text_to_image(
    model: LatentDiffusion,
    request: TextToImage,
    *,
    previews: bool = True,
    stop: Flag | None = None,
    keep: Keeper | None = None,
    skip: Container[int] = (),
) -> Generator[Event, None, None]:
    """Draw the pictures of a resolved request: `Progress` after each step, a `Picture` for each, `Stopped` if it is.

    They are drawn in batches that memory allows, and decoded one by one. keep: where finished latents are written
    before they are decoded; a batch whose latents are there already is only decoded. skip: indices of pictures that
    exist already. Raises UserError if the work does not fit into memory or the folder of `keep` cannot be written.
    """
    from ldm_core import memory
    from ldm_core.preview import Previewer

    stop = stop or Flag()
    width, height, steps = size_and_steps(request)
    at_once = memory.batch_size(width, height, request.count, model.device)
    memory.require(model.working_bytes(width, height, at_once), model.device, f"{width}x{height} pixels")
    batches = [range(i, min(i + at_once, request.count)) for i in range(0, request.count, at_once)]
    batches = [batch for batch in batches if not all(index in skip for index in batch)]
    finished = sum(index in skip for index in range(request.count))
    clock = Clock(steps * len(batches))
    shown = model.shown(width, height)
    with Previewer(model.preview, shown) if previews and model.preview else nullcontext() as previewer:
        for batch in batches:
            latents = _kept(keep, batch)
            if latents:
                clock.skip(steps)
            else:
                latents = yield from _sampled(model, request, batch, clock, previewer, stop)
                _keep(keep, batch, latents)
            for index, latent in zip(batch, latents, strict=False):  # there are none if it was stopped
                if stop.is_set():
                    break
                if index not in skip:
                    yield Picture(index, request.seed + index, _decoded(model, latent, width, height))
                    finished += 1
                if keep:
                    keep.drop(index)
            if stop.is_set() and finished < request.count:
                if keep:
                    keep.drop(*batch)
                yield Stopped(finished)
                return


def size_and_steps(request: TextToImage) -> tuple[int, int, int]:
    """width, height, steps of a resolved request."""
    if request.width is None or request.height is None or request.steps is None or request.cfg_scale is None:
        raise ValueError("the request is not resolved")
    return request.width, request.height, request.steps


def _sampled(
    model: LatentDiffusion,
    request: TextToImage,
    batch: range,
    clock: Clock,
    previewer: Previewer | None,
    stop: Flag,
) -> Generator[Event, None, list[Tensor]]:
    """The latents, each (C, h, w), of the pictures of a batch; none if it was stopped."""
    width, height, steps = size_and_steps(request)
    afterwards = model.decode_seconds * width * height * (request.count - batch.start)
    sampling = _sampling(model, request, batch)
    latents: list[Tensor] = []
    clock.begin()
    for _ in range(steps):
        if stop.is_set():
            return []
        step = next(sampling)
        clock.tick()
        latents = list(step.x)
        if previewer:
            previewer.offer(step.x0, batch.start)
        preview, first = previewer.take() if previewer else (None, batch.start)
        yield Progress(clock.step, clock.steps, preview, clock.seconds_left(afterwards), first)
    return latents


def _sampling(model: LatentDiffusion, request: TextToImage, batch: range) -> Iterator[Step]:
    """The steps of a batch; nothing is computed before it is asked for."""
    from ldm_core.diffusion.guidance import cfg
    from ldm_core.diffusion.noise import ImageNoise
    from ldm_core.diffusion.parameterization import ve_from_vp
    from ldm_core.diffusion.samplers import steps
    from ldm_core.diffusion.spacing import sigmas_for

    width, height, count = size_and_steps(request)
    scale = 1.0 if request.cfg_scale is None else request.cfg_scale
    cond = model.conditioner([request.prompt] * len(batch))
    uncond = None if scale == 1 else model.conditioner([request.negative_prompt] * len(batch))
    denoise = cfg(model.denoiser(), cond, uncond, scale)
    sigmas = sigmas_for(request.schedule, model.schedule, count)
    noise = ImageNoise([request.seed + i for i in batch], model.latent_shape(width, height), model.device)
    start = ve_from_vp(noise.start(), float(sigmas[0]))
    return steps(request.sampler, denoise, start, sigmas, noise, eta=request.eta)


def _decoded(model: LatentDiffusion, latent: Tensor, width: int, height: int) -> Pixels:
    """The picture of a latent (C, h, w): (height, width, 3), the middle of what was drawn."""
    drawn = model.decode(latent[None])[0]
    top, left = (drawn.shape[0] - height) // 2, (drawn.shape[1] - width) // 2
    picture: Pixels = drawn[top : top + height, left : left + width].copy()
    return picture


def _kept(keep: Keeper | None, batch: range) -> list[Tensor]:
    """The latents of a batch that an earlier run of the job finished; none unless all are there."""
    found = [keep.load(index) for index in batch] if keep else []
    latents = [latent for latent in found if latent is not None]
    return latents if len(latents) == len(batch) else []


def _keep(keep: Keeper | None, batch: range, latents: list[Tensor]) -> None:
    if keep:
        for index, latent in zip(batch, latents, strict=False):
            keep.save(index, latent)
