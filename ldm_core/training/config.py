"""Training recipes: a YAML file of plain `key: value` lines, read without a YAML library.

A training machine may have nothing but torch, numpy, pillow, opencv and safetensors. So a recipe uses the flat part of
YAML only: one `key: value` a line, `#` comments, values as JSON (numbers, true, [lists], {maps}, "text") or bare text.
"""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from ldm_core.errors import UserError

Recipe = TypeVar("Recipe")


@dataclass(frozen=True)
class FirstStageRecipe:
    """How a first stage is trained; lengths in pictures seen, sizes in pixels."""

    name: str
    output: str  # file under presets/models
    scenes: int  # rendered training pictures
    samples: int  # crops seen
    batch: int = 8  # over all processes
    crop: int = 128
    picture_size: int = 256
    whole_share: float = 0.3  # of the crops are whole pictures shrunk
    learning_rate: float = 1e-3
    warmup: int = 2_000  # samples
    cooldown: float = 0.4  # last share of the samples, in which the rate falls to zero
    ema: float = 0.998
    kl_weight: float = 2e-5
    latent_noise: float = 0.15  # decoder sees latents with noise of up to this std in half of the crops
    seed: int = 0
    threads: int = 2
    processes: int = 1
    held_out: int = 500


@dataclass(frozen=True)
class DiffusionRecipe:
    """How a text-conditional diffusion model is trained on the latents of a first stage; lengths in samples seen."""

    name: str
    output: str
    first_stage: str  # file under presets/models
    scenes: int
    samples: int
    unet: dict[str, Any]
    text: dict[str, Any]
    batch: int = 64  # over all processes
    picture_size: int = 256
    snr_shift: float = 0.25
    min_snr_gamma: float = 5.0
    thing_weight: float = 3.0  # of the loss inside the boxes of things
    empty_caption: float = 0.1
    learning_rate: float = 2e-3
    warmup: int = 6_000
    cooldown: float = 0.3
    ema: float = 0.998
    seed: int = 0
    threads: int = 2
    processes: int = 1
    defaults: dict[str, Any] | None = None  # sampler, schedule, steps, cfg_scale that suit the model
    knows: str = ""  # what it can draw, in a word or two for people: "landscapes"


def read_recipe(path: Path, kind: type[Recipe]) -> Recipe:
    """Read a recipe file. Raises UserError for a missing file, and for an unknown or a missing key."""
    if not path.is_file():
        raise UserError(f"There is no training recipe {path}.", hint="Shipped ones are in presets/training.")
    values: dict[str, Any] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.split(" #")[0].strip() if not line.lstrip().startswith("#") else ""
        if not text:
            continue
        key, colon, value = text.partition(":")
        if not colon:
            raise UserError(f"{path.name}, line {number}: expected 'key: value', found '{text}'.")
        values[key.strip()] = _value(value.strip())
    known = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(values) - known):
        raise UserError(f"{path.name} has the unknown key '{unknown[0]}'.", hint="Known: " + ", ".join(sorted(known)))
    try:
        return kind(**values)
    except TypeError as error:
        raise UserError(f"{path.name} is incomplete: {error}.") from error


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
