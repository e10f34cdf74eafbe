"""Contact sheets: rows of pictures in one PNG or JPEG."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def save_sheet(path: Path, pictures: NDArray[np.uint8], columns: int, gap: int = 4) -> None:
    """Lay pictures (N, H, W, 3) out in rows of `columns` on white and save them."""
    count, height, width, _ = pictures.shape
    rows = -(-count // columns)
    sheet = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, 3), 255, np.uint8)
    for index, picture in enumerate(pictures):
        top, left = gap + index // columns * (height + gap), gap + index % columns * (width + gap)
        sheet[top : top + height, left : left + width] = picture
    Image.fromarray(sheet).save(path, quality=88)
