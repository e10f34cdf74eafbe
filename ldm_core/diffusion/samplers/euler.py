"""Euler's method."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from ldm_core.diffusion.samplers.maths import move
from ldm_core.diffusion.samplers.registry import Denoise, Noise, sampler

if TYPE_CHECKING:
    from torch import Tensor


@sampler("euler", label="Euler", order=1, paper="arXiv:2206.00364")
def euler(denoise: Denoise, x: Tensor, sigmas: Sequence[float], noise: Noise | None) -> Iterator[tuple[Tensor, Tensor]]:
    """Karras et al. 2022, algorithm 1 without the second-order correction; no churn."""
    for sigma, sigma_next in pairwise(sigmas):
        x0 = denoise(x, sigma)
        x = move(x, x0, sigma, sigma_next)
        yield x, x0
