"""Latents -> small pictures while a job runs, at a fixed small share of its time.

The decoder is a linear map, fitted for each first stage: a 3x3 convolution from the latent to 4x4 pixels for each of
its positions. It runs in a thread of its own, with numpy on one core and in small pieces: torch would wake a team of
threads there, which costs the sampler more than the arithmetic does.
"""

import threading
import time
from collections.abc import Sequence
from types import TracebackType

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch import Tensor

from ldm_core.events import Pixels

SCALE = 4  # preview pixels for each side of a latent position
LARGEST_SIDE = 64  # latent positions; larger latents are averaged down first, so previews are at most 256 pixels
SHARE = 0.02  # of one core that the thread takes; it rests after each preview to keep to it
ROWS = 128  # positions in one product: so small that no BLAS starts threads for it

Floats = NDArray[np.float32]


class PreviewDecoder:
    """Linear map from a latent, as the network sees it, to RGB.

    weight: (48, C, 3, 3), bias: (48,): convolution with padding 1 from the first stage's latent z, then pixel shuffle
    by 4, RGB in -1..1. mean, std, scale: the network's latent is (z - mean) / std * scale.
    """

    def __init__(self, weight: Floats, bias: Floats, mean: Sequence[float], std: Sequence[float], scale: float) -> None:
        self._weight = np.ascontiguousarray(weight.reshape(len(weight), -1).T, dtype=np.float32)
        self._bias = bias.astype(np.float32)
        channels = weight.shape[1]
        self._mean = np.broadcast_to(np.array(mean or 0, np.float32), channels)[:, None, None]
        self._std = np.broadcast_to(np.array(std or 1, np.float32), channels)[:, None, None] / np.float32(scale)

    def decode(self, latents: Floats) -> Pixels:
        """(n, C, h, w) -> (n, 4h, 4w, 3) uint8; less where a side of the latents is over LARGEST_SIDE."""
        return np.stack([self._decode_one(latent) for latent in latents])

    def _decode_one(self, latent: Floats) -> Pixels:
        z = np.pad(_shrunk(latent) * self._std + self._mean, ((0, 0), (1, 1), (1, 1)))
        height, width = z.shape[1] - 2, z.shape[2] - 2
        windows = sliding_window_view(z, (3, 3), axis=(1, 2)).transpose(1, 2, 0, 3, 4)  # (h, w, C, 3, 3)
        patches = windows.reshape(height * width, -1)
        out = np.empty((height * width, len(self._bias)), np.float32)
        for row in range(0, len(out), ROWS):
            np.matmul(patches[row : row + ROWS], self._weight, out=out[row : row + ROWS])
        out += self._bias
        levels = np.nan_to_num(np.clip(out * 127.5 + 128.0, 0, 255)).astype(np.uint8)  # rounds: + 127.5 + 0.5, then cut
        blocks = levels.reshape(height, width, 3, SCALE, SCALE).transpose(0, 3, 1, 4, 2)
        return np.ascontiguousarray(blocks.reshape(height * SCALE, width * SCALE, 3))


def _shrunk(latent: Floats) -> Floats:
    """(C, h, w), averaged over k x k positions with the smallest k that leaves at most LARGEST_SIDE of them."""
    channels, height, width = latent.shape
    k = -(-max(height, width) // LARGEST_SIDE)
    if k == 1:
        return latent
    height, width = max(1, height // k), max(1, width // k)
    cut = latent[:, : height * k, : width * k]
    rows = min(k, latent.shape[1])
    columns = min(k, latent.shape[2])
    means: Floats = cut.reshape(channels, height, rows, width, columns).mean(axis=(2, 4))
    return means


class Previewer:
    """A thread that decodes the newest latents it was offered; older ones that it did not get to are dropped.

    shown: the shares of height and width, 0..1, that will be left of the picture: previews are cropped to their middle.
    Use it with `with`: the thread ends with the block. Latents must not be changed in place once they are offered.
    """

    def __init__(self, decoder: PreviewDecoder, shown: tuple[float, float] = (1.0, 1.0)) -> None:
        self._decoder = decoder
        self._shown = shown
        self._change = threading.Condition()
        self._offered: tuple[Tensor, int] | None = None
        self._finished: tuple[Pixels, int] | None = None
        self._error: Exception | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="preview", daemon=True)

    def __enter__(self) -> "Previewer":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._change:
            self._closed = True
            self._change.notify()
        self._thread.join()

    def offer(self, latents: Tensor, first: int) -> None:
        """Newest latents, (n, C, h, w), of picture `first` and those after it. Never waits."""
        with self._change:
            self._offered = latents, first
            self._change.notify()

    def take(self) -> tuple[Pixels | None, int]:
        """The newest preview, (n, h, w, 3), if there is one that was not taken yet, and its first picture. Never waits.

        Raises what went wrong in the thread, if something did.
        """
        with self._change:
            if self._error is not None:
                raise self._error
            finished, self._finished = self._finished, None
            return finished or (None, 0)

    def _work(self) -> None:
        while (offered := self._next()) is not None:
            latents, first = offered
            began = time.thread_time()
            try:
                finished = cropped(self._decoder.decode(latents.float().cpu().numpy()), self._shown)
            except Exception as error:  # noqa: BLE001 - handed over to whoever takes the previews
                with self._change:
                    self._error = error
                return
            with self._change:
                self._finished = finished, first
                rest = (time.thread_time() - began) / SHARE
                self._change.wait_for(lambda: self._closed, timeout=rest)

    def _next(self) -> tuple[Tensor, int] | None:
        with self._change:
            self._change.wait_for(lambda: self._closed or self._offered is not None)
            offered, self._offered = self._offered, None
            return None if self._closed else offered


def cropped(pictures: Pixels, shown: tuple[float, float]) -> Pixels:
    """The middle of pictures (n, h, w, 3): these shares of their height and width."""
    height, width = (max(1, round(side * share)) for side, share in zip(pictures.shape[1:3], shown, strict=True))
    top, left = (pictures.shape[1] - height) // 2, (pictures.shape[2] - width) // 2
    return pictures[:, top : top + height, left : left + width]
