"""Training of a text-conditional latent diffusion model: UNet and text transformer jointly, as in the paper."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ldm_core.checkpoints.header import read_header
from ldm_core.diffusion.denoiser import Denoiser
from ldm_core.diffusion.guidance import cfg
from ldm_core.diffusion.noise import ImageNoise
from ldm_core.diffusion.parameterization import noised, target, ve_from_vp
from ldm_core.diffusion.samplers import run_sampler
from ldm_core.diffusion.schedule import NoiseSchedule
from ldm_core.diffusion.spacing import sigmas_for
from ldm_core.nn.build import build_module
from ldm_core.nn.compact import CompactKL
from ldm_core.prompt.words import WordTokenizer
from ldm_core.scenes import SYNONYMS, VOCABULARY
from ldm_core.training.config import DiffusionRecipe
from ldm_core.training.data import rendered
from ldm_core.training.export import MODELS, card, sha256, weights, write
from ldm_core.training.latents import LatentSet, encoded
from ldm_core.training.loop import train
from ldm_core.training.run import Run, to_bytes
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


def training_loss(
    network: TextToImage, batch: tuple[Tensor, Tensor, Tensor], alphas_cumprod: Tensor, recipe: DiffusionRecipe
) -> Tensor:
    """Mean squared error on v (Salimans and Ho 2022), heavier on things, lighter where there is hardly noise.

    batch: latents (B, C, s, s), caption ids (B, L), places of things (B, 1, s, s). The weight of a step is
    (min(snr, gamma) + 1) / (snr + 1): that of v itself, capped as in min-SNR (Hang et al. 2023), so that the nearly
    clean steps do not take all of the network. The steps of a batch are spread evenly.
    """
    x0, ids, things = batch
    spread = (torch.rand(1) + torch.arange(len(x0)) / len(x0)) % 1
    t = (spread * len(alphas_cumprod)).long().to(x0.device)
    abar, noise = alphas_cumprod[t][:, None, None, None], torch.randn_like(x0)
    snr = abar / (1 - abar)
    weight = (snr.clamp(max=recipe.min_snr_gamma) + 1) / (snr + 1)
    place = 1 + (recipe.thing_weight - 1) * things.float()
    with torch.autocast(x0.device.type, torch.bfloat16):
        v = network(noised(x0, noise, abar), t.float(), ids)
    error = (v.float() - target("v", x0, noise, abar)).square()
    loss: Tensor = (weight * place / place.mean() * error).mean()
    return loss


@torch.no_grad()
def validation_error(network: TextToImage, data: LatentSet, alphas_cumprod: Tensor) -> float:
    """Mean squared error of the predicted noise on rows that are never trained on, over all steps alike."""
    device, rows = alphas_cumprod.device, np.arange(VALIDATED)
    x0, ids, _ = (part.to(device) for part in data.batch(rows, np.zeros(VALIDATED, np.int64)))
    t = torch.linspace(0, len(alphas_cumprod) - 1, VALIDATED).long().to(device)
    noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(1)).to(device)
    abar = alphas_cumprod[t][:, None, None, None]
    x = noised(x0, noise, abar)
    errors = []
    for part in torch.split(torch.arange(VALIDATED), 64):
        with torch.autocast(device.type, torch.bfloat16):
            v = network(x[part], t[part].float(), ids[part]).float()
        eps = (1 - abar[part]).sqrt() * x[part] + abar[part].sqrt() * v
        errors.append((eps - noise[part]).square().mean().item())
    return float(np.mean(errors))


def train_diffusion(recipe: DiffusionRecipe, folder: Path, data: Path) -> None:
    """Run or resume the recipe in `folder`; writes presets/models/<output> at the end."""
    run = Run(folder, recipe.threads)
    tokenizer = WordTokenizer(VOCABULARY, SYNONYMS, recipe.text["max_seq_len"])
    first_stage = load_first_stage(MODELS / recipe.first_stage)
    latents = run.leader_first(lambda: prepared(recipe, data, first_stage, tokenizer, run.device))
    schedule = noise_schedule(recipe)
    alphas_cumprod = torch.from_numpy(schedule.alphas_cumprod.copy()).float().to(run.device)
    torch.manual_seed(recipe.seed)
    network = TextToImage(recipe).to(run.device)
    direct = [
        *network.unet.get_submodule("input_blocks.0").parameters(),
        *network.unet.get_submodule("out").parameters(),
    ]
    empty = torch.tensor(tokenizer.encode(""))
    size, half = recipe.batch // run.processes, len(latents) // 2

    def loss_of(rng: np.random.Generator) -> Tensor:
        rows = rng.integers(VALIDATED, half, size) + rng.integers(0, 2, size) * half
        x0, ids, things = latents.batch(rows, rng.integers(0, latents.ids.shape[1], size))
        ids = torch.where(torch.rand(size, 1) < recipe.empty_caption, empty, ids)
        batch = (x0.to(run.device), ids.to(run.device), things.to(run.device))
        return training_loss(network, batch, alphas_cumprod, recipe)

    def report(average: TextToImage, seen: int, loss: float, last: bool) -> None:
        if run.due("log", LOG_SECONDS, now=last):
            error = validation_error(average, latents, alphas_cumprod)
            run.log(seen=seen, loss=loss, validation=error, samples_per_second=seen / run.seconds)
        if run.due("sheet", SHEET_SECONDS, now=last):
            draw_sheet(run, average, first_stage, latents, schedule, tokenizer, seen)
            error = validation_error(average, latents, alphas_cumprod)
            facts = {"samples": seen, "minutes": run.seconds / 60, "validation": error}
            export(average, recipe, latents, facts, (MODELS if last else folder) / recipe.output)

    train(run, recipe, network, direct, loss_of, report)


def prepared(
    recipe: DiffusionRecipe, data: Path, first_stage: CompactKL, tokenizer: WordTokenizer, device: torch.device
) -> LatentSet:
    """The recipe's scenes as latents of its first stage; made now, or found from an earlier run."""
    folder = data / f"latents-{sha256(MODELS / recipe.first_stage)[:10]}-{recipe.scenes}"
    return encoded(folder, rendered(data, recipe.scenes, recipe.picture_size), first_stage, tokenizer, device)


def noise_schedule(recipe: DiffusionRecipe) -> NoiseSchedule:
    return NoiseSchedule.from_params({"beta_schedule": "cosine", "snr_shift": recipe.snr_shift})


def load_first_stage(path: Path) -> CompactKL:
    """A first stage in this project's own format, in float32, without its preview decoder."""
    network = cast(CompactKL, build_module(read_header(path).ours["config"]))
    tensors = {key: value.float() for key, value in load_file(path).items() if not key.startswith("preview.")}
    network.load_state_dict(tensors)
    return network.eval()


@torch.no_grad()
def draw_sheet(
    run: Run,
    average: TextToImage,
    first_stage: CompactKL,
    data: LatentSet,
    schedule: NoiseSchedule,
    tokenizer: WordTokenizer,
    seen: int,
) -> None:
    """Draw the fixed prompts as they stand, so that a person can see how training goes."""
    prompts = torch.tensor([tokenizer.encode(prompt) for prompt in SHEET_PROMPTS]).to(run.device)
    nothing = torch.tensor([tokenizer.encode("")] * len(prompts)).to(run.device)
    denoiser = Denoiser(lambda x, t, c: average.unet(x, t, context=c.context, y=c.y), schedule, "v")
    guided = cfg(denoiser, average.text.encode_ids(prompts), average.text.encode_ids(nothing), 4.0)
    sigmas = sigmas_for("trailing", schedule, 20)
    channels, height, width = data.latents.shape[1:]
    noise = ImageNoise(range(len(prompts)), (channels, height, width), run.device)
    x = run_sampler("dpmpp_2m", guided, ve_from_vp(noise.start(), float(sigmas[0])), sigmas, noise)
    pictures = first_stage.to(run.device).decode(x * data.std.to(run.device) + data.mean.to(run.device))
    save_sheet(run.folder / f"samples-{seen:08d}.png", to_bytes(pictures.cpu()).numpy(), 4)


def export(
    average: TextToImage, recipe: DiffusionRecipe, data: LatentSet, quality: dict[str, float], path: Path
) -> None:
    """Write the model file; its first stage is named and not contained."""
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
        "defaults": {"width": recipe.picture_size, "height": recipe.picture_size, **(recipe.defaults or {})},
        "card": {**({"knows": recipe.knows} if recipe.knows else {}), **card(asdict(recipe), quality)},
    }
    write(path, tensors, about)
