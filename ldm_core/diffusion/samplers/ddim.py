"""DDIM: the sampler of the latent diffusion paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from ldm_core.diffusion.samplers.maths import ancestral, move
from ldm_core.diffusion.samplers.registry import Denoise, Noise, sampler

if TYPE_CHECKING:
    from torch import Tensor


@sampler("ddim", label="DDIM", order=1, paper="arXiv:2010.02502", eta=0.0)
def ddim(
    denoise: Denoise, x: Tensor, sigmas: Sequence[float], noise: Noise | None, eta: float
) -> Iterator[tuple[Tensor, Tensor]]:
    """Song et al. 2021, eq. 12, divided by sqrt(abar_next).

    In sigma space the "direction pointing to x_t" is a move along the line from x to x0, which makes DDIM at eta 0
    Euler's method. LDM's own code ends at the sigma of timestep 0, not at 0: end the sigmas there to get its result.
    """
    for sigma, sigma_next in pairwise(sigmas):
        x0 = denoise(x, sigma)
        down, up = ancestral(sigma, sigma_next, eta)
        x = move(x, x0, sigma, down)
        if up > 0 and noise is not None:
            x = x + up * noise()
        yield x, x0
