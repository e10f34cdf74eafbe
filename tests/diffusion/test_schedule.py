"""Noise schedules against the reference's tables and the formulas of the papers."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ldm_core.diffusion.schedule import ZERO_TERMINAL_ALPHA, NoiseSchedule, rescale_to_zero_terminal_snr
from tests.diffusion.toy import read, stable_diffusion_schedule

schedules = st.builds(
    NoiseSchedule.from_config,
    timesteps=st.integers(2, 2000),
    beta_schedule=st.sampled_from(["linear", "scaled_linear", "sqrt", "cosine"]),
    linear_start=st.floats(1e-4, 2e-3),
    linear_end=st.floats(3e-3, 3e-2),
    zero_terminal_snr=st.booleans(),
    snr_shift=st.floats(0.05, 20),
)


@pytest.mark.golden
@pytest.mark.parametrize("fixture", ["k_samplers", "ddim_plms_sd"])
def test_published_linear_schedule_matches_reference_tables(fixture: str) -> None:
    expected = read(fixture)
    schedule = stable_diffusion_schedule()
    np.testing.assert_allclose(schedule.betas, expected["betas"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(schedule.alphas_cumprod, expected["alphas_cumprod"], rtol=0, atol=1e-12)


@pytest.mark.golden
def test_sigmas_and_their_interpolation_match_reference() -> None:
    expected = read("k_samplers")
    schedule = stable_diffusion_schedule()
    np.testing.assert_allclose(schedule.sigmas, expected["sigmas_table"], rtol=1e-6)
    query = expected["t_query"].astype(np.float64)
    np.testing.assert_allclose(schedule.sigma_of(query), expected["sigma_of_t_query"], rtol=2e-6)
    # the reference computes in float32, which places a sigma to about 1e-4 of a timestep
    query = expected["sigma_query"].astype(np.float64)
    np.testing.assert_allclose(schedule.t_of(query), expected["t_of_sigma_query"], atol=5e-4)


def test_published_names_of_beta_schedules_have_their_published_meaning() -> None:
    ends = {"linear_start": 1e-4, "linear_end": 4e-2, "timesteps": 3}
    roots_even = NoiseSchedule.from_params({"beta_schedule": "linear", **ends}).betas
    betas_even = NoiseSchedule.from_params({"beta_schedule": "sqrt_linear", **ends}).betas
    squares_even = NoiseSchedule.from_params({"beta_schedule": "sqrt", **ends}).betas
    np.testing.assert_allclose(roots_even, [1e-4, ((0.01 + 0.2) / 2) ** 2, 4e-2], rtol=1e-10)
    np.testing.assert_allclose(betas_even, [1e-4, (1e-4 + 4e-2) / 2, 4e-2], rtol=1e-10)
    np.testing.assert_allclose(squares_even, [0.01, math.sqrt((1e-4 + 4e-2) / 2), 0.2], rtol=1e-10)


def test_published_files_without_schedule_keys_get_the_reference_defaults() -> None:
    plain = NoiseSchedule.from_params({"parameterization": "eps", "image_size": 64})
    assert len(plain) == 1000
    np.testing.assert_allclose(plain.betas[[0, -1]], [1e-4, 2e-2], rtol=1e-10)


@pytest.mark.parametrize("name", ["cosine", "squaredcos_cap_v2"])
def test_cosine_schedule_is_the_cosine_of_the_paper_until_its_cap(name: str) -> None:
    schedule = NoiseSchedule.from_params({"beta_schedule": name, "timesteps": 1000})

    def f(t: float) -> float:
        return math.cos((t / 1000 + 0.008) / 1.008 * math.pi / 2) ** 2

    for t in (0, 1, 499, 998):
        assert schedule.alphas_cumprod[t] == pytest.approx(f(t + 1) / f(0), rel=1e-9)
    assert schedule.betas[-1] == pytest.approx(0.999, abs=1e-6)
    assert 1e4 < schedule.sigmas[-1] < 3e4


def test_snr_shift_multiplies_the_signal_to_noise_ratio_of_every_step() -> None:
    for shift in (Fraction(1, 4), Fraction(3)):
        plain = NoiseSchedule.from_config(beta_schedule="cosine")
        shifted = NoiseSchedule.from_config(beta_schedule="cosine", snr_shift=float(shift))
        np.testing.assert_allclose(shifted.sigmas**-2, plain.sigmas**-2 * float(shift), rtol=1e-9)
    same = NoiseSchedule.from_config(beta_schedule="cosine", snr_shift=1.0)
    np.testing.assert_allclose(same.alphas_cumprod, plain.alphas_cumprod, rtol=1e-14)


def test_zero_terminal_snr_is_algorithm_1_of_its_paper_but_for_a_finite_last_sigma() -> None:
    plain = stable_diffusion_schedule()
    rescaled = NoiseSchedule(rescale_to_zero_terminal_snr(plain.alphas_cumprod))
    before, after = np.sqrt(plain.alphas_cumprod), np.sqrt(rescaled.alphas_cumprod)
    assert after[0] == pytest.approx(before[0], rel=1e-12)
    # the algorithm shifts and scales the root, so that every difference grows by one factor ...
    factor = before[0] / (before[0] - before[-1])
    np.testing.assert_allclose(np.diff(after)[:-1] / np.diff(before)[:-1], factor, rtol=1e-7)
    # ... and without the stand-in it would end at zero
    assert after[-2] + (before[-1] - before[-2]) * factor == pytest.approx(0, abs=1e-12)
    assert rescaled.alphas_cumprod[-1] == ZERO_TERMINAL_ALPHA
    assert rescaled.sigmas[-1] == pytest.approx(4096, rel=1e-6)


def test_zero_terminal_snr_keeps_the_order_where_the_step_before_is_below_the_stand_in() -> None:
    long = NoiseSchedule.from_config(timesteps=20_000, linear_start=1e-5, linear_end=5e-4, zero_terminal_snr=True)
    assert long.alphas_cumprod[-2] < ZERO_TERMINAL_ALPHA
    assert long.sigmas[-1] == pytest.approx(math.sqrt(2) * long.sigmas[-2], rel=1e-3)


@given(schedules)
def test_every_schedule_is_finite_and_strictly_ordered(schedule: NoiseSchedule) -> None:
    assert np.isfinite(schedule.sigmas).all()
    assert schedule.sigmas[0] > 0
    assert (np.diff(schedule.sigmas) > 0).all()
    assert (schedule.betas > 0).all()
    assert (schedule.betas < 1).all()
    np.testing.assert_allclose(np.cumprod(1 - schedule.betas), schedule.alphas_cumprod, rtol=1e-9)


@given(schedules, st.floats(0, 1))
def test_sigma_and_timestep_are_inverse_to_each_other(schedule: NoiseSchedule, place: float) -> None:
    t = place * (len(schedule) - 1)
    assert schedule.t_of(schedule.sigma_of(t)) == pytest.approx(t, abs=1e-6)
    sigma = schedule.sigmas[0] + place * (schedule.sigmas[-1] - schedule.sigmas[0])
    assert schedule.sigma_of(schedule.t_of(float(sigma))) == pytest.approx(sigma, rel=1e-9)


def test_sigma_and_timestep_beyond_the_schedule_are_clamped_without_a_warning() -> None:
    schedule = stable_diffusion_schedule()
    with np.errstate(all="raise"):
        assert schedule.t_of(0.0) == 0
    assert schedule.t_of(1e9) == 999
    assert schedule.sigma_of(-1.0) == pytest.approx(schedule.sigmas[0])
    assert schedule.sigma_of(1e4) == pytest.approx(schedule.sigmas[-1])


@pytest.mark.parametrize("alphas", [[0.5], [0.5, 0.6], [1.0, 0.5], [0.5, 0.0], [0.5, math.nan], [[0.9, 0.5]]])
def test_a_table_that_is_no_schedule_is_refused(alphas: list[float]) -> None:
    with pytest.raises(ValueError, match=r"alphas_cumprod|timesteps"):
        NoiseSchedule(np.array(alphas))


@pytest.mark.parametrize("wrong", [{"beta_schedule": "quadratic"}, {"snr_shift": 0.0}, {"snr_shift": math.nan}])
def test_wrong_settings_are_refused_by_name(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"beta.schedule|snr_shift"):
        NoiseSchedule.from_params(wrong)


def test_a_schedule_cannot_be_changed() -> None:
    schedule = stable_diffusion_schedule()
    for table in (schedule.alphas_cumprod, schedule.betas, schedule.sigmas):
        with pytest.raises(ValueError, match="read-only"):
            table[0] = 0.5
