"""The toy denoiser of the reference fixtures (../golden): data are +c or -c per element, with spread 0.25."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ldm_core.diffusion.schedule import NoiseSchedule

DATA = Path(__file__).resolve().parents[1] / "golden" / "data"
TOLERANCE = 2e-4
SPREAD = 0.25


def read(name: str) -> dict[str, np.ndarray]:
    with np.load(DATA / f"{name}.npz") as file:
        return dict(file)


def stable_diffusion_schedule() -> NoiseSchedule:
    return NoiseSchedule.from_params({"linear_start": 0.00085, "linear_end": 0.012})


def toy(x: Tensor, sigma: Tensor | float, c: Tensor | float = 1.0) -> Tensor:
    """The exact D(x, sigma) of the toy data."""
    v = SPREAD**2 + sigma**2
    return (SPREAD**2 * x + sigma**2 * c * torch.tanh(c * x / v)) / v


def noise_from(stored: np.ndarray) -> Callable[[], Tensor]:
    draws: Iterator[Tensor] = iter(torch.from_numpy(stored))
    return lambda: next(draws)
