"""Noise schedules: how much noise a latent has at each training timestep. float64 numpy, no torch.

With `x_t = sqrt(abar_t) * x0 + sqrt(1 - abar_t) * noise` (DDPM, arXiv:2006.11239), the latent `x_t / sqrt(abar_t)` is
`x0 + sigma * noise` with `sigma = sqrt((1 - abar) / abar)`: the form that samplers use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ZERO_TERMINAL_ALPHA = 2.0**-24
"""Stands for the zero of a zero-terminal-SNR schedule, so that the last sigma is finite (4096, not infinity).

At this sigma a float32 latent holds its signal only in the last 12 bits: the network sees pure noise, as it should.
"""


@dataclass(frozen=True, eq=False)
class NoiseSchedule:
    """The noise levels a network was trained on.

    alphas_cumprod: (timesteps,), float64, strictly decreasing, in (0, 1). Raises ValueError otherwise.
    """

    alphas_cumprod: Array

    def __post_init__(self) -> None:
        abar = np.array(self.alphas_cumprod, dtype=np.float64)
        if abar.ndim != 1 or len(abar) < 2:
            raise ValueError(f"A schedule needs a list of at least 2 timesteps, not an array of shape {abar.shape}.")
        if not (np.isfinite(abar).all() and abar[0] < 1 and abar[-1] > 0 and (np.diff(abar) < 0).all()):
            raise ValueError("alphas_cumprod must fall strictly from below 1 to above 0.")
        abar.setflags(write=False)
        object.__setattr__(self, "alphas_cumprod", abar)

    def __len__(self) -> int:
        """The number of training timesteps."""
        return len(self.alphas_cumprod)

    @cached_property
    def betas(self) -> Array:
        """(timesteps,): variance of the noise that each step adds, in (0, 1)."""
        return _read_only(1 - self.alphas_cumprod / np.concatenate([[1.0], self.alphas_cumprod[:-1]]))

    @cached_property
    def sigmas(self) -> Array:
        """(timesteps,): noise relative to the signal, strictly increasing."""
        return _read_only(np.sqrt((1 - self.alphas_cumprod) / self.alphas_cumprod))

    @cached_property
    def _log_sigmas(self) -> Array:
        return _read_only(np.log(self.sigmas))

    @overload
    def sigma_of(self, t: float) -> float: ...
    @overload
    def sigma_of(self, t: Array) -> Array: ...
    def sigma_of(self, t: float | Array) -> float | Array:
        """The sigma of timestep t; between timesteps log(sigma) is linear. t outside of 0..timesteps-1 is clamped."""
        sigma = np.exp(np.interp(t, np.arange(len(self)), self._log_sigmas))
        return sigma if isinstance(t, np.ndarray) else float(sigma)

    @overload
    def t_of(self, sigma: float) -> float: ...
    @overload
    def t_of(self, sigma: Array) -> Array: ...
    def t_of(self, sigma: float | Array) -> float | Array:
        """The (fractional) timestep of sigma >= 0: the inverse of `sigma_of`, clamped to 0..timesteps-1."""
        log_sigma = np.log(np.maximum(sigma, np.finfo(np.float64).tiny))
        t = np.interp(log_sigma, self._log_sigmas, np.arange(len(self)))
        return t if isinstance(sigma, np.ndarray) else float(t)

    @classmethod
    def from_config(
        cls,
        timesteps: int = 1000,
        beta_schedule: str = "scaled_linear",
        linear_start: float = 1e-4,
        linear_end: float = 2e-2,
        cosine_s: float = 8e-3,
        zero_terminal_snr: bool = False,
        snr_shift: float = 1.0,
    ) -> NoiseSchedule:
        """Make a schedule from its formula.

        beta_schedule: "linear" (betas evenly spaced), "scaled_linear" (their roots are), "sqrt" (their squares are),
        "cosine" (arXiv:2102.09672). zero_terminal_snr: arXiv:2305.08891. snr_shift: the signal-to-noise ratio of every
        step is multiplied by this; below 1 means more noise, for larger pictures (arXiv:2301.11093).
        Raises ValueError on an unknown name or a number out of range.
        """
        if beta_schedule not in _BETAS:
            raise ValueError(f"Unknown beta schedule {beta_schedule!r}; known: {', '.join(sorted(_BETAS))}.")
        if not (np.isfinite(snr_shift) and snr_shift > 0):
            raise ValueError(f"snr_shift must be a positive number, not {snr_shift}.")
        betas = _BETAS[beta_schedule](timesteps, linear_start, linear_end, cosine_s)
        abar = np.cumprod(1 - betas, dtype=np.float64)
        if zero_terminal_snr:
            abar = rescale_to_zero_terminal_snr(abar)
        return cls(shift_snr(abar, snr_shift))

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> NoiseSchedule:
        """Make a schedule from a published YAML file's model `params`, with the defaults that those files rely on.

        Note the names: "linear" there is our "scaled_linear", and "sqrt_linear" is our "linear". Keys that do not
        concern the schedule are ignored; zero_terminal_snr and snr_shift are our own additions.
        """
        published = str(params.get("beta_schedule", "linear"))
        names = {
            "linear": "scaled_linear",
            "sqrt_linear": "linear",
            "sqrt": "sqrt",
            "cosine": "cosine",
            "squaredcos_cap_v2": "cosine",
        }
        if published not in names:
            raise ValueError(f"Unknown beta_schedule {published!r}; known: {', '.join(sorted(names))}.")
        return cls.from_config(
            timesteps=int(params.get("timesteps", 1000)),
            beta_schedule=names[published],
            linear_start=float(params.get("linear_start", 1e-4)),
            linear_end=float(params.get("linear_end", 2e-2)),
            cosine_s=float(params.get("cosine_s", 8e-3)),
            zero_terminal_snr=bool(params.get("zero_terminal_snr", False)),
            snr_shift=float(params.get("snr_shift", 1.0)),
        )


def rescale_to_zero_terminal_snr(alphas_cumprod: Array) -> Array:
    """Shift and scale sqrt(abar) so that its last value is zero and its first stays (Lin et al. 2023, algorithm 1).

    The zero is then replaced by `ZERO_TERMINAL_ALPHA`, or by half of the value before it where that is smaller, so
    that every sigma is finite and the order holds.
    """
    root = np.sqrt(alphas_cumprod)
    abar: Array = ((root - root[-1]) * root[0] / (root[0] - root[-1])) ** 2
    abar[-1] = min(ZERO_TERMINAL_ALPHA, abar[-2] / 2)
    return abar


def shift_snr(alphas_cumprod: Array, shift: float) -> Array:
    """Multiply the signal-to-noise ratio abar / (1 - abar) of every step by `shift` > 0."""
    signal = alphas_cumprod * shift
    shifted: Array = signal / (signal + (1 - alphas_cumprod))
    return shifted


def _scaled_linear(timesteps: int, start: float, end: float, _: float) -> Array:
    return np.linspace(start**0.5, end**0.5, timesteps) ** 2


def _linear(timesteps: int, start: float, end: float, _: float) -> Array:
    return np.linspace(start, end, timesteps)


def _sqrt(timesteps: int, start: float, end: float, _: float) -> Array:
    return np.sqrt(np.linspace(start, end, timesteps))


def _cosine(timesteps: int, _start: float, _end: float, cosine_s: float) -> Array:
    """Nichol and Dhariwal 2021, eq. 17; betas at most 0.999, so that the last sigma is about 2e4."""
    angle = (np.arange(timesteps + 1) / timesteps + cosine_s) / (1 + cosine_s) * np.pi / 2
    abar = np.cos(angle) ** 2
    betas: Array = np.clip(1 - abar[1:] / abar[:-1], 0, 0.999)
    return betas


_BETAS: dict[str, Callable[[int, float, float, float], Array]] = {
    "linear": _linear,
    "scaled_linear": _scaled_linear,
    "sqrt": _sqrt,
    "cosine": _cosine,
}


def _read_only(array: Array) -> Array:
    array.setflags(write=False)
    return array
