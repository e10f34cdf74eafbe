"""Trees, palms, cacti and rocks."""

from __future__ import annotations

import numpy as np

from .painter import Colour, Painter
from .palette import LEAVES, PINE
from .sheet import Sheet


def pine(p: Painter, u: float, v: float, h: float, depth: float = 0.,
         tone: float = 1.) -> None:
    r, w = p.rng, h * p.rng.uniform(.38, .5)
    s = Sheet(p, w, h, depth)
    c, snowy = PINE[p.plan.season], p.plan.season == "winter"
    c = np.asarray(c) * r.uniform(.85, 1.15) * tone
    s.box(.46, .9, .54, 1., s.ink((.34, .24, .18), .9))
    m = int(r.integers(5, 8))
    lit = 1 if p.side > 0 else -1
    for k in range(m):
        t0, t1 = .04 + .80 * (m - 1 - k) / m, .04 + .88 * (m - k) / m + .03
        half = .10 + .40 * (m - k) / m * r.uniform(.88, 1.05)
        for sd in (-1, 1):
            tips = [(.5, t0)] + [(.5 + sd * half * q, t1 - .02 * (j % 2) - .03 * q) for j, q in enumerate((1., .72, .5, .26, 0))]
            s.poly(tips, s.ink(c, 1.12 if sd == lit else .80, .15 if sd == lit else .75))
            if snowy:
                dt = t1 - t0
                s.poly([(.5, t0), (.5 + sd * half * .97, t1 - .032), (.5 + sd * half * .70, t1 - .05), (.5 + sd * half * .55, t0 + dt * .74),
                        (.5 + sd * half * .32, t0 + dt * .66), (.5 + sd * half * .18, t0 + dt * .42), (.5, t0 + dt * .40)],
                       s.ink((.95, .97, 1.), 1., 0. if sd == lit else .6))
    s.stamp(u, v, "tree")


def tree(p: Painter, u: float, v: float, h: float, colour: str | None = None, depth: float = 0.,
         name: str | None = None) -> None:
    r = p.rng
    s = Sheet(p, h * .86, h, depth, name, colour or "")
    leaves = LEAVES[p.plan.season]
    base = np.asarray(leaves[r.integers(len(leaves))] if colour is None else dict(
        green=(.32, .56, .26), pink=(.97, .70, .78), orange=(.92, .50, .16), red=(.80, .24, .16), yellow=(.95, .74, .22), white=(.90, .93, .97))[colour])
    bark = s.ink((.36, .26, .20), .95, .3)
    s.poly([(.46, .55), (.54, .55), (.55, .9), (.60, 1.), (.40, 1.), (.45, .9)], bark)
    s.line([(.5, .75), (.34, .52)], bark, .035)
    s.line([(.5, .72), (.66, .5)], bark, .03)
    blobs = [(.5 + .29 * np.cos(a) * q, .39 + .20 * np.sin(a) * q, r.uniform(.12, .19))
             for a, q in zip(np.linspace(0, 6.28, 11) + r.random(), r.uniform(.55, 1, 11))] + [(.5, .38, .26)]
    for off, k, sh, sc in ((0, .74, .8, 1.), (.035, .96, .3, .86), (.075, 1.10, 0., .58)):
        for x, y, q in blobs:
            s.disc(x + p.side * off, y - off * 1.1, q * sc, s.ink(base, k, sh))
    for _ in range(26):
        x, y, q = blobs[r.integers(len(blobs))]
        a, t = r.random() * 6.28, r.random() ** .5 * q
        s.disc(x + np.cos(a) * t, y + np.sin(a) * t, r.uniform(.018, .034), s.ink(base, r.uniform(.8, 1.2), r.random() * .7))
    s.stamp(u, v, "tree")


def palm(p: Painter, u: float, v: float, h: float, depth: float = 0., name: str | None = None) -> None:
    r = p.rng
    s = Sheet(p, h * .95, h, depth, name)
    lean = r.uniform(-.16, .16)
    t = np.linspace(0, 1, 9)
    cx, cy = .5 + lean * t ** 2, 1 - .70 * t
    wd = .035 * (1 - .45 * t)
    s.poly(list(zip(cx - wd, cy)) + list(zip(cx + wd, cy))[::-1], s.ink((.48, .36, .26), .9, .4))
    s.poly(list(zip(cx + p.side * wd * .1, cy)) + list(zip(cx + p.side * wd, cy))[::-1], s.ink((.60, .46, .32)))
    for i, a in enumerate(np.linspace(-.35, 3.5, 12) + r.normal(0, .10, 12)):
        q = np.linspace(0, 1, 9)
        L = .45 * r.uniform(.8, 1.05)
        x, y = cx[-1] + np.cos(a) * L * q * (1 - .12 * q), cy[-1] - np.sin(a) * L * q * .60 + .26 * q ** 2.2
        b = .034 * np.sin(np.pi * np.clip(q + .05, 0, 1)) * (1 + .35 * (np.arange(9) % 2))
        up = np.cos(a) * p.side
        s.poly(list(zip(x, y - b * .4)) + list(zip(x, y + b))[::-1], s.ink((.25, .50, .28), .85 + .18 * up, .5 - .4 * up))
    s.disc(cx[-1], cy[-1] + .02, .035, s.ink((.45, .30, .18)))
    s.stamp(u, v, "tree")


def cactus(p: Painter, u: float, v: float, h: float, name: str | None = None) -> None:
    s = Sheet(p, h * .62, h, 0., name)
    c = np.array((.30, .52, .32)) * p.rng.uniform(.85, 1.1)
    for dx, k, sh in ((0, .8, .8), (p.side * .035, 1.05, .1)):
        col, th = s.ink(c, k, sh), .17 if dx == 0 else .10
        s.line([(.5 + dx, 1.), (.5 + dx, .14)], col, th)
        s.line([(.5 + dx, .66), (.2 + dx, .64), (.2 + dx, .40)], col, th * .75)
        s.line([(.5 + dx, .54), (.8 + dx, .52), (.8 + dx, .28)], col, th * .75)
    s.stamp(u, v, "bush")


def rock(p: Painter, u: float, v: float, w: float, depth: float = 0., c: Colour = (.55, .53, .52),
         ice: bool = False) -> None:
    r = p.rng
    h = w * r.uniform(.45, .75)
    s = Sheet(p, w, h, depth)
    c = (.80, .91, .97) if ice else c
    top = [(0, 1), (.08, r.uniform(.45, .7)), (.3, r.uniform(.1, .3)), (.52, 0), (.75, r.uniform(.12, .4)), (.94, r.uniform(.5, .75)), (1, 1)]
    k = 3 if r.random() < .5 else 2
    s.poly(top, s.ink(c, .95, .45))
    s.poly((top[:k + 1] if p.side < 0 else top[k:]) + [(.5 + r.uniform(-.12, .12), .55), (.5, 1)], s.ink(c, 1.12))
    s.poly([top[0], top[1], (.25, .8), (.3, 1)] if p.side > 0 else [top[-1], top[-2], (.75, .8), (.7, 1)], s.ink(c, .8, .95))
    if p.plan.season == "winter" and not ice:
        s.poly([top[2], top[3], top[4], (.6, .22), (.45, .3)], s.ink((.96, .97, 1)))
    s.stamp(u, v, "snow" if ice else "rock", mirror=.35 if ice else 0)
