"""The judge: a small network, trained on the renderer, that says what a picture shows.

`python -m benchmarks.judge_training` makes it; `benchmarks.quality` asks it about pictures that a model drew. It looks
at 128 px and tells scene, time, weather and season, and for each of 32 x 32 cells which thing is there in what colour.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors import safe_open
from torch import Tensor, nn

from ldm_core.nn.compact import ResidualBlock, group_norm
from ldm_core.scenes.plan import CAST
from ldm_core.scenes.words import NOUNS, PAINT, SCENES, SEASONS, TIMES, WEATHER
from ldm_core.training.run import to_signed

JUDGE = Path(__file__).resolve().parents[1] / "presets/judge/judge.safetensors"
SIDE = 128  # px of the pictures that the judge looks at
CELLS = 32  # per side, for things and their colours
THINGS = list(NOUNS)
COLOURS = sorted({colour for colours in PAINT.values() for colour in colours})
HEADS: dict[str, list[str]] = {
    "scene": list(SCENES),
    "time": list(TIMES),
    "weather": list(WEATHER),
    "season": list(SEASONS),
}


class Verdict(NamedTuple):
    """Logits of a batch: heads[name] (B, values), things (B, THINGS, 32, 32), colours (B, COLOURS, 32, 32)."""

    heads: dict[str, Tensor]
    things: Tensor
    colours: Tensor


@dataclass(frozen=True)
class Seen:
    """What the judge sees in one picture: a value for each of HEADS, and the things that are there with their colour.

    Things without a colour to name (such as a church) have "".
    """

    heads: dict[str, str]
    things: dict[str, str]


def _down(channels_in: int, channels_out: int) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels_out, 4, stride=2, padding=1)


class Judge(nn.Module):
    """A small feature pyramid: 32 x 32 -> 16 -> 8 cells, and back up to 32 for the things.

    `thresholds` (THINGS,): a thing is there where its largest logit is above its threshold.
    """

    thresholds: Tensor

    def __init__(self) -> None:
        super().__init__()
        a, b, c = 48, 96, 160
        self.stem = nn.Sequential(
            nn.PixelUnshuffle(SIDE // CELLS), nn.Conv2d(3 * (SIDE // CELLS) ** 2, a, 3, padding=1)
        )
        self.fine = ResidualBlock(a)
        self.middle = nn.Sequential(_down(a, b), ResidualBlock(b))
        self.coarse = nn.Sequential(_down(b, c), ResidualBlock(c))
        self.heads = nn.ModuleDict({name: nn.Linear(2 * c, len(values)) for name, values in HEADS.items()})
        self.coarse_to_middle, self.middle_to_fine = nn.Conv2d(c, b, 1), nn.Conv2d(b, a, 1)
        self.cells = nn.Sequential(ResidualBlock(a), group_norm(a), nn.SiLU())
        self.things = nn.Conv2d(a, len(THINGS), 1)
        self.colours = nn.Conv2d(a, len(COLOURS), 1)
        self.register_buffer("thresholds", torch.zeros(len(THINGS)))
        assert self.things.bias is not None
        nn.init.constant_(self.things.bias, -4.0)  # most cells show nothing

    def forward(self, x: Tensor) -> Verdict:
        """x: (B, 3, 128, 128) in -1..1."""
        fine = self.fine(self.stem(x))
        middle = self.middle(fine)
        coarse = self.coarse(middle)
        features = torch.cat([coarse.mean((2, 3)), coarse.amax((2, 3))], 1)
        heads = {name: head(features) for name, head in self.heads.items()}
        middle = middle + F.interpolate(self.coarse_to_middle(coarse), scale_factor=2.0)
        cells = self.cells(fine + F.interpolate(self.middle_to_fine(middle), scale_factor=2.0))
        return Verdict(heads, self.things(cells), self.colours(cells))


def shrunk(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A square picture (H, W, 3) at the judge's size, by area."""
    if picture.shape[:2] == (SIDE, SIDE):
        return picture
    return np.asarray(cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def presence(things: Tensor) -> Tensor:
    """(B, THINGS, h, w) logits of cells -> (B, THINGS): that of the cell which shows it most."""
    return things.amax((2, 3))


def colour_logits(verdict: Verdict) -> Tensor:
    """(B, THINGS, COLOURS): the log-probabilities of colours, averaged over the cells where a thing is seen."""
    weights = verdict.things.float().sigmoid().flatten(2).pow(2)
    weights = weights / weights.sum(2, keepdim=True).clamp(min=1e-9)
    return weights @ verdict.colours.float().log_softmax(1).flatten(2).transpose(1, 2)


@torch.no_grad()
def verdicts(judge: Judge, pictures: Sequence[NDArray[np.uint8]], batch: int = 50) -> Iterator[Verdict]:
    """Verdicts of square pictures (H, W, 3), in batches; each is the mean of the picture's and its mirror image's."""
    for start in range(0, len(pictures), batch):
        x = to_signed(torch.from_numpy(np.stack([shrunk(p) for p in pictures[start : start + batch]])))
        plain, mirrored = judge(x), judge(x.flip(3))
        yield Verdict(
            {name: (plain.heads[name] + mirrored.heads[name]) / 2 for name in HEADS},
            (plain.things + mirrored.things.flip(3)) / 2,
            (plain.colours + mirrored.colours.flip(3)) / 2,
        )


def look(judge: Judge, pictures: Sequence[NDArray[np.uint8]]) -> list[Seen]:
    """What the judge sees in square pictures (H, W, 3) uint8 of any size from 128 px."""
    seen: list[Seen] = []
    for verdict in verdicts(judge, pictures):
        there = (presence(verdict.things) > judge.thresholds).tolist()
        colours = colour_logits(verdict).argmax(2).tolist()
        values = {name: verdict.heads[name].argmax(1).tolist() for name in HEADS}
        for i in range(len(there)):
            things = {
                thing: COLOURS[colours[i][k]] if thing in PAINT else "" for k, thing in enumerate(THINGS) if there[i][k]
            }
            seen.append(Seen({name: HEADS[name][values[name][i]] for name in HEADS}, things))
    return seen


def accuracy(judge: Judge, pictures: Sequence[NDArray[np.uint8]], facts: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Shares of right answers about renders, against their {"plan", "boxes"}.

    "object present": of the kinds of thing in the plans, those seen. "absent right": of the kinds that the scene might
    have shown and does not, those not seen. "colour right": of the coloured kinds, those seen in their colour.
    """
    right: dict[str, list[bool]] = {name: [] for name in (*HEADS, "object present", "absent right", "colour right")}
    for seen, fact in zip(look(judge, pictures), facts, strict=True):
        plan = fact["plan"]
        for name in HEADS:
            right[name].append(seen.heads[name] == plan[name])
        drawn = {box["name"] for box in fact["boxes"]}
        right["absent right"] += [name not in seen.things for name in CAST[plan["scene"]] if name not in drawn]
        for thing in plan["things"]:
            right["object present"].append(thing["name"] in seen.things)
            if thing["colour"]:
                right["colour right"].append(seen.things.get(thing["name"]) == thing["colour"])
    return {name: float(np.mean(values)) for name, values in right.items()}


def load_judge(path: Path = JUDGE) -> tuple[Judge, dict[str, Any]]:
    """The judge of a file, ready to look, and what the file says of its making and its accuracy."""
    judge = Judge()
    with safe_open(path, "pt") as file:
        judge.load_state_dict({key: file.get_tensor(key).float() for key in file.keys()})  # noqa: SIM118
        about: dict[str, Any] = json.loads(file.metadata()["latent_studio_judge"])
    return judge.eval(), about
