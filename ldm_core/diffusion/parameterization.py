"""What a network predicts (eps, v or x0), and how to get x0 from it. Float maths and tensor operators only: no torch.

Two forms of a noisy latent, with abar = 1 / (1 + sigma**2):

    variance preserving   x_vp = sqrt(abar) * x0 + sqrt(1 - abar) * noise     networks, training
    variance exploding    x    = x0 + sigma * noise = x_vp / sqrt(abar)       samplers
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

if TYPE_CHECKING:
    from torch import Tensor

Prediction = Literal["eps", "v", "x0"]
"""The noise; v = sqrt(abar) * noise - sqrt(1 - abar) * x0 (arXiv:2202.00512); or the clean latent."""


class Scalings(NamedTuple):
    """x0 = skip * x + out * network(into * x), x in the variance-exploding form."""

    into: float
    skip: float
    out: float


def scalings(prediction: Prediction, sigma: float) -> Scalings:
    """The factors round a network at noise level sigma >= 0. All are at most 1 but the eps network's `out`."""
    into = 1 / math.hypot(1.0, sigma)
    match prediction:
        case "eps":
            return Scalings(into, 1.0, -sigma)
        case "v":
            return Scalings(into, into * into, -sigma * into)
        case "x0":
            return Scalings(into, 0.0, 1.0)
    raise ValueError(f"Unknown prediction {prediction!r}; known: {', '.join(get_args(Prediction))}.")


def noised(x0: Tensor, noise: Tensor, abar: float | Tensor) -> Tensor:
    """The variance-preserving latent x_vp; abar in [0, 1], a number or broadcastable, such as (B, 1, 1, 1)."""
    return abar**0.5 * x0 + (1 - abar) ** 0.5 * noise


def target(prediction: Prediction, x0: Tensor, noise: Tensor, abar: float | Tensor) -> Tensor:
    """What the network should say for `noised(x0, noise, abar)`: the other side of the training loss."""
    match prediction:
        case "eps":
            return noise
        case "v":
            return abar**0.5 * noise - (1 - abar) ** 0.5 * x0
        case "x0":
            return x0
    raise ValueError(f"Unknown prediction {prediction!r}; known: {', '.join(get_args(Prediction))}.")


def ve_from_vp(x_vp: Tensor, sigma: float) -> Tensor:
    """A unit-variance latent (pure noise at the start of a run) in the form that samplers take."""
    return x_vp * math.hypot(1.0, sigma)


def vp_from_ve(x: Tensor, sigma: float) -> Tensor:
    """The inverse of `ve_from_vp`; at sigma 0 nothing changes."""
    return x / math.hypot(1.0, sigma)
