"""Rendered scenes on disk: pictures as one memory-mapped file, everything else as one JSON line a picture.

The folder is filled by several processes, each a block of pictures at a time; a block that is complete leaves its
.jsonl file, so a set that was interrupted goes on where it stopped.
"""

import json
import multiprocessing
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ldm_core.scenes import DATA_VERSION, HELD_OUT, render

BLOCK = 250
LABEL_STRIDE = 8  # label maps are kept at one value per latent position


class Scenes:
    """Rendered scenes of consecutive seeds. pictures: (N, S, S, 3) uint8, labels: (N, S/8, S/8) uint8."""

    def __init__(self, folder: Path, count: int, size: int) -> None:
        self.pictures = np.memmap(folder / "pictures.u8", np.uint8, "r", shape=(count, size, size, 3))
        small = size // LABEL_STRIDE
        self.labels = np.memmap(folder / "labels.u8", np.uint8, "r", shape=(count, small, small))
        lines = (line for path in sorted(folder.glob("block-*.jsonl")) for line in path.read_text().splitlines())
        self.facts: list[dict[str, Any]] = [json.loads(line) for line in lines][:count]

    def __len__(self) -> int:
        return len(self.facts)


def rendered(folder: Path, count: int, size: int, held_out: bool = False) -> Scenes:
    """The first `count` training scenes (or held-out ones) at `size` px, rendered now where they are missing."""
    where = folder / f"scenes-v{DATA_VERSION}-{size}px-{'held-out' if held_out else 'training'}-{count}"
    where.mkdir(parents=True, exist_ok=True)
    first = HELD_OUT if held_out else 0
    small = size // LABEL_STRIDE
    for name, bytes_each in (("pictures.u8", size * size * 3), ("labels.u8", small * small)):
        with (where / name).open("ab") as file:
            file.truncate(count * bytes_each)
    todo = [
        (str(where), first, low, min(low + BLOCK, count), size, count)
        for low in range(0, count, BLOCK)
        if not (where / f"block-{low:08d}.jsonl").exists()
    ]
    if todo:
        with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
            for done, _ in enumerate(pool.imap_unordered(_render_block, todo), 1):
                print(f"rendered {done} of {len(todo)} blocks of {BLOCK} scenes", flush=True)
    return Scenes(where, count, size)


def _render_block(job: tuple[str, int, int, int, int, int]) -> None:
    import cv2

    cv2.setNumThreads(1)
    folder, first, low, high, size, count = job
    small = size // LABEL_STRIDE
    pictures = np.memmap(Path(folder) / "pictures.u8", np.uint8, "r+", shape=(count, size, size, 3))
    labels = np.memmap(Path(folder) / "labels.u8", np.uint8, "r+", shape=(count, small, small))
    lines = []
    for index in range(low, high):
        scene = render(first + index, size)
        pictures[index] = scene.rgb
        centres = slice(LABEL_STRIDE // 2, None, LABEL_STRIDE)
        labels[index] = scene.labels[centres, centres]
        boxes = [asdict(box) for box in scene.boxes]
        facts = {"seed": first + index, "captions": scene.captions, "boxes": boxes, "plan": asdict(scene.plan)}
        lines.append(json.dumps(facts))
    pictures.flush()
    labels.flush()
    path = Path(folder) / f"block-{low:08d}.jsonl"
    part = path.with_suffix(".part")
    part.write_text("\n".join(lines) + "\n")
    os.replace(part, path)


def thing_mask(boxes: list[dict[str, Any]], side: int) -> NDArray[np.bool_]:
    """True at the latent positions (side x side) that the boxes of things touch."""
    mask = np.zeros((side, side), bool)
    for box in boxes:
        x0, y0 = int(max(box["u0"], 0) * side), int(max(box["v0"], 0) * side)
        x1, y1 = int(np.ceil(min(box["u1"], 1) * side)), int(np.ceil(min(box["v1"], 1) * side))
        mask[y0:y1, x0:x1] = True
    return mask
