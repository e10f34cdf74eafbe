"""DPM-Solver++ (2M): second order from the step before, one network call a step."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from ldm_core.diffusion.samplers.maths import move
from ldm_core.diffusion.samplers.registry import Denoise, Noise, sampler

if TYPE_CHECKING:
    from torch import Tensor


@sampler("dpmpp_2m", label="DPM++ 2M", order=2, paper="arXiv:2211.01095")
def dpmpp_2m(
    denoise: Denoise, x: Tensor, sigmas: Sequence[float], noise: Noise | None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Lu et al. 2022, algorithm 2, with lambda = -log(sigma): x0 is extrapolated from this step and the one before.

    First order in the first step, which has none before, and in the last to sigma 0, where lambda is infinite.
    """
    x0_before: Tensor | None = None
    width_before = 0.0
    for sigma, sigma_next in pairwise(sigmas):
        x0 = denoise(x, sigma)
        towards = x0
        if sigma_next > 0:
            width = math.log(sigma / sigma_next)
            if x0_before is not None:
                towards = x0 + (width / (2 * width_before)) * (x0 - x0_before)
            width_before = width
        x = move(x, towards, sigma, sigma_next)
        x0_before = x0
        yield x, x0
