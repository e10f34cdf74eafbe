"""The sky: gradient, stars, northern lights, sun or moon, clouds."""

from __future__ import annotations

import numpy as np

from .noise import F32, mix, smooth
from .painter import Box, Painter


def paint_sky(p: Painter, horizon: float) -> None:
    """Gradient from the zenith to the horizon, and what shines in it."""
    t = np.clip(p.c / max(horizon, 0.05), 0, 1.0) ** 1.1
    pos = [0, 0.38, 0.74, 1.0]
    col = np.stack([np.interp(t, pos, [float(s[k]) for s in p.sky_stops]) for k in range(3)], 1).astype(F32)
    p.img[:] = col[:, None]
    n = p.tex(1.1, 2.2)
    p.img *= (1 + 0.07 * (n - 0.5))[..., None]
    if p.plan.time == "night" and p.plan.weather in ("clear", "cloudy"):
        stars(p, horizon)
    if p.plan.aurora:
        aurora(p, horizon)
    if p.plan.disc:
        sun_or_moon(p)


def stars(p: Painter, horizon: float) -> None:
    """Stars and a hint of the Milky Way."""
    r, n = p.rng, p.n
    band = np.exp(-(((p.U - 0.5) * r.uniform(-0.8, 0.8) + p.V - horizon * 0.35) ** 2) / 0.02) * p.tex(1.5, 1.5) ** 2
    p.img += (band * 0.34)[..., None] * np.array([0.55, 0.6, 0.85], F32)
    for _ in range(int(r.integers(70, 150))):
        u, v, s = r.random(), r.random() ** 1.3 * horizon, r.random() ** 3
        x, y, q = u * n, v * n, (0.28 + 0.42 * s) * n / 256
        x0, y0 = int(x - 2 * q - 0.5), int(y - 2 * q - 0.5)
        k = int(4 * q + 2)
        x0, y0 = max(x0, 0), max(y0, 0)
        gx = np.exp(-(((np.arange(x0, min(x0 + k, n)) + 0.5 - x) / q) ** 2))
        gy = np.exp(-(((np.arange(y0, min(y0 + k, n)) + 0.5 - y) / q) ** 2))
        p.img[y0 : y0 + k, x0 : x0 + k] += ((0.35 + 0.65 * s) * gy[:, None] * gx[None])[..., None].astype(F32)


def aurora(p: Painter, horizon: float) -> None:
    """Two curtains of northern lights."""
    r = p.rng
    for _ in range(2):
        base = horizon * (0.62 + 0.14 * p.line(2, 0.5, 2, True))
        height = 0.26 + 0.10 * p.line(4, 0.6, 6, True)
        t = (base - p.V) / np.maximum(height, 0.06)
        a = np.where(t > 0, np.exp(-2.2 * t) * smooth(0, 0.12, t), 0) * (0.62 + 0.38 * p.line(4, 0.7, 14, True))
        hue = mix((0.25, 0.95, 0.60), (0.55, 0.40, 0.95), np.clip(t, 0, 1)[..., None])
        p.img += np.clip(a, 0, 1)[..., None].astype(F32) * hue * r.uniform(0.35, 0.6)


def sun_or_moon(p: Painter) -> None:
    """The disc of the plan with its glow."""
    moon = p.plan.disc != "sun"
    u, v, rad = p.lu, p.lv, p.plan.disc_r
    if moon:
        p.glow(u, v, rad * 4.5, p.disc * 0.8, 0.30)
        p.glow(u, v, rad * 1.9, p.disc, 0.35)
    else:
        warm = mix(p.disc, p.sky_stops[3], 0.45)
        k = 0.5 if p.plan.time == "noon" else 1.0
        p.glow(u, v, 0.42, warm, 0.42 * k)
        p.glow(u, v, 0.15, mix(p.disc, warm, 0.5), 0.34 * k)
        p.glow(u, v, rad * 1.7, p.disc, 0.30 * k)
    d = np.hypot(p.U - u, p.V - v)
    a = np.clip((rad - d) * p.n + 0.5, 0, 1)
    col = p.disc * (1.0 if moon else 1.16)
    if p.plan.disc == "crescent":
        a *= 1 - np.clip((rad * 0.92 - np.hypot(p.U - u - rad * 0.5, p.V - v + rad * 0.22)) * p.n + 0.5, 0, 1)
    elif moon:
        col = col * (1 - 0.22 * smooth(0.52, 0.62, p.tex(3, 3)))[..., None]
    p.img += (col - p.img) * a[..., None]
    p.boxes.append(Box("moon" if moon else "sun", "", u - rad, v - rad, u + rad, v + rad))


def clouds(p: Painter, horizon: float) -> None:
    """Strips and heaps of cloud, as many as the weather wants."""
    r = p.rng
    amount = {"clear": r.choice([0, 0, 0.45, 0.6]), "cloudy": 1.0, "rainy": 1.3, "foggy": 0.3, "snowing": 0.9}[
        p.plan.weather
    ]
    if amount == 0:
        return
    rows = (0, max(2, int(horizon * p.n)))
    lit = mix(p.sky_stops[3], np.minimum(p.sun * 1.0, 1), 0.55 if not p.dark else 0.18)
    if p.plan.time == "noon":
        lit = np.array([1.0, 1.0, 0.99], F32)
    low = mix(p.sky_stops[1], p.sky_stops[2], 0.55) * (0.94 if p.plan.weather != "rainy" else 0.8)
    if p.plan.weather == "rainy":
        lit = mix(lit, low, 0.55)
    V = p.V[: rows[1]] / horizon
    if r.random() < 0.55 or p.plan.weather in ("foggy", "rainy"):  # stretched strips
        n = p.tex(0.55, 2.6, rows) * 0.7 + p.tex(1.6, 5.0, rows) * 0.3
        a = smooth(0.60 - 0.13 * amount, 0.80 - 0.10 * amount, n) * smooth(0, 0.25, V) * (1 - smooth(0.75, 1.0, V))
        up = smooth(0.45, 0.75, n)
        p.blend(rows, a * 0.8, low + (lit - low) * up[..., None], "clouds")
    for _ in range(round(amount * r.integers(2, 5))):  # heaped clouds with a flat foot
        cu, w = r.random() * 1.2 - 0.1, r.uniform(0.09, 0.24)
        cv = horizon * r.uniform(0.18, 0.78)
        w *= 0.55 + 0.45 * (1 - cv / horizon)
        h = w * r.uniform(0.30, 0.46)
        y0, y1 = max(0, int((cv - 2.6 * h) * p.n)), min(rows[1], int((cv + 0.6 * h) * p.n))
        if y1 - y0 < 3:
            continue
        n = p.tex(2.2, 2.6, (y0, y1))
        x, y = (p.U[y0:y1] - cu) / w, (cv - p.V[y0:y1]) / h
        dens = (1 - x * x) * 1.15 - np.abs(y - 0.15) ** 1.5 * 0.62 + (n - 0.5) * 2.1 - 0.42
        dens = np.where(y < 0, dens + y * 4.0, dens)
        a = smooth(0.0, 0.32, dens)
        q = np.clip(0.5 + 0.42 * y + 0.42 * (n - 0.45) * 2 + 0.22 * p.side * x, 0, 1)
        p.blend((y0, y1), a * 0.95, low + (lit - low) * smooth(0.15, 0.8, q)[..., None], "clouds")
