"""Where the things of the plan stand: on the ground, on the water, in the sky, far off."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import buildings, objects, plants
from .land import forest_line, land
from .noise import F32, Array, mix
from .painter import Painter
from .plan import ZONE, Thing
from .scenery import at, ground_colour
from .sheet import shadow

# Heights in parts of the picture, and widths in parts of the height.
HEIGHT = {
    "tent": 0.128,
    "cabin": 0.142,
    "house": 0.158,
    "lighthouse": 0.32,
    "castle": 0.24,
    "windmill": 0.27,
    "church": 0.22,
    "tree": 0.25,
    "palm": 0.43,
    "cactus": 0.175,
    "umbrella": 0.19,
    "igloo": 0.115,
    "sheep": 0.066,
    "campfire": 0.08,
    "boat": 0.060,
    "sailboat": 0.175,
    "balloon": 0.215,
}
WIDTH = {
    "tent": 1.55,
    "cabin": 1.35,
    "house": 1.35,
    "lighthouse": 0.42,
    "windmill": 0.86,
    "church": 0.72,
    "tree": 0.86,
    "palm": 0.8,
    "cactus": 0.62,
    "umbrella": 1.05,
    "igloo": 1.8,
    "sheep": 1.5,
    "campfire": 1.1,
}
SIDE = {"left": (0.14, 0.30), "middle": (0.43, 0.57), "right": (0.70, 0.86)}


def spots(p: Painter, t: Thing, width: float) -> list[float]:
    """One place across the picture for each of a thing's count, a little more than `width` apart."""
    a, b = SIDE[t.pos]
    if t.count == 1:
        return [float(p.rng.uniform(a, b))]
    gap = min(max(width * 1.12, 0.10), 0.84 / t.count)
    half = gap * (t.count - 1) / 2
    mid = float(np.clip(p.rng.uniform(a, b), 0.12 + half, 0.88 - half)) if half < 0.37 else 0.5
    return [mid + (i - (t.count - 1) / 2) * gap + float(p.rng.uniform(-0.012, 0.012)) for i in range(t.count)]


def _free_spots(p: Painter, t: Thing, width: float) -> list[float]:
    """The one of eight tries at `spots` that stands least in the way of what is there already."""

    def clash(us: list[float]) -> float:
        return sum(max(0.0, min(u + width / 2, b) - max(u - width / 2, a)) for u in us for a, b in p.taken)

    best = min((spots(p, t, width) for _ in range(8)), key=clash)
    p.taken += [(u - width / 2, u + width / 2) for u in best]
    return best


def land_things(p: Painter, top: Array, size: float = 1.0, low: float = 0.03, high: float = 0.11) -> None:
    """Tents, houses, trees ... on a ground whose upper edge is the curve `top`, the farther ones first."""
    todo: list[tuple[float, float, Thing, float]] = []
    for t in sorted(p.plan.things, key=lambda q: -q.count):
        if t.name not in ZONE:
            near = 0.80 if t.count > 1 else 1.0
            h = HEIGHT[t.name] * size * near
            for u in _free_spots(p, t, h * WIDTH[t.name]):
                k = float(p.rng.uniform(low, high))
                todo.append(
                    (min(at(top, u) + k, 0.97), u, t, h * (1 + 1.8 * (k - low)) * float(p.rng.uniform(0.92, 1.12)))
                )
    for v, u, t, h in sorted(todo, key=lambda q: q[0]):
        draw_thing(p, t, u, v, h)


def draw_thing(p: Painter, t: Thing, u: float, v: float, h: float) -> None:
    """One thing with its foot at (u, v)."""
    painted: dict[str, Callable[[Painter, float, float, float, str], None]] = {
        "tent": objects.tent,
        "umbrella": objects.umbrella,
        "windmill": buildings.windmill,
        "lighthouse": buildings.lighthouse,
        "boat": objects.boat,
        "balloon": objects.balloon,
        "house": buildings.house,
        "cabin": buildings.cabin,
        "sailboat": objects.sailboat,
    }
    plain: dict[str, Callable[[Painter, float, float, float], None]] = {
        "igloo": buildings.igloo,
        "church": buildings.church,
        "sheep": objects.sheep,
        "campfire": objects.campfire,
    }
    if t.name in painted:
        painted[t.name](p, u, v, h, t.colour)
    elif t.name in plain:
        plain[t.name](p, u, v, h)
    elif t.name == "tree":
        shadow(p, u, v, h * 0.6)
        plants.tree(p, u, v, h, t.colour, 0, "tree")
    elif t.name == "palm":
        plants.palm(p, u, v, h, 0, "palm")
    else:
        plants.cactus(p, u, v, h, "cactus")


def sky_things(p: Painter, horizon: float) -> None:
    """Birds and balloons."""
    for t in p.plan.things:
        if t.name == "bird":
            objects.birds(p, t.count, SIDE[t.pos])
        elif t.name == "balloon":
            for i, u in enumerate(spots(p, t, HEIGHT["balloon"] * 0.8)):
                h = (
                    HEIGHT["balloon"]
                    * float(p.rng.uniform(0.85, 1.2))
                    * (1.0 if t.count == 1 else 0.85 - 0.12 * (i > 0))
                )
                objects.balloon(p, u, max(float(p.rng.uniform(0.45, 0.80)) * horizon, h + 0.02), h, t.colour)


def water_things(p: Painter, v0: float, v1: float) -> None:
    """Boats between the water lines v0 and v1, the nearer ones larger."""
    for t in p.plan.things:
        if ZONE.get(t.name) == "water":
            wide = HEIGHT[t.name] * (2.5 if t.name == "boat" else 0.82)
            for u in spots(p, t, wide):
                d = float(p.rng.uniform(0.3, 0.75))
                draw_thing(
                    p, t, u, v0 + d * (v1 - v0), HEIGHT[t.name] * (0.68 + 0.6 * d) * (0.85 if t.count > 1 else 1.1)
                )


def far_things(p: Painter, hv: float) -> None:
    """A castle on a mound by the horizon."""
    for t in p.plan.things:
        if t.name == "castle":
            h = HEIGHT["castle"] * float(p.rng.uniform(0.9, 1.15))
            for u in spots(p, t, h * 1.25):
                mound = (hv + 0.02 - (h * 0.42) * np.exp(-(((p.c - u) / (h * 0.9)) ** 2))).astype(F32)
                buildings.castle(p, u, at(mound, u) + 0.012, h, 0.16)
                land(p, mound, mix(ground_colour(p), (0.35, 0.45, 0.38), 0.35), 0.28, "hill", hv + 0.02, fade=0.2)
                forest_line(p, mound + 0.018, 0.035, 0.28, foot=0.02, density=0.6)
