"""Contact sheets: python -m ldm_core.scenes.contact sheet.jpg --count 40 --size 256 [--scene lake] [--maps]"""

from __future__ import annotations

import argparse

import cv2
import numpy as np

from .noise import Array
from .render import DRAW, Scene, render


def tile(pictures: list[Array], columns: int, gap: int = 4) -> Array:
    """Square pictures of one size, side by side on white."""
    n = pictures[0].shape[0]
    rows = -(-len(pictures) // columns)
    out = np.full((rows * (n + gap) + gap, columns * (n + gap) + gap, 3), 255, np.uint8)
    for i, picture in enumerate(pictures):
        y, x = gap + i // columns * (n + gap), gap + i % columns * (n + gap)
        out[y : y + n, x : x + n] = picture
    return out


def map_of(scene: Scene) -> Array:
    """The label map in distinct colours, with the boxes."""
    n = scene.labels.shape[0]
    picture: Array = np.random.default_rng(5).integers(40, 256, (256, 3), dtype=np.uint8)[scene.labels]
    for b in scene.boxes:
        corner = (int(b.u0 * n), int(b.v0 * n))
        cv2.rectangle(picture, corner, (int(b.u1 * n), int(b.v1 * n)), (255, 255, 255), 1)
        cv2.putText(
            picture, f"{b.colour} {b.name}", corner, cv2.FONT_HERSHEY_SIMPLEX, 0.35, (255, 255, 255), 1, cv2.LINE_AA
        )
    return picture


def main() -> None:
    """Write one sheet and print the first caption of each picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--scene", choices=list(DRAW))
    parser.add_argument("--maps", action="store_true", help="show the label map with boxes beside each picture")
    options = parser.parse_args()
    pictures: list[Array] = []
    for i in range(options.count):
        scene = render(options.first + i, options.size, scene=options.scene or list(DRAW)[i % len(DRAW)])
        pictures += [scene.rgb, map_of(scene)] if options.maps else [scene.rgb]
        print(i, scene.captions[0])
    cv2.imwrite(options.out, tile(pictures, options.columns)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])


if __name__ == "__main__":
    main()
