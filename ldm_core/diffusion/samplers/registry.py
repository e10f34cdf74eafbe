"""The list of samplers, and the decorator that puts one on it. No torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

Denoise = Callable[["Tensor", float], "Tensor"]
"""D(x, sigma) -> x0, both (B, C, h, w)."""

Noise = Callable[[], "Tensor"]
"""The next noise of unit variance, shaped like x."""

SamplerFunction = Callable[..., Iterator[tuple["Tensor", "Tensor"]]]
"""(denoise, x, sigmas, noise) or (denoise, x, sigmas, noise, eta) -> an iterator of (x, x0), one a step.

sigmas is a list of floats, strictly decreasing; the last may be 0. x is never changed in place: a preview may read it.
"""

F = TypeVar("F", bound=SamplerFunction)


@dataclass(frozen=True)
class Sampler:
    """One entry of the list.

    name: in requests and on the command line. label: on the screen. order: of accuracy. paper: where it comes from.
    eta: the usual share of fresh noise, for a sampler that takes one; None for one that does not.
    """

    name: str
    label: str
    order: int
    paper: str
    function: SamplerFunction
    eta: float | None = None

    @property
    def takes_eta(self) -> bool:
        """Whether the sampler adds fresh noise in each step, by a share that the user may choose."""
        return self.eta is not None


SAMPLERS: dict[str, Sampler] = {}


def sampler(name: str, *, label: str, order: int, paper: str, eta: float | None = None) -> Callable[[F], F]:
    """Register a sampler. Raises ValueError if there is one of that name."""

    def register(function: F) -> F:
        if name in SAMPLERS:
            raise ValueError(f"There is a sampler {name!r} already.")
        SAMPLERS[name] = Sampler(name, label, order, paper, function, eta)
        return function

    return register
