"""The canvas of a scene: a float picture with a label map, the scene's light, and the brushes all layers share.

Everything is drawn in unit coordinates (u right, v down, both 0..1), so a seed gives the same picture at any size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from .noise import F32, TILE, Array, mix, noise_bank, smooth
from .palette import LABELS, PALETTES
from .plan import Plan

Colour: TypeAlias = Sequence[float] | Array
GREYING = {"foggy": 0.45, "rainy": 0.78, "snowing": 0.68, "cloudy": 0.2}
RAIN_SKY = (0.72, 0.78, 0.84, 0.9)


@dataclass(frozen=True)
class Box:
    """Where a thing stands, in 0..1 of the picture; `colour` is "" where the thing has none to name."""

    name: str
    colour: str
    u0: float
    v0: float
    u1: float
    v1: float


@cache
def _grid(size: int) -> tuple[Array, Array]:
    centres = ((np.arange(size) + 0.5) / size).astype(F32)
    return centres, np.ascontiguousarray(np.broadcast_to(centres[None], (size, size)))


class Painter:
    """Paints one plan; `rng` gives all the chance of the drawing, in an order that no size changes."""

    def __init__(self, plan: Plan, seed: int, size: int) -> None:
        self.n, self.plan, self.rng = size, plan, np.random.default_rng([seed, 1])
        self.ss = 4 if size <= 300 else 3  # supersampling of small things
        self.c, self.U = _grid(size)
        self.V = self.c[:, None]
        self.img: Array = np.zeros((size, size, 3), F32)
        self.lab: npt.NDArray[np.uint8] = np.full((size, size), LABELS["sky"], np.uint8)
        self.subject: Array = np.zeros((size, size), F32)  # where named things are, spared by the fog
        self.boxes: list[Box] = []
        self.taken: list[tuple[float, float]] = []  # stretches of the ground already stood on
        r = self.rng
        pal = PALETTES[plan.time][r.integers(3)]
        self.sky_stops = [self._jitter(c) for c in pal.sky]
        self.haze, self.sun, self.shade = (self._jitter(c) for c in (pal.haze, pal.sun, pal.shade))
        self.disc = self._jitter(pal.disc, 0.01)
        self.haze_amount = 0.84
        if plan.weather != "clear":
            self._dull(GREYING[plan.weather])
        self.lu, self.lv = plan.sun_u, plan.sun_v  # where the light comes from
        self.side = 1.0 if plan.sun_u > 0.5 else -1.0
        self.dark = plan.time in ("dusk", "night")

    def _jitter(self, colour: Colour, spread: float = 0.025) -> Array:
        moved: Array = np.clip(np.asarray(colour, F32) + self.rng.normal(0, spread, 3).astype(F32), 0, 1.15)
        return moved

    def _dull(self, grey: float) -> None:
        """Take colour out of the light, as bad weather does."""

        def dull(c: Array, amount: float) -> Array:
            return mix(c, np.full(3, float(np.mean(c))) * (0.82, 0.93, 1.06), amount)

        weather = self.plan.weather
        self.sky_stops = [dull(c, grey) for c in self.sky_stops]
        if weather == "foggy":
            self.sky_stops = [mix(c, self.haze, 0.45) for c in self.sky_stops]
        if weather == "rainy":
            self.sky_stops = [c * k for c, k in zip(self.sky_stops, RAIN_SKY, strict=True)]
        self.haze = dull(self.haze, grey) * (0.88 if weather == "rainy" else 1)
        self.sun = mix(dull(self.sun, grey * 0.7), self.shade, 0.3 if weather == "rainy" else 0.08)
        self.haze_amount = 0.95 if weather == "foggy" else 0.88

    def ink(self, albedo: Colour, depth: float = 0.0, k: float = 1.0, shade: float = 0.0) -> Array:
        """Colour of a material under this scene's light, seen through the air (depth 0 near .. 1 far)."""
        c = np.asarray(albedo, F32) * mix(self.sun, self.shade, shade) * k
        return mix(c, self.haze, float(np.clip(depth, 0, 1)) * self.haze_amount).astype(F32)

    def subject_ink(self, albedo: Colour, depth: float = 0.0, k: float = 1.0, shade: float = 0.0) -> Array:
        """As `ink`, but under whiter and brighter light, so that the colour of a named thing can be told."""
        light = mix(self.sun, self.shade, shade * 0.8)
        neutral = max(
            float(light @ np.array((0.3, 0.55, 0.15), F32)),
            0.80 - 0.30 * shade if not self.dark else 0.66 - 0.24 * shade,
        )
        c = np.asarray(albedo, F32) * mix(light, (neutral, neutral, neutral), 0.66) * k
        return mix(c, self.haze, float(np.clip(depth, 0, 1)) * self.haze_amount * 0.6).astype(F32)

    def tex(
        self, sx: float = 1.0, sy: float = 1.0, rows: tuple[int, int] | None = None, persp: float | None = None
    ) -> Array:
        """A window of the noise bank: sx, sy are how many noise tiles fit across the picture."""
        r, n, bank = self.rng, self.n, noise_bank()
        b, ox, oy = bank[r.integers(len(bank))], r.random() * TILE, r.random() * TILE
        lo, hi = rows if rows else (0, n)
        if persp is None:
            most = max(sx, sy)
            k = int(np.clip(np.log2(max(most, 1) * TILE / n), 0, 2)) if most < 2 else 2 if most > 4 else 1
            q = 2**k
            x0, y0 = int(ox / q), int((oy + lo * sy * TILE / n) / q)
            w, h = max(2, int(sx * TILE / q)), max(2, int((hi - lo) * sy * TILE / n / q))
            return cv2.resize(b[k][y0 : y0 + h, x0 : x0 + w], (n, hi - lo), interpolation=cv2.INTER_LINEAR)
        d = np.maximum(self.c[lo:hi] - persp, 0.004)[:, None]  # ground plane seen in perspective
        mx = ((self.U[lo:hi] - 0.5) * (0.35 / (d + 0.12)) * sx * TILE + ox) % TILE
        my = np.broadcast_to(np.log(d + 0.03) * sy * TILE + oy, mx.shape) % TILE
        return cv2.remap(
            b[0][:TILE, :TILE],
            mx.astype(F32),
            np.ascontiguousarray(my, F32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_WRAP,
        )

    def line(self, octaves: int, rough: float = 0.5, first: float = 3, curved: bool = False) -> Array:
        """1-D fractal line over u, about -1..1; straight segments (rocky) or curved ones (hilly)."""
        y, amp = np.zeros(self.n, F32), 1.0
        for o in range(octaves):
            g = int(first * 2**o)
            p = self.rng.random(g + 3, dtype=F32) * 2 - 1
            x = self.c * g + self.rng.random()
            i = x.astype(int)
            t = x - i
            if curved:
                t = t * t * (3 - 2 * t)
            y += amp * (p[i] * (1 - t) + p[i + 1] * t)
            amp *= rough
        return y

    def rows(self, top: npt.ArrayLike, bottom: float = 1.0) -> tuple[int, int]:
        """The pixel rows from the highest point of `top` (0..1) to `bottom`."""
        return max(0, int(np.min(top) * self.n) - 1), max(1, min(self.n, int(np.ceil(bottom * self.n))))

    def blend(
        self, r: tuple[int, int], alpha: Array, colour: Colour, label: str | None = None, at: float = 0.5
    ) -> None:
        """Lay a colour over the rows r; where alpha > at the label map changes too."""
        d = self.img[r[0] : r[1]]
        d += (np.asarray(colour, F32) - d) * alpha[..., None]
        if label:
            self.lab[r[0] : r[1]][alpha > at] = LABELS[label]

    def glow(self, u: float, v: float, radius: float, colour: Colour, strength: float) -> None:
        """Additive light around a point."""
        n = self.n
        y0, y1 = max(0, int((v - 3 * radius) * n)), min(n, int((v + 3 * radius) * n) + 1)
        x0, x1 = max(0, int((u - 3 * radius) * n)), min(n, int((u + 3 * radius) * n) + 1)
        if y0 >= y1 or x0 >= x1:
            return
        gy = np.exp(-(((self.c[y0:y1] - v) / radius) ** 2))
        gx = np.exp(-(((self.c[x0:x1] - u) / radius) ** 2))
        d = self.img[y0:y1, x0:x1]
        d += (gy[:, None] * gx[None] * strength)[..., None] * np.maximum(np.asarray(colour, F32) * 1.05 - d * 0.75, 0)

    def finish(self) -> npt.NDArray[np.uint8]:
        """Light spilling over the land, vignette, paper texture, a little contrast; then 8 bits."""
        p = self.plan
        if p.disc == "sun" and p.time != "noon" and p.weather in ("clear", "cloudy"):
            self.glow(self.lu, self.lv, 0.33, mix(self.disc, self.sky_stops[3], 0.7), 0.17)
        vignette = (1 - 0.32 * (self.c - 0.5) ** 2)[None] - 0.32 * (self.V - 0.5) ** 2
        x = self.img * (vignette * (1 + 0.035 * (self.tex(2.4, 2.4) - 0.5)))[..., None]
        np.clip(x, 0, 1, out=x)
        x += 0.10 * (smooth(0, 1, x) - x)
        return (np.clip(x, 0, 1) * 255 + 0.5).astype(np.uint8)
