"""How long from Generate to the finished picture: through the queue, the worker and the library, onto the disk.

    .venv/bin/python -m benchmarks.click_to_picture [--runs 10] [--model FILE_OR_NAME] [--limit 6]

256 px, 20 steps, guidance, one picture, previews on, the model resident. The time runs from handing the request to the
queue, as the page does, until the PNG is on disk. Beside it, in turns, the same request in the bare engine, without
queue, previews and PNG: what the rest of the application adds. Exit code 1 if the median is above the limit.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from app.jobs import Jobs, open_jobs
from app.models import Shelf
from app.settings import Settings
from app.workers.local import LocalWorker
from benchmarks.previews import PROMPT, draw
from benchmarks.report import machine, paired, spread
from ldm_core.engine import Engine
from ldm_core.tasks.text_to_image import TextToImage


def click(jobs: Jobs, request: TextToImage) -> float:
    """Seconds until the picture of the request is on disk; waits until the job is over."""
    start = time.perf_counter()
    job = jobs.submit(request)
    seconds = 0.0
    for name, data in jobs.watch(job.id):
        if name == "job" and data["pictures"] and not seconds:
            seconds = time.perf_counter() - start
    ended = jobs.get(job.id)
    if ended is None or ended.state != "done":
        raise SystemExit(f"The job ended otherwise: {ended and ended.error}")
    with Image.open(ended.pictures[0].file) as picture:
        picture.load()  # it is whole
    return seconds


def wait_until_ready(worker: LocalWorker) -> None:
    while worker.status.state == "loading":
        time.sleep(0.05)
    if worker.status.state == "failed":
        raise SystemExit(worker.status.text)


def main() -> int:
    parser = argparse.ArgumentParser(description="time from Generate to a PNG on disk")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--model", default="", help="file or name; without it the shipped model")
    parser.add_argument("--limit", type=float, default=6.0, help="seconds that pass")
    options = parser.parse_args()
    print(machine("torch", "numpy"))

    with tempfile.TemporaryDirectory() as folder:
        # The worker reads the shelf's default model when it starts; without shipped models, let it find the given one.
        models = Path(options.model).parent if Path(options.model).is_file() else Settings().models
        settings = Settings(outputs=Path(folder), models=models, browser=False)
        shelf = Shelf(settings, files=True)
        jobs = open_jobs(settings, shelf)
        engine = Engine(shelf.resolve)
        engine.warm(options.model)
        worker = LocalWorker(jobs, shelf, settings, lambda: engine)
        worker.start()
        wait_until_ready(worker)

        clicks: list[float] = []
        bare: list[float] = []
        click(jobs, TextToImage(PROMPT, model=options.model, steps=20, seed=0, width=256, height=256))
        for run in range(options.runs):
            request = TextToImage(PROMPT, model=options.model, steps=20, seed=run, width=256, height=256)
            if run % 2:
                bare.append(draw(engine, request, previews=False).wall)
                clicks.append(click(jobs, request))
            else:
                clicks.append(click(jobs, request))
                bare.append(draw(engine, request, previews=False).wall)
        jobs.close()
        worker.stop()

    ratio, _ = paired(clicks, bare)
    print(f"{engine.spec(options.model).name}, 256 px, 20 steps, on {engine.device} in {engine.dtype}")
    print(f"click to PNG on disk: {spread(clicks)} (limit {options.limit:.1f} s)")
    print(f"bare engine:          {spread(bare)}; median ratio of pairs {ratio:.3f}")
    return 0 if sorted(clicks)[len(clicks) // 2] <= options.limit else 1


if __name__ == "__main__":
    sys.exit(main())
