"""Desert and canyon."""

from __future__ import annotations

import numpy as np

from . import plants
from .land import land, massif
from .noise import F32, smooth
from .painter import Painter
from .placing import land_things, sky_things, water_things
from .plan import ZONE
from .scenery import (
    CLIFF,
    at,
    blades,
    hill,
    mesas,
)
from .water import water


def desert(p: Painter, hv: float) -> None:
    """Dunes, sometimes mesas behind."""
    r = p.rng
    sand = np.array([(0.93, 0.70, 0.46), (0.90, 0.62, 0.42), (0.95, 0.80, 0.58)][r.integers(3)])
    if r.random() < 0.6:
        mesas(p, hv + 0.02, r.uniform(0.08, 0.2), 0.75)
    sky_things(p, hv)
    n = int(r.integers(4, 6))
    for i in range(n):
        t = i / (n - 1)
        top = hill(p, hv - 0.02 + t * (0.86 - hv) * 0.92, 0.035 + 0.04 * t * (1 - t) * 2, 1.5 + 1.5 * (1 - t), 2)
        ridge = np.abs(p.line(1, 0.5, 1.6, True))
        massif(
            p,
            (top - 0.05 * ridge).astype(F32),
            sand,
            0.62 * (1 - t) ** 1.1,
            1.0,
            "sand",
            jag=0.10,
            slant=1.9,
            fade=0.22 * (1 - t),
            soft=0.02,
            detail=0.04,
            gain=3.5,
        )
    top = (top - 0.05 * ridge).astype(F32)
    for _ in range(int(r.integers(0, 4))):
        u = r.random()
        plants.rock(p, u, at(top, u) + r.uniform(0.03, 0.12), r.uniform(0.03, 0.08), c=(0.66, 0.46, 0.36))
    land_things(p, top, 1.1, 0.04, 0.13)


def canyon(p: Painter, hv: float) -> None:
    """Red walls on both sides, mostly with a river."""
    r = p.rng
    mesas(p, hv + 0.02, r.uniform(0.16, 0.28), 0.72, 3)
    land(p, hill(p, hv + 0.01, 0.01), (0.84, 0.56, 0.40), 0.55, "sand", fade=0.3)
    mid, wet = r.uniform(0.42, 0.58), r.random() < 0.75
    for i in range(3):
        t = i / 2
        for sd in (-1, 1):
            edge = mid + sd * (0.10 + 0.13 * t) + 0.02 * p.line(3, 0.6, 8)
            h = (0.15 + 0.18 * t) * r.uniform(0.7, 1.15)
            d = sd * (p.c - edge)
            steps = 0.55 * smooth(0, 0.035, d) + 0.25 * smooth(0.09, 0.12, d) + 0.20 * smooth(0.18, 0.21, d)
            base = hv + 0.09 + 0.15 * t
            top = np.where(
                d > -0.06, base - h * steps + 0.03 * np.clip(-d, 0, 0.06) / 0.06 + 0.006 * p.line(3, 0.6, 24), 2.0
            ).astype(F32)
            if (top < 1).any():
                massif(
                    p,
                    top,
                    np.asarray(CLIFF) * (1, 0.94 + 0.1 * t, 0.92),
                    0.52 * (1 - t) + 0.02,
                    base + 0.16,
                    "rock",
                    strata=110 - 30 * t,
                    jag=0.3,
                    slant=0.2,
                    fade=0.22 * (1 - t) + 0.03,
                )
    top = np.full(p.n, hv + 0.10, F32) + 0.25 * np.abs(p.c - mid).astype(F32)
    sky_things(p, hv)
    if wet:
        water(p, hv + 0.22, (0.16, 0.50, 0.54), "river", calm=0.7)
        water_things(p, hv + 0.24, 0.84)
    else:
        land(p, np.full(p.n, hv + 0.22, F32), (0.86, 0.60, 0.42), 0.1, "sand", persp=hv + 0.1)
    if not wet and any(ZONE.get(t.name) == "water" for t in p.plan.things):
        water(p, hv + 0.24, (0.16, 0.50, 0.54), "river", calm=0.7)
        water_things(p, hv + 0.26, 0.84)
    top = (r.uniform(0.83, 0.87) + 0.02 * p.line(3, 0.5, 3) + 0.06 * np.cos((p.c - mid) * 5) - 0.03).astype(F32)
    massif(p, top, (0.82, 0.48, 0.33), 0.0, 1.25, "rock", fade=0, jag=0.3, strata=60)
    land(p, (top + 0.03).astype(F32), (0.88, 0.60, 0.42), 0, "sand", tex=0.14, rim=0.12, persp=float(top.min()) - 0.1)
    land_things(p, top + 0.02, 1.05, 0.02, 0.09)
    blades(p, (0.62, 0.60, 0.34), int(r.integers(10, 60)), 0.04, "bush")
