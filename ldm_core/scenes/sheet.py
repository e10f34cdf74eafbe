"""A small transparent sheet on which a thing is drawn larger, then laid on the canvas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import cv2
import numpy as np

from .noise import Array
from .painter import Box, Colour, Painter
from .palette import LABELS

GLOW = np.array((1.0, 0.80, 0.42), np.float32)
Ink: TypeAlias = tuple[float, float, float, float]
Points: TypeAlias = Sequence[Sequence[float] | Array] | Array


def band(x0: Array, y0: Array, x1: Array, y1: Array) -> Array:
    """The outline (n, 2) between two lines that run the same way."""
    return np.concatenate([np.stack([x0, y0], 1), np.stack([x1, y1], 1)[::-1]])


class Sheet:
    """A premultiplied sheet of w x h (picture units); its own coordinates run 0..1, v down.

    With a name the sheet is a thing of the plan: it gets a box, truer colours, and the fog spares it.
    """

    def __init__(
        self, p: Painter, w: float, h: float, depth: float = 0.0, name: str | None = None, colour: str = ""
    ) -> None:
        self.p, self.w, self.h, self.depth, self.name, self.colour = p, w, h, depth, name, colour
        self.sx, self.sy = w * p.n * p.ss, h * p.n * p.ss
        self.a: Array = np.zeros((int(np.ceil(self.sy)) + 1, int(np.ceil(self.sx)) + 1, 4), np.uint8)

    def ink(self, albedo: Colour, k: float = 1.0, shade: float = 0.0) -> Ink:
        """A material under the light of the scene."""
        light = self.p.subject_ink if self.name else self.p.ink
        return self.raw(light(albedo, self.depth, k, shade))

    def raw(self, c: Colour) -> Ink:
        """A colour (0..1) as it is, such as a lit window."""
        c = np.clip(np.asarray(c, np.float32), 0, 1) * 255
        return (float(c[0]), float(c[1]), float(c[2]), 255.0)

    def _fixed(self, pts: Points) -> Array:
        return np.round(np.asarray(pts, np.float64) * (self.sx, self.sy) * 16).astype(np.int32)

    def poly(self, pts: Points, c: Ink) -> None:
        """A filled polygon."""
        cv2.fillPoly(self.a, [self._fixed(pts)], c, 8, 4)

    def box(self, u0: float, v0: float, u1: float, v1: float, c: Ink) -> None:
        """An upright rectangle."""
        self.poly([(u0, v0), (u1, v0), (u1, v1), (u0, v1)], c)

    def disc(self, u: float, v: float, r: float, c: Ink, squash: float = 1.0, a0: float = 0, a1: float = 360) -> None:
        """An ellipse or a slice of one; r is in units of the sheet's width."""
        cv2.ellipse(
            self.a,
            (int(u * self.sx * 16), int(v * self.sy * 16)),
            (int(r * self.sx * 16), int(r * squash * self.sx * 16)),
            0,
            a0,
            a1,
            c,
            -1,
            8,
            4,
        )

    def line(self, pts: Points, c: Ink, t: float = 0.02) -> None:
        """A line of thickness t, in units of the sheet's width."""
        cv2.polylines(self.a, [self._fixed(pts)], False, c, max(1, round(t * self.sx)), 8, 4)

    def stamp(
        self, u: float, v: float, label: str | None = None, alpha: float = 1.0, flip: bool = False, mirror: float = 0.0
    ) -> None:
        """Put the foot's centre at (u, v); `mirror` > 0 also lays a faint reflection below."""
        p, s = self.p, self.p.ss
        a = self.a[:, ::-1] if flip else self.a
        x, y = round(u * p.n * s - a.shape[1] / 2), round(v * p.n * s - self.sy)
        if mirror:
            self._lay(a[::-1], x, round(v * p.n * s), None, mirror, False)
        self._lay(a, x, y, label, alpha, self.name is not None)
        if self.name:
            p.boxes.append(Box(self.name, self.colour, u - self.w / 2, v - self.h, u + self.w / 2, v))

    def _lay(self, a: Array, x: int, y: int, label: str | None, alpha: float, subject: bool) -> None:
        p, s = self.p, self.p.ss
        a = cv2.copyMakeBorder(a, y % s, (-(y + a.shape[0])) % s, x % s, (-(x + a.shape[1])) % s, cv2.BORDER_CONSTANT)
        a = cv2.resize(a, (a.shape[1] // s, a.shape[0] // s), interpolation=cv2.INTER_AREA)
        x, y = x // s, y // s
        x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + a.shape[1], p.n), min(y + a.shape[0], p.n)
        if x0 >= x1 or y0 >= y1:
            return
        laid = a[y0 - y : y1 - y, x0 - x : x1 - x].astype(np.float32) * (alpha / 255.0)
        cover = laid[..., 3]
        d = p.img[y0:y1, x0:x1]
        d *= 1 - cover[..., None]
        d += laid[..., :3]
        spared = p.subject[y0:y1, x0:x1]
        if subject:
            np.maximum(spared, cover, out=spared)
        else:
            spared *= 1 - cover
        if label:
            p.lab[y0:y1, x0:x1][cover > 0.5] = LABELS[label]


def shadow(p: Painter, u: float, v: float, w: float, depth: float = 0.0) -> None:
    """A soft dark patch on the ground, away from the light."""
    s = Sheet(p, w * 1.5, w * 0.22, depth)
    s.disc(0.5, 0.5, 0.48, (0.0, 0.0, 0.0, 255.0), 0.13)
    s.stamp(u - p.side * w * 0.25, v + w * 0.08, alpha=0.20)
