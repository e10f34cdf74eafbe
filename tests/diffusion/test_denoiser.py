"""The denoiser: parameterisations, numbers at extreme noise levels, and what the network is given."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ldm_core.diffusion.denoiser import Denoiser, Network
from ldm_core.diffusion.parameterization import Prediction, noised, scalings, target, ve_from_vp, vp_from_ve
from ldm_core.diffusion.schedule import NoiseSchedule
from ldm_core.nn.conditioning import Conditioning
from tests.diffusion.toy import stable_diffusion_schedule, toy

PREDICTIONS: list[Prediction] = ["eps", "v", "x0"]
NOTHING = Conditioning()


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("prediction", PREDICTIONS)
@given(st.floats(1e-3, 80), st.integers(0, 2**32))
def test_a_network_that_says_the_training_target_gives_back_x0(prediction: Prediction, sigma: float, seed: int) -> None:
    x0, noise = random(2, 2, 4, 4, seed=seed), random(2, 2, 4, 4, seed=seed + 1)
    said = target(prediction, x0, noise, 1 / (1 + sigma**2))
    denoiser = Denoiser(lambda x, t, c: said, stable_diffusion_schedule(), prediction)
    torch.testing.assert_close(denoiser(x0 + sigma * noise, sigma, NOTHING), x0, rtol=1e-5, atol=1e-6 * (1 + sigma))


def test_training_targets_are_those_of_the_papers() -> None:
    x0, noise, abar = random(3, 1, 2, 2), random(3, 1, 2, 2, seed=1), torch.tensor([0.0, 0.36, 1.0]).view(3, 1, 1, 1)
    x = noised(x0, noise, abar)
    torch.testing.assert_close(x[0], noise[0])
    torch.testing.assert_close(x[1], 0.6 * x0[1] + 0.8 * noise[1])
    torch.testing.assert_close(x[2], x0[2])
    torch.testing.assert_close(target("eps", x0, noise, abar), noise)
    torch.testing.assert_close(target("x0", x0, noise, abar), x0)
    v = target("v", x0, noise, abar)
    torch.testing.assert_close(v[0], -x0[0])
    torch.testing.assert_close(v[1], 0.6 * noise[1] - 0.8 * x0[1])
    torch.testing.assert_close(v[2], noise[2])


@given(st.floats(0, 5e4))
def test_the_two_forms_of_a_latent_turn_into_each_other(sigma: float) -> None:
    x0, noise = random(4, 4), random(4, 4, seed=1)
    abar = 1 / (1 + sigma**2)
    x = ve_from_vp(noised(x0, noise, abar), sigma)
    torch.testing.assert_close(x, x0 + sigma * noise, rtol=1e-5, atol=1e-5 * (1 + sigma))
    torch.testing.assert_close(vp_from_ve(x, sigma), noised(x0, noise, abar), rtol=1e-5, atol=1e-6)
    assert torch.equal(vp_from_ve(x0, 0.0), x0)


def exact_network(schedule: NoiseSchedule, prediction: Prediction, sigma: float) -> Network:
    """The optimal network for the toy data, computed in float64: unit variance in, training target out."""

    def network(x: Tensor, t: Tensor, _: Conditioning) -> Tensor:
        assert schedule.sigma_of(float(t[0])) == pytest.approx(sigma, rel=1e-3)
        wide = x.double() * math.hypot(1, sigma)
        x0 = toy(wide, sigma)
        return target(prediction, x0, (wide - x0) / sigma, 1 / (1 + sigma**2)).to(x.dtype)

    return network


@pytest.mark.parametrize("place", [0, 250, 500, 750, 900, 990, 998, 999])
@pytest.mark.parametrize("prediction", ["v", "x0"])
@pytest.mark.parametrize("shift", [1.0, 0.25])
def test_v_and_x0_stay_exact_at_every_noise_level_of_a_cosine_schedule(
    prediction: Prediction, place: int, shift: float
) -> None:
    schedule = NoiseSchedule.from_config(beta_schedule="cosine", snr_shift=shift)
    sigma = float(schedule.sigmas[place])  # up to 4e4
    x = toy(random(1, 4, 8, 8), 0.5) + sigma * random(1, 4, 8, 8, seed=1)
    x0 = Denoiser(exact_network(schedule, prediction, sigma), schedule, prediction)(x, sigma, NOTHING)
    assert (x0.double() - toy(x.double(), sigma)).abs().max().item() < 5e-6


def test_eps_loses_digits_by_sigma_and_no_more() -> None:
    """x - sigma * eps subtracts numbers of size sigma: float32 leaves sigma * 2**-23 or so. It is in the definition."""
    schedule = NoiseSchedule.from_config(beta_schedule="cosine")
    sigma = float(schedule.sigmas[-1])
    x = sigma * random(1, 4, 8, 8)
    x0 = Denoiser(exact_network(schedule, "eps", sigma), schedule, "eps")(x, sigma, NOTHING)
    assert (x0.double() - toy(x.double(), sigma)).abs().max().item() < 4 * sigma * 2**-22


def test_at_zero_terminal_snr_v_is_minus_the_picture() -> None:
    schedule = NoiseSchedule.from_config(linear_start=0.00085, linear_end=0.012, zero_terminal_snr=True)
    sigma = float(schedule.sigmas[-1])
    picture, seen = random(1, 4, 8, 8), []

    def network(x: Tensor, t: Tensor, _: Conditioning) -> Tensor:
        seen.append((x, float(t[0])))
        return -picture

    start = random(1, 4, 8, 8, seed=1)
    x0 = Denoiser(network, schedule, "v")(ve_from_vp(start, sigma), sigma, NOTHING)
    torch.testing.assert_close(x0, picture, rtol=0, atol=2e-3)  # 1 / 4096 of the noise stays
    assert seen[0][1] == 999
    torch.testing.assert_close(seen[0][0], start, rtol=1e-6, atol=1e-6)


def test_the_network_gets_unit_variance_fractional_timesteps_and_its_own_dtype() -> None:
    schedule = stable_diffusion_schedule()
    condition = Conditioning(context=random(3, 5, 7))

    def network(x: Tensor, t: Tensor, c: Conditioning) -> Tensor:
        assert x.dtype == torch.bfloat16
        assert x.float().std().item() == pytest.approx(1, abs=0.05)
        assert t.dtype == torch.float32
        np.testing.assert_allclose(t.numpy(), [321.5] * 3, atol=1e-3)
        assert c is condition
        return x

    sigma = schedule.sigma_of(321.5)
    x = ve_from_vp(random(3, 4, 16, 16), sigma)
    for prediction in PREDICTIONS:
        assert Denoiser(network, schedule, prediction, torch.bfloat16)(x, sigma, condition).dtype == torch.float32


@pytest.mark.parametrize("sigma", [2.5, torch.tensor(2.5), torch.tensor(2.5, dtype=torch.float64)])
def test_sigma_may_be_a_number_or_a_tensor_without_dimensions(sigma: float | Tensor) -> None:
    denoiser = Denoiser(lambda x, t, c: x, stable_diffusion_schedule(), "v")
    x = random(2, 4, 8, 8)
    assert torch.equal(denoiser(x, sigma, NOTHING), denoiser(x, 2.5, NOTHING))


def test_no_graph_is_kept() -> None:
    weight = torch.ones(1, requires_grad=True)
    denoiser = Denoiser(lambda x, t, c: x * weight, stable_diffusion_schedule(), "v")
    assert not denoiser(random(1, 4, 8, 8), 1.0, NOTHING).requires_grad


def test_an_unknown_prediction_is_refused_when_the_denoiser_is_made() -> None:
    with pytest.raises(ValueError, match="'flow'; known: eps, v, x0"):
        Denoiser(lambda x, t, c: x, stable_diffusion_schedule(), "flow")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'flow'"):
        target("flow", random(1), random(1), 0.5)  # type: ignore[arg-type]


def test_scalings_of_v_are_those_of_the_paper_in_sigma_space() -> None:
    # Salimans and Ho 2022: x0 = alpha * x_vp - sigma_vp * v, with alpha 0.6, sigma_vp 0.8 and x_vp = 0.6 x
    into, skip, out = scalings("v", 0.8 / 0.6)
    assert (into, skip, out) == pytest.approx((0.6, 0.36, -0.8))
