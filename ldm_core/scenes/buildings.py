"""Houses, church, castle, windmill, lighthouse, igloo, bridge, towers."""

from __future__ import annotations

import numpy as np

from .noise import mix, smooth
from .painter import Colour, Painter
from .palette import COLOURS
from .sheet import GLOW, Sheet, shadow


def house(p: Painter, u: float, v: float, h: float, colour: str, depth: float = 0., wood: bool = False) -> None:
    r, w = p.rng, h * 1.35
    s, c = Sheet(p, w, h, depth, "cabin" if wood else "house", colour), np.asarray(COLOURS[colour])
    roof = np.array([(.70, .30, .22), (.40, .34, .36), (.50, .32, .24)][r.integers(3)])
    if p.plan.season == "winter":
        roof = np.array((.93, .95, .99))
    if r.random() < .6:
        s.box(.70, .06, .77, .3, s.ink((.50, .36, .32), .9, .3))
    s.box(.40, .44, .96, 1., s.ink(c, .90, .7))
    s.poly([(.06, 1.), (.06, .46), (.25, .12), (.44, .46), (.44, 1.)], s.ink(c, 1.03, .08))
    s.poly([(.22, .08), (.78, .08), (1., .48), (.47, .48)], s.ink(roof, 1., .25))
    s.poly([(.25, .06), (.0, .50), (.05, .52), (.26, .15), (.46, .52), (.50, .49)], s.ink(roof, .8, .5))
    lit = p.dark or p.plan.time == "sunset" and r.random() < .5
    win = s.raw(GLOW) if lit else s.ink((.34, .44, .54), .9)
    for x in (.56, .76):
        s.box(x, .60, x + .11, .80, win)
        s.box(x + .047, .60, x + .062, .80, s.ink(c, .9, .6))
    s.box(.12, .58, .21, .76, win)
    s.box(.28, .66, .39, 1., s.ink((.42, .26, .18), .9, .3))
    if wood:
        for y in np.arange(.54, 1., .11):
            s.box(.06, y, .96, y + .016, s.ink(np.asarray(c) * .72, .9, .5))
    if depth < .15:
        shadow(p, u, v, w)
    s.stamp(u, v, "house", flip=p.side > 0)
    if lit and p.dark:
        p.glow(u, v - h * .35, h * .55, GLOW, .26)


def cabin(p: Painter, u: float, v: float, h: float, colour: str) -> None:
    """A house of boards."""
    house(p, u, v, h, colour, wood=True)


def church(p: Painter, u: float, v: float, h: float, depth: float = 0.) -> None:
    s = Sheet(p, h * .72, h, depth, "church")
    wall, roof = (.94, .91, .85), (.66, .28, .22) if p.plan.season != "winter" else (.93, .95, .99)
    s.box(.36, .62, 1., 1., s.ink(wall, .9, .65))
    s.poly([(.34, .46), (.92, .46), (1., .64), (.36, .64)], s.ink(roof, .95, .3))
    s.box(.08, .36, .40, 1., s.ink(wall, 1.02, .1))
    s.poly([(.04, .38), (.24, .05), (.44, .38)], s.ink((.36, .42, .50), 1., .2))
    s.line([(.24, .0), (.24, .08)], s.ink((.3, .28, .26)), .02)
    win = s.raw(GLOW) if p.dark else s.ink((.32, .38, .48), .9)
    for x, y in ((.20, .46), (.20, .66), (.50, .72), (.66, .72), (.82, .72)):
        s.box(x, y, x + .07, y + .11, win)
    s.stamp(u, v, "building", flip=p.side > 0)


def castle(p: Painter, u: float, v: float, h: float, depth: float = .3) -> None:
    r = p.rng
    s = Sheet(p, h * 1.25, h, depth, "castle")
    wall, roof = np.array((.80, .74, .68)), np.array([(.62, .28, .26), (.30, .40, .56), (.40, .32, .48)][r.integers(3)])
    win = s.raw(mix(GLOW, p.haze, depth * .4)) if p.dark else s.ink((.34, .30, .34), .8)

    def tower(x, w, y):
        s.box(x - w, y, x + w, 1., s.ink(wall, .88, .75))
        s.box(*((x - w, y, x + w * .1, 1.) if p.side < 0 else (x - w * .1, y, x + w, 1.)), s.ink(wall, 1.04, .1))
        s.poly([(x - w * 1.25, y), (x, y - w * 3.0), (x + w * 1.25, y)], s.ink(roof, 1., .3))
        s.poly([(x, y), (x, y - w * 3.0), (x + p.side * w * 1.25, y)], s.ink(roof, 1.15))
        s.box(x - w * .22, y + .07, x + w * .22, y + .15, win)

    tower(.5, .085, .32)
    tower(.33, .06, .44)
    s.box(.10, .66, .92, 1., s.ink(wall, .95, .35))
    for x in np.arange(.10, .9, .10):
        s.box(x, .62, x + .05, .68, s.ink(wall, .95, .35))
    for x, w, y in ((.13, .07, .50), (.87, .075, .46), (.68, .055, .54)):
        tower(x, w, y)
    s.poly([(.44, 1.), (.44, .86), (.5, .78), (.56, .86), (.56, 1.)], s.ink((.30, .22, .20), .9))
    s.stamp(u, v, "building")


def windmill(p: Painter, u: float, v: float, h: float, colour: str, depth: float = 0.) -> None:
    s, c = Sheet(p, h * .86, h, depth, "windmill", colour), COLOURS[colour]
    s.poly([(.40, .36), (.60, .36), (.70, 1.), (.30, 1.)], s.ink(c, .9, .7))
    s.poly([(.40, .36), (.52, .36), (.54, 1.), (.30, 1.)] if p.side < 0 else [(.48, .36), (.60, .36), (.70, 1.), (.46, 1.)], s.ink(c, 1.04, .05))
    s.poly([(.37, .37), (.5, .22), (.63, .37)], s.ink((.50, .30, .24), 1., .3))
    s.box(.46, .84, .55, 1., s.ink((.38, .26, .2), .9))
    s.box(.465, .56, .535, .65, s.raw(GLOW) if p.dark else s.ink((.32, .38, .46)))
    a0 = p.rng.uniform(.3, 1.2)
    for k in range(4):
        a = a0 + k * np.pi / 2
        d, e = np.array((np.cos(a), np.sin(a) * .86)), np.array((-np.sin(a), np.cos(a) * .86))
        o = np.array((.5, .36))
        s.poly([o + d * .08, o + d * .44, o + d * .44 + e * .10, o + d * .10 + e * .08], s.ink((.95, .93, .88), 1., .15))
        s.line([o, o + d * .45], s.ink((.36, .27, .22)), .018)
    s.stamp(u, v, "building")


def lighthouse(p: Painter, u: float, v: float, h: float, colour: str, depth: float = 0.) -> None:
    s, c = Sheet(p, h * .42, h, depth, "lighthouse", colour), np.asarray(COLOURS[colour])
    other = (.95, .94, .91) if colour != "white" else (.90, .88, .85)
    x = lambda y: .34 - .14 * (1 - y)
    ys = np.linspace(.24, 1., 6)
    for i in range(5):
        y0, y1 = ys[i], ys[i + 1]
        q = c if i % 2 == 0 else other
        s.poly([(.5 - x(y0), y0), (.5 + x(y0), y0), (.5 + x(y1), y1), (.5 - x(y1), y1)], s.ink(q, .9, .7))
        e0, e1 = (p.side * x(y0), p.side * x(y1))
        s.poly([(.5 - e0 * .15, y0), (.5 + e0, y0), (.5 + e1, y1), (.5 - e1 * .15, y1)], s.ink(q, 1.04, .05))
    s.box(.26, .22, .74, .25, s.ink((.25, .25, .28)))
    s.box(.36, .11, .64, .22, s.raw(GLOW * 1.1) if p.dark else s.ink((.80, .88, .92)))
    s.poly([(.30, .12), (.5, .01), (.70, .12)], s.ink(c * .9 if colour != "white" else (.7, .25, .2), 1., .2))
    if p.dark:                                                # a beam that fades out over the water
        vl = v - h * .83
        r = p.rows([vl - .22], vl + .22)
        du = (u - p.U[r[0]:r[1]]) * p.side
        spread = np.abs(p.V[r[0]:r[1]] - vl + .06 * du) / np.maximum(du, .003)
        p.blend(r, .42 * np.exp(-np.maximum(du, 0) / .26) * smooth(.20, .04, spread) * (du > 0), GLOW)
    s.stamp(u, v, "building")
    if p.dark:
        p.glow(u, v - h * .83, h * .25, GLOW, .7)


def igloo(p: Painter, u: float, v: float, h: float) -> None:
    s = Sheet(p, h * 1.8, h, 0., "igloo")
    c = (.93, .96, 1.)
    s.disc(.46, 1., .46, s.ink(c, .98, .55), 1.12, 180, 360)
    s.disc(.46 + p.side * .06, 1., .38, s.ink(c, 1.02, .1), 1.2, 180, 360)
    for k in (.30, .55, .78):
        s.line([(.46 - .44 * np.sqrt(1 - (1 - k) ** 2), k), (.46 + .44 * np.sqrt(1 - (1 - k) ** 2), k)], s.ink((.78, .86, .95), .95, .3), .012)
    s.disc(.80, 1., .17, s.ink(c, .95, .6), 1.7, 180, 360)
    s.disc(.83, 1., .11, s.raw(GLOW) if p.dark else s.ink((.28, .36, .48)), 1.8, 180, 360)
    shadow(p, u, v, h * 1.6)
    s.stamp(u, v, "house")
    if p.dark:
        p.glow(u + h * .5, v - h * .2, h * .7, GLOW, .4)


def bridge(p: Painter, v: float, h: float, depth: float = .15) -> None:
    """A suspension bridge across the whole width."""
    s = Sheet(p, 1., h, depth, "bridge")
    c = np.asarray([(.78, .30, .24), (.45, .48, .55)][p.rng.integers(2)])
    x1, x2, deck = .27, .73, .78
    for a, b in ((-.19, x1), (x1, x2), (x2, 1.19)):
        t = np.linspace(a, b, 24)
        q = (t - (a + b) / 2) / ((b - a) / 2)
        y = .12 + .58 * (1 - q * q)
        s.line(list(zip(t, y)), s.ink(c, .95, .4), .004)
        for i in range(1, 23, 2):
            s.line([(t[i], y[i]), (t[i], deck)], s.ink(c, .95, .4), .0018)
    s.box(0, deck, 1, deck + .07, s.ink(c, .9, .45))
    for x in (x1, x2):
        s.box(x - .013, .04, x - .005, 1., s.ink(c, .9, .5))
        s.box(x + .005, .04, x + .013, 1., s.ink(c, 1., .2))
        for y in (.10, .30, .52):
            s.box(x - .013, y, x + .013, y + .035, s.ink(c, .95, .3))
    s.stamp(.5, v, "bridge", mirror=.3)
    if p.dark:
        for x in np.linspace(.03, .97, 16):
            p.glow(float(x), v - h * (1 - deck), .006, GLOW, .8)


def tower(p: Painter, u: float, v: float, w: float, h: float, depth: float, colour: Colour) -> None:
    r = p.rng
    s = Sheet(p, w, h, depth)
    cap = r.integers(5)
    y0 = [.0, .06, .10, .0, .12][cap]
    if cap in (1, 4):
        s.line([(.5, 0), (.5, .2)], s.ink(colour, .8, .6), .05)
    if cap == 2:
        s.poly([(.0, .12), (.5, 0), (1., .12)], s.ink(colour, .95, .4))
    if cap == 4:
        s.box(.2, .05, .8, .2, s.ink(colour, .95, .5))
    cut = .58 if p.side > 0 else .42
    s.box(0, y0, 1, 1, s.ink(colour, 1.03, .1))
    s.box(*((0, y0, cut, 1) if p.side > 0 else (cut, y0, 1, 1)), s.ink(colour, .84, .8))
    nx, ny = max(2, int(w / .016)), max(3, int(h / .022))
    share = dict(night=.55, dusk=.42, sunset=.2, dawn=.12, noon=0)[p.plan.time]
    glass = s.ink((.50, .62, .74), .92, .35)
    warm = [s.raw(mix(np.array(c) * .95, p.haze, depth * .45)) for c in ((1., .82, .46), (1., .90, .66), (.98, .70, .36))]
    on = r.random((ny, nx))
    for j in range(ny):
        for i in range(nx):
            x, y = (i + .28) / nx, y0 + .03 + (j + .2) / ny * (1 - y0 - .03)
            lit = on[j, i] < share
            if lit or not p.dark:
                s.box(x, y, x + .46 / nx, y + .5 / ny, warm[int(on[j, i] * 97) % 3] if lit else glass)
    s.stamp(u, v, "skyscraper")
