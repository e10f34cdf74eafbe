"""Previews: the numpy decoder against torch's convolution, and the thread's manners."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ldm_core.events import Pixels
from ldm_core.preview import LARGEST_SIDE, PreviewDecoder, Previewer

RANDOM = np.random.default_rng(1)
WEIGHT, BIAS = (RANDOM.normal(0, 0.15, shape).astype(np.float32) for shape in ((48, 4, 3, 3), (48,)))
MEAN, STD, SCALE = (0.3, -0.2, 0.0, 0.1), (0.8, 1.3, 1.0, 0.9), 0.7
DECODER = PreviewDecoder(WEIGHT, BIAS, MEAN, STD, SCALE)


def by_torch(latents: torch.Tensor) -> torch.Tensor:
    """The definition: unnormalise, convolve, shuffle; -1..1 to 0..255. No rounding."""
    z = latents / SCALE * torch.tensor(STD)[:, None, None] + torch.tensor(MEAN)[:, None, None]
    rgb = F.pixel_shuffle(F.conv2d(z, torch.from_numpy(WEIGHT), torch.from_numpy(BIAS), padding=1), 4)
    return ((rgb.clamp(-1, 1) + 1) * 127.5).permute(0, 2, 3, 1)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (8, 20), (1, 1), (13, 7), (64, 64)])
def test_previews_are_the_convolution_and_pixel_shuffle_that_was_fitted(height: int, width: int) -> None:
    latents = torch.randn(2, 4, height, width)
    pictures = DECODER.decode(latents.numpy())
    assert pictures.shape == (2, 4 * height, 4 * width, 3)
    assert np.abs(pictures - by_torch(latents).numpy()).max() <= 0.51


@pytest.mark.parametrize(("height", "width"), [(128, 128), (65, 64), (200, 30), (90, 200)])
def test_large_latents_are_averaged_down_before_they_are_decoded(height: int, width: int) -> None:
    latents = torch.randn(1, 4, height, width)
    k = -(-max(height, width) // LARGEST_SIDE)
    (picture,) = DECODER.decode(latents.numpy())
    assert max(picture.shape[:2]) <= 4 * LARGEST_SIDE
    expected = by_torch(F.avg_pool2d(latents, k))[0].numpy()
    assert np.abs(picture - expected).max() <= 0.51


class Slow(PreviewDecoder):
    """Waits to be let go, and remembers what it saw."""

    def __init__(self) -> None:
        super().__init__(WEIGHT, BIAS, MEAN, STD, SCALE)
        self.begun, self.go = threading.Event(), threading.Event()
        self.seen: list[float] = []

    def decode(self, latents: np.ndarray) -> Pixels:
        self.seen.append(float(latents[0, 0, 0, 0]))
        self.begun.set()
        self.go.wait(10)
        return super().decode(latents)


def wait_for(previewer: Previewer) -> tuple[Pixels | None, int]:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        taken = previewer.take()
        if taken[0] is not None:
            return taken
        time.sleep(0.002)
    raise AssertionError("no preview within 10 s")


def test_the_newest_latents_are_decoded_and_stale_ones_dropped() -> None:
    slow = Slow()
    with Previewer(slow) as previewer:
        previewer.offer(torch.full((1, 4, 4, 4), 1.0), 0)
        assert slow.begun.wait(10)
        for value in (2.0, 3.0, 4.0):
            previewer.offer(torch.full((1, 4, 4, 4), value), int(value))
        assert previewer.take() == (None, 0)  # it never waits
        slow.go.set()
        assert wait_for(previewer)[1] == 0
        assert wait_for(previewer)[1] == 4
        assert previewer.take() == (None, 0)  # each is handed over once
    assert slow.seen == [1.0, 4.0]


def test_the_thread_ends_with_its_block_even_in_the_middle_of_its_rest() -> None:
    before = threading.active_count()
    began = time.monotonic()
    with Previewer(DECODER) as previewer:
        previewer.offer(torch.zeros(4, 4, 64, 64), 0)
        wait_for(previewer)
    assert threading.active_count() == before
    assert time.monotonic() - began < 5


def test_the_thread_keeps_to_its_share_of_a_core() -> None:
    spent = []

    class Watched(PreviewDecoder):
        def decode(self, latents: np.ndarray) -> Pixels:
            began = time.thread_time()
            pictures = super().decode(latents)
            spent.append(time.thread_time() - began)
            return pictures

    began = time.monotonic()
    with Previewer(Watched(WEIGHT, BIAS, MEAN, STD, SCALE)) as previewer:
        while time.monotonic() - began < 1.0:  # latents come as fast as they can
            previewer.offer(torch.zeros(1, 4, 32, 32), 0)
            time.sleep(0.001)
    assert spent
    assert sum(spent) <= 0.02 * 1.0 + 2 * max(spent)


def test_previews_show_the_part_that_is_left_of_the_picture() -> None:
    with Previewer(DECODER, shown=(0.5, 0.75)) as previewer:
        latents = torch.randn(1, 4, 16, 16)
        previewer.offer(latents, 0)
        picture = wait_for(previewer)[0]
    assert picture is not None
    assert np.array_equal(picture, DECODER.decode(latents.numpy())[:, 16:48, 8:56])


def test_what_goes_wrong_in_the_thread_is_not_swallowed() -> None:
    with Previewer(DECODER) as previewer:
        previewer.offer(torch.zeros(1, 3, 4, 4), 0)  # not the channels that were fitted
        with pytest.raises(ValueError):
            wait_for(previewer)
