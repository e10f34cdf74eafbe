"""Pieces of landscape that several scenes share: peaks, hills, paths, flowers, grass, framing trees."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from .land import land, massif, mist
from .noise import F32, Array, smooth
from .painter import Colour, Painter
from .palette import GRASS
from .plants import pine, rock, tree

SAND, ROCK, CLIFF, ICE = (0.93, 0.82, 0.62), (0.52, 0.50, 0.54), (0.80, 0.42, 0.28), (0.90, 0.95, 1.0)


def peaks(p: Painter, base: float, height: float, count: int, rough: float = 0.16, sharp: float = 1.0) -> Array:
    """The curve of `count` mountains standing on `base`."""
    u, r = p.c, p.rng
    x = (np.arange(count) + r.uniform(0.2, 0.8, count)) / count
    h, w = r.uniform(0.55, 1.0, count), r.uniform(0.9, 1.5, count) / count**0.75 * 0.62
    prof = np.max(h[:, None] * np.maximum(1 - (np.abs(u[None] - x[:, None]) / w[:, None]) ** sharp, 0), 0)
    top: Array = (base - height * (0.12 + prof * 0.9 + rough * p.line(5, 0.52, 5) * (0.35 + prof))).astype(F32)
    return top


def hill(p: Painter, v: float, amp: float, first: float = 2, octaves: int = 3) -> Array:
    """The curve of a hill about the height v."""
    return (v + amp * p.line(octaves, 0.35, first, True)).astype(F32)


def ranges(
    p: Painter, base: float, height: float, snow: bool = True, layers: int = 2, colour: Colour | None = None
) -> None:
    """Mountains, the far ones paler."""
    r = p.rng
    rock = np.asarray(
        colour if colour is not None else [(0.46, 0.50, 0.62), (0.50, 0.48, 0.56), (0.42, 0.50, 0.58)][r.integers(3)]
    )
    winter = p.plan.season == "winter"
    for i in range(layers):
        d = 0.82 - 0.40 * i / max(layers - 1, 1)
        top = peaks(p, base, height * (1.0 - 0.28 * i) * r.uniform(0.85, 1.1), int(r.integers(2, 5)) + (i == 0))
        line = (
            base - height * (0.30 if winter else 0.62) * (1 - 0.2 * i)
            if snow and (i < layers - 1 or r.random() < 0.7)
            else None
        )
        massif(p, top, rock, d, base + 0.03, "mountain", snow=line)
        if i < layers - 1:
            mist(p, base - 0.03, 0.035, 0.30)


def at(top: Array, u: float) -> float:
    """Height of a curve at u."""
    return float(top[int(np.clip(u, 0, 0.999) * len(top))])


def path(
    p: Painter, top: Array, u0: float, width: float, colour: Colour, label: str = "road", wind: float = 0.12
) -> None:
    """A winding way from the lower edge up to the ground's rim at u0."""
    v0 = at(top, u0)
    r = p.rows([v0])
    t = np.maximum(p.V[r[0] : r[1]] - v0, 0) / (1 - v0)
    ph, b = p.rng.uniform(0, 6), p.rng.uniform(-0.25, 0.25)
    mid = u0 + b * t + wind * np.sin(ph + 5.5 * np.sqrt(t)) * t**0.6
    half = width * (0.06 + t**1.3)
    a = np.clip((half - np.abs(p.U[r[0] : r[1]] - mid)) * p.n + 0.5, 0, 1) * (t > 0)
    n = p.tex(1.0, 1.4, r, persp=v0 - 0.05)
    p.blend(r, a * (p.V[r[0] : r[1]] > top), (p.ink(colour) * (0.88 + 0.24 * n)[..., None]), label)


def dots(
    p: Painter, top: Array, colours: Sequence[Colour], count: int, label: str, size: float = 0.006, lift: float = 0.0
) -> None:
    """Flowers or pebbles scattered over the ground, smaller towards its rim."""
    r, n = p.rng, p.n
    for c in colours:
        m = np.zeros((n, n), np.uint8)
        for _ in range(count):
            u = r.random()
            t = at(top, u) + 0.015
            d = r.random() ** 1.2
            v = t + d * (1 - t) + lift
            q = size * (0.30 + d) * r.uniform(0.6, 1.2)
            cv2.circle(m, (int(u * n * 16), int(v * n * 16)), max(int(q * n * 16), 6), 255, -1, cv2.LINE_AA, 4)
        lo = max(0, int(top.min() * n))
        p.blend((lo, n), m[lo:].astype(F32) / 255 * 0.95, p.ink(c, 0, 1.05, 0.1), label)


def blades(p: Painter, colour: Colour, count: int = 170, height: float = 0.05, label: str = "grass") -> None:
    """Grass standing up along the lower edge."""
    r, n = p.rng, p.n
    m = np.zeros((n, n), np.uint8)
    for _ in range(count):
        u, h = r.random(), height * r.uniform(0.3, 1.1)
        v = 1.01 - r.random() * 0.03
        q = np.array([[u - 0.0035, v], [u + r.uniform(-0.022, 0.022), v - h], [u + 0.0035, v]]) * n * 16
        cv2.fillPoly(m, [q.astype(np.int32)], 255, cv2.LINE_AA, 4)
    lo = int((1 - height * 1.5) * n)
    a = m[lo:].astype(F32) / 255
    p.blend(
        (lo, n),
        a * (0.35 + 0.65 * smooth(1 - height * 1.2, 1.0, p.V[lo:])),
        p.ink(np.asarray(colour) * 0.80, 0, 0.95, 0.55),
        label,
    )


def frame(
    p: Painter, top: Array, kind: str = "pine", side: int | None = None, count: int = 3, height: float = 0.42
) -> None:
    """Big trees at one edge, out of the way of the things: never where one stands, and never beside named trees."""
    r = p.rng
    stood = {t.pos for t in p.plan.things if t.name not in ("balloon", "bird", "bridge", "castle")}
    free = [i for i, name in enumerate(("left", "right")) if name not in stood]
    many = any(t.count > 1 and t.pos in stood for t in p.plan.things)
    wanted = side if side is not None else int(r.integers(2))
    if wanted not in free and side is None and free:
        wanted = free[0]
    sizes = [(r.uniform(-0.03, 0.10), r.uniform(0.6, 1.1)) for _ in range(count)]
    if wanted not in free or many or any(t.name in ("tree", "palm") for t in p.plan.things):
        return
    for i, (u, k) in enumerate(sorted(sizes, key=lambda q: -abs(q[0] - 0.05))):
        u, h = (u if wanted == 0 else 1 - u), height * k
        v = min(at(top, u) + 0.02 + 0.035 * i, 1.02)
        if kind == "pine":
            pine(p, u, v, h, 0.0, tone=0.9)
        else:
            tree(p, u, v, h * 0.8)


def ground_colour(p: Painter) -> Array:
    """The season's ground."""
    return np.asarray(GRASS[p.plan.season]) * p.rng.uniform(0.92, 1.06)


def ground_label(p: Painter, other: str = "grass") -> str:
    """ "snow" in winter."""
    return "snow" if p.plan.season == "winter" else other


def shore(p: Painter, top: Array) -> None:
    """The near bank of a lake, with stones."""
    c = ground_colour(p)
    land(p, top - 0.006, (0.62, 0.58, 0.52), 0, "rock", rim=0.1)
    land(p, top, c, 0, ground_label(p), persp=float(top.min()) - 0.08)
    for _ in range(int(p.rng.integers(2, 6))):
        u = p.rng.random()
        rock(p, u, at(top, u) + p.rng.uniform(0.004, 0.03), p.rng.uniform(0.03, 0.075))


def mesas(p: Painter, base: float, height: float, depth: float, count: int = 3) -> None:
    """Flat-topped rocks with steep walls and strata."""
    r, top = p.rng, np.full(p.n, base, F32)
    wob = 0.014 * p.line(4, 0.6, 9)
    for i in range(count):
        x, w, h = (i + r.uniform(0.1, 0.9)) / count, r.uniform(0.06, 0.17), height * r.uniform(0.5, 1.0)
        d = np.abs(p.c - x) + wob
        prof = 0.68 * smooth(w + 0.022, w - 0.004, d) + 0.32 * np.clip(1 - (d - w) / 0.11, 0, 1)
        top = np.minimum(top, base - h * np.where(d < w + 0.11, prof, 0) + 0.006 * p.line(3, 0.6, 20))
    massif(p, top.astype(F32), CLIFF, depth, base + 0.03, "rock", strata=150, jag=0.35, slant=0.25, fade=0.35)


def bush_row(p: Painter, c: Colour) -> None:
    """A dark hedge along the lower edge."""
    top = (0.985 - 0.03 * np.abs(p.line(3, 0.6, 7, True)) - 0.05 * (2 * np.abs(p.c - 0.5)) ** 3).astype(F32)
    land(p, top, np.asarray(c) * 0.62, 0, "bush", rim=0.1, tex=0.3)
    blades(p, np.asarray(c) * 0.8, 110, 0.045, "bush")
