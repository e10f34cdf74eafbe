"""The process dies without a word; the next one takes up its jobs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.jobs import Jobs, open_jobs
from app.models import Shelf
from app.settings import ROOT, Settings
from app.store import QueueInUse
from app.workers.local import LocalWorker
from ldm_core.engine import Engine
from ldm_core.events import Done
from ldm_core.tasks.text_to_image import TextToImage

# Four pictures are drawn at once on a CPU, the fifth after them.
REQUEST = TextToImage("a red tent", seed=3, steps=30, width=256, height=256, count=5)

# A server without its page: it says what happens to its first job.
SERVER = """
import json, sys
from pathlib import Path
from app.jobs import open_jobs
from app.models import Shelf
from app.settings import Settings
from app.workers.local import LocalWorker
from ldm_core.tasks import request_from_json

models, outputs, request = sys.argv[1:]
settings = Settings(models=Path(models), outputs=Path(outputs), device="cpu")
shelf = Shelf(settings, embedded=Path(outputs) / "none")
jobs = open_jobs(settings, shelf)
LocalWorker(jobs, shelf, settings).start()
job = jobs.submit(request_from_json(json.loads(request)))
for name, data in jobs.watch(job.id):
    print(len(data.get("pictures", [])), data.get("step", 0), flush=True)
"""


def test_a_job_survives_kill_minus_nine_and_ends_with_the_pictures_it_would_have_had(
    settings: Settings, tmp_path: Path
) -> None:
    request = json.dumps({"task": "text_to_image", **asdict(REQUEST)})
    command = [sys.executable, "-c", SERVER, str(settings.models), str(settings.outputs), request]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ}, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pictures = steps = 0
    for line in process.stdout:  # until there are pictures, and the next ones are under way
        shown, step = map(int, line.split())
        pictures, steps = max(pictures, shown), max(steps, step)
        if pictures and steps > REQUEST.steps:
            break
    with pytest.raises(QueueInUse):
        Jobs(settings.data / "queue-1.sqlite")
    process.kill()
    process.wait()
    assert 0 < pictures < REQUEST.count
    before = {path: path.stat().st_mtime_ns for path in (settings.outputs / "txt2img").rglob("*.png")}

    shelf = Shelf(settings, embedded=tmp_path / "none")
    jobs = open_jobs(settings, shelf)
    (job,) = jobs.list()
    assert job.state == "queued"
    assert len(job.pictures) == len(before)
    worker = LocalWorker(jobs, shelf, settings)
    worker.start()
    *_, (_, last) = jobs.watch(job.id)
    jobs.close()
    assert worker.stop(20)
    assert (last["state"], last["error"]) == ("done", "")
    assert all(path.stat().st_mtime_ns == time for path, time in before.items()), "pictures were drawn again"
    events = Engine(shelf.resolve, "cpu").run(REQUEST, previews=False)
    whole = next(event for event in events if isinstance(event, Done))
    assert [picture["index"] for picture in last["pictures"]] == list(range(REQUEST.count))
    for picture, image in zip(last["pictures"], whole.images, strict=True):
        assert np.array_equal(np.asarray(Image.open(picture["file"])), image)
    assert not list(settings.outputs.rglob("*.part"))
