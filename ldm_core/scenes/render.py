"""`render(seed)`: one picture with everything that is known about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from . import scenes_dry, scenes_green, scenes_sea
from .captions import make_captions
from .painter import Box, Painter
from .palette import LABELS
from .plan import Plan, make_plan
from .sky import clouds, paint_sky
from .water import weather

DRAW = {
    "lake": scenes_green.lake,
    "forest": scenes_green.forest,
    "meadow": scenes_green.meadow,
    "village": scenes_green.village,
    "beach": scenes_sea.beach,
    "islands": scenes_sea.islands,
    "arctic": scenes_sea.arctic,
    "city": scenes_sea.city,
    "desert": scenes_dry.desert,
    "canyon": scenes_dry.canyon,
}


def _cut(box: Box) -> Box:
    """The part of a box that is in the picture."""
    u0, v0, u1, v1 = (round(float(np.clip(x, 0, 1)), 4) for x in (box.u0, box.v0, box.u1, box.v1))
    return Box(box.name, box.colour, u0, v0, u1, v1)


@dataclass(frozen=True)
class Scene:
    """A picture: rgb uint8 (H, W, 3), labels uint8 (H, W) of zero-based COCO-Stuff ids, and what is in it."""

    rgb: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    boxes: list[Box]
    scene: str
    captions: list[str]
    plan: Plan = field(repr=False)


def render(seed: int, size: int = 256, **wish: Any) -> Scene:
    """Paint the scene of a seed, size x size pixels; the same seed gives the same picture at any size.

    `wish` fixes parts of the plan: scene, time, weather, season (names), things (Thing or (name, colour, count, pos);
    colour "" leaves it to chance). Raises ValueError for a wish that cannot be drawn.
    """
    plan = make_plan(np.random.default_rng([seed, 0]), **wish)
    p = Painter(plan, seed, size)
    horizon = plan.horizon + (0.06 if plan.scene == "city" else 0)
    paint_sky(p, horizon)
    clouds(p, horizon)
    DRAW[plan.scene](p, horizon)
    weather(p)
    rgb = p.finish()
    boxes = p.boxes
    y, x = (int(np.clip(q, 0, 0.999) * size) for q in (plan.sun_v, plan.sun_u))
    if plan.disc and p.lab[y, x] not in (LABELS["sky"], LABELS["clouds"]):  # it went behind a mountain
        plan.disc = ""
        boxes = [b for b in boxes if b.name not in ("sun", "moon")]
    boxes = [b for b in map(_cut, boxes) if b.u1 - b.u0 > 0.008 and b.v1 - b.v0 > 0.008]
    return Scene(rgb, p.lab, boxes, plan.scene, make_captions(plan, np.random.default_rng([seed, 2])), plan)
