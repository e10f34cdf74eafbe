"""Lake, forest, meadow and village."""

from __future__ import annotations

import numpy as np

from . import buildings, plants
from .land import forest_line, land, mist
from .noise import F32, mix
from .painter import Painter
from .palette import COLOURS, LEAVES
from .placing import far_things, land_things, sky_things, water_things
from .scenery import (
    at,
    blades,
    bush_row,
    dots,
    frame,
    ground_colour,
    ground_label,
    hill,
    path,
    ranges,
    shore,
)
from .water import water


def lake(p: Painter, hv: float) -> None:
    r = p.rng
    ranges(p, hv, r.uniform(.26, .38), layers=int(r.integers(2, 4)))
    mist(p, hv - .01, .03, .4)
    sky_things(p, hv)
    for i in range(int(r.integers(1, 3))):
        top = hill(p, hv - .05 + .02 * i, .03)
        land(p, top, mix(ground_colour(p), (.3, .45, .4), .4), .5 - .2 * i, "hill", hv + .02, fade=.3)
        forest_line(p, top + .03, .05 + .02 * i, .45 - .2 * i, foot=.03)
    far_things(p, hv)
    water(p, hv, (.16, .44, .52), "river", calm=r.uniform(.5, .95))
    slope = r.choice([-1, 1]) * r.uniform(.04, .13)
    top = hill(p, r.uniform(.80, .87), .025) + (slope * (p.c - .5)).astype(F32)
    water_things(p, hv + .02, float(top.min()) - .01)
    shore(p, top)
    frame(p, top, "pine", 0 if slope > 0 else 1, int(r.integers(2, 5)), r.uniform(.3, .5))
    land_things(p, top, 1.05)
    if p.plan.season in ("spring", "summer"):
        dots(p, top, [COLOURS[c] for c in r.choice(["yellow", "white", "pink", "purple", "red"], 2)], 24, "flower", .005)
    blades(p, ground_colour(p))


def forest(p: Painter, hv: float) -> None:
    r = p.rng
    if r.random() < .6:
        ranges(p, hv + .02, r.uniform(.2, .3), layers=2)
    sky_things(p, hv)
    kind = "pine" if p.plan.season == "winter" or r.random() < .7 else "round"
    leaves = None if kind == "pine" else np.asarray(LEAVES[p.plan.season][0]) * .9
    n = int(r.integers(4, 6))
    for i in range(n):
        t = i / (n - 1)
        base = hill(p, hv + .02 + t * .20, .025)
        forest_line(p, base, .09 + .13 * t, .80 * (1 - t) + .06, kind, leaves, foot=.2, fade=.75, density=.9)
        mist(p, hv + .06 + t * .2, .04, .30 * (1 - t * .6))
    top = hill(p, r.uniform(.76, .82), .02)
    c = mix(ground_colour(p), (.30, .42, .24), .35 if p.plan.season != "winter" else 0)
    land(p, top, c, .04, ground_label(p), persp=float(top.min()) - .08)
    if r.random() < .6:
        path(p, top, r.uniform(.35, .65), r.uniform(.06, .12), (.70, .58, .44) if p.plan.season != "winter" else (.80, .84, .92))
    for sd in (0, 1):
        frame(p, top, "pine" if kind == "pine" else "round", sd, int(r.integers(2, 5)), r.uniform(.5, .85))
    land_things(p, top, 1.1, .05, .12)
    bush_row(p, c)


def meadow(p: Painter, hv: float) -> None:
    r = p.rng
    if r.random() < .65:
        ranges(p, hv, r.uniform(.16, .28), layers=int(r.integers(1, 3)))
    sky_things(p, hv)
    far_things(p, hv + .01)
    n = int(r.integers(3, 5))
    c = ground_colour(p)
    for i in range(n):
        t = i / (n - 1)
        top = hill(p, hv + .01 + t * .22, .045, 1.6, 2)
        tone = mix(c, [(.62, .66, .30), (.30, .52, .32), (.80, .72, .36)][r.integers(3)], .30 if p.plan.season != "winter" else 0)
        land(p, top, tone, .66 * (1 - t) + .02, ground_label(p, "hill" if i < n - 1 else "grass"), fade=.35 * (1 - t), persp=float(top.min()) - .1)
        if i < n - 1 and r.random() < .8:
            forest_line(p, top + .012, .035 + .02 * t, .6 * (1 - t) + .05, "round" if r.random() < .6 else "pine",
                          np.asarray(LEAVES[p.plan.season][0]) * .75 if r.random() < .6 else None, foot=.015, density=.35)
        for _ in range(int(r.integers(0, 4)) if i < n - 1 else 0):
            u = r.random()
            plants.tree(p, u, at(top, u) + .015, .05 + .04 * t, None, .5 * (1 - t))
    if r.random() < .45:
        path(p, top, r.uniform(.25, .75), r.uniform(.05, .09), (.86, .76, .58) if p.plan.season != "winter" else (.78, .82, .90))
    if p.plan.season != "winter":
        k = ["red", "yellow", "white", "pink", "purple", "orange", "blue"]
        dots(p, top, [COLOURS[x] for x in r.choice(k, int(r.integers(2, 4)), replace=False)], int(r.integers(40, 90)), "flower", .0075)
    land_things(p, top, 1.1, .02, .09)
    blades(p, c, 200, .06)


def village(p: Painter, hv: float) -> None:
    r = p.rng
    ranges(p, hv, r.uniform(.2, .32), layers=2)
    sky_things(p, hv)
    c = ground_colour(p)
    top = hill(p, hv - .005, .03)
    land(p, top, mix(c, (.3, .5, .35), .3), .5, ground_label(p, "hill"), fade=.35)
    forest_line(p, top + .015, .045, .42, foot=.02)
    far_things(p, hv + .03)
    top = hill(p, hv + .09, .03, 1.6, 2)
    land(p, top, c, .20, ground_label(p, "hill"), fade=.12, persp=hv - .05)
    homes = [(at(top, u) + d, u) for u, d in zip((np.arange(11) + r.uniform(.2, .8, 11)) / 11, r.uniform(.01, .12, 11)) if r.random() < .85]
    for i, (v, u) in enumerate(sorted(homes)):
        h = .048 + .34 * (v - hv - .08)
        buildings.house(p, u, v, h, ["white", "white", "yellow", "pink", "brown", "blue", "red"][r.integers(7)], depth=.16)
        if r.random() < .6:
            _garden_tree(p, u + r.choice([-1, 1]) * h * 1.05, v + .004, h * r.uniform(.9, 1.4))
    low = hill(p, r.uniform(.80, .85), .025, 2, 2)
    land(p, low, mix(c, (.36, .55, .26), .25 if p.plan.season != "winter" else 0), 0, ground_label(p), persp=float(low.min()) - .1)
    path(p, low, r.uniform(.3, .7), r.uniform(.06, .1), (.84, .74, .58) if p.plan.season != "winter" else (.78, .82, .90))
    land_things(p, low, .95, .03, .08)
    if p.plan.season in ("spring", "summer"):
        dots(p, low, [COLOURS[x] for x in r.choice(["red", "yellow", "white", "pink", "purple"], 2)], 30, "flower", .006)
    blades(p, c, 150, .045)


def _garden_tree(p: Painter, u: float, v: float, h: float) -> None:
    if p.rng.random() < .5 and p.plan.season != "winter":
        plants.tree(p, u, v, h, depth=.14)
    else:
        plants.pine(p, u, v, h, depth=.14)
