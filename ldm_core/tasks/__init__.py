"""The tasks, and what all of them share: requests to and from JSON, limits, and the model's defaults.

A request is a frozen dataclass: everything that decides the picture and nothing else. Its JSON is the recipe in the
PNG, the row in the queue, the body of the API. A field that is None (or "") stands for the model's own default.
A new task is a file here and a line in TASKS.
"""

import math
import random
from dataclasses import MISSING, asdict, dataclass, fields, replace
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from ldm_core.errors import UserError, quoted
from ldm_core.limits import Limits
from ldm_core.spec import ModelSpec
from ldm_core.tasks.text_to_image import TextToImage

__all__ = [
    "TASKS",
    "Request",
    "Task",
    "TextToImage",
    "check",
    "request_from_json",
    "request_to_json",
    "resolve",
    "task_of",
]

VERSION = 1  # of the request JSON
Request = TextToImage
R = TypeVar("R", bound=Request)


@dataclass(frozen=True)
class Task:
    """request: its dataclass. generator: "module:function", imported (with torch) only when a job runs."""

    request: type[Request]
    generator: str


TASKS: dict[str, Task] = {
    "text_to_image": Task(TextToImage, "ldm_core.tasks.text_to_image:text_to_image"),
}


def task_of(request: Request) -> str:
    """The name under which the class of `request` stands in TASKS."""
    return next(name for name, task in TASKS.items() if type(request) is task.request)


def request_to_json(request: Request) -> dict[str, Any]:
    """{"task", "version", and every field}: only numbers, strings and None."""
    return {"task": task_of(request), "version": VERSION, **asdict(request)}


def request_from_json(data: object) -> Request:
    """The request that `data` describes; fields that are missing have their defaults.

    Raises UserError for anything but an object of a known task and version with known fields of the right type.
    """
    if not isinstance(data, dict):
        raise UserError(f"A request is a JSON object with a task and its options, not {quoted(data)}.")
    options = {key: value for key, value in data.items() if key not in ("task", "version")}
    name, version = data.get("task"), data.get("version", VERSION)
    if not isinstance(name, str) or name not in TASKS:
        raise UserError(f"The task {quoted(name)} is not known here; known tasks: {', '.join(TASKS)}.")
    if isinstance(version, bool) or not isinstance(version, int) or not 1 <= version <= VERSION:
        raise UserError(f"This request has version {quoted(version)}; this program reads versions up to {VERSION}.")
    kind = TASKS[name].request
    known = {f.name: f for f in fields(kind)}
    for key in options:
        if key not in known:
            raise UserError(f"The task {name} has no option {quoted(key)}; it has: {', '.join(known)}.")
    for key, f in known.items():
        if key not in options and f.default is MISSING:
            raise UserError(f"The task {name} needs the option {key}.")
    hints = get_type_hints(kind)
    return kind(**{key: _typed(key, value, hints[key]) for key, value in options.items()})


def check(request: Request, limits: Limits | None = None) -> None:
    """Refuse what no model could draw. Needs no model and no torch.

    Raises UserError: one sentence with the option, its value and what is allowed.
    """
    limits = limits or Limits()
    hints = get_type_hints(type(request))
    for f in fields(request):
        value = _typed(f.name, getattr(request, f.name), hints[f.name])
        if isinstance(value, str):
            _check_text(f.name, value, limits)
        elif value is not None and f.name in _RANGES:
            low, high = _RANGES[f.name](limits)
            if not low <= value <= high:  # NaN is refused by this too
                raise UserError(f"{_label(f.name)} must be from {low} to {high}, not {quoted(value)}.")
    if request.seed + request.count - 1 > limits.max_seed:
        last = limits.max_seed
        raise UserError(f"Seed {request.seed} leaves no seeds for {request.count} pictures; the last one is {last}.")
    if request.eta and request.sampler and _usual_eta(request.sampler) is None:
        raise UserError(f"The sampler {request.sampler} adds no noise: eta must be 0, not {request.eta}.")


def resolve(request: R, spec: ModelSpec, limits: Limits | None = None) -> R:
    """The complete request: checked, the model's defaults filled in, a chance seed made concrete.

    The same complete request gives the same bits.
    """
    check(request, limits)
    changes: dict[str, Any] = {}
    for f in fields(spec.defaults):
        if getattr(request, f.name, 0) in (None, ""):
            changes[f.name] = getattr(spec.defaults, f.name)
    if request.seed < 0:
        changes["seed"] = random.SystemRandom().randrange(2**32)
    if request.eta is None:
        changes["eta"] = _usual_eta(changes.get("sampler", request.sampler)) or 0.0
    complete = replace(request, **changes)
    check(complete, limits)
    return complete


_RANGES: dict[str, Any] = {
    "steps": lambda limits: (1, limits.max_steps),
    "width": lambda limits: (limits.min_side, limits.max_side),
    "height": lambda limits: (limits.min_side, limits.max_side),
    "count": lambda limits: (1, limits.max_count),
    "seed": lambda limits: (-1, limits.max_seed),
    "cfg_scale": lambda limits: (0, limits.max_cfg_scale),
    "eta": lambda limits: (0, limits.max_eta),
}


def _check_text(name: str, value: str, limits: Limits) -> None:
    if len(value) > limits.max_prompt:
        raise UserError(f"{_label(name)} has {len(value)} characters; at most {limits.max_prompt} are read.")
    if not value.isprintable() and any("\ud800" <= c <= "\udfff" for c in value):
        raise UserError(f"{_label(name)} holds bytes that are not text in UTF-8.")
    if name in ("sampler", "schedule") and value:
        known = _names(name)
        if value not in known:
            raise UserError(f"{_label(name)} {quoted(value)} is not known here; known: {', '.join(known)}.")


def _names(registry: str) -> list[str]:
    if registry == "sampler":
        from ldm_core.diffusion.samplers import SAMPLERS

        return list(SAMPLERS)
    from ldm_core.diffusion.spacing import SPACINGS

    return list(SPACINGS)


def _usual_eta(sampler: str) -> float | None:
    from ldm_core.diffusion.samplers import SAMPLERS

    return SAMPLERS[sampler].eta


def _label(name: str) -> str:
    return {"cfg_scale": "CFG scale"}.get(name, name.replace("_", " ").capitalize())


def _typed(name: str, value: object, hint: Any) -> Any:
    """`value` as the type `hint`. A whole float may stand for an int, an int for a float; nothing else is converted."""
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    if value is None and type(None) in kinds:
        return None
    if str in kinds and isinstance(value, str):
        return value
    if not isinstance(value, bool):
        if int in kinds and isinstance(value, int):
            return value
        if int in kinds and isinstance(value, float) and value.is_integer():
            return int(value)
        if float in kinds and isinstance(value, int | float) and math.isfinite(value):
            return float(value)
    wanted = "a whole number" if int in kinds else "a number" if float in kinds else "text"
    raise UserError(f"{_label(name)} must be {wanted}, not {quoted(value)}.")
