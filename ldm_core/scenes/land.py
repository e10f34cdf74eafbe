"""Solid layers: mountains and mesas, smooth ground, rows of trees, mist between them."""

from __future__ import annotations

import numpy as np

from .noise import F32, Array, mix, smooth
from .painter import Colour, Painter
from .palette import LABELS, PINE


def massif(
    p: Painter,
    top: Array,
    albedo: Colour,
    depth: float,
    foot: float,
    label: str,
    jag: float = 0.5,
    slant: float = 0.6,
    snow: Array | float | None = None,
    strata: float | None = None,
    fade: float = 0.45,
    soft: float = 0.10,
    detail: float = 0.5,
    gain: float = 1.0,
) -> None:
    """A mountain, mesa or dune: lit and shaded faces run down from the ridge; air thickens to the foot."""
    r = p.rows(top, foot)
    if r[1] - r[0] < 2:
        return
    n = p.n
    V, U = p.V[r[0] : r[1]], p.U[r[0] : r[1]]
    T = V - top
    alpha = np.clip(T * n + 0.5, 0, 1)
    n1 = p.tex(1.4, 1.1, r) - 0.5
    n2 = p.tex(4.0, 2.6, r) - 0.5
    k = max(3, int(0.05 * n)) | 1
    sm = np.convolve(np.pad(top, k, mode="edge"), np.hanning(k + 2)[1:-1] / np.hanning(k + 2).sum(), "same")[k:-k]
    slope = np.gradient(sm).astype(F32) * n
    idx = np.clip(((U + jag * 0.16 * n1 + jag * 0.05 * n2 - p.side * slant * T * 0.5) * n), 0, n - 1).astype(np.int32)
    face = slope[idx] * p.side * -gain + detail * (2.2 * n2 + n1)
    sh = smooth(-soft - 0.25, soft + 0.25, -face + 0.05)[..., None]
    light, dark = p.ink(albedo, depth, 1.04), p.ink(albedo, depth, 0.92, 0.85)
    col = light + (dark - light) * sh
    if strata is not None:
        s = np.sin((V + 0.02 * n1 + top * 0.12) * strata) + 0.5 * np.sin((V + 0.015 * n2) * strata * 2.7 + 1)
        col = col * (1 + 0.10 * smooth(-0.4, 0.4, s) - 0.06)[..., None]
    if snow is not None:
        line = snow + 0.16 * n1 + 0.09 * n2 + 0.03 * face
        sn = smooth(0.006, -0.006, V - line)[..., None]
        a, b = p.ink((0.97, 0.98, 1.0), depth * 0.8, 1.0), p.ink((0.86, 0.91, 1.0), depth * 0.8, 0.95, 0.75)
        col = col + (a + (b - a) * sh - col) * sn
    f = (fade * smooth(0, 1, (V - float(np.min(top))) / max(foot - float(np.min(top)), 0.02)))[..., None]
    col = col + (p.haze - col) * f
    p.blend(r, alpha, col, label)
    if snow is not None:
        p.lab[r[0] : r[1]][(alpha > 0.5) & (sn[..., 0] > 0.5)] = LABELS["snow"]


def land(
    p: Painter,
    top: Array,
    albedo: Colour,
    depth: float,
    label: str,
    foot: float = 1.0,
    tex: float = 0.16,
    fade: float = 0.0,
    rim: float = 0.22,
    persp: float | None = None,
) -> None:
    """A smooth piece of ground with a sunlit rim and soft brush texture."""
    r = p.rows(top, foot)
    if r[1] - r[0] < 2:
        return
    V = p.V[r[0] : r[1]]
    T = V - top
    alpha = np.clip(T * p.n + 0.5, 0, 1)
    n1 = p.tex(0.8, 0.5, r, persp) if persp is not None else p.tex(1.3, 3.2, r)
    q = np.clip(T / 0.16, 0, 1)
    edge = np.exp(-np.maximum(T, 0) / 0.022) * (0.55 + 0.45 * np.cos((p.c - p.lu) * 2.6))
    k = (1 - 0.26 * smooth(0, 1.6, q * 1.2)) + tex * 2 * (n1 - 0.5) + rim * edge
    col = k[..., None] * p.ink(albedo, depth)
    warm = p.ink(albedo, depth, 1.0, 1.0)
    col = col + (warm - col) * (smooth(0.45, 0.85, n1) * 0.35 + 0.35 * smooth(0.3, 1.4, T / 0.3))[..., None]
    if fade:
        col = col + (p.haze - col) * (fade * smooth(0, 0.14, T))[..., None]
    p.blend(r, alpha, col, label)


def forest_line(
    p: Painter,
    base: Array,
    height: float,
    depth: float,
    kind: str = "pine",
    colour: Colour | None = None,
    foot: float | None = None,
    fade: float = 0.4,
    density: float = 1.0,
    skirt: float = 0.0,
) -> None:
    """A row of distant trees as one silhouette."""
    r, n = p.rng, p.n
    m = int(np.clip(1.5 / height * density, 8, 110))
    x = (np.arange(m) + r.random(m)) / m * 1.1 - 0.05
    hh = height * (0.45 + 0.55 * r.random(m)) * (1 + 0.25 * np.sin(x * 9 + r.random() * 6))
    w = hh * (0.27 if kind == "pine" else 0.62)
    s = np.abs(p.c[None] - x[:, None]) / w[:, None]
    if kind == "pine":
        q = s * 6.0
        shape = 1 - (np.floor(q) + 0.55 * (q - np.floor(q))) / 6.0
    else:
        shape = np.sqrt(np.maximum(1 - s * s, 0)) * 0.9 + 0.05 * p.line(3, 0.7, 60)
    h = np.max(np.where(s < 1, shape * hh[:, None], 0), 0)
    top = base - h - height * 0.12
    c = PINE[p.plan.season] if colour is None else colour
    f = float(np.max(base)) + (foot or 0.06)
    rr = p.rows(top, min(f, 1.0))
    if rr[1] - rr[0] < 2:
        return
    T = p.V[rr[0] : rr[1]] - top
    a = np.clip(T * n + 0.5, 0, 1)
    if skirt:  # let the ground below show again
        a = a * smooth(skirt, skirt * 0.6, p.V[rr[0] : rr[1]] - base - 0.4 * skirt * p.line(4, 0.6, 16))
    nz = p.tex(5.0, 3.0, rr)
    col = (1 + 0.5 * (nz - 0.5))[..., None] * p.ink(c, depth, 1.0, 0.35)
    if p.plan.season == "winter" and kind == "pine":
        fine = p.tex(9.0, 8.0, rr)
        col = (
            col
            + (p.ink((0.92, 0.95, 1.0), depth) - col)
            * (smooth(0.44, 0.56, fine) * smooth(height, 0, T) * 0.75)[..., None]
        )
    g = fade * smooth(-0.75 * height, 0.55 * height, p.V[rr[0] : rr[1]] - base)
    col = col + (mix(p.haze, p.ink(c, depth), 0.25) - col) * g[..., None]
    p.blend(rr, a, col, "tree")


def mist(p: Painter, v: float, thick: float, strength: float) -> None:
    """A band of mist about the height v; named things stay visible in it."""
    r = (max(0, int((v - 2 * thick) * p.n)), min(p.n, int((v + 2 * thick) * p.n)))
    if r[1] - r[0] < 2:
        return
    n = p.tex(0.7, 1.5, r)
    a = (
        (1 - 0.75 * p.subject[r[0] : r[1]])
        * np.exp(-(((p.V[r[0] : r[1]] - v + (n - 0.5) * thick) / thick) ** 2))
        * strength
        * (0.5 + n)
    )
    p.blend(r, np.clip(a, 0, 0.95), mix(p.haze, (1, 1, 1), 0.12 if not p.dark else 0.02))
