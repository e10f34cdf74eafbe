"""The judge's own training pictures: renders of seeds that no model is trained on, shrunk to 128 px, with their boxes.

Every other picture is of wishes: one to three kinds of thing, in scenes, seasons and colours that chance would not put
together. On those the judge cannot guess a thing from its surroundings; it has to see it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.judge import CELLS, COLOURS, HEADS, THINGS, shrunk
from ldm_core.nn.compact import CompactKL
from ldm_core.scenes import DATA_VERSION, render
from ldm_core.scenes.plan import CASTLES, MANY, WATERS
from ldm_core.scenes.render import Scene
from ldm_core.scenes.words import PAINT, POSITIONS, SCENES
from ldm_core.training.run import to_bytes, to_signed

FIRST_SEED = 500_000_000  # the models are trained on seeds 0.., measured on seeds from HELD_OUT = 10^9 on
PICTURE = 256
INSIDE = 0.7  # the part of a box, about its middle, whose cells must show the thing; the rim may show anything
HOME = {"boat": WATERS, "sailboat": WATERS, "castle": CASTLES, "bridge": ("city",)}
BLOCK = 250


@dataclass(frozen=True)
class Renders:
    """pictures: (N, 128, 128, 3) uint8; facts: one {"seed", "plan", "boxes"} for each."""

    pictures: NDArray[np.uint8]
    facts: list[dict[str, Any]]


def scene_of(seed: int) -> Scene:
    """The 256 px training scene of a seed; of odd seeds the scene and its things are wished for."""
    if seed % 2 == 0:
        return render(seed, PICTURE)
    rng = np.random.default_rng([seed, 3])
    scene = list(SCENES)[rng.integers(len(SCENES))]
    at_home = [name for name in THINGS if scene in HOME.get(name, (scene,))]
    things = []
    for name in rng.permutation(at_home)[: rng.integers(1, 4)].tolist():
        colours, counts = PAINT.get(name, [""]), MANY.get(name, [1])
        place = list(POSITIONS)[rng.integers(len(POSITIONS))]
        things.append((name, colours[rng.integers(len(colours))], min(counts[rng.integers(len(counts))], 3), place))
    return render(seed, PICTURE, scene=scene, things=things)


def training_renders(folder: Path, count: int) -> Renders:
    """The first `count` training pictures, rendered now (a block at a time) where they are missing in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures: list[NDArray[np.uint8]] = []
    facts: list[dict[str, Any]] = []
    for low in range(0, count, BLOCK):
        path = folder / f"judge-v{DATA_VERSION}-{low:06d}.npz"
        if not path.exists():
            scenes = [scene_of(FIRST_SEED + i) for i in range(low, low + BLOCK)]
            rows = [
                {"seed": FIRST_SEED + low + i, "plan": asdict(s.plan), "boxes": [asdict(b) for b in s.boxes]}
                for i, s in enumerate(scenes)
            ]
            part = path.with_suffix(".part")
            with part.open("wb") as file:
                np.savez(file, pictures=np.stack([shrunk(s.rgb) for s in scenes]), facts=json.dumps(rows))
            part.replace(path)
            print(f"rendered {low + BLOCK} of {count}", flush=True)
        with np.load(path) as block:
            pictures.append(block["pictures"])
            facts += json.loads(str(block["facts"]))
    return Renders(np.concatenate(pictures)[:count], facts[:count])


@torch.no_grad()
def through_first_stage(folder: Path, count: int, first_stage: CompactKL, name: str) -> NDArray[np.uint8]:
    """The first `count` training pictures encoded and decoded, half with noise in their latents; kept as `name`.

    Noisy latents decode to what a diffusion model leaves unfinished. -> (count, 128, 128, 3) uint8.
    """
    path = folder / f"judge-v{DATA_VERSION}-{name}-{count}.npy"
    if not path.exists():
        noise = torch.Generator().manual_seed(0)
        decoded: list[NDArray[np.uint8]] = []
        for i in range(count):
            x = to_signed(torch.from_numpy(scene_of(FIRST_SEED + i).rgb[None]))
            with torch.autocast("cpu", torch.bfloat16):
                z = first_stage.encode(x).mean
                amount = 0.3 * torch.rand(1, generator=noise).item() * (i // 2 % 2)
                picture = first_stage.decode(z + amount * torch.randn(z.shape, generator=noise))
            decoded.append(shrunk(to_bytes(picture)[0].numpy()))
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            np.save(file, np.stack(decoded))
        part.replace(path)
    return np.asarray(np.load(path), np.uint8)


@dataclass(frozen=True)
class Targets:
    """What the judge should say of N pictures.

    heads[name] (N,) indices; there (N, THINGS) 0/1; cells (N, THINGS, 32, 32) int8: 1 the thing is here, 0 it is not,
    -1 do not ask (the rim of its box); colours (N, 32, 32) int8: an index into COLOURS, -1 where none is to be named.
    """

    heads: dict[str, Tensor]
    there: Tensor
    cells: Tensor
    colours: Tensor

    def __getitem__(self, index: Tensor) -> Targets:
        heads = {name: values[index] for name, values in self.heads.items()}
        return Targets(heads, self.there[index], self.cells[index], self.colours[index])

    def mirrored(self) -> Targets:
        return Targets(self.heads, self.there, self.cells.flip(3), self.colours.flip(2))


def span(low: float, high: float, part: float) -> slice:
    """The cells whose middle lies in the inner `part` of low..high (0..1 of the picture); at least the middle one."""
    middle, half = (low + high) / 2, (high - low) / 2 * part
    first, last = round((middle - half) * CELLS), round((middle + half) * CELLS)
    if first >= last:
        first = min(max(int(middle * CELLS), 0), CELLS - 1)
        last = first + 1
    return slice(max(first, 0), min(last, CELLS))


def targets(facts: list[dict[str, Any]]) -> Targets:
    """From the plans and boxes of the renderer; nearer boxes are later ones and cover the others' colours."""
    n = len(facts)
    heads = {k: torch.tensor([values.index(f["plan"][k]) for f in facts]) for k, values in HEADS.items()}
    there = torch.zeros(n, len(THINGS))
    cells = torch.zeros(n, len(THINGS), CELLS, CELLS, dtype=torch.int8)
    colours = torch.full((n, CELLS, CELLS), -1, dtype=torch.int8)
    for i, fact in enumerate(facts):
        boxes = [box for box in fact["boxes"] if box["name"] in THINGS]
        for box in boxes:
            k = THINGS.index(box["name"])
            there[i, k] = 1
            cells[i, k, span(box["v0"], box["v1"], 1.4), span(box["u0"], box["u1"], 1.4)] = -1
        for box in boxes:
            inner = span(box["v0"], box["v1"], INSIDE), span(box["u0"], box["u1"], INSIDE)
            cells[i, THINGS.index(box["name"])][inner] = 1
            colours[i][inner] = COLOURS.index(box["colour"]) if box["colour"] else -1
    return Targets(heads, there, cells, colours)
