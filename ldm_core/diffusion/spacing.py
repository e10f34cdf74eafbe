"""Step spacings: which noise levels a sampler visits. A decorator puts each on the list `SPACINGS`. No torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ldm_core.diffusion.schedule import Array, NoiseSchedule

SpacingFunction = Callable[[NoiseSchedule, int], Array]

LARGEST_USEFUL_SIGMA = 80.0
"""Where the spacings by sigma begin at the latest (the sigma_max of arXiv:2206.00364).

Cosine and zero-terminal schedules end at sigmas of thousands. By sigma, half of the steps would go where a latent is
nothing but noise; spacings by timestep do not have this trouble and keep the true end of the schedule.
"""


@dataclass(frozen=True)
class Spacing:
    """One entry of the list: `function(schedule, steps)` gives `steps` positive sigmas, strictly decreasing."""

    name: str
    label: str
    function: SpacingFunction


SPACINGS: dict[str, Spacing] = {}


def spacing(name: str, *, label: str) -> Callable[[SpacingFunction], SpacingFunction]:
    """Register a spacing: `name` for requests, `label` for the screen. Raises ValueError if the name is taken."""

    def register(function: SpacingFunction) -> SpacingFunction:
        if name in SPACINGS:
            raise ValueError(f"There is a spacing {name!r} already.")
        SPACINGS[name] = Spacing(name, label, function)
        return function

    return register


def sigmas_for(name: str, schedule: NoiseSchedule, steps: int) -> Array:
    """The sigmas of a run: (steps + 1,) float64, strictly decreasing, the last one 0.

    Raises ValueError on an unknown name or fewer than 1 step.
    """
    if name not in SPACINGS:
        raise ValueError(f"Unknown spacing {name!r}; known: {', '.join(SPACINGS)}.")
    if steps < 1:
        raise ValueError(f"A run needs at least 1 step, not {steps}.")
    return np.append(SPACINGS[name].function(schedule, steps), 0.0)


@spacing("uniform", label="Uniform")
def uniform(schedule: NoiseSchedule, steps: int) -> Array:
    """The spacing of DDIM and LDM, also called leading: every (timesteps / steps)-th timestep, from 1.

    Exactly `steps` of them, also where steps does not divide the timesteps (LDM's own code then makes some more).
    """
    if steps >= len(schedule):
        return linspace(schedule, steps)
    t = np.arange(steps) * len(schedule) // steps + 1
    return schedule.sigma_of(t[::-1].astype(np.float64))


@spacing("trailing", label="Trailing")
def trailing(schedule: NoiseSchedule, steps: int) -> Array:
    """Evenly spaced timesteps that begin at the last one, as zero terminal SNR needs (arXiv:2305.08891, table 2)."""
    if steps >= len(schedule):
        return linspace(schedule, steps)
    t = np.round(np.arange(steps, 0, -1) * len(schedule) / steps) - 1
    return schedule.sigma_of(t)


@spacing("linspace", label="Linspace")
def linspace(schedule: NoiseSchedule, steps: int) -> Array:
    """Evenly spaced, fractional timesteps from the last to the first."""
    return schedule.sigma_of(np.linspace(len(schedule) - 1, 0, steps))


@spacing("karras", label="Karras")
def karras(schedule: NoiseSchedule, steps: int, rho: float = 7.0) -> Array:
    """sigma**(1 / rho) evenly spaced (Karras et al. 2022, arXiv:2206.00364, eq. 5)."""
    low, high = _range(schedule)
    sigmas: Array = np.linspace(high ** (1 / rho), low ** (1 / rho), steps) ** rho
    return sigmas


@spacing("exponential", label="Exponential")
def exponential(schedule: NoiseSchedule, steps: int) -> Array:
    """log(sigma) evenly spaced."""
    low, high = _range(schedule)
    return np.exp(np.linspace(np.log(high), np.log(low), steps))


def _range(schedule: NoiseSchedule) -> tuple[float, float]:
    return float(schedule.sigmas[0]), min(float(schedule.sigmas[-1]), LARGEST_USEFUL_SIGMA)
