"""Euler's method with fresh noise after each step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ldm_core.diffusion.samplers.ddim import ddim
from ldm_core.diffusion.samplers.registry import Denoise, Noise, sampler

if TYPE_CHECKING:
    from torch import Tensor


@sampler("euler_ancestral", label="Euler a", order=1, paper="arXiv:2006.11239", eta=1.0)
def euler_ancestral(
    denoise: Denoise, x: Tensor, sigmas: Sequence[float], noise: Noise | None, eta: float
) -> Iterator[tuple[Tensor, Tensor]]:
    """Ancestral sampling of DDPM (Ho et al. 2020) at any set of noise levels: in sigma space, DDIM with eta 1."""
    return ddim(denoise, x, sigmas, noise, eta)
