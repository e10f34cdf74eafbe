"""Houses, church, castle, windmill, lighthouse, igloo, bridge, towers."""

from __future__ import annotations

import numpy as np

from .noise import mix, smooth
from .painter import Colour, Painter
from .palette import COLOURS
from .sheet import GLOW, Sheet, shadow


def house(p: Painter, u: float, v: float, h: float, colour: str, depth: float = 0.0, wood: bool = False) -> None:
    """A house with a gable; warm windows in the dark. `wood` makes it a cabin of boards."""
    r, w = p.rng, h * 1.35
    s, c = Sheet(p, w, h, depth, "cabin" if wood else "house", colour), np.asarray(COLOURS[colour])
    roof = np.array([(0.70, 0.30, 0.22), (0.40, 0.34, 0.36), (0.50, 0.32, 0.24)][r.integers(3)])
    if p.plan.season == "winter":
        roof = np.array((0.93, 0.95, 0.99))
    if r.random() < 0.6:
        s.box(0.70, 0.06, 0.77, 0.3, s.ink((0.50, 0.36, 0.32), 0.9, 0.3))
    s.box(0.40, 0.44, 0.96, 1.0, s.ink(c, 0.90, 0.7))
    s.poly([(0.06, 1.0), (0.06, 0.46), (0.25, 0.12), (0.44, 0.46), (0.44, 1.0)], s.ink(c, 1.03, 0.08))
    s.poly([(0.22, 0.08), (0.78, 0.08), (1.0, 0.48), (0.47, 0.48)], s.ink(roof, 1.0, 0.25))
    s.poly([(0.25, 0.06), (0.0, 0.50), (0.05, 0.52), (0.26, 0.15), (0.46, 0.52), (0.50, 0.49)], s.ink(roof, 0.8, 0.5))
    lit = p.dark or (p.plan.time == "sunset" and r.random() < 0.5)
    win = s.raw(GLOW) if lit else s.ink((0.34, 0.44, 0.54), 0.9)
    for x in (0.56, 0.76):
        s.box(x, 0.60, x + 0.11, 0.80, win)
        s.box(x + 0.047, 0.60, x + 0.062, 0.80, s.ink(c, 0.9, 0.6))
    s.box(0.12, 0.58, 0.21, 0.76, win)
    s.box(0.28, 0.66, 0.39, 1.0, s.ink((0.42, 0.26, 0.18), 0.9, 0.3))
    if wood:
        for y in np.arange(0.54, 1.0, 0.11):
            s.box(0.06, y, 0.96, y + 0.016, s.ink(np.asarray(c) * 0.72, 0.9, 0.5))
    if depth < 0.15:
        shadow(p, u, v, w)
    s.stamp(u, v, "house", flip=p.side > 0)
    if lit and p.dark:
        p.glow(u, v - h * 0.35, h * 0.55, GLOW, 0.26)


def cabin(p: Painter, u: float, v: float, h: float, colour: str) -> None:
    """A house of boards."""
    house(p, u, v, h, colour, wood=True)


def church(p: Painter, u: float, v: float, h: float, depth: float = 0.0) -> None:
    """A white church with a pointed tower."""
    s = Sheet(p, h * 0.72, h, depth, "church")
    wall, roof = (0.94, 0.91, 0.85), (0.66, 0.28, 0.22) if p.plan.season != "winter" else (0.93, 0.95, 0.99)
    s.box(0.36, 0.62, 1.0, 1.0, s.ink(wall, 0.9, 0.65))
    s.poly([(0.34, 0.46), (0.92, 0.46), (1.0, 0.64), (0.36, 0.64)], s.ink(roof, 0.95, 0.3))
    s.box(0.08, 0.36, 0.40, 1.0, s.ink(wall, 1.02, 0.1))
    s.poly([(0.04, 0.38), (0.24, 0.05), (0.44, 0.38)], s.ink((0.36, 0.42, 0.50), 1.0, 0.2))
    s.line([(0.24, 0.0), (0.24, 0.08)], s.ink((0.3, 0.28, 0.26)), 0.02)
    win = s.raw(GLOW) if p.dark else s.ink((0.32, 0.38, 0.48), 0.9)
    for x, y in ((0.20, 0.46), (0.20, 0.66), (0.50, 0.72), (0.66, 0.72), (0.82, 0.72)):
        s.box(x, y, x + 0.07, y + 0.11, win)
    s.stamp(u, v, "building", flip=p.side > 0)


def castle(p: Painter, u: float, v: float, h: float, depth: float = 0.3) -> None:
    """A castle of five towers, seen from afar."""
    r = p.rng
    s = Sheet(p, h * 1.25, h, depth, "castle")
    wall, roof = (
        np.array((0.80, 0.74, 0.68)),
        np.array([(0.62, 0.28, 0.26), (0.30, 0.40, 0.56), (0.40, 0.32, 0.48)][r.integers(3)]),
    )
    win = s.raw(mix(GLOW, p.haze, depth * 0.4)) if p.dark else s.ink((0.34, 0.30, 0.34), 0.8)

    def keep(x: float, w: float, y: float) -> None:
        s.box(x - w, y, x + w, 1.0, s.ink(wall, 0.88, 0.75))
        near, far = (x - w, x + w * 0.1) if p.side < 0 else (x - w * 0.1, x + w)
        s.box(near, y, far, 1.0, s.ink(wall, 1.04, 0.1))
        s.poly([(x - w * 1.25, y), (x, y - w * 3.0), (x + w * 1.25, y)], s.ink(roof, 1.0, 0.3))
        s.poly([(x, y), (x, y - w * 3.0), (x + p.side * w * 1.25, y)], s.ink(roof, 1.15))
        s.box(x - w * 0.22, y + 0.07, x + w * 0.22, y + 0.15, win)

    keep(0.5, 0.085, 0.32)
    keep(0.33, 0.06, 0.44)
    s.box(0.10, 0.66, 0.92, 1.0, s.ink(wall, 0.95, 0.35))
    for x in np.arange(0.10, 0.9, 0.10):
        s.box(x, 0.62, x + 0.05, 0.68, s.ink(wall, 0.95, 0.35))
    for x, w, y in ((0.13, 0.07, 0.50), (0.87, 0.075, 0.46), (0.68, 0.055, 0.54)):
        keep(x, w, y)
    s.poly([(0.44, 1.0), (0.44, 0.86), (0.5, 0.78), (0.56, 0.86), (0.56, 1.0)], s.ink((0.30, 0.22, 0.20), 0.9))
    s.stamp(u, v, "building")


def windmill(p: Painter, u: float, v: float, h: float, colour: str, depth: float = 0.0) -> None:
    """A windmill with four sails."""
    s, c = Sheet(p, h * 0.86, h, depth, "windmill", colour), COLOURS[colour]
    s.poly([(0.40, 0.36), (0.60, 0.36), (0.70, 1.0), (0.30, 1.0)], s.ink(c, 0.9, 0.7))
    s.poly(
        [(0.40, 0.36), (0.52, 0.36), (0.54, 1.0), (0.30, 1.0)]
        if p.side < 0
        else [(0.48, 0.36), (0.60, 0.36), (0.70, 1.0), (0.46, 1.0)],
        s.ink(c, 1.04, 0.05),
    )
    s.poly([(0.37, 0.37), (0.5, 0.22), (0.63, 0.37)], s.ink((0.50, 0.30, 0.24), 1.0, 0.3))
    s.box(0.46, 0.84, 0.55, 1.0, s.ink((0.38, 0.26, 0.2), 0.9))
    s.box(0.465, 0.56, 0.535, 0.65, s.raw(GLOW) if p.dark else s.ink((0.32, 0.38, 0.46)))
    a0 = p.rng.uniform(0.3, 1.2)
    for k in range(4):
        a = a0 + k * np.pi / 2
        d, e = np.array((np.cos(a), np.sin(a) * 0.86)), np.array((-np.sin(a), np.cos(a) * 0.86))
        o = np.array((0.5, 0.36))
        s.poly(
            [o + d * 0.08, o + d * 0.44, o + d * 0.44 + e * 0.10, o + d * 0.10 + e * 0.08],
            s.ink((0.95, 0.93, 0.88), 1.0, 0.15),
        )
        s.line([o, o + d * 0.45], s.ink((0.36, 0.27, 0.22)), 0.018)
    s.stamp(u, v, "building")


def lighthouse(p: Painter, u: float, v: float, h: float, colour: str, depth: float = 0.0) -> None:
    """A striped lighthouse; in the dark its beam shines away over the water."""
    s, c = Sheet(p, h * 0.42, h, depth, "lighthouse", colour), np.asarray(COLOURS[colour])
    other = (0.95, 0.94, 0.91) if colour != "white" else (0.90, 0.88, 0.85)

    def x(y: float) -> float:
        """Half the width at height y."""
        return 0.34 - 0.14 * (1 - y)

    ys = np.linspace(0.24, 1.0, 6)
    for i in range(5):
        y0, y1 = ys[i], ys[i + 1]
        q = c if i % 2 == 0 else other
        s.poly([(0.5 - x(y0), y0), (0.5 + x(y0), y0), (0.5 + x(y1), y1), (0.5 - x(y1), y1)], s.ink(q, 0.9, 0.7))
        e0, e1 = (p.side * x(y0), p.side * x(y1))
        s.poly([(0.5 - e0 * 0.15, y0), (0.5 + e0, y0), (0.5 + e1, y1), (0.5 - e1 * 0.15, y1)], s.ink(q, 1.04, 0.05))
    s.box(0.26, 0.22, 0.74, 0.25, s.ink((0.25, 0.25, 0.28)))
    s.box(0.36, 0.11, 0.64, 0.22, s.raw(GLOW * 1.1) if p.dark else s.ink((0.80, 0.88, 0.92)))
    s.poly(
        [(0.30, 0.12), (0.5, 0.01), (0.70, 0.12)], s.ink(c * 0.9 if colour != "white" else (0.7, 0.25, 0.2), 1.0, 0.2)
    )
    if p.dark:  # a beam that fades out over the water
        vl = v - h * 0.83
        r = p.rows([vl - 0.22], vl + 0.22)
        du = (u - p.U[r[0] : r[1]]) * p.side
        spread = np.abs(p.V[r[0] : r[1]] - vl + 0.06 * du) / np.maximum(du, 0.003)
        p.blend(r, 0.42 * np.exp(-np.maximum(du, 0) / 0.26) * smooth(0.20, 0.04, spread) * (du > 0), GLOW)
    s.stamp(u, v, "building")
    if p.dark:
        p.glow(u, v - h * 0.83, h * 0.25, GLOW, 0.7)


def igloo(p: Painter, u: float, v: float, h: float) -> None:
    """An igloo with its entrance to the right."""
    s = Sheet(p, h * 1.8, h, 0.0, "igloo")
    c = (0.93, 0.96, 1.0)
    s.disc(0.46, 1.0, 0.46, s.ink(c, 0.98, 0.55), 1.12, 180, 360)
    s.disc(0.46 + p.side * 0.06, 1.0, 0.38, s.ink(c, 1.02, 0.1), 1.2, 180, 360)
    for k in (0.30, 0.55, 0.78):
        s.line(
            [(0.46 - 0.44 * np.sqrt(1 - (1 - k) ** 2), k), (0.46 + 0.44 * np.sqrt(1 - (1 - k) ** 2), k)],
            s.ink((0.78, 0.86, 0.95), 0.95, 0.3),
            0.012,
        )
    s.disc(0.80, 1.0, 0.17, s.ink(c, 0.95, 0.6), 1.7, 180, 360)
    s.disc(0.83, 1.0, 0.11, s.raw(GLOW) if p.dark else s.ink((0.28, 0.36, 0.48)), 1.8, 180, 360)
    shadow(p, u, v, h * 1.6)
    s.stamp(u, v, "house")
    if p.dark:
        p.glow(u + h * 0.5, v - h * 0.2, h * 0.7, GLOW, 0.4)


def bridge(p: Painter, v: float, h: float, depth: float = 0.15) -> None:
    """A suspension bridge across the whole width."""
    s = Sheet(p, 1.0, h, depth, "bridge")
    c = np.asarray([(0.78, 0.30, 0.24), (0.45, 0.48, 0.55)][p.rng.integers(2)])
    x1, x2, deck = 0.27, 0.73, 0.78
    for a, b in ((-0.19, x1), (x1, x2), (x2, 1.19)):
        t = np.linspace(a, b, 24)
        q = (t - (a + b) / 2) / ((b - a) / 2)
        y = 0.12 + 0.58 * (1 - q * q)
        s.line(np.stack([t, y], 1), s.ink(c, 0.95, 0.4), 0.004)
        for i in range(1, 23, 2):
            s.line([(t[i], y[i]), (t[i], deck)], s.ink(c, 0.95, 0.4), 0.0018)
    s.box(0, deck, 1, deck + 0.07, s.ink(c, 0.9, 0.45))
    for x in (x1, x2):
        s.box(x - 0.013, 0.04, x - 0.005, 1.0, s.ink(c, 0.9, 0.5))
        s.box(x + 0.005, 0.04, x + 0.013, 1.0, s.ink(c, 1.0, 0.2))
        for v0 in (0.10, 0.30, 0.52):
            s.box(x - 0.013, v0, x + 0.013, v0 + 0.035, s.ink(c, 0.95, 0.3))
    s.stamp(0.5, v, "bridge", mirror=0.3)
    if p.dark:
        for x in np.linspace(0.03, 0.97, 16):
            p.glow(float(x), v - h * (1 - deck), 0.006, GLOW, 0.8)


def tower(p: Painter, u: float, v: float, w: float, h: float, depth: float, colour: Colour) -> None:
    """A skyscraper of the skyline, with lit windows by the hour."""
    r = p.rng
    s = Sheet(p, w, h, depth)
    cap = r.integers(5)
    y0 = [0.0, 0.06, 0.10, 0.0, 0.12][cap]
    if cap in (1, 4):
        s.line([(0.5, 0), (0.5, 0.2)], s.ink(colour, 0.8, 0.6), 0.05)
    if cap == 2:
        s.poly([(0.0, 0.12), (0.5, 0), (1.0, 0.12)], s.ink(colour, 0.95, 0.4))
    if cap == 4:
        s.box(0.2, 0.05, 0.8, 0.2, s.ink(colour, 0.95, 0.5))
    cut = 0.58 if p.side > 0 else 0.42
    s.box(0, y0, 1, 1, s.ink(colour, 1.03, 0.1))
    s.box(0 if p.side > 0 else cut, y0, cut if p.side > 0 else 1, 1, s.ink(colour, 0.84, 0.8))
    nx, ny = max(2, int(w / 0.016)), max(3, int(h / 0.022))
    share = dict(night=0.55, dusk=0.42, sunset=0.2, dawn=0.12, noon=0)[p.plan.time]
    glass = s.ink((0.50, 0.62, 0.74), 0.92, 0.35)
    warm = [
        s.raw(mix(np.array(c) * 0.95, p.haze, depth * 0.45))
        for c in ((1.0, 0.82, 0.46), (1.0, 0.90, 0.66), (0.98, 0.70, 0.36))
    ]
    on = r.random((ny, nx))
    for j in range(ny):
        for i in range(nx):
            x, y = (i + 0.28) / nx, y0 + 0.03 + (j + 0.2) / ny * (1 - y0 - 0.03)
            lit = on[j, i] < share
            if lit or not p.dark:
                s.box(x, y, x + 0.46 / nx, y + 0.5 / ny, warm[int(on[j, i] * 97) % 3] if lit else glass)
    s.stamp(u, v, "skyscraper")
