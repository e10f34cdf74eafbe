"""Training of a text-conditional latent diffusion model: UNet and text transformer jointly, as in the paper."""

import copy
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor, nn

from ldm_core.diffusion.denoiser import Denoiser
from ldm_core.diffusion.guidance import cfg
from ldm_core.diffusion.noise import ImageNoise
from ldm_core.diffusion.samplers import run_sampler
from ldm_core.diffusion.schedule import NoiseSchedule
from ldm_core.diffusion.spacing import sigmas_for
from ldm_core.nn.build import build_module
from ldm_core.nn.compact import FACTOR, CompactKL
from ldm_core.prompt.words import WordTokenizer
from ldm_core.scenes import SYNONYMS, VOCABULARY
from ldm_core.training.config import DiffusionRecipe
from ldm_core.training.data import rendered
from ldm_core.training.export import MODELS, card, sha256, weights, write
from ldm_core.training.latents import LatentSet, encoded
from ldm_core.training.optimizer import optimizers, rate, set_rate, update_average
from ldm_core.training.run import CHECKPOINT_SECONDS, Run, to_bytes
from ldm_core.training.sheets import save_sheet

LOG_SECONDS, SHEET_SECONDS = 60.0, 600.0
VALIDATED = 256  # scenes that are never trained on, mirrored or not
SHEET_PROMPTS = (
    "a red tent by a mountain lake at sunset",
    "a lighthouse on the beach at night under the moon",
    "a city skyline at dusk",
    "three hot air balloons over a canyon at noon",
    "a castle in a village in autumn at dawn",
    "a pine forest in winter while it snows",
    "a white windmill in a meadow in spring on a sunny day",
    "two blue sailboats near islands at sunset",
    "a desert with three cacti at noon",
    "two orange tents in the arctic at night under northern lights",
    "a red cabin by a lake in winter at dawn",
    "palm trees on the beach at sunset",
)


class TextToImage(nn.Module):
    """UNet and text transformer as one module for the optimiser and the moving average."""

    def __init__(self, recipe: DiffusionRecipe) -> None:
        super().__init__()
        self.unet_config = {"target": "ldm.modules.diffusionmodules.openaimodel.UNetModel", "params": recipe.unet}
        text = {"vocabulary_size": len(VOCABULARY), **recipe.text}
        self.text_config = {"target": "ldm_core.nn.conditioners.WordConditioner", "params": text}
        self.unet = build_module(self.unet_config)
        self.text: Any = build_module(self.text_config)

    def forward(self, x: Tensor, timesteps: Tensor, ids: Tensor) -> Tensor:
        condition = self.text.encode_ids(ids)
        out: Tensor = self.unet(x, timesteps, context=condition.context, y=condition.y)
        return out


def training_loss(network: TextToImage, batch: tuple[Tensor, Tensor, Tensor], t: Tensor, noise: Tensor, abar: Tensor, recipe: DiffusionRecipe) -> Tensor:
    """Mean squared error on v (Salimans and Ho 2022), heavier on things, lighter where there is hardly noise.

    t: (B,) steps. The weight of a step is (min(snr, gamma) + 1) / (snr + 1): that of v itself, capped as in min-SNR
    (Hang et al. 2023), so that the nearly clean steps do not take all of the network.
    """
    x0, ids, things = batch
    signal, sigma = abar[t].sqrt()[:, None, None, None], (1 - abar[t]).sqrt()[:, None, None, None]
    x, target = signal * x0 + sigma * noise, signal * noise - sigma * x0
    snr = abar[t] / (1 - abar[t])
    weight = ((snr.clamp(max=recipe.min_snr_gamma) + 1) / (snr + 1))[:, None, None, None]
    place = 1 + (recipe.thing_weight - 1) * things.float()
    place = place / place.mean()
    with torch.autocast(x.device.type, torch.bfloat16):
        out = network(x, t.float(), ids)
    return (weight * place * (out.float() - target).square()).mean()


@torch.no_grad()
def validation_error(network: TextToImage, data: LatentSet, abar: Tensor, device: torch.device) -> float:
    """Mean squared error of the predicted noise on rows that are never trained on, over all steps alike."""
    rows = np.arange(VALIDATED)
    x0, ids, _ = (part.to(device) for part in data.batch(rows, np.zeros(VALIDATED, np.int64)))
    t = torch.linspace(0, len(abar) - 1, VALIDATED).long().to(device)
    noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(1)).to(device)
    signal, sigma = abar[t].sqrt()[:, None, None, None], (1 - abar[t]).sqrt()[:, None, None, None]
    x = signal * x0 + sigma * noise
    errors = []
    for part in torch.arange(VALIDATED).split(64):
        with torch.autocast(device.type, torch.bfloat16):
            v = network(x[part], t[part].float(), ids[part]).float()
        errors.append((sigma[part] * x[part] + signal[part] * v - noise[part]).square().mean().item())
    return float(np.mean(errors))


def train_diffusion(recipe: DiffusionRecipe, folder: Path, data: Path) -> None:
    """Run or resume the recipe in `folder`; writes presets/models/<output> at the end."""
    run = Run(folder, recipe.threads)
    torch.manual_seed(recipe.seed)
    tokenizer = WordTokenizer(VOCABULARY, SYNONYMS, recipe.text["max_seq_len"])
    first_stage = load_first_stage(MODELS / recipe.first_stage)
    latents = run.leader_first(lambda: prepared(recipe, data, first_stage, tokenizer, run.device))
    schedule = noise_schedule(recipe)
    abar = torch.from_numpy(schedule.alphas_cumprod.copy()).float().to(run.device)
    network = TextToImage(recipe).to(run.device)
    average = copy.deepcopy(network).eval()
    direct = [*network.unet.get_submodule("input_blocks.0").parameters(), *network.unet.get_submodule("out").parameters()]
    optimizer = optimizers(network, recipe.learning_rate, direct)
    seen = _resume(run, network, average, optimizer)
    rng = np.random.default_rng([recipe.seed, run.rank, seen])
    torch.manual_seed(int(rng.integers(2**62)))
    empty = torch.tensor(tokenizer.encode(""))
    size = recipe.batch // run.processes
    run.pause()
    losses: list[float] = []
    while seen < recipe.samples:
        set_rate(optimizer, rate(seen, recipe.samples, recipe.learning_rate, recipe.warmup, recipe.cooldown))
        rows = rng.integers(VALIDATED, len(latents) // 2, size) + rng.integers(0, 2, size) * (len(latents) // 2)
        x0, ids, things = latents.batch(rows, rng.integers(0, latents.ids.shape[1], size))
        ids = torch.where(torch.rand(size, 1) < recipe.empty_caption, empty, ids)
        t = ((torch.rand(1) + torch.arange(size) / size) % 1 * len(schedule)).long()
        batch = (x0.to(run.device), ids.to(run.device), things.to(run.device))
        loss = training_loss(network, batch, t.to(run.device), torch.randn_like(x0).to(run.device), abar, recipe)
        for one in optimizer:
            one.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        run.average_gradients(network)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        for one in optimizer:
            one.step()
        seen += recipe.batch
        update_average(average, network, recipe.ema, seen // recipe.batch)
        losses = [*losses[-199:], loss.item()]
        run.tick()
        last = seen >= recipe.samples
        if run.due("log", LOG_SECONDS) or last and run.leads:
            run.log(seen=seen, loss=float(np.mean(losses)), validation=validation_error(average, latents, abar, run.device), samples_per_second=seen / run.seconds)
            run.pause()
        if run.due("save", CHECKPOINT_SECONDS) or last and run.leads:
            run.save({"seen": seen, "network": network.state_dict(), "average": average.state_dict(), "optimizer": [o.state_dict() for o in optimizer]})
            run.pause()
        if run.due("sheet", SHEET_SECONDS) or last and run.leads:
            _sheet(run, average, first_stage, latents, schedule, tokenizer, seen)
            export(average, recipe, latents, {"samples": seen, "minutes": run.seconds / 60, "validation": validation_error(average, latents, abar, run.device)}, folder / recipe.output)
            run.pause()
    if run.leads:
        export(average, recipe, latents, {"samples": seen, "minutes": run.seconds / 60}, MODELS / recipe.output)


def prepared(recipe: DiffusionRecipe, data: Path, first_stage: CompactKL, tokenizer: WordTokenizer, device: torch.device) -> LatentSet:
    """The recipe's scenes as latents of its first stage; made now, or found from an earlier run."""
    scenes = rendered(data, recipe.scenes, recipe.picture_size)
    folder = data / f"latents-{sha256(MODELS / recipe.first_stage)[:10]}-{recipe.scenes}"
    return encoded(folder, scenes, first_stage, tokenizer, device)


def noise_schedule(recipe: DiffusionRecipe) -> NoiseSchedule:
    return NoiseSchedule.from_params({"beta_schedule": "cosine", "snr_shift": recipe.snr_shift})


def load_first_stage(path: Path) -> CompactKL:
    with safe_open(path, "pt") as file:
        tensors = {key: file.get_tensor(key).float() for key in file.keys() if not key.startswith("preview.")}
        config = json.loads(file.metadata()["latent_studio"])["config"]
    network: Any = build_module(config)
    network.load_state_dict(tensors)
    return network.eval()


def _resume(run: Run, network: nn.Module, average: nn.Module, optimizer: list[torch.optim.Optimizer]) -> int:
    state = run.load()
    if state is None:
        return 0
    network.load_state_dict(state["network"])
    average.load_state_dict(state["average"])
    for one, saved in zip(optimizer, state["optimizer"], strict=True):
        one.load_state_dict(saved)
    return int(state["seen"])


@torch.no_grad()
def _sheet(run: Run, average: TextToImage, first_stage: CompactKL, data: LatentSet, schedule: NoiseSchedule, tokenizer: WordTokenizer, seen: int) -> None:
    """Draw the fixed prompts as they stand, so that a person can see how training goes."""
    prompts = torch.tensor([tokenizer.encode(p) for p in SHEET_PROMPTS]).to(run.device)
    nothing = torch.tensor([tokenizer.encode("")] * len(prompts)).to(run.device)
    denoiser = Denoiser(lambda x, t, c: average.unet(x, t, context=c.context, y=c.y), schedule, "v")
    guided = cfg(denoiser, average.text.encode_ids(prompts), average.text.encode_ids(nothing), 4.0)
    sigmas = sigmas_for("trailing", schedule, 20)
    noise = ImageNoise(range(len(prompts)), tuple(data.latents.shape[1:]), run.device)
    x = run_sampler("dpmpp_2m", guided, noise.start() * float(sigmas[0]), sigmas, noise)
    pictures = first_stage.to(run.device).decode(x * data.std.to(run.device) + data.mean.to(run.device))
    save_sheet(run.folder / f"samples-{seen:08d}.png", to_bytes(pictures.cpu()).numpy(), 4)


def export(average: TextToImage, recipe: DiffusionRecipe, data: LatentSet, quality: dict[str, float], path: Path) -> None:
    tensors = {**weights(average.unet, "model.diffusion_model."), **weights(average.text, "cond_stage_model.")}
    params = {
        "timesteps": 1000,
        "beta_schedule": "cosine",
        "snr_shift": recipe.snr_shift,
        "parameterization": "v",
        "scale_factor": 1.0,
        "latent_mean": data.mean.flatten().tolist(),
        "latent_std": data.std.flatten().tolist(),
        "unet_config": average.unet_config,
        "cond_stage_config": average.text_config,
    }
    defaults = {"width": recipe.picture_size, "height": recipe.picture_size, **(recipe.defaults or {})}
    about = {
        "format": 1,
        "kind": "diffusion",
        "name": recipe.name,
        "family": "scenes-text",
        "config": {"target": "ldm.models.diffusion.ddpm.LatentDiffusion", "params": params},
        "first_stage": recipe.first_stage,
        "first_stage_sha256": sha256(MODELS / recipe.first_stage),
        "vocabulary": VOCABULARY,
        "synonyms": SYNONYMS,
        "factor": FACTOR,
        "defaults": defaults,
        "card": card(asdict(recipe), quality),
    }
    write(path, tensors, about)
