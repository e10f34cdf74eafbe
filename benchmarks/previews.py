"""What previews cost: the same job with and without them, in pairs.

    .venv/bin/python -m benchmarks.previews [--pairs 15] [--model FILE_OR_NAME] [--limit 1.03]

256 px, 20 steps, guidance, one picture, the model resident; which of a pair runs first alternates. Wall time is what a
person waits; processor time says the same on a machine that does other things as well. The pictures of a pair must be
the same bit for bit. Exit code 1 if they are not, or if the median of the pairs' wall time ratios is above the limit.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from dataclasses import dataclass

import numpy as np

from app.models import Shelf
from app.settings import Settings
from benchmarks.report import machine, paired, spread
from ldm_core.engine import Engine
from ldm_core.events import Done, Failed, Picture, Pixels, Progress
from ldm_core.tasks.text_to_image import TextToImage

PROMPT = "a red tent by a mountain lake at sunset"


@dataclass(frozen=True)
class Run:
    """One job: seconds of wall clock and of all threads' processor time, its picture, and how many previews came."""

    wall: float
    cpu: float
    picture: Pixels
    previews: int


def draw(engine: Engine, request: TextToImage, previews: bool) -> Run:
    wall, cpu = time.perf_counter(), time.process_time()
    pictures: list[Pixels] = []
    shown = 0
    for event in engine.run(request, previews=previews):
        match event:
            case Progress(preview=preview):
                shown += preview is not None
            case Picture(image=image):
                pictures.append(image)
            case Failed(error):
                raise SystemExit(error)
            case Done():
                return Run(time.perf_counter() - wall, time.process_time() - cpu, pictures[0], shown)
    raise SystemExit("The job ended without saying how.")


def main() -> int:
    parser = argparse.ArgumentParser(description="cost of previews, in pairs of the same job")
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--model", default="", help="file or name; without it the shipped model")
    parser.add_argument("--limit", type=float, default=1.03, help="largest ratio that passes")
    options = parser.parse_args()
    print(machine("torch", "numpy"))

    engine = Engine(Shelf(Settings(), files=True).resolve)
    engine.warm(options.model)
    on: list[Run] = []
    off: list[Run] = []
    draw(engine, TextToImage(PROMPT, model=options.model, steps=20, seed=0, width=256, height=256), previews=True)
    for pair in range(options.pairs):
        request = TextToImage(PROMPT, model=options.model, steps=20, seed=pair, width=256, height=256)
        for previews in (True, False) if pair % 2 else (False, True):
            (on if previews else off).append(draw(engine, request, previews))

    same = all(np.array_equal(a.picture, b.picture) for a, b in zip(on, off, strict=True))
    ratio, of_medians = paired([run.wall for run in on], [run.wall for run in off])
    cpu_ratio, _ = paired([run.cpu for run in on], [run.cpu for run in off])
    print(f"{engine.spec(options.model).name}, 256 px, 20 steps, on {engine.device} in {engine.dtype}")
    shown = statistics.median(run.previews for run in on)
    print(f"with previews:    {spread([run.wall for run in on])}; {shown:g} previews a job")
    print(f"without previews: {spread([run.wall for run in off])}")
    print(f"wall time: median of pairs {ratio:.3f}, of medians {of_medians:.3f} (limit {options.limit:.3f})")
    print(f"processor time: median of pairs {cpu_ratio:.3f}")
    print(f"pictures the same bit for bit: {'yes' if same else 'NO'}")
    return 0 if same and ratio <= options.limit else 1


if __name__ == "__main__":
    sys.exit(main())
