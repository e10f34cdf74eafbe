"""What a running job tells, in the order in which it happens. Pictures are (H, W, 3) uint8 RGB."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Queued:
    """Waiting: `position` jobs come before this one, 0 = next."""

    position: int


@dataclass(frozen=True)
class Loading:
    """A model is being read from disk; `what` is its name."""

    what: str


@dataclass(frozen=True, eq=False)
class Progress:
    """A step is done. step and steps count over the whole job, however many batches it is drawn in.

    preview: (n, h, w, 3), smaller than the pictures, the newest that is ready; None where nothing new is.
    seconds_left: an estimate for the whole job; None before there is anything to estimate from.
    first: index of the picture that preview[0] shows.
    """

    step: int
    steps: int
    preview: Pixels | None = None
    seconds_left: float | None = None
    first: int = 0


@dataclass(frozen=True, eq=False)
class Picture:
    """Picture `index` of the job is finished. Drawn alone, from `seed`, it would be the same within 2/255."""

    index: int
    seed: int
    image: Pixels


@dataclass(frozen=True, eq=False)
class Done:
    """All pictures are drawn. recipe: the resolved request as JSON; the same recipe gives the same bits.

    images: all pictures of the job; empty if they are more than memory should hold (each came as a `Picture`).
    """

    images: tuple[Pixels, ...]
    recipe: dict[str, Any]


@dataclass(frozen=True)
class Failed:
    """The job ended without its pictures; `error` is one sentence for the person."""

    error: str


@dataclass(frozen=True)
class Stopped:
    """Somebody stopped the job; `kept` pictures had been finished before."""

    kept: int


Event = Queued | Loading | Progress | Picture | Done | Failed | Stopped
