"""Recipes: from a request to the two texts inside a PNG, and back from a picture of our own or of a foreign program.

`ldm_job` is the request's JSON, complete. `parameters` says most of it in A1111's form, for other programs.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from app.infotext import Infotext, read_infotext, write_infotext
from ldm_core import __version__
from ldm_core.diffusion.samplers import SAMPLERS
from ldm_core.diffusion.spacing import SPACINGS
from ldm_core.errors import UserError
from ldm_core.limits import Limits
from ldm_core.tasks import request_from_json, request_to_json

PROGRAM = f"Latent Studio {__version__}"
_OURS = ("made_by", "model_hash")  # what `ldm_job` holds beside the request
_USER_COMMENT, _EXIF = 0x9286, 0x8769
_SAMPLERS = {"euler a": "euler_ancestral", "k_euler": "euler", "k_euler_a": "euler_ancestral", "k_heun": "heun"}
_SCHEDULES = {"ddim": "uniform"}
_NUMBERS = {"Steps": "steps", "CFG scale": "cfg_scale", "Seed": "seed", "Size-1": "width", "Size-2": "height"}
_NUMBERS |= {"Eta": "eta", "Eta DDIM": "eta"}


@dataclass(frozen=True)
class Recipe:
    """options: fields of the request that the picture names. model: of a foreign picture, which we may not have.

    notes: what could not be taken over.
    """

    task: str
    options: Mapping[str, Any]
    model: str = ""
    notes: tuple[str, ...] = ()


def picture_recipe(recipe: Mapping[str, Any], index: int) -> dict[str, Any]:
    """The recipe of picture `index` of a job alone: its own seed, count 1."""
    return {**recipe, "seed": recipe["seed"] + index, "count": 1}


def texts(recipe: Mapping[str, Any], model_hash: str = "") -> dict[str, str]:
    """The text chunks of a picture with this (resolved) recipe, by keyword. model_hash: sha256 of its file."""
    request = request_from_json(dict(recipe))
    items = {
        "Steps": request.steps,
        "Sampler": SAMPLERS[request.sampler].label,
        "Schedule type": SPACINGS[request.schedule].label,
        "CFG scale": None if request.cfg_scale is None else f"{request.cfg_scale:.10g}",
        "Seed": request.seed,
        "Size": f"{request.width}x{request.height}",
        "Model hash": model_hash[:10] or None,
        "Model": request.model or None,
        "RNG": "CPU",
        "Eta": f"{request.eta:.10g}" if request.eta else None,
        "LDM task": f"{recipe['task']}: v{recipe['version']}",
        "Version": PROGRAM.lower().replace(" ", "-"),
    }
    complete = {**request_to_json(request), "made_by": PROGRAM}
    if model_hash:
        complete["model_hash"] = model_hash
    return {
        "parameters": write_infotext(request.prompt, request.negative_prompt, items),
        "ldm_job": json.dumps(complete),
    }


def read_recipe(path: Path, limits: Limits | None = None) -> Recipe:
    """What is written in a picture (PNG, JPEG, WebP); its pixels are not decoded.

    Raises UserError if it is no picture, too large, or has no recipe.
    """
    try:
        with Image.open(path) as image:
            size, info = image.size, dict(image.info)
            if image.format != "PNG":
                info = {"parameters": _comment(image)}
    except FileNotFoundError as error:
        raise UserError(f"There is no file {path}.") from error
    except Image.DecompressionBombError as error:
        raise UserError(f"{path.name} is too large a picture to be read.") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise UserError(f"{path.name} cannot be read as a picture.") from error
    limit = (limits or Limits()).max_pixels
    if size[0] * size[1] > limit:
        raise UserError(
            f"{path.name} has {size[0]}x{size[1]} pixels; pictures of up to {limit / 1e6:g} megapixels are read."
        )
    if own := info.get("ldm_job"):
        return _own(own, path.name)
    if text := info.get("parameters"):
        return _foreign(read_infotext(str(text)))
    raise UserError(f"{path.name} has no recipe in it: its text is neither ours nor in the form of A1111.")


def _comment(image: Image.Image) -> str:
    """The EXIF user comment, by which A1111 carries its text in JPEG and WebP."""
    raw = image.getexif().get_ifd(_EXIF).get(_USER_COMMENT, b"")
    if isinstance(raw, str):
        return raw
    if raw[:8] == b"UNICODE\0":
        return bytes(raw[8:]).decode("utf-16-be", errors="ignore")
    return bytes(raw.removeprefix(b"ASCII\0\0\0")).decode("utf-8", errors="ignore")


def _own(text: str, name: str) -> Recipe:
    try:
        data = json.loads(text)
        request = request_from_json({key: value for key, value in data.items() if key not in _OURS})
    except (ValueError, AttributeError, RecursionError) as error:
        raise UserError(f"The recipe in {name} is damaged.") from error
    except UserError as error:
        raise UserError(f"The recipe in {name} cannot be used: {error.message}") from error
    options = request_to_json(request)
    task = options.pop("task")
    del options["version"]
    return Recipe(task, options)


def _foreign(text: Infotext) -> Recipe:
    options: dict[str, Any] = {"prompt": text.prompt, "negative_prompt": text.negative_prompt}
    notes: list[str] = []
    for key, name in _NUMBERS.items():
        if key not in text.items:
            continue
        try:
            options[name] = float(text.items[key]) if name in ("cfg_scale", "eta") else int(text.items[key])
        except ValueError:
            notes.append(f"{key} {text.items[key]} is no number")
    sampler, schedule = text.items.get("Sampler", ""), text.items.get("Schedule type", "")
    for word in ("Karras", "Exponential"):  # before 1.9 the schedule was the end of the sampler's name
        if sampler.endswith(f" {word}"):
            sampler, schedule = sampler.removesuffix(f" {word}"), word
    known_samplers = {entry.label.lower(): name for name, entry in SAMPLERS.items()} | _SAMPLERS
    known_schedules = {entry.label.lower(): name for name, entry in SPACINGS.items()} | _SCHEDULES
    for name, value, known in (("sampler", sampler, known_samplers), ("schedule", schedule, known_schedules)):
        if value.lower() in known:
            options[name] = known[value.lower()]
        elif value and value != "Automatic":
            notes.append(f"the {name} {value} is not known here")
    return Recipe("text_to_image", options, text.items.get("Model", ""), tuple(notes))
