"""Water that mirrors what stands above it, and the weather that falls in front of everything."""

from __future__ import annotations

import cv2
import numpy as np

from .land import mist
from .noise import F32, mix, smooth
from .painter import Colour, Painter
from .palette import LABELS


def water(p: Painter, v0: float, tint: Colour, label: str, foot: float = 1.0, calm: float = 0.7) -> None:
    """Mirror what is already painted above v0, ripple it, tint it and let the light glitter on it."""
    n = p.n
    r = (round(v0 * n), min(n, int(np.ceil(foot * n))))
    if r[1] - r[0] < 2:
        return
    V, U = p.V[r[0] : r[1]], p.U[r[0] : r[1]]
    d = V - v0
    rip = p.tex(0.22, 1.6, r, persp=v0 - 0.02) - 0.5
    rip2 = p.tex(0.5, 3.2, r, persp=v0 - 0.02) - 0.5
    amp = (1.2 - calm) * smooth(0, 0.25, d)
    sx = (U + (rip + rip2) * 0.05 * amp) * n - 0.5
    sy = (v0 - d * 0.92 + (rip * 0.10 + rip2 * 0.06) * amp) * n - 0.5
    ref = cv2.remap(
        p.img, sx.astype(F32), np.clip(sy, 0, r[0] - 1).astype(F32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    w = p.ink(tint, 0, 0.95, 0.35)
    deep = (0.22 + 0.42 * smooth(0, 0.6, d) + 0.20 * (1 - calm)) * np.ones_like(rip)
    col = ref * 0.94 + (w - ref * 0.94) * deep[..., None]
    crest = smooth(0.08, 0.24, rip2 + 0.5 * rip) * smooth(0, 0.1, d + 0.02)
    col = col + (mix(p.sky_stops[3], p.sun, 0.3) - col) * (crest * (0.16 + 0.2 * (1 - calm)))[..., None]
    if p.plan.disc:
        width = 0.035 + 0.22 * d + p.plan.disc_r * 0.6
        g = np.exp(-(((U - p.lu + rip * 0.05) / width) ** 2)) * smooth(-0.02, 0.16, rip2 + rip * 0.4 + 0.02)
        g *= (0.85 if p.plan.disc == "sun" and p.plan.time != "noon" else 0.45) * (1 - 0.35 * smooth(0, 0.5, d))
        col = col + (np.minimum(p.disc, 1) - col) * np.clip(g, 0, 1)[..., None]
    edge = np.exp(-d / 0.006) * 0.25
    col = col + (mix(p.haze, (1, 1, 1), 0.25) * np.ones(3, F32) - col) * edge[..., None]
    p.img[r[0] : r[1]] = col
    p.lab[r[0] : r[1]] = LABELS[label]


def weather(p: Painter) -> None:
    """Fog, rain or snow before everything."""
    r, n = p.rng, p.n
    if p.plan.weather == "foggy":
        for v in (0.45, 0.6, 0.74):
            mist(p, v + r.uniform(-0.04, 0.04), 0.09, 0.38)
    elif p.plan.weather == "rainy":
        m = np.zeros((n, n), np.uint8)
        a = np.array([0.012, 0.05]) * r.uniform(0.8, 1.2)
        for _ in range(150):
            u, v, s = r.random() * 1.1, r.random() * 1.1 - 0.05, r.uniform(0.5, 1.1)
            q = np.round(np.array([[u, v], [u - a[0] * s, v + a[1] * s]]) * n * 16).astype(int)
            cv2.line(m, tuple(q[0].tolist()), tuple(q[1].tolist()), int(90 + 90 * s), max(1, n // 256), cv2.LINE_AA, 4)
        p.img += m[..., None] * np.array([0.8, 0.9, 1.0], F32) * F32(0.30 / 255)
    elif p.plan.weather == "snowing":
        m = np.zeros((n, n), np.uint8)
        for _ in range(230):
            s = r.random() ** 2
            cv2.circle(
                m,
                (int(r.random() * n * 16), int(r.random() * n * 16)),
                int((0.0016 + 0.004 * s) * n * 16),
                int(150 + 100 * s),
                -1,
                cv2.LINE_AA,
                4,
            )
        a = cv2.GaussianBlur(m, (3, 3), 0.6).astype(F32) / 255 * 0.9
        p.blend((0, n), a, mix((1, 1, 1), p.haze, 0.25 if not p.dark else 0.45))
