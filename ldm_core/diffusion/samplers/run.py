"""Runs a sampler by its name: whole, or step by step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from ldm_core.diffusion.samplers.registry import SAMPLERS, Noise

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    Sigmas = Sequence[float] | NDArray[np.floating[Any]] | Tensor


class Step(NamedTuple):
    """What is known after a step: its number from 0, the latent at the next sigma, and the x0 that the denoiser saw."""

    i: int
    x: Tensor
    x0: Tensor


def steps(
    name: str,
    denoise: Callable[[Tensor, Tensor], Tensor],
    x: Tensor,
    sigmas: Sigmas,
    noise: Noise | None = None,
    *,
    eta: float | None = None,
) -> Iterator[Step]:
    """Sample step by step; to stop, stop iterating: no work is done ahead.

    name: one of SAMPLERS. denoise(x, sigma) -> x0, with sigma a float64 tensor without dimensions, on the CPU.
    x: (B, C, h, w) = x0 + sigmas[0] * noise. sigmas: (steps + 1,), finite, >= 0, strictly decreasing; the last is 0 for
    a clean result. noise() -> the next noise, shaped like x; only samplers with eta > 0 need it. eta: the share of
    fresh noise; None is the sampler's own. Raises ValueError, before the first step, for what does not hold.
    """
    if name not in SAMPLERS:
        raise ValueError(f"Unknown sampler {name!r}; known: {', '.join(SAMPLERS)}.")
    chosen = SAMPLERS[name]
    levels = _levels(sigmas)
    eta = _checked_eta(name, chosen.eta, eta)
    if eta > 0 and noise is None:
        raise ValueError(f"{name} with eta {eta} adds noise in each step and needs a source of it.")

    import torch  # here, not above: lists of samplers must not wait for it

    def at(x: Tensor, sigma: float) -> Tensor:
        return denoise(x, torch.tensor(sigma, dtype=torch.float64, device="cpu"))

    arguments = (at, x, levels, noise) + ((eta,) if chosen.takes_eta else ())
    return (Step(i, *result) for i, result in enumerate(chosen.function(*arguments)))


def run_sampler(
    name: str,
    denoise: Callable[[Tensor, Tensor], Tensor],
    x: Tensor,
    sigmas: Sigmas,
    noise: Noise | None = None,
    *,
    eta: float | None = None,
) -> Tensor:
    """Sample to the end and return x at the last sigma. Arguments and errors: see `steps`."""
    for step in steps(name, denoise, x, sigmas, noise, eta=eta):
        x = step.x
    return x


def _levels(sigmas: Sigmas) -> list[float]:
    levels: list[float] = sigmas.tolist() if hasattr(sigmas, "tolist") else [float(sigma) for sigma in sigmas]
    if not levels or not all(math.isfinite(sigma) and sigma >= 0 for sigma in levels):
        raise ValueError("sigmas must be a list of finite numbers, 0 or more.")
    if any(now <= following for now, following in pairwise(levels)):
        raise ValueError("sigmas must be strictly decreasing.")
    return levels


def _checked_eta(name: str, usual: float | None, eta: float | None) -> float:
    """The eta to use. One of 0 is true of every sampler that adds no noise, any other would be a wish not heard."""
    if eta is None:
        return usual or 0.0
    if not (math.isfinite(eta) and eta >= 0):
        raise ValueError(f"eta must be a finite number, 0 or more, not {eta}.")
    if usual is None and eta != 0:
        raise ValueError(f"{name} adds no noise and takes no eta.")
    return eta
