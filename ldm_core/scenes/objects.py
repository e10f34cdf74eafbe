"""Tent, balloon, boats, umbrella, sheep, campfire, birds."""

from __future__ import annotations

import numpy as np

from .noise import mix
from .painter import Box, Painter
from .palette import COLOURS
from .sheet import GLOW, Sheet, shadow


def tent(p: Painter, u: float, v: float, h: float, colour: str) -> None:
    w = h * 1.55
    s, c = Sheet(p, w, h, 0., "tent", colour), COLOURS[colour]
    s.poly([(.36, .06), (.72, .12), (1., 1.), (.62, 1.)], s.ink(c, .92, .75))
    s.poly([(.36, .06), (0., 1.), (.62, 1.)], s.ink(c, 1.06, .12 if not p.dark else .3))
    s.poly([(.36, .30), (.24, 1.), (.46, 1.)], s.raw(GLOW) if p.dark else s.ink((.20, .16, .16), .9))
    s.poly([(.36, .30), (.24, 1.), (.30, 1.)], s.ink(np.asarray(c) * .8, .9, .4))
    s.line([(.36, 0.), (.36, .1)], s.ink((.3, .25, .22)), .015)
    shadow(p, u, v, w)
    s.stamp(u, v, "tent", flip=p.side > 0)
    if p.dark:
        p.glow(u, v - h * .3, h * .9, GLOW, .38)


def balloon(p: Painter, u: float, v: float, h: float, colour: str) -> None:
    s, c = Sheet(p, h * .74, h, .04, "balloon", colour), np.asarray(COLOURS[colour])
    other = (.97, .93, .84) if colour != "white" else (.85, .35, .28)
    t = np.linspace(0, np.pi, 25)

    def gore(k0, k1):                                         # a slice of the envelope between two meridians
        prof = np.where(t < 1.9, np.sin(np.minimum(t * 1.0, 1.9)), np.sin(t) * .96 + .06)
        y = .37 - .37 * np.cos(t) * np.where(t > 1.57, 1.12, 1.)
        half = .49 * np.maximum(np.sin(t) ** .9, .10 * (t > 2.7))
        return list(zip(.5 + half * k0, y)) + list(zip(.5 + half * k1, y))[::-1]

    edges = np.sin(np.linspace(-np.pi / 2, np.pi / 2, 8))
    for i in range(7):
        lit = .5 + .5 * p.side * (edges[i] + edges[i + 1]) / 2
        q = c if i % 2 == 0 else mix(other, c, .12)
        s.poly(gore(edges[i], edges[i + 1]), s.ink(q, .80 + .30 * lit, .75 * (1 - lit)))
    rope = s.ink((.35, .28, .24))
    s.line([(.43, .77), (.45, .90)], rope, .012)
    s.line([(.57, .77), (.55, .90)], rope, .012)
    s.box(.43, .89, .57, 1., s.ink((.52, .34, .20), 1., .2))
    if p.dark:
        s.box(.47, .80, .53, .86, s.raw(GLOW))
    s.stamp(u, v, "balloon")
    if p.dark:
        p.glow(u, v - h * .5, h * .5, mix(c, GLOW, .5), .38)


def boat(p: Painter, u: float, v: float, h: float, colour: str, sail: bool = False) -> None:
    c = np.asarray(COLOURS[colour])
    if sail:
        s = Sheet(p, h * .82, h, 0., "sailboat", colour)
        s.poly([(.50, .04), (.52, .78), (.10, .78)], s.ink(c, 1.02, .1 if p.side < 0 else .5))
        s.poly([(.56, .14), (.56, .78), (.88, .78)], s.ink(c, .92, .6 if p.side < 0 else .15))
        s.line([(.535, .0), (.535, .86)], s.ink((.40, .30, .24)), .022)
        s.poly([(.04, .84), (.98, .84), (.82, 1.), (.20, 1.)], s.ink((.95, .94, .92) if colour != "white" else (.60, .24, .2), .92, .4))
    else:
        s = Sheet(p, h * 2.5, h, 0., "boat", colour)
        s.poly([(0., .38), (.12, .62), (.85, .62), (1., .30), (.86, 1.), (.16, 1.)], s.ink(c, .95, .45))
        s.poly([(0., .38), (.12, .52), (.86, .52), (1., .30), (.96, .56), (.05, .60)], s.ink(mix(c, (1, 1, 1), .3), 1.05))
        s.box(.42, .10, .60, .52, s.ink((.95, .93, .88), .95, .2))
        s.box(.39, .04, .63, .14, s.ink(c * .8, .9, .3))
        s.box(.46, .22, .56, .36, s.raw(GLOW) if p.dark else s.ink((.35, .45, .55)))
    s.stamp(u, v, "boat", mirror=.38, flip=p.side > 0)
    if p.dark and not sail:
        p.glow(u, v - h * .6, h * .7, GLOW, .3)


def sailboat(p: Painter, u: float, v: float, h: float, colour: str) -> None:
    """A boat under sail."""
    boat(p, u, v, h, colour, sail=True)


def umbrella(p: Painter, u: float, v: float, h: float, colour: str) -> None:
    s, c = Sheet(p, h * 1.05, h, 0., "umbrella", colour), np.asarray(COLOURS[colour])
    s.line([(.5, .2), (.5, 1.)], s.ink((.85, .80, .74)), .03)
    t = np.linspace(-1, 1, 8)
    for i in range(7):
        a, b = np.linspace(t[i], t[i + 1], 4), .44
        q = c if i % 2 == 0 else (.97, .95, .90) if colour != "white" else (.85, .4, .35)
        s.poly([(.5, .04)] + [(.5 + .5 * x, b - .40 * np.sqrt(max(1 - x * x, 0)) * .95) for x in a] + [(.5, .40)], s.ink(q, .95 + .12 * p.side * t[i], .3 - .25 * p.side * t[i]))
    s.poly([(.30, .92), (.86, .86), (.92, .96), (.34, 1.)], s.ink(mix(c, (1, 1, 1), .55), .95))
    shadow(p, u, v, h)
    s.stamp(u, v, "building")


def sheep(p: Painter, u: float, v: float, h: float) -> None:
    s = Sheet(p, h * 1.5, h, 0., "sheep")
    for x in (.28, .40, .60, .72):
        s.box(x, .7, x + .06, 1., s.ink((.2, .18, .18)))
    for x, y, q in ((.3, .45, .2), (.5, .38, .24), (.7, .45, .2), (.5, .55, .25)):
        s.disc(x, y, q, s.ink((.96, .95, .92), 1., .25))
    s.disc(.88, .34, .11, s.ink((.22, .20, .20)), 1.2)
    s.stamp(u, v, None, flip=p.rng.random() < .5)


def campfire(p: Painter, u: float, v: float, h: float) -> None:
    s = Sheet(p, h * 1.1, h, 0., "campfire")
    s.poly([(.5, 0), (.74, .5), (.66, .86), (.34, .86), (.26, .5), (.40, .42)], s.raw((1., .48, .12)))
    s.poly([(.5, .3), (.62, .62), (.58, .86), (.42, .86), (.38, .62)], s.raw((1., .86, .40)))
    s.line([(.1, .98), (.9, .82)], s.ink((.34, .22, .16)), .09)
    s.line([(.1, .82), (.9, .98)], s.ink((.28, .18, .14)), .09)
    s.stamp(u, v, None)
    p.glow(u, v - h * .4, h * (2.4 if p.dark else 1.2), (1., .62, .25), .5 if p.dark else .3)


def birds(p: Painter, count: int, where: tuple[float, float]) -> None:
    """A flock; the box is the flock's."""
    r = p.rng
    u0, v0, k = r.uniform(*where), r.uniform(.12, .27), []
    u0 = float(np.clip(u0, .06 + .032 * count, .94 - .032 * count))
    for i in range(count):
        u, v, w = u0 + (i - count / 2) * .064 + r.normal(0, .008), v0 + abs(i - count / 2) * .02 + r.normal(0, .008), r.uniform(.044, .062)
        s = Sheet(p, w, w * .5)
        t = np.linspace(0, 1, 6)
        y = lambda q: .20 + .75 * q - .95 * np.sin(q * np.pi * .9) * .35
        wing = [(.5 - .5 * (1 - q), y(q)) for q in t] + [(.5 + .5 * q, y(1 - q)) for q in t]
        back = [(x, q + .22 * (1 - abs(x - .5) * 1.9)) for x, q in wing][::-1]
        dark = mix(p.ink((.18, .18, .24), .12), (.95, .95, .97), .55 if p.plan.time == "night" else 0)
        s.poly(wing + back, s.raw(dark))
        s.stamp(u, v, "bird")
        k.append((u, v, w))
    us, vs, ws = np.array(k).T
    p.boxes.append(Box("bird", "", (us - ws / 2).min(), (vs - ws / 2).min(), (us + ws / 2).max(), vs.max()))
