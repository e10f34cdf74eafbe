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
    """Mountains, a lake that mirrors them, a near bank."""
    r = p.rng
    ranges(p, hv, r.uniform(0.26, 0.38), layers=int(r.integers(2, 4)))
    mist(p, hv - 0.01, 0.03, 0.4)
    sky_things(p, hv)
    for i in range(int(r.integers(1, 3))):
        top = hill(p, hv - 0.05 + 0.02 * i, 0.03)
        land(p, top, mix(ground_colour(p), (0.3, 0.45, 0.4), 0.4), 0.5 - 0.2 * i, "hill", hv + 0.02, fade=0.3)
        forest_line(p, top + 0.03, 0.05 + 0.02 * i, 0.45 - 0.2 * i, foot=0.03)
    far_things(p, hv)
    water(p, hv, (0.16, 0.44, 0.52), "river", calm=r.uniform(0.5, 0.95))
    slope = r.choice([-1, 1]) * r.uniform(0.04, 0.13)
    top = hill(p, r.uniform(0.80, 0.87), 0.025) + (slope * (p.c - 0.5)).astype(F32)
    water_things(p, hv + 0.02, float(top.min()) - 0.01)
    shore(p, top)
    frame(p, top, "pine", 0 if slope > 0 else 1, int(r.integers(2, 5)), r.uniform(0.3, 0.5))
    land_things(p, top, 1.05)
    if p.plan.season in ("spring", "summer"):
        dots(
            p, top, [COLOURS[c] for c in r.choice(["yellow", "white", "pink", "purple", "red"], 2)], 24, "flower", 0.005
        )
    blades(p, ground_colour(p))


def forest(p: Painter, hv: float) -> None:
    """Rows of trees in mist, a clearing in front."""
    r = p.rng
    if r.random() < 0.6:
        ranges(p, hv + 0.02, r.uniform(0.2, 0.3), layers=2)
    sky_things(p, hv)
    kind = "pine" if p.plan.season == "winter" or r.random() < 0.7 else "round"
    leaves = None if kind == "pine" else np.asarray(LEAVES[p.plan.season][0]) * 0.9
    n = int(r.integers(4, 6))
    for i in range(n):
        t = i / (n - 1)
        base = hill(p, hv + 0.02 + t * 0.20, 0.025)
        forest_line(p, base, 0.09 + 0.13 * t, 0.80 * (1 - t) + 0.06, kind, leaves, foot=0.2, fade=0.75, density=0.9)
        mist(p, hv + 0.06 + t * 0.2, 0.04, 0.30 * (1 - t * 0.6))
    top = hill(p, r.uniform(0.76, 0.82), 0.02)
    c = mix(ground_colour(p), (0.30, 0.42, 0.24), 0.35 if p.plan.season != "winter" else 0)
    land(p, top, c, 0.04, ground_label(p), persp=float(top.min()) - 0.08)
    if r.random() < 0.6:
        path(
            p,
            top,
            r.uniform(0.35, 0.65),
            r.uniform(0.06, 0.12),
            (0.70, 0.58, 0.44) if p.plan.season != "winter" else (0.80, 0.84, 0.92),
        )
    for sd in (0, 1):
        frame(p, top, "pine" if kind == "pine" else "round", sd, int(r.integers(2, 5)), r.uniform(0.5, 0.85))
    land_things(p, top, 1.1, 0.05, 0.12)
    bush_row(p, c)


def meadow(p: Painter, hv: float) -> None:
    """Rolling hills with trees and flowers."""
    r = p.rng
    if r.random() < 0.65:
        ranges(p, hv, r.uniform(0.16, 0.28), layers=int(r.integers(1, 3)))
    sky_things(p, hv)
    far_things(p, hv + 0.01)
    n = int(r.integers(3, 5))
    c = ground_colour(p)
    for i in range(n):
        t = i / (n - 1)
        top = hill(p, hv + 0.01 + t * 0.22, 0.045, 1.6, 2)
        tone = mix(
            c,
            [(0.62, 0.66, 0.30), (0.30, 0.52, 0.32), (0.80, 0.72, 0.36)][r.integers(3)],
            0.30 if p.plan.season != "winter" else 0,
        )
        land(
            p,
            top,
            tone,
            0.66 * (1 - t) + 0.02,
            ground_label(p, "hill" if i < n - 1 else "grass"),
            fade=0.35 * (1 - t),
            persp=float(top.min()) - 0.1,
        )
        if i < n - 1 and r.random() < 0.8:
            forest_line(
                p,
                top + 0.012,
                0.035 + 0.02 * t,
                0.6 * (1 - t) + 0.05,
                "round" if r.random() < 0.6 else "pine",
                np.asarray(LEAVES[p.plan.season][0]) * 0.75 if r.random() < 0.6 else None,
                foot=0.015,
                density=0.35,
            )
        for _ in range(int(r.integers(0, 4)) if i < n - 1 else 0):
            u = r.random()
            plants.tree(p, u, at(top, u) + 0.015, 0.05 + 0.04 * t, None, 0.5 * (1 - t))
    if r.random() < 0.45:
        path(
            p,
            top,
            r.uniform(0.25, 0.75),
            r.uniform(0.05, 0.09),
            (0.86, 0.76, 0.58) if p.plan.season != "winter" else (0.78, 0.82, 0.90),
        )
    if p.plan.season != "winter":
        k = ["red", "yellow", "white", "pink", "purple", "orange", "blue"]
        dots(
            p,
            top,
            [COLOURS[x] for x in r.choice(k, int(r.integers(2, 4)), replace=False)],
            int(r.integers(40, 90)),
            "flower",
            0.0075,
        )
    land_things(p, top, 1.1, 0.02, 0.09)
    blades(p, c, 200, 0.06)


def village(p: Painter, hv: float) -> None:
    """Houses in a valley below mountains."""
    r = p.rng
    ranges(p, hv, r.uniform(0.2, 0.32), layers=2)
    sky_things(p, hv)
    c = ground_colour(p)
    top = hill(p, hv - 0.005, 0.03)
    land(p, top, mix(c, (0.3, 0.5, 0.35), 0.3), 0.5, ground_label(p, "hill"), fade=0.35)
    forest_line(p, top + 0.015, 0.045, 0.42, foot=0.02)
    far_things(p, hv + 0.03)
    top = hill(p, hv + 0.09, 0.03, 1.6, 2)
    land(p, top, c, 0.20, ground_label(p, "hill"), fade=0.12, persp=hv - 0.05)
    places = zip((np.arange(11) + r.uniform(0.2, 0.8, 11)) / 11, r.uniform(0.01, 0.12, 11), strict=True)
    homes = [(at(top, u) + d, u) for u, d in places if r.random() < 0.85]
    for v, u in sorted(homes):
        h = 0.048 + 0.34 * (v - hv - 0.08)
        buildings.house(
            p, u, v, h, ["white", "white", "yellow", "pink", "brown", "blue", "red"][r.integers(7)], depth=0.16
        )
        if r.random() < 0.6:
            _garden_tree(p, u + r.choice([-1, 1]) * h * 1.05, v + 0.004, h * r.uniform(0.9, 1.4))
    low = hill(p, r.uniform(0.80, 0.85), 0.025, 2, 2)
    land(
        p,
        low,
        mix(c, (0.36, 0.55, 0.26), 0.25 if p.plan.season != "winter" else 0),
        0,
        ground_label(p),
        persp=float(low.min()) - 0.1,
    )
    path(
        p,
        low,
        r.uniform(0.3, 0.7),
        r.uniform(0.06, 0.1),
        (0.84, 0.74, 0.58) if p.plan.season != "winter" else (0.78, 0.82, 0.90),
    )
    land_things(p, low, 0.95, 0.03, 0.08)
    if p.plan.season in ("spring", "summer"):
        dots(
            p, low, [COLOURS[x] for x in r.choice(["red", "yellow", "white", "pink", "purple"], 2)], 30, "flower", 0.006
        )
    blades(p, c, 150, 0.045)


def _garden_tree(p: Painter, u: float, v: float, h: float) -> None:
    if p.rng.random() < 0.5 and p.plan.season != "winter":
        plants.tree(p, u, v, h, depth=0.14)
    else:
        plants.pine(p, u, v, h, depth=0.14)
