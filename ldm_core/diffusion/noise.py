"""The randomness of pictures: one generator for each, so that a picture does not depend on its batch or its device."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class ImageNoise:
    """Noise for a batch of pictures; picture i draws all of its noise from a CPU generator seeded with seeds[i].

    seeds: one for each picture (seed + 0, seed + 1, ... for a job), each in 0..2**64-1. shape: (C, h, w) of one latent.
    `start()` comes first, and once; then each call gives the next noise of the run: (n, C, h, w), float32, on `device`.
    """

    def __init__(self, seeds: Sequence[int], shape: tuple[int, int, int], device: torch.device | str = "cpu") -> None:
        if not seeds:
            raise ValueError("Noise needs at least one seed.")
        self._generators = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
        self._shape = shape
        self._device = device
        self._started = False

    def start(self) -> Tensor:
        """The noise that the run begins with, of unit variance. Raises RuntimeError if noise was drawn before."""
        if self._started:
            raise RuntimeError("The start noise is the first draw of a picture; this run has drawn already.")
        self._started = True
        return self._draw()

    def __call__(self) -> Tensor:
        """The next noise, of unit variance. Raises RuntimeError before `start()`, whose draw comes first."""
        if not self._started:
            raise RuntimeError("Draw the start noise first: start().")
        return self._draw()

    def _draw(self) -> Tensor:
        drawn = [torch.randn(self._shape, generator=g, dtype=torch.float32, device="cpu") for g in self._generators]
        return torch.stack(drawn).to(self._device)
