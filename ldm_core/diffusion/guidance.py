"""Guidance: functions that make a better denoiser out of a conditional one."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ldm_core.nn.conditioning import Conditioning, cat

ConditionalDenoise = Callable[[Tensor, float | Tensor, Conditioning], Tensor]
GuidedDenoise = Callable[[Tensor, float | Tensor], Tensor]


def cfg(denoise: ConditionalDenoise, cond: Conditioning, uncond: Conditioning | None, scale: float) -> GuidedDenoise:
    """Classifier-free guidance (Ho and Salimans 2022, arXiv:2207.12598): x0 = uncond + scale * (cond - uncond).

    cond, uncond: conditionings of the batch n that the sampler uses. Each step is one network call of batch 2 n; at
    scale 1 it is one of batch n, and uncond may be None. scale: finite; below 1 it weakens the condition, 0 ignores it.
    Raises ValueError if scale is not finite, or not 1 without uncond.
    """
    if not math.isfinite(scale):
        raise ValueError(f"The guidance scale must be a finite number, not {scale}.")
    if scale == 1:
        return lambda x, sigma: denoise(x, sigma, cond)
    if uncond is None:
        raise ValueError(f"A guidance scale of {scale} needs an unconditional conditioning.")
    both = cat([uncond, cond])

    def guided(x: Tensor, sigma: float | Tensor) -> Tensor:
        without, within = denoise(torch.cat([x, x]), sigma, both).chunk(2)
        return without + scale * (within - without)

    return guided
