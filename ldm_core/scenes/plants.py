"""Trees, palms, cacti and rocks."""

from __future__ import annotations

import numpy as np

from .painter import Colour, Painter
from .palette import LEAVES, PINE
from .sheet import Sheet, band


def pine(p: Painter, u: float, v: float, h: float, depth: float = 0.0, tone: float = 1.0) -> None:
    """A pine in tiers, with snow on it in winter."""
    r, w = p.rng, h * p.rng.uniform(0.38, 0.5)
    s = Sheet(p, w, h, depth)
    snowy = p.plan.season == "winter"
    c = np.asarray(PINE[p.plan.season]) * r.uniform(0.85, 1.15) * tone
    s.box(0.46, 0.9, 0.54, 1.0, s.ink((0.34, 0.24, 0.18), 0.9))
    m = int(r.integers(5, 8))
    lit = 1 if p.side > 0 else -1
    for k in range(m):
        t0, t1 = 0.04 + 0.80 * (m - 1 - k) / m, 0.04 + 0.88 * (m - k) / m + 0.03
        half = 0.10 + 0.40 * (m - k) / m * r.uniform(0.88, 1.05)
        for sd in (-1, 1):
            tips = [(0.5, t0)] + [
                (0.5 + sd * half * q, t1 - 0.02 * (j % 2) - 0.03 * q) for j, q in enumerate((1.0, 0.72, 0.5, 0.26, 0))
            ]
            s.poly(tips, s.ink(c, 1.12 if sd == lit else 0.80, 0.15 if sd == lit else 0.75))
            if snowy:
                dt = t1 - t0
                s.poly(
                    [
                        (0.5, t0),
                        (0.5 + sd * half * 0.97, t1 - 0.032),
                        (0.5 + sd * half * 0.70, t1 - 0.05),
                        (0.5 + sd * half * 0.55, t0 + dt * 0.74),
                        (0.5 + sd * half * 0.32, t0 + dt * 0.66),
                        (0.5 + sd * half * 0.18, t0 + dt * 0.42),
                        (0.5, t0 + dt * 0.40),
                    ],
                    s.ink((0.95, 0.97, 1.0), 1.0, 0.0 if sd == lit else 0.6),
                )
    s.stamp(u, v, "tree")


def tree(
    p: Painter, u: float, v: float, h: float, colour: str | None = None, depth: float = 0.0, name: str | None = None
) -> None:
    """A round tree; without a colour it takes one of the season."""
    r = p.rng
    s = Sheet(p, h * 0.86, h, depth, name, colour or "")
    leaves = LEAVES[p.plan.season]
    base = np.asarray(
        leaves[r.integers(len(leaves))]
        if colour is None
        else dict(
            green=(0.32, 0.56, 0.26),
            pink=(0.97, 0.70, 0.78),
            orange=(0.92, 0.50, 0.16),
            red=(0.80, 0.24, 0.16),
            yellow=(0.95, 0.74, 0.22),
            white=(0.90, 0.93, 0.97),
        )[colour]
    )
    bark = s.ink((0.36, 0.26, 0.20), 0.95, 0.3)
    s.poly([(0.46, 0.55), (0.54, 0.55), (0.55, 0.9), (0.60, 1.0), (0.40, 1.0), (0.45, 0.9)], bark)
    s.line([(0.5, 0.75), (0.34, 0.52)], bark, 0.035)
    s.line([(0.5, 0.72), (0.66, 0.5)], bark, 0.03)
    blobs = [
        (0.5 + 0.29 * np.cos(a) * q, 0.39 + 0.20 * np.sin(a) * q, r.uniform(0.12, 0.19))
        for a, q in zip(np.linspace(0, 6.28, 11) + r.random(), r.uniform(0.55, 1, 11), strict=True)
    ] + [(0.5, 0.38, 0.26)]
    for off, k, sh, sc in ((0, 0.74, 0.8, 1.0), (0.035, 0.96, 0.3, 0.86), (0.075, 1.10, 0.0, 0.58)):
        for x, y, q in blobs:
            s.disc(x + p.side * off, y - off * 1.1, q * sc, s.ink(base, k, sh))
    for _ in range(26):
        x, y, q = blobs[r.integers(len(blobs))]
        a, t = r.random() * 6.28, r.random() ** 0.5 * q
        s.disc(
            x + np.cos(a) * t,
            y + np.sin(a) * t,
            r.uniform(0.018, 0.034),
            s.ink(base, r.uniform(0.8, 1.2), r.random() * 0.7),
        )
    s.stamp(u, v, "tree")


def palm(p: Painter, u: float, v: float, h: float, depth: float = 0.0, name: str | None = None) -> None:
    """A leaning palm."""
    r = p.rng
    s = Sheet(p, h * 0.95, h, depth, name)
    lean = r.uniform(-0.16, 0.16)
    t = np.linspace(0, 1, 9)
    cx, cy = 0.5 + lean * t**2, 1 - 0.70 * t
    wd = 0.035 * (1 - 0.45 * t)
    s.poly(band(cx - wd, cy, cx + wd, cy), s.ink((0.48, 0.36, 0.26), 0.9, 0.4))
    s.poly(band(cx + p.side * wd * 0.1, cy, cx + p.side * wd, cy), s.ink((0.60, 0.46, 0.32)))
    for a in np.linspace(-0.35, 3.5, 12) + r.normal(0, 0.10, 12):
        q = np.linspace(0, 1, 9)
        L = 0.45 * r.uniform(0.8, 1.05)
        x, y = cx[-1] + np.cos(a) * L * q * (1 - 0.12 * q), cy[-1] - np.sin(a) * L * q * 0.60 + 0.26 * q**2.2
        b = 0.034 * np.sin(np.pi * np.clip(q + 0.05, 0, 1)) * (1 + 0.35 * (np.arange(9) % 2))
        up = np.cos(a) * p.side
        s.poly(band(x, y - b * 0.4, x, y + b), s.ink((0.25, 0.50, 0.28), 0.85 + 0.18 * up, 0.5 - 0.4 * up))
    s.disc(cx[-1], cy[-1] + 0.02, 0.035, s.ink((0.45, 0.30, 0.18)))
    s.stamp(u, v, "tree")


def cactus(p: Painter, u: float, v: float, h: float, name: str | None = None) -> None:
    """A cactus with two arms."""
    s = Sheet(p, h * 0.62, h, 0.0, name)
    c = np.array((0.30, 0.52, 0.32)) * p.rng.uniform(0.85, 1.1)
    for dx, k, sh in ((0, 0.8, 0.8), (p.side * 0.035, 1.05, 0.1)):
        col, th = s.ink(c, k, sh), 0.17 if dx == 0 else 0.10
        s.line([(0.5 + dx, 1.0), (0.5 + dx, 0.14)], col, th)
        s.line([(0.5 + dx, 0.66), (0.2 + dx, 0.64), (0.2 + dx, 0.40)], col, th * 0.75)
        s.line([(0.5 + dx, 0.54), (0.8 + dx, 0.52), (0.8 + dx, 0.28)], col, th * 0.75)
    s.stamp(u, v, "bush")


def rock(
    p: Painter, u: float, v: float, w: float, depth: float = 0.0, c: Colour = (0.55, 0.53, 0.52), ice: bool = False
) -> None:
    """A faceted rock, or an iceberg with its reflection."""
    r = p.rng
    h = w * r.uniform(0.45, 0.75)
    s = Sheet(p, w, h, depth)
    c = (0.80, 0.91, 0.97) if ice else c
    top = [
        (0, 1),
        (0.08, r.uniform(0.45, 0.7)),
        (0.3, r.uniform(0.1, 0.3)),
        (0.52, 0),
        (0.75, r.uniform(0.12, 0.4)),
        (0.94, r.uniform(0.5, 0.75)),
        (1, 1),
    ]
    k = 3 if r.random() < 0.5 else 2
    s.poly(top, s.ink(c, 0.95, 0.45))
    s.poly((top[: k + 1] if p.side < 0 else top[k:]) + [(0.5 + r.uniform(-0.12, 0.12), 0.55), (0.5, 1)], s.ink(c, 1.12))
    s.poly(
        [top[0], top[1], (0.25, 0.8), (0.3, 1)] if p.side > 0 else [top[-1], top[-2], (0.75, 0.8), (0.7, 1)],
        s.ink(c, 0.8, 0.95),
    )
    if p.plan.season == "winter" and not ice:
        s.poly([top[2], top[3], top[4], (0.6, 0.22), (0.45, 0.3)], s.ink((0.96, 0.97, 1)))
    s.stamp(u, v, "snow" if ice else "rock", mirror=0.35 if ice else 0)
