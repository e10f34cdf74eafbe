"""Steps that samplers share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def move(x: Tensor, x0: Tensor, sigma: float, sigma_next: float) -> Tensor:
    """Follow the line from x (at sigma > 0) to x0 (at 0) as far as sigma_next: an Euler step of slope (x - x0) / sigma.

    Written so that sigma_next = 0 gives x0 itself and nothing large is subtracted where sigma is in the thousands.
    """
    ratio = sigma_next / sigma
    return ratio * x + (1 - ratio) * x0


def ancestral(sigma: float, sigma_next: float, eta: float) -> tuple[float, float]:
    """Split a step into (sigma_down, sigma_up): denoise as far as sigma_down, then add fresh noise of sigma_up.

    sigma_down**2 + sigma_up**2 = sigma_next**2; eta 0 adds none, eta 1 as much as the DDPM posterior (DDIM,
    arXiv:2010.02502, eq. 16, in sigma space). Above 1, sigma_up stays at most sigma_next.
    """
    up = min(sigma_next, eta * sigma_next * math.sqrt(1 - (sigma_next / sigma) ** 2))
    return math.sqrt(sigma_next**2 - up**2), up
