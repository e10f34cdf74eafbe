"""Beach, islands, arctic and city: scenes with a sea or a river before them."""

from __future__ import annotations

import numpy as np

from . import buildings, plants
from .land import forest_line, land, massif
from .noise import F32, mix, smooth
from .painter import Painter
from .palette import LABELS
from .placing import land_things, sky_things, water_things
from .plan import ZONE
from .scenery import (
    ICE,
    SAND,
    at,
    blades,
    frame,
    ground_colour,
    ground_label,
    hill,
    peaks,
    ranges,
)
from .water import water


def beach(p: Painter, hv: float) -> None:
    """Sea with surf and a sandy shore."""
    r = p.rng
    if r.random() < 0.7:  # a far coast
        s = r.choice([-1, 1])
        top = peaks(p, hv, r.uniform(0.06, 0.14), 3, 0.10) + (0.20 * smooth(-0.2, 0.5, s * (p.c - 0.5))).astype(F32)
        massif(p, top, (0.36, 0.48, 0.46), 0.66, hv + 0.01, "hill", jag=0.3)
    sky_things(p, hv)
    water(p, hv, (0.10, 0.56, 0.66), "sea", calm=r.uniform(0.25, 0.6))
    s = r.choice([-1, 1])
    top = (r.uniform(0.72, 0.80) + s * 0.10 * (p.c - 0.5) + 0.030 * p.line(2, 0.4, 2, True)).astype(F32)
    rr = p.rows(top - 0.14)
    d = top - p.V[rr[0] : rr[1]]
    n = p.tex(1.2, 3.0, rr) - 0.5
    p.blend(rr, np.clip(0.6 * smooth(0.13, 0.0, d + 0.06 * n), 0, 1), p.ink((0.45, 0.86, 0.84), 0.05))
    for k, w in ((0.005, 0.008), (0.035, 0.005), (0.075, 0.004)):  # surf
        p.blend(rr, 0.9 * np.exp(-(((d - k + 0.035 * n) / w) ** 2)) * (1 - k * 5), p.ink((1, 1, 1), 0.05, 1.02))
    water_things(p, hv + 0.015, float(top.min()) - 0.07)
    land(p, top, np.asarray(SAND) * (0.80, 0.78, 0.76), 0, "sand", rim=0.0, tex=0.05)
    land(
        p,
        top + 0.03 + 0.01 * p.line(2, 0.5, 3, True),
        SAND,
        0,
        "sand",
        rim=0.06,
        tex=0.12,
        persp=float(top.min()) - 0.1,
    )
    for _ in range(int(r.integers(0, 4))):
        u = r.random()
        plants.rock(p, u, at(top, u) + r.uniform(0.02, 0.08), r.uniform(0.04, 0.10))
    land_things(p, top + 0.03, 1.05)
    if r.random() < 0.4 and not any(t.name == "palm" for t in p.plan.things):
        u = r.choice([0.03, 0.97])
        plants.palm(p, u, at(top, u) + 0.14, r.uniform(0.42, 0.6))
    blades(p, (0.55, 0.66, 0.36), int(r.integers(0, 90)), 0.05)


def islands(p: Painter, hv: float) -> None:
    """Islands in the sea, sometimes a near rock."""
    r = p.rng
    sky_things(p, hv)
    water(p, hv, (0.08, 0.46, 0.60), "sea", calm=r.uniform(0.3, 0.7))
    n = int(r.integers(3, 6))
    for i in range(n):
        t = (i / n) ** 1.5
        base, w = hv + 0.004 + 0.17 * t, r.uniform(0.10, 0.2) * (0.8 + 0.7 * t)
        u = r.uniform(0.05, 0.95)
        x = (p.c - u) / w
        h = w * r.uniform(0.28, 0.62)
        top = (
            base - h * np.maximum(1 - np.abs(x) ** 1.6, 0) * (1 + 0.45 * p.line(5, 0.55, 6)) + (np.abs(x) > 1) * 0.5
        ).astype(F32)
        massif(
            p,
            top,
            mix((0.48, 0.44, 0.42), (0.36, 0.52, 0.34), r.random()),
            0.72 * (1 - t) + 0.04,
            base,
            "rock",
            jag=0.4,
            fade=0.25 * (1 - t),
        )
        m = np.abs(x) < 0.9
        if r.random() < 0.8:
            forest_line(
                p,
                np.where(m, top + 0.010, 2.0).astype(F32),
                0.022 + 0.03 * t,
                0.66 * (1 - t) + 0.04,
                "round" if r.random() < 0.5 else "pine",
                (0.30, 0.48, 0.30),
                foot=base + 0.004 - 2.0,
                density=0.8,
                skirt=h * 0.42,
                fade=0,
            )
        d0 = int(base * p.n)  # its own reflection
        k = min(int(h * 1.1 * p.n), d0, p.n - d0 - 1)
        if k > 1:
            fade = np.linspace(0.55, 0, k, dtype=F32)[:, None] * np.clip(1.1 - np.abs(x), 0, 1)[None] ** 0.5
            p.img[d0 : d0 + k] += (p.img[d0 - k : d0][::-1] * 0.9 - p.img[d0 : d0 + k]) * fade[..., None]
        p.lab[d0:] = LABELS["sea"]
    s = 1 if sum(x.pos == "right" for x in p.plan.things) > sum(x.pos == "left" for x in p.plan.things) else -1
    has = any(ZONE.get(x.name, "land") == "land" for x in p.plan.things)
    water_things(p, hv + 0.05, 0.84)
    if has or r.random() < 0.6:
        top = (0.84 - 0.13 * s * (p.c - 0.5) * 2 + 0.03 * p.line(4, 0.5, 4)).astype(F32)
        massif(p, top, (0.50, 0.46, 0.44), 0.0, 1.2, "rock", fade=0, jag=0.3)
        g = top + 0.022 + 0.012 * np.abs(p.line(4, 0.6, 11))
        land(p, g.astype(F32), ground_colour(p), 0, "grass", persp=float(top.min()) - 0.08)
        land_things(p, g, 1.0, 0.005, 0.05)
        blades(p, ground_colour(p))


def arctic(p: Painter, hv: float) -> None:
    """Snowy peaks, ice floes, icebergs, a snow field."""
    r = p.rng
    for i in range(2):
        top = peaks(p, hv, (0.26 - 0.1 * i) * r.uniform(0.7, 1.1), int(r.integers(2, 5)))
        massif(p, top, (0.52, 0.62, 0.74), 0.75 - 0.3 * i, hv + 0.02, "mountain", snow=hv - 0.02, detail=0.7)
    sky_things(p, hv)
    water(p, hv, (0.12, 0.40, 0.52), "sea", calm=r.uniform(0.55, 0.95))
    shore_v = r.uniform(0.76, 0.84)
    for _ in range(int(r.integers(2, 6))):
        d = r.random()
        plants.rock(
            p,
            r.random(),
            hv + 0.015 + d * (shore_v - hv - 0.06),
            (0.06 + 0.16 * d) * r.uniform(0.7, 1.3),
            0.35 * (1 - d),
            ice=True,
        )
    rr = (int((hv + 0.01) * p.n), int(shore_v * p.n))  # floes
    n = p.tex(0.9, 1.0, rr, persp=hv - 0.05)
    k = smooth(hv, hv + 0.1, p.V[rr[0] : rr[1]])
    p.blend(rr, smooth(0.66, 0.68, n) * 0.5, p.ink((0.50, 0.78, 0.86), 0.1))
    p.blend(rr, smooth(0.67, 0.69, n) * (0.6 + 0.35 * k), p.ink(ICE, 0.25), "snow")
    water_things(p, hv + 0.03, shore_v - 0.03)
    top = hill(p, shore_v, 0.025)
    land(p, top - 0.01, (0.62, 0.78, 0.90), 0, "snow", rim=0)
    land(p, top, ICE, 0, "snow", tex=0.07, rim=0.08, persp=float(top.min()) - 0.08)
    land_things(p, top, 1.15, 0.03, 0.10)


def city(p: Painter, hv: float) -> None:
    """A skyline with its reflection."""
    r = p.rng
    if r.random() < 0.5:
        ranges(p, hv, r.uniform(0.12, 0.2), snow=False, layers=1)
    for d, hmax, k in ((0.78, 0.22, 26), (0.58, 0.27, 18)):
        g = np.repeat(r.random(k + 1) ** 1.4, 1)
        x = np.clip((p.c * k + r.random()).astype(int), 0, k)
        top = hv - (0.05 + hmax * g[x] * (1.15 - 1.1 * np.abs(p.c - 0.5))).astype(F32)
        land(p, top.astype(F32), (0.50, 0.52, 0.60), d, "skyscraper", hv + 0.02, fade=0.55, rim=0, tex=0.03)
    m = int(r.integers(10, 16))
    mid = r.uniform(0.35, 0.65)
    order = [(i + r.uniform(0.1, 0.9)) / m for i in range(m)]
    tones = [(0.62, 0.60, 0.64), (0.72, 0.66, 0.62), (0.50, 0.56, 0.66), (0.66, 0.54, 0.50), (0.56, 0.62, 0.64)]
    for u in [order[i] for i in r.permutation(m)]:
        h = (0.07 + 0.36 * r.random() ** 1.3) * np.exp(-(((u - mid) / 0.42) ** 2)) + 0.05
        buildings.tower(
            p,
            u,
            hv + 0.005,
            r.uniform(0.045, 0.085),
            h,
            0.30 * r.random() + 0.08,
            np.asarray(tones[r.integers(5)]) * r.uniform(0.85, 1.1),
        )
    top = (hv - 0.012 - 0.012 * np.abs(p.line(3, 0.6, 14, True))).astype(F32)
    land(p, top, mix(ground_colour(p), (0.25, 0.4, 0.28), 0.4), 0.1, "tree", hv + 0.02, rim=0.3)
    sky_things(p, hv * 0.8)
    water(p, hv, (0.14, 0.34, 0.46), "river", calm=r.uniform(0.4, 0.85))
    if any(t.name == "bridge" for t in p.plan.things):
        buildings.bridge(p, hv + 0.045, r.uniform(0.15, 0.2), 0.02)
    near = r.random() < 0.45
    water_things(p, hv + 0.06, 0.88 if near else 0.97)
    if near:
        top = hill(p, 0.90, 0.012)
        land(p, top, ground_colour(p), 0, ground_label(p), persp=0.8)
        frame(p, top, "round", None, 2, 0.36)
        blades(p, ground_colour(p))
