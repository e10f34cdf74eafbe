"""`txt2img`: the request of the command line, drawn in this process."""

import json
import math
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import fields
from pathlib import Path
from types import FrameType
from typing import Any

from app import library
from app.cli import INTERRUPTED, say
from app.models import Shelf
from app.recipes import picture_recipe, read_recipe
from app.requests import accept, prepare
from app.settings import Settings
from ldm_core.errors import UserError
from ldm_core.events import Failed, Loading, Picture, Progress, Stopped
from ldm_core.tasks import Request, request_from_json
from ldm_core.tasks.text_to_image import TextToImage

TASK = "text_to_image"
BAR = 24  # characters
OTHER_KINDS = {".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"}


def txt2img(settings: Settings, options: Mapping[str, Any]) -> int:
    """Draw and save; returns the exit code. Prints the files, or JSON. Raises UserError for what is refused."""
    shelf = Shelf(settings, files=True)
    request, notes = _request(settings, shelf, options)
    notes += accept(request, shelf, settings.limits)
    targets = _targets(settings, options["out"], request.count, options["overwrite"])
    for note in notes:
        say(f"Note: {note}")
    complete, recipe = prepare(request, shelf, settings.limits)
    with library.writable(targets[0].parent if targets[0].suffix.lower() == ".png" else targets[0]):
        return _draw(settings, shelf, complete, recipe, targets, options, notes)


def _request(settings: Settings, shelf: Shelf, options: Mapping[str, Any]) -> tuple[Request, tuple[str, ...]]:
    """The request, with what the command line leaves open taken from the recipe, and remarks about that."""
    given = {f.name: options[f.name] for f in fields(TextToImage) if options.get(f.name) is not None}
    notes: tuple[str, ...] = ()
    if options["recipe"] is not None:
        recipe = read_recipe(options["recipe"], settings.limits)
        if recipe.task != TASK:
            raise UserError(f"The recipe in {options['recipe'].name} is for {recipe.task}, not for txt2img.")
        given, notes = {**recipe.options, **given}, recipe.notes
        if recipe.model and "model" not in given:
            # A foreign program's model is rarely here; its prompt and numbers are still worth drawing with ours.
            try:
                given["model"] = shelf.card(recipe.model).name
            except UserError:
                notes += (f"the model {recipe.model} is not here, so the default one draws.",)
    elif "prompt" not in given:
        raise UserError(
            "txt2img needs a PROMPT: what the picture should show.", 'For example: txt2img "a lake at sunset"'
        )
    return request_from_json({"task": TASK, **given}), notes


def _targets(settings: Settings, out: str | None, count: int, overwrite: bool) -> list[Path]:
    """The file of each picture, or one folder for all. Raises UserError if a file is in the way."""
    if out is None:
        return [library.day_folder(settings.outputs, TASK)]
    if not out:
        raise UserError("--out must be a file or a folder, not ''.")
    path = Path(out)
    suffix = path.suffix.lower()
    if suffix in OTHER_KINDS and not path.is_dir():
        raise UserError(f"--out {out}: pictures are saved as PNG.", f"Write {path.with_suffix('.png')}, or a folder.")
    if suffix != ".png" or path.is_dir() or out.endswith("/"):
        if path.suffix.lower() == ".png":
            raise UserError(
                f"--out {out} is a folder with the name of a picture.", "Name a file in it, or another folder."
            )
        return [path]
    digits = len(str(count))
    files = [path] if count == 1 else [path.with_stem(f"{path.stem}-{i:0{digits}d}") for i in range(1, count + 1)]
    if not overwrite and (taken := [file for file in files if file.exists()]):
        raise UserError(f"{taken[0]} exists already; it is not overwritten.", "Say --overwrite to do so.")
    return files


def _draw(
    settings: Settings,
    shelf: Shelf,
    request: Request,
    recipe: dict[str, Any],
    targets: list[Path],
    options: Mapping[str, Any],
    notes: tuple[str, ...],
) -> int:
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # the libraries' remarks are not for the person
    from ldm_core.engine import Engine

    began = time.monotonic()
    line = _Line()
    pictures: list[dict[str, Any]] = []
    stopped = False
    with _stop_by_signal() as stop, ExitStack() as stack:
        stack.callback(line.clear)
        engine = Engine(shelf.resolve, settings.device, settings.dtype, _latents(settings), settings.limits)
        for event in stack.enter_context(closing(engine.run(request, previews=False, stop=stop))):
            match event:
                case Loading():
                    line.show("Reading the model …")
                case Progress():
                    line.show(_bar(event))
                case Picture(index, seed, image):
                    own = picture_recipe(recipe, index)
                    target = targets[index % len(targets)]
                    file = library.save(
                        image, own, target, model_hash=shelf.sha256(request.model), overwrite=options["overwrite"]
                    )
                    pictures.append(
                        {"file": str(file), "seed": seed, "width": image.shape[1], "height": image.shape[0]}
                    )
                    if not options["json"]:
                        line.clear()
                        print(file, flush=True)
                case Failed(error):
                    raise UserError(error)
                case Stopped():
                    stopped = True
    if options["json"]:
        seconds = round(time.monotonic() - began, 3)
        print(json.dumps({"pictures": pictures, "recipe": recipe, "notes": notes, "seconds": seconds}), flush=True)
    if stopped:
        say(f"Stopped; {len(pictures)} of {request.count} pictures were finished.")
    return INTERRUPTED if stopped else 0


def _latents(settings: Settings) -> Path | None:
    """Where finished latents wait to be decoded; None if nothing can be written there (the pictures go elsewhere)."""
    folder = settings.data / "latents"
    try:
        with library.writable(folder):
            return folder
    except UserError:
        return None


@contextmanager
def _stop_by_signal() -> Iterator[threading.Event]:
    """The first Ctrl+C asks the engine to stop within a step; the second one ends the program at once."""
    stop = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Line:
    """One line on the terminal that is written over again and again; nothing at all in a pipe."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()

    def show(self, text: str) -> None:
        if self._live:
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        self.show("")


def _bar(progress: Progress) -> str:
    done = round(BAR * progress.step / max(progress.steps, 1))
    left = "" if progress.seconds_left is None else f"  {_duration(progress.seconds_left)} left"
    return f"{'━' * done}{'─' * (BAR - done)}  step {progress.step} of {progress.steps}{left}"


def _duration(seconds: float) -> str:
    whole = math.ceil(seconds)
    return f"{whole} s" if whole < 100 else f"{whole // 60} min {whole % 60:02d} s"
