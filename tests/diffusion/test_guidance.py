"""Classifier-free guidance: its formula, one network call for both sides, none too many."""

import math

import pytest
import torch
from torch import Tensor

from ldm_core.diffusion.guidance import cfg
from ldm_core.nn.conditioning import Conditioning

X = torch.zeros(2, 1, 2, 2)
COND = Conditioning(y=torch.tensor([1.0, 2.0]))
UNCOND = Conditioning(y=torch.tensor([10.0, 20.0]))


class Spy:
    """A denoiser that sees in every picture the number of its condition, and remembers its batches."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def __call__(self, x: Tensor, sigma: float | Tensor, conditioning: Conditioning) -> Tensor:
        assert conditioning.y is not None
        assert len(conditioning.y) == len(x)
        self.batches.append(len(x))
        return x + conditioning.y.view(-1, 1, 1, 1)


@pytest.mark.parametrize(("scale", "expected"), [(3.0, [-17.0, -34.0]), (0.0, [10.0, 20.0]), (0.5, [5.5, 11.0])])
def test_guidance_goes_from_the_unconditional_through_the_conditional(scale: float, expected: list[float]) -> None:
    spy = Spy()
    x0 = cfg(spy, COND, UNCOND, scale)(X, 1.0)
    assert x0[:, 0, 0, 0].tolist() == expected
    assert spy.batches == [4]


@pytest.mark.parametrize("uncond", [UNCOND, None])
def test_scale_1_asks_for_the_conditional_side_only(uncond: Conditioning | None) -> None:
    spy = Spy()
    assert cfg(spy, COND, uncond, 1.0)(X, 1.0)[:, 0, 0, 0].tolist() == [1.0, 2.0]
    assert spy.batches == [2]


@pytest.mark.parametrize("scale", [math.nan, math.inf])
def test_a_scale_that_is_no_number_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        cfg(Spy(), COND, UNCOND, scale)


def test_guidance_without_an_unconditional_side_is_refused() -> None:
    with pytest.raises(ValueError, match="unconditional"):
        cfg(Spy(), COND, None, 3.0)
