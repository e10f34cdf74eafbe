"""Disks that are full, folders that cannot be written: one sentence, nothing half-written, and the server goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from app import library
from app.jobs import open_jobs
from app.models import Shelf
from app.settings import ROOT, Settings
from app.workers.local import LocalWorker
from ldm_core.errors import UserError
from ldm_core.tasks import request_to_json
from ldm_core.tasks.text_to_image import TextToImage

RECIPE = request_to_json(TextToImage("a lake", "", "m", "ddim", "uniform", 3, 4.0, 0.0, 7, 96, 64, 1))
NOISE = np.random.default_rng(0).integers(0, 256, (512, 512, 3), np.uint8)  # about 790 kB as PNG
LAKE = TextToImage("a lake", seed=1, steps=1)


def test_a_full_disk_leaves_nothing_behind(small_disk: Path) -> None:
    for target in (small_disk / "x.png", small_disk):
        with pytest.raises(UserError, match="The disk is full"):
            library.save(NOISE, RECIPE, target)
    assert list(small_disk.iterdir()) == []
    library.save(NOISE[:64, :96], RECIPE, small_disk / "x.png")
    assert [path.name for path in small_disk.iterdir()] == ["x.png"]


def test_overwriting_on_a_full_disk_keeps_the_old_file(small_disk: Path) -> None:
    file = small_disk / "x.png"
    file.write_bytes(b"mine")
    with pytest.raises(UserError, match="The disk is full"):
        library.save(NOISE, RECIPE, file, overwrite=True)
    assert file.read_bytes() == b"mine"


def fill(disk: Path) -> Path:
    """Take all that is left; returns the file to remove again."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as stream:
        try:
            while True:
                stream.write(bytes(1024))
        except OSError:
            return ballast


def test_a_server_on_a_full_disk_says_so_and_goes_on_when_there_is_room(
    small_disk: Path, settings: Settings, tmp_path: Path
) -> None:
    settings = Settings(models=settings.models, outputs=small_disk, device="cpu")
    shelf = Shelf(settings, embedded=tmp_path / "none")
    jobs = open_jobs(settings, shelf)
    worker = LocalWorker(jobs, shelf, settings)
    waiting = jobs.submit(LAKE)
    ballast = fill(small_disk)
    worker.start()
    *_, (_, last) = jobs.watch(waiting.id)
    assert last["state"] == "failed"
    assert "No space left" in last["error"] or "disk is full" in last["error"]
    ballast.unlink()
    *_, (_, last) = jobs.watch(jobs.submit(LAKE).id)
    assert (last["state"], last["error"]) == ("done", "")
    jobs.close()
    assert worker.stop(20)


def test_a_limit_on_file_sizes_is_met_like_a_full_disk(tmp_path: Path, settings: Settings) -> None:
    code = (
        "import resource, sys\n"
        "from app import cli\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "sys.exit(cli.main(sys.argv[1:], print))\n"
    )
    wish = ["txt2img", "a lake", "--model", "tiny scenes", "--steps", "1", "--out", str(tmp_path / "new" / "x.png")]
    environment = {"LATENT_STUDIO_MODELS": str(settings.models), "LATENT_STUDIO_OUTPUTS": str(settings.outputs)}
    result = subprocess.run(
        [sys.executable, "-c", code, *wish],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2, result.stderr
    assert result.stderr.count("\n") == 1
    assert "disk is full" in result.stderr
    assert result.stdout == ""
    assert not (tmp_path / "new").exists()


def unwritable_folders(tmp_path: Path) -> list[Path]:
    (tmp_path / "file").write_text("in the way")
    folders = [tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nothing"), tmp_path / ("x" * 300)]
    if os.geteuid() != 0:  # root may write everywhere
        (tmp_path / "locked").mkdir(mode=0o500)
        folders.append(tmp_path / "locked")
    return folders


def test_a_folder_that_cannot_be_written_is_named_before_the_work(tmp_path: Path) -> None:
    for folder in unwritable_folders(tmp_path):
        with pytest.raises(UserError, match="cannot be written"), library.writable(folder):
            pytest.fail("the work began")
        with pytest.raises(UserError, match="cannot be written"):
            library.save(NOISE[:8, :8], RECIPE, folder / "x.png")
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_server_whose_outputs_cannot_be_written_does_not_start(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "file").write_text("in the way")
    settings = Settings(models=settings.models, outputs=tmp_path / "file")
    with pytest.raises(UserError, match="file"):
        open_jobs(settings, Shelf(settings))


def test_a_damaged_model_is_a_sentence(tmp_path: Path, settings: Settings) -> None:
    for name in ("first-stage.safetensors", "scenes-text.safetensors"):
        folder = tmp_path / name
        folder.mkdir()
        for file in settings.models.iterdir():
            (folder / file.name).write_bytes(file.read_bytes()[: -1000 if file.name == name else None])
        damaged = Settings(models=folder, outputs=settings.outputs, device="cpu")
        shelf = Shelf(damaged, embedded=tmp_path / "none")
        jobs = open_jobs(settings, shelf)
        worker = LocalWorker(jobs, shelf, damaged)
        worker.start()
        try:
            *_, (_, last) = jobs.watch(jobs.submit(LAKE).id)
            sentence = last["error"]
        except UserError as error:  # what its header shows is refused at once
            sentence = str(error)
        assert name in sentence or "There is no model" in sentence
        jobs.close()
        assert worker.stop(20)
