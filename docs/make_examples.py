"""The example pictures of the tab `Text to image`, drawn by the engine from presets/examples/examples.json.

    python docs/make_examples.py                       draw those whose picture is missing; --again draws all
    python docs/make_examples.py --sheet sheet.png     choose: each prompt (a row) with seeds 1 to 8, on one sheet

After choosing, write the seeds into examples.json and draw with --again. --only 3,7 takes some prompts of the list.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app.models import Shelf
from app.settings import load
from ldm_core.engine import Engine
from ldm_core.events import Failed, Picture, Pixels
from ldm_core.tasks import Request, request_from_json
from ui.examples import FOLDER, Example, read_examples

QUALITY = 86  # of WebP: 10 to 20 kB for 256 pixels a side


def main(arguments: Sequence[str]) -> None:
    """Draw what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--again", action="store_true", help="draw every picture anew")
    parser.add_argument("--only", default="", help="numbers of examples, from 1, with commas")
    parser.add_argument("--sheet", type=Path, help="write a contact sheet instead")
    parser.add_argument("--seeds", type=int, default=8, help="columns of the sheet")
    options = parser.parse_args(arguments)
    wanted = {int(number) for number in options.only.split(",") if number}
    examples = [pair for pair in enumerate(read_examples(), 1) if not wanted or pair[0] in wanted]
    settings = load()
    engine = Engine(Shelf(settings).resolve, settings.device, settings.dtype, keep=None)
    if options.sheet:
        rows = [np.hstack([draw(engine, e, seed) for seed in range(1, options.seeds + 1)]) for _, e in examples]
        Image.fromarray(np.vstack(rows)).save(options.sheet)
        return
    for number, example in examples:
        file = FOLDER / f"{number:02d}.webp"
        if options.again or not file.is_file():
            Image.fromarray(draw(engine, example)).save(file, quality=QUALITY, method=6)
            print(f"{file.name}  {file.stat().st_size / 1000:.0f} kB  {example.prompt}", flush=True)


def draw(engine: Engine, example: Example, seed: int | None = None) -> Pixels:
    """The picture of an example, (H, W, 3) uint8; seed: another one than its own."""
    request: Request = request_from_json({"task": "text_to_image", **example.request})
    if seed is not None:
        request = replace(request, seed=seed)
    for event in engine.run(request, previews=False):
        if isinstance(event, Failed):
            raise SystemExit(event.error)
        if isinstance(event, Picture):
            return event.image
    raise SystemExit(f"The engine drew nothing for {example.prompt!r}.")


if __name__ == "__main__":
    main(sys.argv[1:])
