"""Tent, balloon, boats, umbrella, sheep, campfire, birds."""

from __future__ import annotations

import numpy as np

from .noise import Array, mix
from .painter import Box, Painter
from .palette import COLOURS
from .sheet import GLOW, Sheet, band, shadow


def tent(p: Painter, u: float, v: float, h: float, colour: str) -> None:
    """A ridge tent, lit from inside in the dark."""
    w = h * 1.55
    s, c = Sheet(p, w, h, 0.0, "tent", colour), COLOURS[colour]
    s.poly([(0.36, 0.06), (0.72, 0.12), (1.0, 1.0), (0.62, 1.0)], s.ink(c, 0.92, 0.75))
    s.poly([(0.36, 0.06), (0.0, 1.0), (0.62, 1.0)], s.ink(c, 1.06, 0.12 if not p.dark else 0.3))
    s.poly([(0.36, 0.30), (0.24, 1.0), (0.46, 1.0)], s.raw(GLOW) if p.dark else s.ink((0.20, 0.16, 0.16), 0.9))
    s.poly([(0.36, 0.30), (0.24, 1.0), (0.30, 1.0)], s.ink(np.asarray(c) * 0.8, 0.9, 0.4))
    s.line([(0.36, 0.0), (0.36, 0.1)], s.ink((0.3, 0.25, 0.22)), 0.015)
    shadow(p, u, v, w)
    s.stamp(u, v, "tent", flip=p.side > 0)
    if p.dark:
        p.glow(u, v - h * 0.3, h * 0.9, GLOW, 0.38)


def balloon(p: Painter, u: float, v: float, h: float, colour: str) -> None:
    """A hot air balloon of coloured gores."""
    s, c = Sheet(p, h * 0.74, h, 0.04, "balloon", colour), np.asarray(COLOURS[colour])
    other = (0.97, 0.93, 0.84) if colour != "white" else (0.85, 0.35, 0.28)
    t = np.linspace(0, np.pi, 25)

    def gore(k0: float, k1: float) -> Array:
        """A slice of the envelope between two meridians."""
        y = 0.37 - 0.37 * np.cos(t) * np.where(t > 1.57, 1.12, 1.0)
        half = 0.49 * np.maximum(np.sin(t) ** 0.9, 0.10 * (t > 2.7))
        return band(0.5 + half * k0, y, 0.5 + half * k1, y)

    edges = np.sin(np.linspace(-np.pi / 2, np.pi / 2, 8))
    for i in range(7):
        lit = 0.5 + 0.5 * p.side * (edges[i] + edges[i + 1]) / 2
        q = c if i % 2 == 0 else mix(other, c, 0.12)
        s.poly(gore(edges[i], edges[i + 1]), s.ink(q, 0.80 + 0.30 * lit, 0.75 * (1 - lit)))
    rope = s.ink((0.35, 0.28, 0.24))
    s.line([(0.43, 0.77), (0.45, 0.90)], rope, 0.012)
    s.line([(0.57, 0.77), (0.55, 0.90)], rope, 0.012)
    s.box(0.43, 0.89, 0.57, 1.0, s.ink((0.52, 0.34, 0.20), 1.0, 0.2))
    if p.dark:
        s.box(0.47, 0.80, 0.53, 0.86, s.raw(GLOW))
    s.stamp(u, v, "balloon")
    if p.dark:
        p.glow(u, v - h * 0.5, h * 0.5, mix(c, GLOW, 0.5), 0.38)


def boat(p: Painter, u: float, v: float, h: float, colour: str, sail: bool = False) -> None:
    """A small boat with a cabin, or one under sail, with its reflection."""
    c = np.asarray(COLOURS[colour])
    if sail:
        s = Sheet(p, h * 0.82, h, 0.0, "sailboat", colour)
        s.poly([(0.50, 0.04), (0.52, 0.78), (0.10, 0.78)], s.ink(c, 1.02, 0.1 if p.side < 0 else 0.5))
        s.poly([(0.56, 0.14), (0.56, 0.78), (0.88, 0.78)], s.ink(c, 0.92, 0.6 if p.side < 0 else 0.15))
        s.line([(0.535, 0.0), (0.535, 0.86)], s.ink((0.40, 0.30, 0.24)), 0.022)
        s.poly(
            [(0.04, 0.84), (0.98, 0.84), (0.82, 1.0), (0.20, 1.0)],
            s.ink((0.95, 0.94, 0.92) if colour != "white" else (0.60, 0.24, 0.2), 0.92, 0.4),
        )
    else:
        s = Sheet(p, h * 2.5, h, 0.0, "boat", colour)
        s.poly([(0.0, 0.38), (0.12, 0.62), (0.85, 0.62), (1.0, 0.30), (0.86, 1.0), (0.16, 1.0)], s.ink(c, 0.95, 0.45))
        s.poly(
            [(0.0, 0.38), (0.12, 0.52), (0.86, 0.52), (1.0, 0.30), (0.96, 0.56), (0.05, 0.60)],
            s.ink(mix(c, (1, 1, 1), 0.3), 1.05),
        )
        s.box(0.42, 0.10, 0.60, 0.52, s.ink((0.95, 0.93, 0.88), 0.95, 0.2))
        s.box(0.39, 0.04, 0.63, 0.14, s.ink(c * 0.8, 0.9, 0.3))
        s.box(0.46, 0.22, 0.56, 0.36, s.raw(GLOW) if p.dark else s.ink((0.35, 0.45, 0.55)))
    s.stamp(u, v, "boat", mirror=0.38, flip=p.side > 0)
    if p.dark and not sail:
        p.glow(u, v - h * 0.6, h * 0.7, GLOW, 0.3)


def sailboat(p: Painter, u: float, v: float, h: float, colour: str) -> None:
    """A boat under sail."""
    boat(p, u, v, h, colour, sail=True)


def umbrella(p: Painter, u: float, v: float, h: float, colour: str) -> None:
    """A beach umbrella with a towel beside it."""
    s, c = Sheet(p, h * 1.05, h, 0.0, "umbrella", colour), np.asarray(COLOURS[colour])
    s.line([(0.5, 0.2), (0.5, 1.0)], s.ink((0.85, 0.80, 0.74)), 0.03)
    t = np.linspace(-1, 1, 8)
    for i in range(7):
        a, b = np.linspace(t[i], t[i + 1], 4), 0.44
        q = c if i % 2 == 0 else (0.97, 0.95, 0.90) if colour != "white" else (0.85, 0.4, 0.35)
        s.poly(
            [(0.5, 0.04)] + [(0.5 + 0.5 * x, b - 0.40 * np.sqrt(max(1 - x * x, 0)) * 0.95) for x in a] + [(0.5, 0.40)],
            s.ink(q, 0.95 + 0.12 * p.side * t[i], 0.3 - 0.25 * p.side * t[i]),
        )
    s.poly([(0.30, 0.92), (0.86, 0.86), (0.92, 0.96), (0.34, 1.0)], s.ink(mix(c, (1, 1, 1), 0.55), 0.95))
    shadow(p, u, v, h)
    s.stamp(u, v, "building")


def sheep(p: Painter, u: float, v: float, h: float) -> None:
    """A sheep."""
    s = Sheet(p, h * 1.5, h, 0.0, "sheep")
    for x in (0.28, 0.40, 0.60, 0.72):
        s.box(x, 0.7, x + 0.06, 1.0, s.ink((0.2, 0.18, 0.18)))
    for x, y, q in ((0.3, 0.45, 0.2), (0.5, 0.38, 0.24), (0.7, 0.45, 0.2), (0.5, 0.55, 0.25)):
        s.disc(x, y, q, s.ink((0.96, 0.95, 0.92), 1.0, 0.25))
    s.disc(0.88, 0.34, 0.11, s.ink((0.22, 0.20, 0.20)), 1.2)
    s.stamp(u, v, None, flip=p.rng.random() < 0.5)


def campfire(p: Painter, u: float, v: float, h: float) -> None:
    """A fire that lights the ground around it."""
    s = Sheet(p, h * 1.1, h, 0.0, "campfire")
    s.poly([(0.5, 0), (0.74, 0.5), (0.66, 0.86), (0.34, 0.86), (0.26, 0.5), (0.40, 0.42)], s.raw((1.0, 0.48, 0.12)))
    s.poly([(0.5, 0.3), (0.62, 0.62), (0.58, 0.86), (0.42, 0.86), (0.38, 0.62)], s.raw((1.0, 0.86, 0.40)))
    s.line([(0.1, 0.98), (0.9, 0.82)], s.ink((0.34, 0.22, 0.16)), 0.09)
    s.line([(0.1, 0.82), (0.9, 0.98)], s.ink((0.28, 0.18, 0.14)), 0.09)
    s.stamp(u, v, None)
    p.glow(u, v - h * 0.4, h * (2.4 if p.dark else 1.2), (1.0, 0.62, 0.25), 0.5 if p.dark else 0.3)


def birds(p: Painter, count: int, where: tuple[float, float]) -> None:
    """A flock about one of the places `where` (from, to); the box is the flock's."""
    r = p.rng
    u0, v0, seen = r.uniform(*where), r.uniform(0.12, 0.27), []
    u0 = float(np.clip(u0, 0.06 + 0.032 * count, 0.94 - 0.032 * count))
    q = np.linspace(0, 1, 6)
    sweep = 0.20 + 0.75 * q - 0.95 * np.sin(q * np.pi * 0.9) * 0.35
    x = np.concatenate([0.5 * q, 0.5 + 0.5 * q])
    y = np.concatenate([sweep, 0.20 + 0.75 * (1 - q) - 0.95 * np.sin((1 - q) * np.pi * 0.9) * 0.35])
    outline = band(x, y, x, y + 0.22 * (1 - np.abs(x - 0.5) * 1.9))
    dark = mix(p.ink((0.18, 0.18, 0.24), 0.12), (0.95, 0.95, 0.97), 0.55 if p.plan.time == "night" else 0)
    for i in range(count):
        u = u0 + (i - count / 2) * 0.064 + r.normal(0, 0.008)
        v = v0 + abs(i - count / 2) * 0.02 + r.normal(0, 0.008)
        w = r.uniform(0.044, 0.062)
        s = Sheet(p, w, w * 0.5)
        s.poly(outline, s.raw(dark))
        s.stamp(u, v, "bird")
        seen.append((u, v, w))
    us, vs, ws = np.array(seen).T
    p.boxes.append(Box("bird", "", (us - ws / 2).min(), (vs - ws / 2).min(), (us + ws / 2).max(), vs.max()))
