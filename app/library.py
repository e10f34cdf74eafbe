"""Pictures on disk: PNG with the recipe inside, written whole or not at all."""

import errno
import io
import os
import re
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from itertools import takewhile
from pathlib import Path
from typing import Any

from PIL import Image, PngImagePlugin

from app.recipes import texts
from ldm_core.errors import UserError
from ldm_core.events import Pixels

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FOLDERS = {"text_to_image": "txt2img"}


def day_folder(outputs: Path, task: str) -> Path:
    """Where pictures of a task go today."""
    return outputs / FOLDERS[task] / date.today().isoformat()


def next_file(folder: Path, seed: int) -> Path:
    """A name in `folder` that is not taken: 00012-seed-7.png after 00011-anything."""
    names = os.listdir(folder) if folder.is_dir() else []
    numbers = [int(found[0]) for name in names if (found := re.match(r"\d{5,}(?=-)", name))]
    return folder / f"{max(numbers, default=0) + 1:05d}-seed-{seed}.png"


def save(
    image: Pixels, recipe: Mapping[str, Any], target: Path, *, model_hash: str = "", overwrite: bool = False
) -> Path:
    """Write one picture, (H, W, 3) uint8, with its recipe; returns the file.

    target: the file (ending in .png), or a folder in which it gets the next name. Raises UserError if the disk is full,
    the folder cannot be written, or the file exists and `overwrite` is off; then nothing is left behind.
    """
    chunks = PngImagePlugin.PngInfo()
    for keyword, text in texts(recipe, model_hash).items():
        chunks.add_text(keyword, text)
    png = io.BytesIO()
    Image.fromarray(image).save(png, format="PNG", pnginfo=chunks)
    if target.suffix.lower() == ".png":
        write_whole(target, png.getbuffer(), overwrite)
        return target
    while True:
        file = next_file(target, recipe["seed"])
        try:
            write_whole(file, png.getbuffer(), overwrite=False)
        except FileExistsAlready:
            continue  # another process took the number in this very moment
        return file


class FileExistsAlready(UserError):
    """There is a file of that name, which is not to be lost."""


def write_whole(file: Path, data: bytes | memoryview, overwrite: bool) -> None:
    """Write a file so that nobody ever sees a part of it. Missing folders are made.

    Raises FileExistsAlready, or UserError with the reason; then no temporary file stays.
    """
    part = file.parent / f".{secrets.token_hex(6)}.part"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("xb") as stream:
                stream.write(data)
            _put(part, file, overwrite)
        finally:
            part.unlink(missing_ok=True)
    except FileExistsError as error:
        if file.parent.is_dir():
            raise FileExistsAlready(
                f"{file} exists already; it is not overwritten.", "Say --overwrite to do so."
            ) from error
        raise unwritable(file.parent, error) from error
    except OSError as error:
        raise unwritable(file.parent, error) from error


def _put(part: Path, file: Path, overwrite: bool) -> None:
    if overwrite:
        part.replace(file)
        return
    try:
        os.link(part, file)  # unlike a rename, this never replaces a file
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if file.exists():
            raise FileExistsError(file) from None
        part.replace(file)


def unwritable(folder: Path, error: OSError) -> UserError:
    """The sentence for a folder into which a file could not be written."""
    if error.errno in _FULL:
        return UserError(f"The disk is full: nothing could be saved in {folder}.", "Free some space and try again.")
    reason = error.strerror or str(error)
    return UserError(f"The folder {folder} cannot be written: {reason[:1].lower()}{reason[1:]}.")


@contextmanager
def writable(folder: Path) -> Iterator[None]:
    """Make sure, before the work, that `folder` takes a file. Folders made for that go again if nothing came into them.

    Raises UserError if it does not.
    """
    missing: list[Path] = []
    try:
        try:
            missing += takewhile(lambda parent: not parent.exists(), (folder, *folder.parents))
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise unwritable(folder, error) from error
        yield
    finally:
        for made in missing:
            if made.is_dir() and not any(made.iterdir()):
                made.rmdir()
