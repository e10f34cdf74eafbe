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
    r = p.rng
    sand = np.array([(.93, .70, .46), (.90, .62, .42), (.95, .80, .58)][r.integers(3)])
    if r.random() < .6:
        mesas(p, hv + .02, r.uniform(.08, .2), .75)
    sky_things(p, hv)
    n = int(r.integers(4, 6))
    for i in range(n):
        t = i / (n - 1)
        top = hill(p, hv - .02 + t * (.86 - hv) * .92, .035 + .04 * t * (1 - t) * 2, 1.5 + 1.5 * (1 - t), 2)
        ridge = np.abs(p.line(1, .5, 1.6, True))
        massif(p, (top - .05 * ridge).astype(F32), sand, .62 * (1 - t) ** 1.1, 1., "sand", jag=.10, slant=1.9, fade=.22 * (1 - t),
                 soft=.02, detail=.04, gain=3.5)
    top = (top - .05 * ridge).astype(F32)
    for _ in range(int(r.integers(0, 4))):
        u = r.random()
        plants.rock(p, u, at(top, u) + r.uniform(.03, .12), r.uniform(.03, .08), c=(.66, .46, .36))
    land_things(p, top, 1.1, .04, .13)


def canyon(p: Painter, hv: float) -> None:
    r = p.rng
    mesas(p, hv + .02, r.uniform(.16, .28), .72, 3)
    land(p, hill(p, hv + .01, .01), (.84, .56, .40), .55, "sand", fade=.3)
    mid, wet = r.uniform(.42, .58), r.random() < .75
    for i in range(3):
        t = i / 2
        for sd in (-1, 1):
            edge = mid + sd * (.10 + .13 * t) + .02 * p.line(3, .6, 8)
            h = (.15 + .18 * t) * r.uniform(.7, 1.15)
            d = sd * (p.c - edge)
            steps = .55 * smooth(0, .035, d) + .25 * smooth(.09, .12, d) + .20 * smooth(.18, .21, d)
            base = hv + .09 + .15 * t
            top = np.where(d > -.06, base - h * steps + .03 * np.clip(-d, 0, .06) / .06 + .006 * p.line(3, .6, 24), 2.).astype(F32)
            if (top < 1).any():
                massif(p, top, np.asarray(CLIFF) * (1, .94 + .1 * t, .92), .52 * (1 - t) + .02, base + .16, "rock", strata=110 - 30 * t, jag=.3,
                         slant=.2, fade=.22 * (1 - t) + .03)
    top = np.full(p.n, hv + .10, F32) + .25 * np.abs(p.c - mid).astype(F32)
    sky_things(p, hv)
    if wet:
        water(p, hv + .22, (.16, .50, .54), "river", calm=.7)
        water_things(p, hv + .24, .84)
    else:
        land(p, np.full(p.n, hv + .22, F32), (.86, .60, .42), .1, "sand", persp=hv + .1)
    if not wet and any(ZONE.get(t.name) == "water" for t in p.plan.things):
        water(p, hv + .24, (.16, .50, .54), "river", calm=.7)
        water_things(p, hv + .26, .84)
    top = (r.uniform(.83, .87) + .02 * p.line(3, .5, 3) + .06 * np.cos((p.c - mid) * 5) - .03).astype(F32)
    massif(p, top, (.82, .48, .33), 0., 1.25, "rock", fade=0, jag=.3, strata=60)
    land(p, (top + .03).astype(F32), (.88, .60, .42), 0, "sand", tex=.14, rim=.12, persp=float(top.min()) - .1)
    land_things(p, top + .02, 1.05, .02, .09)
    blades(p, (.62, .60, .34), int(r.integers(10, 60)), .04, "bush")
