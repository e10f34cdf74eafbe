"""Heun's method: second order, two network calls a step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from ldm_core.diffusion.samplers.maths import move
from ldm_core.diffusion.samplers.registry import Denoise, Noise, sampler

if TYPE_CHECKING:
    from torch import Tensor

NOISE_ONLY = 100.0
"""Above this sigma a step is Euler's alone; Karras et al. begin at 80.

The correction weighs x0 at sigma_next by (sigma / sigma_next - 1) / 2. From the thousands where cosine and
zero-terminal schedules begin, the first step would magnify a guess made from noise a hundred times.
"""


@sampler("heun", label="Heun", order=2, paper="arXiv:2206.00364")
def heun(denoise: Denoise, x: Tensor, sigmas: Sequence[float], noise: Noise | None) -> Iterator[tuple[Tensor, Tensor]]:
    """Karras et al. 2022, algorithm 1, without churn: an Euler step, then again with the mean of both slopes."""
    for sigma, sigma_next in pairwise(sigmas):
        x0 = denoise(x, sigma)
        x_next = move(x, x0, sigma, sigma_next)
        if sigma_next > 0 and sigma <= NOISE_ONLY:  # at 0 there is no slope
            slope = (x - x0) / sigma
            slope_next = (x_next - denoise(x_next, sigma_next)) / sigma_next
            x_next = x + (slope + slope_next) * ((sigma_next - sigma) / 2)
        x = x_next
        yield x, x0
