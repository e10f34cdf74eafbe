"""The engine: takes a request, yields events. Holds one model, draws one job at a time."""

import re
import secrets
import threading
from collections.abc import Callable, Container, Generator
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from ldm_core import memory
from ldm_core.checkpoints.families import spec_of
from ldm_core.checkpoints.header import read_header
from ldm_core.errors import UserError
from ldm_core.events import Done, Event, Failed, Loading, Picture, Pixels, Stopped
from ldm_core.limits import Limits
from ldm_core.model import LatentDiffusion, first_stage_of, load_model
from ldm_core.spec import ModelSpec
from ldm_core.tasks import TASKS, Request, check, request_to_json, resolve, task_of
from ldm_core.tasks.keep import Keeper, forget_old

HELD_BYTES = 512_000_000  # of pictures that `Done` hands over once more

State = tuple[tuple[Path, int, int], ...]  # files with time of change and size


class Engine:
    """Draws pictures with one resident model; every method may be called from any thread, jobs wait for one another.

    resolve: name of a model ("" for the default) -> its file; may raise UserError. device: auto, cpu, cuda, cuda:1,
    mps. dtype of the network: auto, float32, float16, bfloat16. keep: folder for latents between sampling and the
    finished picture; None to keep none. Raises UserError if the device or the dtype cannot be used.
    """

    def __init__(
        self,
        resolve: Callable[[str], Path],
        device: str = "auto",
        dtype: str = "auto",
        keep: Path | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.device = memory.pick_device(device)
        self.dtype = memory.pick_dtype(dtype, self.device)
        memory.make_repeatable(self.device)
        self._resolve = resolve
        self._keep = keep
        self._limits = limits or Limits()
        self._turn = threading.Lock()
        self._resident: tuple[State, LatentDiffusion] | None = None
        if keep is not None and keep.is_dir():
            forget_old(keep)

    def spec(self, model_name: str = "") -> ModelSpec:
        """What is known of a model; only the header of its file is read. Raises UserError."""
        return spec_of(read_header(self._resolve(model_name)))

    def warm(self, model_name: str = "") -> None:
        """Read a model and let it draw one step, so that the next job starts at full speed. Raises UserError."""
        with self._turn:
            model = self._load(model_name)
            defaults = model.spec.defaults
            latents = torch.zeros(1, *model.latent_shape(defaults.width, defaults.height), device=model.device)
            condition = model.conditioner([""] * 2)
            model.decode(model.denoiser()(latents.expand(2, -1, -1, -1), 1.0, condition)[:1])

    def run(
        self,
        request: Request,
        *,
        job_id: str = "",
        previews: bool = True,
        stop: threading.Event | None = None,
        skip: Container[int] = (),
    ) -> Generator[Event, None, None]:
        """Draw. The last event is Done, Failed or Stopped; what a person or the hardware causes is Failed, a sentence.

        job_id: letters, digits, - and _; a job run again under its id takes up finished latents. skip: indices of
        pictures that exist already. stop: ends the job within a step. Closing the generator ends it, too.
        """
        failure = ""
        with self._turn:
            try:
                yield from self._events(request, _checked(job_id), previews, stop or threading.Event(), skip)
            except UserError as error:
                failure = str(error)
            except (MemoryError, RuntimeError, OSError) as error:
                if not memory.is_out_of_memory(error):
                    raise
                failure = memory.out_of_memory(self.device)
            if failure:  # here, after the except: an exception holds on to the tensors of every frame it came through
                memory.release(self.device)
                yield Failed(failure)

    def _events(
        self, request: Request, job_id: str, previews: bool, stop: threading.Event, skip: Container[int]
    ) -> Generator[Event, None, None]:
        check(request, self._limits)
        if not self._is_resident(request.model):
            yield Loading(request.model or self.spec(request.model).name)
        model = self._load(request.model)
        request = resolve(request, model.spec, self._limits)
        recipe = request_to_json(request)
        keep = self._keeper(job_id, recipe)
        module, _, function = TASKS[task_of(request)].generator.partition(":")
        draw = getattr(import_module(module), function)
        images: list[Pixels] = []
        size = 0
        try:
            for event in draw(model, request, previews=previews, stop=stop, keep=keep, skip=skip):
                yield event
                if isinstance(event, Stopped):
                    return
                if isinstance(event, Picture):
                    size += event.image.nbytes
                    images = [*images, event.image] if size <= HELD_BYTES else []
        finally:
            if keep and not job_id:  # nobody can come back for the latents of a job without a name
                keep.drop(*range(request.count))
        yield Done(tuple(images), recipe)

    def _keeper(self, job_id: str, recipe: dict[str, Any]) -> Keeper | None:
        if self._keep is None:
            return None
        model = str(self._resident and self._resident[0])  # its files: other weights make other latents
        return Keeper(self._keep, job_id or f"unnamed-{secrets.token_hex(8)}", {**recipe, "files": model})

    def _is_resident(self, name: str) -> bool:
        state = _state(self._resolve(name))  # first: of a model that is not there, nothing is loaded
        return self._resident is not None and self._resident[0] == state

    def _load(self, name: str) -> LatentDiffusion:
        """The resident model if it is the wished one and its files have not changed; else read anew in its place."""
        path = self._resolve(name)
        state = _state(path)
        if self._resident is None or self._resident[0] != state:
            self._resident = None  # first, so that two models are never in memory
            memory.release(self.device)
            self._resident = state, load_model(path, device=self.device, dtype=self.dtype)
        return self._resident[1]


def _state(path: Path) -> State:
    """What changes if a model is replaced. Raises UserError if a file of it is missing."""
    found = []
    for file in (path, first_stage_of(path)):
        stat = file.stat()
        found.append((file, stat.st_mtime_ns, stat.st_size))
    return tuple(found)


def _checked(job_id: str) -> str:
    if not re.fullmatch(r"[\w-]*", job_id, re.ASCII):
        raise ValueError(f"a job id is made of letters, digits, - and _; not {job_id!r}")
    return job_id
