"""Network + schedule + parameterisation => D(x, sigma): the only thing that guidance and samplers see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ldm_core.diffusion.parameterization import Prediction, scalings
from ldm_core.diffusion.schedule import NoiseSchedule
from ldm_core.nn.conditioning import Conditioning

Network = Callable[[Tensor, Tensor, Conditioning], Tensor]
"""(x of unit variance (B, C, h, w), timesteps (B,) float32, conditioning of batch B) -> prediction (B, C, h, w)."""


@dataclass(frozen=True)
class Denoiser:
    """A trained network as a function of the noise level: float32 outside, `dtype` inside.

    network: see `Network`. schedule: the one it was trained on. prediction: what it predicts.
    Raises ValueError on an unknown prediction.
    """

    network: Network
    schedule: NoiseSchedule
    prediction: Prediction
    dtype: torch.dtype = torch.float32

    def __post_init__(self) -> None:
        scalings(self.prediction, 0.0)

    @torch.no_grad()
    def __call__(self, x: Tensor, sigma: float | Tensor, conditioning: Conditioning) -> Tensor:
        """The clean latent that the network sees in x.

        x: (B, C, h, w) = x0 + sigma * noise. sigma: one number >= 0 for the whole batch, from the range of the schedule
        (beyond it, the network is told the nearest timestep). Returns x0: (B, C, h, w), float32.
        """
        level = float(sigma)
        into, skip, out = scalings(self.prediction, level)
        x = x.float()
        timesteps = torch.full((len(x),), self.schedule.t_of(level), device=x.device)
        prediction = self.network((into * x).to(self.dtype), timesteps, conditioning).float()
        return out * prediction + skip * x if skip else out * prediction
