"""Step spacings against the reference's tables, the formulas of the papers, and what every spacing owes a sampler."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ldm_core.diffusion.schedule import NoiseSchedule
from ldm_core.diffusion.spacing import LARGEST_USEFUL_SIGMA, SPACINGS, sigmas_for, spacing
from tests.diffusion.toy import read, stable_diffusion_schedule

ROOT = Path(__file__).resolve().parents[2]
SCHEDULES = {
    "stable diffusion": stable_diffusion_schedule(),
    "cosine": NoiseSchedule.from_config(beta_schedule="cosine"),
    "shifted cosine": NoiseSchedule.from_config(beta_schedule="cosine", snr_shift=0.25),
    "zero terminal": NoiseSchedule.from_config(linear_start=0.00085, linear_end=0.012, zero_terminal_snr=True),
    "short": NoiseSchedule.from_config(timesteps=37),
}


def timesteps(name: str, steps: int) -> list[float]:
    schedule = stable_diffusion_schedule()
    return [schedule.t_of(float(sigma)) for sigma in sigmas_for(name, schedule, steps)[:-1]]


def test_the_list_has_the_spacings_that_requests_may_name() -> None:
    assert set(SPACINGS) >= {"uniform", "trailing", "linspace", "karras", "exponential"}
    assert len({entry.label for entry in SPACINGS.values()}) == len(SPACINGS)


@pytest.mark.golden
@pytest.mark.parametrize(("name", "table"), [("linspace", "sigmas_discrete"), ("karras", "sigmas_karras")])
def test_spacing_matches_reference_at_12_steps(name: str, table: str) -> None:
    sigmas = sigmas_for(name, stable_diffusion_schedule(), 12)
    np.testing.assert_allclose(sigmas, read("k_samplers")[table], rtol=2e-6)


@pytest.mark.golden
@pytest.mark.parametrize("steps", [5, 20, 50])
def test_uniform_visits_the_timesteps_and_alphas_of_ddim(steps: int) -> None:
    expected = read("ddim_plms_sd")
    np.testing.assert_allclose(timesteps("uniform", steps)[::-1], expected[f"ddim_timesteps_{steps}"], atol=1e-6)
    sigmas = sigmas_for("uniform", stable_diffusion_schedule(), steps)[:-1]
    np.testing.assert_allclose(1 / (1 + sigmas[::-1] ** 2), expected[f"ddim_alphas_{steps}"], rtol=1e-6)


def test_trailing_visits_the_timesteps_of_its_paper() -> None:
    # Lin et al. 2023, table 2, counts from 1: 100, 200, ..., 1000 for 10 steps
    np.testing.assert_allclose(timesteps("trailing", 10), np.arange(1000, 0, -100) - 1, atol=1e-6)
    # 1000 / 3 is rounded: 1000, 667, 333
    np.testing.assert_allclose(timesteps("trailing", 3), [999, 666, 332], atol=1e-6)


def test_exponential_falls_by_one_ratio() -> None:
    schedule = stable_diffusion_schedule()
    sigmas = sigmas_for("exponential", schedule, 9)[:-1]
    ratio = (schedule.sigmas[0] / schedule.sigmas[-1]) ** (1 / 8)
    np.testing.assert_allclose(sigmas[1:] / sigmas[:-1], ratio, rtol=1e-9)
    assert sigmas[0] == pytest.approx(schedule.sigmas[-1])


@pytest.mark.parametrize("name", ["trailing", "linspace"])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_spacings_for_zero_terminal_snr_begin_at_the_very_end(name: str, schedule: str) -> None:
    assert sigmas_for(name, SCHEDULES[schedule], 20)[0] == pytest.approx(SCHEDULES[schedule].sigmas[-1])


@pytest.mark.parametrize("name", ["karras", "exponential"])
def test_spacings_by_sigma_waste_no_steps_where_there_is_nothing_but_noise(name: str) -> None:
    assert SCHEDULES["shifted cosine"].sigmas[-1] > 1e4
    sigmas = sigmas_for(name, SCHEDULES["shifted cosine"], 20)
    assert sigmas[0] == pytest.approx(LARGEST_USEFUL_SIGMA)


@pytest.mark.parametrize("name", SPACINGS)
@given(st.sampled_from(sorted(SCHEDULES)), st.integers(1, 1000))
def test_sigmas_fall_strictly_to_zero_in_exactly_the_steps_asked_for(name: str, schedule: str, steps: int) -> None:
    sigmas = sigmas_for(name, SCHEDULES[schedule], steps)
    assert sigmas.shape == (steps + 1,)
    assert sigmas.dtype == np.float64
    assert sigmas[-1] == 0
    assert np.isfinite(sigmas).all()
    assert (np.diff(sigmas) < 0).all()
    assert (np.diff(sigmas.astype(np.float32)) < 0).all()
    assert sigmas[-2] >= SCHEDULES[schedule].sigmas[0] * (1 - 1e-9)
    assert sigmas[0] <= SCHEDULES[schedule].sigmas[-1] * (1 + 1e-9)


def test_wrong_requests_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'sine'; known: uniform"):
        sigmas_for("sine", stable_diffusion_schedule(), 10)
    with pytest.raises(ValueError, match="at least 1 step, not 0"):
        sigmas_for("karras", stable_diffusion_schedule(), 0)
    with pytest.raises(ValueError, match="karras"):
        spacing("karras", label="Again")(lambda schedule, steps: np.zeros(steps))


def test_lists_schedules_and_sigmas_need_no_torch() -> None:
    code = (
        "import sys\n"
        "from ldm_core.diffusion import parameterization\n"
        "from ldm_core.diffusion.samplers import SAMPLERS, run_sampler\n"
        "from ldm_core.diffusion.schedule import NoiseSchedule\n"
        "from ldm_core.diffusion.spacing import SPACINGS, sigmas_for\n"
        "assert len(sigmas_for('karras', NoiseSchedule.from_config(), 20)) == 21\n"
        "print(sorted(SAMPLERS), 'torch' in sys.modules)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "['ddim', 'dpmpp_2m', 'euler', 'euler_ancestral', 'heun'] False"
