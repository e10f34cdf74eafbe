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
    r = p.rng
    if r.random() < .7:                                              # a far coast
        s = r.choice([-1, 1])
        top = peaks(p, hv, r.uniform(.06, .14), 3, .10) + (.20 * smooth(-.2, .5, s * (p.c - .5))).astype(F32)
        massif(p, top, (.36, .48, .46), .66, hv + .01, "hill", jag=.3)
    sky_things(p, hv)
    water(p, hv, (.10, .56, .66), "sea", calm=r.uniform(.25, .6))
    s = r.choice([-1, 1])
    top = (r.uniform(.72, .80) + s * .10 * (p.c - .5) + .030 * p.line(2, .4, 2, True)).astype(F32)
    rr = p.rows(top - .14)
    d = top - p.V[rr[0]:rr[1]]
    n = p.tex(1.2, 3., rr) - .5
    p.blend(rr, np.clip(.6 * smooth(.13, .0, d + .06 * n), 0, 1), p.ink((.45, .86, .84), .05))
    for k, w in ((.005, .008), (.035, .005), (.075, .004)):                # surf
        p.blend(rr, .9 * np.exp(-((d - k + .035 * n) / w) ** 2) * (1 - k * 5), p.ink((1, 1, 1), .05, 1.02))
    water_things(p, hv + .015, float(top.min()) - .07)
    land(p, top, np.asarray(SAND) * (.80, .78, .76), 0, "sand", rim=.0, tex=.05)
    land(p, top + .03 + .01 * p.line(2, .5, 3, True), SAND, 0, "sand", rim=.06, tex=.12, persp=float(top.min()) - .1)
    for _ in range(int(r.integers(0, 4))):
        u = r.random()
        plants.rock(p, u, at(top, u) + r.uniform(.02, .08), r.uniform(.04, .10))
    land_things(p, top + .03, 1.05)
    if r.random() < .4 and not any(t.name == "palm" for t in p.plan.things):
        u = r.choice([.03, .97])
        plants.palm(p, u, at(top, u) + .14, r.uniform(.42, .6))
    blades(p, (.55, .66, .36), int(r.integers(0, 90)), .05)


def islands(p: Painter, hv: float) -> None:
    r = p.rng
    sky_things(p, hv)
    water(p, hv, (.08, .46, .60), "sea", calm=r.uniform(.3, .7))
    n = int(r.integers(3, 6))
    for i in range(n):
        t = (i / n) ** 1.5
        base, w = hv + .004 + .17 * t, r.uniform(.10, .2) * (.8 + .7 * t)
        u = r.uniform(.05, .95)
        x = (p.c - u) / w
        h = w * r.uniform(.28, .62)
        top = (base - h * np.maximum(1 - np.abs(x) ** 1.6, 0) * (1 + .45 * p.line(5, .55, 6)) + (np.abs(x) > 1) * .5).astype(F32)
        massif(p, top, mix((.48, .44, .42), (.36, .52, .34), r.random()), .72 * (1 - t) + .04, base, "rock", jag=.4, fade=.25 * (1 - t))
        m = (np.abs(x) < .9)
        if r.random() < .8:
            forest_line(p, np.where(m, top + .010, 2.).astype(F32), .022 + .03 * t, .66 * (1 - t) + .04, "round" if r.random() < .5 else "pine",
                          (.30, .48, .30), foot=base + .004 - 2., density=.8, skirt=h * .42, fade=0)
        d0 = int(base * p.n)                                                 # its own reflection
        k = min(int(h * 1.1 * p.n), d0, p.n - d0 - 1)
        if k > 1:
            fade = np.linspace(.55, 0, k, dtype=F32)[:, None] * np.clip(1.1 - np.abs(x), 0, 1)[None] ** .5
            p.img[d0:d0 + k] += (p.img[d0 - k:d0][::-1] * .9 - p.img[d0:d0 + k]) * fade[..., None]
        p.lab[d0:] = LABELS["sea"]
    s = 1 if sum(x.pos == "right" for x in p.plan.things) > sum(x.pos == "left" for x in p.plan.things) else -1
    has = any(ZONE.get(x.name, "land") == "land" for x in p.plan.things)
    water_things(p, hv + .05, .84)
    if has or r.random() < .6:
        top = (.84 - .13 * s * (p.c - .5) * 2 + .03 * p.line(4, .5, 4)).astype(F32)
        massif(p, top, (.50, .46, .44), 0., 1.2, "rock", fade=0, jag=.3)
        g = top + .022 + .012 * np.abs(p.line(4, .6, 11))
        land(p, g.astype(F32), ground_colour(p), 0, "grass", persp=float(top.min()) - .08)
        land_things(p, g, 1., .005, .05)
        blades(p, ground_colour(p))


def arctic(p: Painter, hv: float) -> None:
    r = p.rng
    for i in range(2):
        top = peaks(p, hv, (.26 - .1 * i) * r.uniform(.7, 1.1), int(r.integers(2, 5)))
        massif(p, top, (.52, .62, .74), .75 - .3 * i, hv + .02, "mountain", snow=hv - .02, detail=.7)
    sky_things(p, hv)
    water(p, hv, (.12, .40, .52), "sea", calm=r.uniform(.55, .95))
    shore_v = r.uniform(.76, .84)
    for _ in range(int(r.integers(2, 6))):
        d = r.random()
        plants.rock(p, r.random(), hv + .015 + d * (shore_v - hv - .06), (.06 + .16 * d) * r.uniform(.7, 1.3), .35 * (1 - d), ice=True)
    rr = (int((hv + .01) * p.n), int(shore_v * p.n))                        # floes
    n = p.tex(.9, 1.0, rr, persp=hv - .05)
    k = smooth(hv, hv + .1, p.V[rr[0]:rr[1]])
    p.blend(rr, smooth(.66, .68, n) * .5, p.ink((.50, .78, .86), .1))
    p.blend(rr, smooth(.67, .69, n) * (.6 + .35 * k), p.ink(ICE, .25), "snow")
    water_things(p, hv + .03, shore_v - .03)
    top = hill(p, shore_v, .025)
    land(p, top - .01, (.62, .78, .90), 0, "snow", rim=0)
    land(p, top, ICE, 0, "snow", tex=.07, rim=.08, persp=float(top.min()) - .08)
    land_things(p, top, 1.15, .03, .10)


def city(p: Painter, hv: float) -> None:
    r = p.rng
    if r.random() < .5:
        ranges(p, hv, r.uniform(.12, .2), snow=False, layers=1)
    for d, hmax, k in ((.78, .22, 26), (.58, .27, 18)):
        g = np.repeat(r.random(k + 1) ** 1.4, 1)
        x = np.clip((p.c * k + r.random()).astype(int), 0, k)
        top = hv - (.05 + hmax * g[x] * (1.15 - 1.1 * np.abs(p.c - .5))).astype(F32)
        land(p, top.astype(F32), (.50, .52, .60), d, "skyscraper", hv + .02, fade=.55, rim=0, tex=.03)
    m = int(r.integers(10, 16))
    mid = r.uniform(.35, .65)
    order = [(i + r.uniform(.1, .9)) / m for i in range(m)]
    tones = [(.62, .60, .64), (.72, .66, .62), (.50, .56, .66), (.66, .54, .50), (.56, .62, .64)]
    for u in [order[i] for i in r.permutation(m)]:
        h = (.07 + .36 * r.random() ** 1.3) * np.exp(-((u - mid) / .42) ** 2) + .05
        buildings.tower(p, u, hv + .005, r.uniform(.045, .085), h, .30 * r.random() + .08, np.asarray(tones[r.integers(5)]) * r.uniform(.85, 1.1))
    top = (hv - .012 - .012 * np.abs(p.line(3, .6, 14, True))).astype(F32)
    land(p, top, mix(ground_colour(p), (.25, .4, .28), .4), .1, "tree", hv + .02, rim=.3)
    sky_things(p, hv * .8)
    water(p, hv, (.14, .34, .46), "river", calm=r.uniform(.4, .85))
    if any(t.name == "bridge" for t in p.plan.things):
        buildings.bridge(p, hv + .045, r.uniform(.15, .2), .02)
    near = r.random() < .45
    water_things(p, hv + .06, .88 if near else .97)
    if near:
        top = hill(p, .90, .012)
        land(p, top, ground_colour(p), 0, ground_label(p), persp=.8)
        frame(p, top, "round", None, 2, .36)
        blades(p, ground_colour(p))
