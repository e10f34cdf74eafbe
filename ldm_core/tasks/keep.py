"""Finished latents on disk until their pictures are safe, so that nothing that was computed is lost."""

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ldm_core.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

OLDEST = 7 * 24 * 3600.0  # seconds that a latent waits for its job to be taken up again


class Keeper:
    """The latents of one job: FOLDER/JOB-INDEX.safetensors.

    recipe: what decides the latents; those of another recipe under the same name are not used.
    """

    def __init__(self, folder: Path, job: str, recipe: dict[str, Any]) -> None:
        self._folder = folder
        self._job = job
        self._recipe = json.dumps(recipe, sort_keys=True)

    def path(self, index: int) -> Path:
        """The file of picture `index`."""
        return self._folder / f"{self._job}-{index}.safetensors"

    def save(self, index: int, latent: "Tensor") -> None:
        """Write a latent, (C, h, w), whole or not at all. Raises UserError if the folder cannot be written."""
        from safetensors.torch import save

        part = self.path(index).with_suffix(".part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            part.write_bytes(save({"latent": latent.float().cpu().contiguous()}, {"recipe": self._recipe}))
            os.replace(part, self.path(index))
        except OSError as error:
            with suppress(OSError):  # the folder itself may be what is wrong
                part.unlink()
            raise UserError(f"The finished latent cannot be written to {self._folder}: {error.strerror}.") from error

    def load(self, index: int) -> "Tensor | None":
        """The latent of picture `index` if an earlier run of this job finished it, else None."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.path(index), "pt") as file:
                fits = (file.metadata() or {}).get("recipe") == self._recipe
                latent: Tensor | None = file.get_tensor("latent") if fits else None
                return latent
        except (OSError, SafetensorError):  # not there, as a rule; or damaged, and drawn again
            return None

    def drop(self, *indices: int) -> None:
        """These pictures are safe, or nobody wants them any more."""
        for index in indices:
            with suppress(FileNotFoundError, NotADirectoryError):
                self.path(index).unlink()


def forget_old(folder: Path) -> None:
    """Remove latents whose job nobody took up again."""
    for pattern in ("*.safetensors", "*.part"):
        for path in folder.glob(pattern):
            try:
                if time.time() - path.stat().st_mtime > OLDEST:
                    path.unlink()
            except FileNotFoundError:
                continue  # another process was faster
