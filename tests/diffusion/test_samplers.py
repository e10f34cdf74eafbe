"""Samplers against the reference's runs, against exact solutions, and against what every sampler owes its caller."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ldm_core.diffusion.denoiser import Denoiser, Network
from ldm_core.diffusion.guidance import cfg
from ldm_core.diffusion.noise import ImageNoise
from ldm_core.diffusion.parameterization import Prediction, target, ve_from_vp, vp_from_ve
from ldm_core.diffusion.samplers import SAMPLERS, run_sampler, sampler, steps
from ldm_core.diffusion.schedule import NoiseSchedule
from ldm_core.diffusion.spacing import sigmas_for
from ldm_core.nn.conditioning import Conditioning
from tests.diffusion.toy import DATA, SPREAD, TOLERANCE, noise_from, read, stable_diffusion_schedule, toy

ROOT = Path(__file__).resolve().parents[2]
SIGMAS = [10.0, 4.0, 1.5, 0.5, 0.1, 0.0]
K_SAMPLERS = ["euler", "euler_ancestral", "heun", "dpmpp_2m"]


def largest(actual: Tensor, expected: np.ndarray) -> float:
    assert actual.shape == expected.shape
    return float(np.abs(actual.numpy() - expected).max())


def start(*shape: int, seed: int = 0) -> Tensor:
    return SIGMAS[0] * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def fresh_noise(shape: tuple[int, ...] = (2, 4, 8, 8)) -> ImageNoise:
    noise = ImageNoise(range(shape[0]), (shape[1], shape[2], shape[3]))
    noise.start()
    return noise


@pytest.mark.golden
@pytest.mark.parametrize("spacing", ["discrete", "karras"])
@pytest.mark.parametrize("name", K_SAMPLERS)
@pytest.mark.parametrize("as_list", [False, True])
def test_sampler_matches_reference_at_12_steps(name: str, spacing: str, as_list: bool) -> None:
    fixture = read("k_samplers")
    sigmas = torch.from_numpy(fixture[f"sigmas_{spacing}"])
    x = run_sampler(
        name,
        toy,
        torch.from_numpy(fixture[f"x_{spacing}"]),
        sigmas.tolist() if as_list else sigmas,
        noise_from(fixture["noise"]),
    )
    assert largest(x, fixture[f"sample_{name}__{spacing}"]) <= TOLERANCE


def toy_network(schedule: NoiseSchedule, prediction: Prediction) -> Network:
    """The toy as a network: its condition y is the c of each picture."""

    def network(x: Tensor, t: Tensor, conditioning: Conditioning) -> Tensor:
        assert conditioning.y is not None
        sigma = schedule.sigma_of(float(t[0]))
        wide = x * math.hypot(1, sigma)
        x0 = toy(wide, sigma, conditioning.y.view(-1, 1, 1, 1))
        return target(prediction, x0, (wide - x0) / sigma, 1 / (1 + sigma**2))

    return network


@pytest.mark.golden
@pytest.mark.parametrize(("scale", "table"), [(1.0, "ddim_eta0_20"), (3.0, "ddim_eta0_20_cfg3")])
@pytest.mark.parametrize("prediction", ["eps", "v", "x0"])
def test_ddim_matches_reference_at_20_steps(prediction: Prediction, scale: float, table: str) -> None:
    """The whole chain, from unit-variance noise to latent; the reference ends at the noise level of timestep 0."""
    fixture = read("ddim_plms_sd")
    schedule = stable_diffusion_schedule()
    cond, uncond = (Conditioning(y=torch.from_numpy(fixture[name])) for name in ("c", "uc"))
    denoise = cfg(Denoiser(toy_network(schedule, prediction), schedule, prediction), cond, uncond, scale)
    sigmas = sigmas_for("uniform", schedule, 20)
    sigmas[-1] = schedule.sigmas[0]
    x = run_sampler("ddim", denoise, ve_from_vp(torch.from_numpy(fixture["x"]), sigmas[0]), sigmas)
    assert largest(vp_from_ve(x, sigmas[-1]), fixture[table]) <= TOLERANCE


@pytest.mark.golden
def test_fresh_noise_of_ddim_at_eta_1_is_that_of_the_reference() -> None:
    fixture = read("ddim_plms_sd")
    alphas = np.append(fixture["ddim_alphas_prev_50"][:1], fixture["ddim_alphas_50"].astype(np.float64))
    sigmas = np.sqrt(1 / alphas - 1)[::-1]
    zero = torch.zeros(1, 1, 1, 1)
    # with x and x0 zero, a step's result is its fresh noise, here one unit of it; hypot leads to the reference's form
    for i in range(50):
        fresh = run_sampler("ddim", lambda x, _: zero, zero, sigmas[i : i + 2], lambda: zero + 1, eta=1.0)
        expected = fixture["ddim_sigmas_eta1_50"][49 - i]
        assert fresh.item() / math.hypot(1, sigmas[i + 1]) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
def test_ddim_step_is_equation_12_of_its_paper(eta: float) -> None:
    abar, abar_next = 0.2, 0.7
    sigmas = [math.sqrt(1 / a - 1) for a in (abar, abar_next)]
    x_vp, eps, fresh = (torch.randn(1, 2, 4, 4, generator=torch.Generator().manual_seed(i)) for i in range(3))
    share = eta * math.sqrt((1 - abar_next) / (1 - abar)) * math.sqrt(1 - abar / abar_next)
    predicted = (x_vp - math.sqrt(1 - abar) * eps) / math.sqrt(abar)
    expected = math.sqrt(abar_next) * predicted + math.sqrt(1 - abar_next - share**2) * eps + share * fresh
    x = run_sampler("ddim", lambda x, s: x - s * eps, ve_from_vp(x_vp, sigmas[0]), sigmas, lambda: fresh, eta=eta)
    torch.testing.assert_close(vp_from_ve(x, sigmas[1]), expected, rtol=1e-5, atol=1e-5)


def test_eta_above_1_adds_no_more_noise_than_the_next_level_holds() -> None:
    zero = torch.zeros(1, 1, 1, 1)
    x = run_sampler("ddim", lambda x, _: zero, zero + 5, [4.0, 1.5], lambda: zero + 1, eta=2.0)
    assert x.item() == pytest.approx(1.5)


def one_gaussian(x: Tensor, sigma: Tensor) -> Tensor:
    """D for data of one normal distribution, of mean 0.5 and spread SPREAD: everything about it is known."""
    return (SPREAD**2 * x + sigma**2 * 0.5) / (SPREAD**2 + sigma**2)


@pytest.mark.parametrize("name", ["ddim", "euler", "heun", "dpmpp_2m"])
def test_error_falls_with_the_order_that_the_list_says(name: str) -> None:
    """The probability flow of one Gaussian is exact: x - mean shrinks by sqrt(v_end / v_start)."""
    x = torch.linspace(-20, 20, 9, dtype=torch.float64).view(1, 1, 3, 3)
    v_start, v_end = SPREAD**2 + 10**2, SPREAD**2 + 0.1**2
    exact = 0.5 + (x - 0.5) * math.sqrt(v_end / v_start)

    def error(count: int) -> float:
        sigmas = np.exp(np.linspace(math.log(10), math.log(0.1), count + 1))
        return float((run_sampler(name, one_gaussian, x, sigmas) - exact).abs().max())

    measured = math.log2(error(160) / error(320))
    assert measured == pytest.approx(SAMPLERS[name].order, abs=0.15)


@pytest.mark.parametrize(("name", "eta"), [("ddim", 1.0), ("ddim", 0.5), ("euler_ancestral", None)])
def test_samples_with_fresh_noise_have_the_distribution_of_the_data(name: str, eta: float | None) -> None:
    noise = fresh_noise((1, 4, 100, 100))
    sigmas = np.append(np.exp(np.linspace(math.log(10), math.log(0.01), 200)), 0)
    x = run_sampler(name, one_gaussian, 10 * noise(), sigmas, noise, eta=eta)
    assert x.mean().item() == pytest.approx(0.5, abs=0.01)
    assert x.std().item() == pytest.approx(SPREAD, rel=0.04)


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_run_from_a_sigma_of_40000_ends_at_the_data(name: str) -> None:
    schedule = NoiseSchedule.from_config(beta_schedule="cosine", snr_shift=0.25)
    sigmas = sigmas_for("trailing", schedule, 30)
    assert sigmas[0] > 3e4
    noise = ImageNoise([0, 1], (4, 64, 64))
    denoiser = Denoiser(toy_network(schedule, "v"), schedule, "v")
    condition = Conditioning(y=torch.ones(2))
    x = run_sampler(name, lambda x, s: denoiser(x, s, condition), ve_from_vp(noise.start(), sigmas[0]), sigmas, noise)
    assert x.abs().mean().item() == pytest.approx(1, abs=0.04)  # the data are +1 and -1 ...
    assert x.abs().std().item() == pytest.approx(SPREAD, abs=0.05)
    assert x.mean().item() == pytest.approx(0, abs=0.04)  # ... in equal shares


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_last_step_to_zero_gives_the_denoised_latent_itself(name: str) -> None:
    last = list(steps(name, toy, start(2, 4, 8, 8), SIGMAS, fresh_noise()))[-1]
    assert torch.equal(last.x, last.x0)


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_same_run_gives_the_same_bits_and_each_step_its_number_and_what_the_denoiser_saw(name: str) -> None:
    taken = list(steps(name, toy, start(2, 4, 8, 8), SIGMAS, fresh_noise()))
    assert [i for i, _, _ in taken] == [0, 1, 2, 3, 4]
    before = [start(2, 4, 8, 8), *(step.x for step in taken)]
    assert all(torch.equal(step.x0, toy(before[i], SIGMAS[i])) for i, step in enumerate(taken))
    assert torch.equal(taken[-1].x, run_sampler(name, toy, start(2, 4, 8, 8), SIGMAS, fresh_noise()))


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_picture_in_a_batch_of_4_is_the_single_one(name: str) -> None:
    batch_noise = ImageNoise(range(4), (4, 8, 8))
    batch = run_sampler(name, toy, 10 * batch_noise.start(), SIGMAS, batch_noise)
    for seed in range(4):
        noise = ImageNoise([seed], (4, 8, 8))
        single = run_sampler(name, toy, 10 * noise.start(), SIGMAS, noise)
        torch.testing.assert_close(batch[seed], single[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", SAMPLERS)
def test_no_tensor_that_a_preview_may_read_is_changed_later(name: str) -> None:
    x = start(2, 4, 8, 8)
    kept = [(x, x.clone())]
    for step in steps(name, toy, x, SIGMAS, fresh_noise()):
        kept += [(step.x, step.x.clone()), (step.x0, step.x0.clone())]
    assert all(torch.equal(tensor, copy) for tensor, copy in kept)


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_run_that_is_stopped_asks_the_network_for_nothing_more(name: str) -> None:
    calls: list[float] = []

    def denoise(x: Tensor, sigma: Tensor) -> Tensor:
        calls.append(float(sigma))
        return toy(x, sigma)

    run = steps(name, denoise, start(1, 4, 8, 8), SIGMAS, fresh_noise((1, 4, 8, 8)))
    assert calls == []
    next(run)
    next(run)
    assert calls == ([10.0, 4.0, 4.0, 1.5] if name == "heun" else [10.0, 4.0])


@pytest.mark.parametrize(
    "denoise",
    [
        lambda x, sigma: toy(x, float(sigma)),
        lambda x, sigma: toy(x, sigma.item()),
        lambda x, sigma: toy(x, torch.as_tensor(sigma).to(x).reshape(-1, 1, 1, 1)),
        lambda x, sigma: toy(x, (sigma * x.new_ones(len(x))).view(-1, 1, 1, 1)),
        lambda x, sigma: toy(x, torch.full((len(x), 1, 1, 1), float(sigma))),
    ],
)
@pytest.mark.parametrize("name", SAMPLERS)
def test_a_denoiser_may_take_sigma_as_a_number_or_as_a_tensor(
    name: str, denoise: Callable[[Tensor, Tensor], Tensor]
) -> None:
    x = run_sampler(name, denoise, start(2, 4, 8, 8), torch.tensor(SIGMAS), fresh_noise())
    assert x.dtype == torch.float32
    torch.testing.assert_close(x, run_sampler(name, toy, start(2, 4, 8, 8), SIGMAS, fresh_noise()), atol=1e-4, rtol=0)


def test_noise_is_drawn_once_a_step_and_not_for_the_last() -> None:
    draws: list[int] = []

    def noise() -> Tensor:
        draws.append(len(draws))
        return torch.zeros(1, 4, 8, 8)

    run_sampler("euler_ancestral", toy, start(1, 4, 8, 8), SIGMAS, noise)
    assert len(draws) == len(SIGMAS) - 2
    run_sampler("ddim", toy, start(1, 4, 8, 8), SIGMAS, noise)
    assert len(draws) == len(SIGMAS) - 2  # eta 0 by default


def test_one_level_is_no_step() -> None:
    x = start(1, 4, 8, 8)
    assert torch.equal(run_sampler("euler", toy, x, [3.0]), x)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "plms2"}, "'plms2'; known: ddim"),
        ({"sigmas": []}, "finite numbers"),
        ({"sigmas": [math.inf, 1.0, 0.0]}, "finite numbers"),
        ({"sigmas": [1.0, -1.0]}, "finite numbers"),
        ({"sigmas": [1.0, 1.0, 0.0]}, "strictly decreasing"),
        ({"sigmas": [0.0, 1.0]}, "strictly decreasing"),
        ({"eta": 0.5}, "takes no eta"),
        ({"name": "ddim", "eta": -1.0}, "0 or more"),
        ({"name": "ddim", "eta": math.nan}, "0 or more"),
        ({"name": "ddim", "eta": 0.5}, "needs a source"),
        ({"name": "euler_ancestral"}, "needs a source"),
    ],
)
def test_what_cannot_be_sampled_is_refused_before_the_first_step(arguments: dict[str, object], message: str) -> None:
    given = {"name": "euler", "denoise": toy, "x": start(1, 4, 8, 8), "sigmas": SIGMAS} | arguments
    with pytest.raises(ValueError, match=message):
        steps(**given)  # type: ignore[arg-type]


def test_the_list_says_which_samplers_take_eta() -> None:
    assert {name for name, entry in SAMPLERS.items() if entry.takes_eta} == {"ddim", "euler_ancestral"}
    assert SAMPLERS["ddim"].eta == 0.0
    assert SAMPLERS["euler_ancestral"].eta == 1.0
    with pytest.raises(ValueError, match="euler"):
        sampler("euler", label="Again", order=1, paper="")(lambda *_: iter(()))


def test_a_sampler_is_added_by_one_file_as_its_page_says(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "adding-a-sampler.md").read_text(encoding="utf-8")
    name = re.search(r"`ldm_core/diffusion/samplers/(\w+\.py)`:", page)
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert name is not None
    assert len(blocks) == 1
    copy = tmp_path / "ldm_core" / "diffusion"
    shutil.copytree(ROOT / "ldm_core" / "diffusion", copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "samplers" / name[1]).write_text(blocks[0], encoding="utf-8")
    shutil.copy(ROOT / "tests" / "diffusion" / "toy.py", tmp_path / "toy.py")
    code = (
        "import numpy as np, toy, torch\n"
        "from pathlib import Path\n"
        "from ldm_core.diffusion.samplers import SAMPLERS, run_sampler\n"
        f"toy.DATA = Path({str(DATA)!r})\n"
        "f = toy.read('k_samplers')\n"
        "for spacing in ('discrete', 'karras'):\n"
        "    x = run_sampler('dpm_2', toy.toy, torch.from_numpy(f[f'x_{spacing}']), f[f'sigmas_{spacing}'])\n"
        "    print(np.abs(x.numpy() - f[f'sample_dpm_2__{spacing}']).max())\n"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert [float(line) <= TOLERANCE for line in result.stdout.split()] == [True, True]
