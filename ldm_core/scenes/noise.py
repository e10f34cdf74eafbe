"""Array helpers of the painter, and a bank of tileable noise that is made once."""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

F32 = np.float32
Array = npt.NDArray[Any]
TILE = 512  # pixels of one noise tile


def mix(a: npt.ArrayLike, b: npt.ArrayLike, t: Any) -> Array:
    """Linear blend from a (t = 0) to b (t = 1), in float32."""
    result: Array = np.asarray(a, F32) * (1 - t) + np.asarray(b, F32) * t
    return result


def smooth(a: float, b: float, x: Any) -> Array:
    """Smoothstep from 0 at a to 1 at b."""
    t: Array = np.clip((x - a) / (b - a), 0, 1)
    s: Array = t * t * (3 - 2 * t)
    return s


@cache
def noise_bank(count: int = 4) -> list[list[Array]]:
    """`count` fractal noises in 0..1, each wrapped and at full, half and quarter resolution."""
    rng = np.random.default_rng(12345)
    bank = []
    for _ in range(count):
        total = np.zeros((TILE, TILE), F32)
        for octave in range(2, 8):
            cells = 2**octave
            small = np.pad(rng.random((cells, cells), dtype=F32), 2, mode="wrap")
            big = cv2.resize(small, None, fx=TILE / cells, fy=TILE / cells, interpolation=cv2.INTER_CUBIC)
            k = 2 * TILE // cells
            total += big[k : k + TILE, k : k + TILE] * 0.55 ** (octave - 2)
        total = (total - total.mean()) / (total.std() * 4) + 0.5
        total = np.clip(total, 0, 1).astype(F32)
        smaller = [cv2.resize(total, None, fx=q, fy=q, interpolation=cv2.INTER_AREA) for q in (0.5, 0.25)]
        bank.append([np.tile(x, (k, k)) for x, k in zip([total, *smaller], (3, 6, 12), strict=True)])
    return bank
