"""What is in a picture: the scene, its hour and weather, and the things that stand in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from .words import COUNTS, NOUNS, PAINT, POSITIONS, SCENES, SEASONS, TIMES, WEATHER

# Where a thing lives when it is not on the ground.
ZONE = {"bird": "sky", "balloon": "sky", "boat": "water", "sailboat": "water", "castle": "far", "bridge": "far"}
WATERS = ("lake", "beach", "city", "arctic", "islands", "canyon")
CASTLES = ("lake", "meadow", "village")
NO_SNOW = ("desert", "beach", "canyon", "islands")  # these scenes have one season

# What may appear where, with a weight.
CAST: dict[str, dict[str, float]] = {
    "lake": {
        "tent": 4,
        "cabin": 3,
        "boat": 3,
        "sailboat": 2,
        "balloon": 2,
        "bird": 1,
        "campfire": 1,
        "castle": 1.5,
        "house": 1,
    },
    "beach": {
        "umbrella": 4,
        "palm": 3,
        "sailboat": 3,
        "boat": 2,
        "lighthouse": 3,
        "house": 1,
        "bird": 2,
        "tent": 1,
        "campfire": 1,
        "balloon": 1,
    },
    "desert": {"cactus": 4, "tent": 3, "balloon": 2, "bird": 1.5, "campfire": 1, "palm": 1.5},
    "forest": {"tent": 4, "cabin": 3, "bird": 1, "campfire": 2, "house": 1, "balloon": 1},
    "city": {"boat": 3, "sailboat": 3, "bridge": 3, "balloon": 2, "bird": 1},
    "meadow": {
        "windmill": 3,
        "house": 3,
        "tree": 4,
        "balloon": 2,
        "sheep": 3,
        "tent": 1,
        "bird": 1,
        "castle": 1.5,
        "cabin": 1,
    },
    "arctic": {"igloo": 5, "tent": 3, "cabin": 1, "boat": 2, "sailboat": 1, "bird": 1},
    "islands": {"lighthouse": 4, "sailboat": 3, "boat": 3, "palm": 2, "bird": 2, "house": 1, "balloon": 1},
    "canyon": {"balloon": 4, "tent": 3, "bird": 2, "cactus": 2, "campfire": 1.5, "boat": 1.5},
    "village": {"church": 4, "castle": 3, "windmill": 2, "balloon": 2, "tree": 2, "bird": 1, "sheep": 2},
}
MANY: dict[str, list[int]] = {
    "bird": [1, 2, 3, 4, 5, 6],
    "sheep": [2, 3, 4, 5],
    "cactus": [1, 1, 2, 3],
    "palm": [1, 1, 2, 3],
    "balloon": [1, 1, 2, 3],
    "sailboat": [1, 1, 2, 3],
    "boat": [1, 1, 2, 3],
    "tent": [1, 1, 1, 2, 3],
    "umbrella": [1, 1, 2, 3],
    "tree": [1, 1, 2, 3],
    "cabin": [1, 1, 2],
    "igloo": [1, 1, 2, 3],
    "windmill": [1, 1, 1, 2],
    "house": [1, 1, 2, 3],
    "lighthouse": [1, 1, 1, 1, 2],
    "castle": [1, 1, 1, 1, 2],
    "church": [1, 1, 1, 1, 2],
    "campfire": [1, 1, 1, 2],
}
TREES = {"spring": ["green", "pink"], "summer": ["green"], "autumn": ["orange", "red", "yellow"], "winter": ["white"]}


@dataclass(frozen=True)
class Thing:
    """One kind of thing: its colour ("" where it has none to name), how many (1..6), and left, middle or right."""

    name: str
    colour: str
    count: int
    pos: str


@dataclass
class Plan:
    """The truth about a picture; captions are said from it and judges score on it.

    `disc` is "", "sun", "full" or "crescent": what is seen in the sky at (sun_u, sun_v) with radius disc_r.
    """

    scene: str
    time: str
    weather: str
    season: str
    things: list[Thing] = field(default_factory=list)
    sun_u: float = 0.5
    sun_v: float = 0.2
    disc: str = ""
    disc_r: float = 0.04
    aurora: bool = False
    horizon: float = 0.5


def _pick(rng: np.random.Generator, weights: Mapping[str, float]) -> str:
    total = sum(weights.values())
    return list(weights)[int(rng.choice(len(weights), p=[w / total for w in weights.values()]))]


def make_plan(
    rng: np.random.Generator,
    scene: str | None = None,
    time: str | None = None,
    weather: str | None = None,
    season: str | None = None,
    things: Iterable[Thing | tuple[str, str, int, str]] | None = None,
) -> Plan:
    """Chance fills whatever is not wished for. ValueError for a wish that this painter cannot draw."""
    for wish, known in ((scene, SCENES), (time, TIMES), (weather, WEATHER), (season, SEASONS)):
        if wish is not None and wish not in known:
            raise ValueError(f"{wish!r} is not one of: {', '.join(known)}.")
    chance_scene = list(SCENES)[rng.integers(len(SCENES))]
    scene = scene or chance_scene
    chance_time = _pick(rng, {"dawn": 2, "noon": 3, "sunset": 3, "dusk": 1.7, "night": 2.5})
    time = time or chance_time
    odds = {"clear": 6, "cloudy": 3.2, "foggy": 1.4, "rainy": 1.2, "snowing": 0 if scene in NO_SNOW else 1.3}
    if scene == "arctic":
        odds.update(rainy=0, snowing=1.6)
    chance_weather = _pick(rng, odds)
    weather = weather or chance_weather
    chance_season = _pick(rng, {"spring": 2, "summer": 2.8, "autumn": 2.4, "winter": 2})
    if scene in NO_SNOW:
        chance_season = "summer"
    if scene == "arctic" or weather == "snowing":
        chance_season = "winter"
    season = season or chance_season
    plan = Plan(scene, time, weather, season)
    _sky(rng, plan)
    chosen = _chance_things(rng, plan)
    plan.things = chosen if things is None else [_wished(rng, plan, t) for t in things]
    return plan


def _sky(rng: np.random.Generator, plan: Plan) -> None:
    """Where the light stands and what of it is seen."""
    time = plan.time
    plan.sun_u = float(rng.choice([rng.uniform(0.12, 0.40), rng.uniform(0.60, 0.88), rng.uniform(0.3, 0.7)]))
    plan.horizon = float(rng.uniform(0.44, 0.60))
    above = (
        0.12
        if plan.scene in ("lake", "village", "arctic", "canyon")
        else 0.07
        if plan.scene in ("meadow", "forest", "city")
        else 0
    )
    low = rng.uniform(0.04, 0.15) + above
    plan.sun_v = float(
        {
            "dawn": plan.horizon - low,
            "sunset": plan.horizon - low * 0.8,
            "noon": rng.uniform(0.09, 0.2),
            "dusk": rng.uniform(0.12, 0.28),
            "night": rng.uniform(0.1, 0.28),
        }[time]
    )
    seen = rng.random() < {"dawn": 0.75, "noon": 0.4, "sunset": 0.85, "dusk": 0.4, "night": 0.7}[time]
    thick = rng.random() < 0.5
    seen = seen and plan.weather not in ("rainy", "snowing") and not (plan.weather == "foggy" and thick)
    moon = ["full", "crescent"][rng.integers(2)]
    plan.disc = "" if not seen else moon if time in ("dusk", "night") else "sun"
    plan.disc_r = float(rng.uniform(0.028, 0.054) * (1.25 if plan.disc == "sun" and time != "noon" else 1.1))
    odds = {"arctic": 0.75, "lake": 0.15}.get(plan.scene, 0)
    plan.aurora = bool(rng.random() < odds and time == "night" and plan.weather == "clear")


def _zone(name: str) -> str:
    return ZONE.get(name, "land")


def _chance_things(rng: np.random.Generator, plan: Plan) -> list[Thing]:
    """Up to three kinds of thing: one each in the sky, on the water and far off, at most two on the ground."""
    out: list[Thing] = []
    cast = dict(CAST[plan.scene])
    for _ in range(int(rng.choice(4, p=[0.08, 0.48, 0.34, 0.10]))):
        used = {_zone(t.name) for t in out}
        cast = {k: w for k, w in cast.items() if _zone(k) == "land" or _zone(k) not in used}
        if sum(_zone(t.name) == "land" for t in out) >= 2:
            cast = {k: w for k, w in cast.items() if k in ZONE}
        if not cast:
            break
        name = _pick(rng, cast)
        cast.pop(name)
        out.append(_make_thing(rng, name, plan.season, [t.pos for t in out]))
    return out


def _make_thing(rng: np.random.Generator, name: str, season: str, taken: list[str]) -> Thing:
    colours = TREES[season] if name == "tree" else PAINT.get(name, [""])
    many = MANY.get(name, [1])
    free = [p for p in POSITIONS if p not in taken] or list(POSITIONS)
    return Thing(
        name, colours[rng.integers(len(colours))], many[rng.integers(len(many))], free[rng.integers(len(free))]
    )


def _wished(rng: np.random.Generator, plan: Plan, wish: Thing | tuple[str, str, int, str]) -> Thing:
    t = wish if isinstance(wish, Thing) else Thing(*wish)
    homeless = {"boat": WATERS, "sailboat": WATERS, "castle": CASTLES, "bridge": ("city",)}
    if (
        t.name not in NOUNS
        or t.count not in COUNTS
        or t.pos not in POSITIONS
        or t.colour not in ["", *PAINT.get(t.name, [])]
    ):
        raise ValueError(f"Cannot draw {t}.")
    if t.name == "bridge" and t.count > 1:
        raise ValueError("There is room for one bridge only.")
    if plan.scene not in homeless.get(t.name, (plan.scene,)):
        raise ValueError(f"There is no place for a {t.name} in the scene {plan.scene!r}.")
    return Thing(t.name, t.colour or _make_thing(rng, t.name, plan.season, []).colour, t.count, t.pos)
