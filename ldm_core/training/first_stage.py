"""Training of the compact KL first stage on crops of rendered scenes."""

from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ldm_core.nn.compact import CompactKL
from ldm_core.training.config import FirstStageRecipe
from ldm_core.training.data import Scenes, rendered
from ldm_core.training.export import export_first_stage
from ldm_core.training.loop import train
from ldm_core.training.metrics import psnr, ssim
from ldm_core.training.run import Run, to_bytes, to_signed
from ldm_core.training.sheets import save_sheet

CHECK_SECONDS = 180.0
CHECKED = 48  # held-out pictures looked at while training


def reconstruction_loss(output: Tensor, target: Tensor) -> Tensor:
    """L1 + gradients at three scales (edges, fine strokes) + half the square. (N, 3, H, W) each."""
    loss = F.l1_loss(output, target) + 0.5 * F.mse_loss(output, target)
    a, b = output, target
    for scale in range(3):
        if scale:
            a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
        difference = a - b
        loss = loss + 0.7 / 3 * (difference.diff(dim=-1).abs().mean() + difference.diff(dim=-2).abs().mean())
    return loss


def crops(scenes: Scenes, recipe: FirstStageRecipe, count: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Random crops, some of them whole pictures shrunk, half of them mirrored. -> (count, crop, crop, 3)."""
    out = np.empty((count, recipe.crop, recipe.crop, 3), np.uint8)
    for i in range(count):
        picture = scenes.pictures[rng.integers(len(scenes))]
        if rng.random() < recipe.whole_share:
            crop = cv2.resize(picture, (recipe.crop, recipe.crop), interpolation=cv2.INTER_AREA).astype(np.uint8)
        else:
            top, left = rng.integers(0, recipe.picture_size + 1 - recipe.crop, 2)
            crop = picture[top : top + recipe.crop, left : left + recipe.crop]
        out[i] = crop[:, ::-1] if rng.random() < 0.5 else crop
    return out


def crop_loss(network: CompactKL, x: Tensor, recipe: FirstStageRecipe, run: Run) -> Tensor:
    """Loss of one batch of crops x (B, 3, crop, crop): reconstruction and the Kullback-Leibler term."""
    with run.autocast():
        posterior = network.encode(x)
        # half of the crops are decoded from noisier latents: a decoder that forgives what a diffusion model gets wrong
        share, chosen = torch.rand(2, len(x), 1, 1, 1, device=x.device)
        extra = recipe.latent_noise * share * (chosen < 0.5)
        std = (posterior.logvar.exp() + extra**2).sqrt()
        output = network.decode(posterior.mean + std * torch.randn_like(posterior.mean))
    mean, logvar = posterior.mean.float(), posterior.logvar.float()
    divergence = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
    return reconstruction_loss(output.float(), x) + recipe.kl_weight * divergence


@torch.no_grad()
def reconstruct(network: CompactKL, pictures: NDArray[np.uint8], device: torch.device) -> Tensor:
    parts = [to_signed(torch.from_numpy(np.array(pictures[i : i + 8]))).to(device) for i in range(0, len(pictures), 8)]
    return torch.cat([network.decode(network.encode(x).mean).clamp(-1, 1).cpu() for x in parts])


def quality(network: CompactKL, pictures: NDArray[np.uint8], device: torch.device) -> dict[str, float]:
    """Mean PSNR (dB) and SSIM of the reconstructions of pictures (N, H, W, 3)."""
    network.eval()
    scores: list[tuple[float, float]] = []
    for i in range(0, len(pictures), 50):
        part = np.array(pictures[i : i + 50])
        real, made = to_signed(torch.from_numpy(part)), reconstruct(network, part, device)
        scores += zip(psnr(real, made).tolist(), ssim(real, made).tolist(), strict=True)
    return {"psnr": float(np.mean([a for a, _ in scores])), "ssim": float(np.mean([b for _, b in scores]))}


def train_first_stage(recipe: FirstStageRecipe, folder: Path, data: Path) -> None:
    """Run or resume the recipe in `folder`; writes presets/models/<output> at the end."""
    run = Run(folder, recipe.threads)
    scenes = run.leader_first(lambda: rendered(data, recipe.scenes, recipe.picture_size))
    held_out = run.leader_first(lambda: rendered(data, recipe.held_out, recipe.picture_size, held_out=True))
    torch.manual_seed(recipe.seed)
    network = CompactKL()
    network.fit_linear_path(to_signed(torch.from_numpy(np.array(scenes.pictures[:256]))))
    network.to(run.device)
    linear = [*network.linear_in.parameters(), *network.linear_out.parameters()]
    ends = [network.encoder[1], network.decoder[0], network.decoder[-2]]
    direct = [*linear, *(p for layer in ends for p in layer.parameters())]

    def loss_of(rng: np.random.Generator) -> Tensor:
        pictures = crops(scenes, recipe, recipe.batch // run.processes, rng)
        return crop_loss(network, to_signed(torch.from_numpy(pictures)).to(run.device), recipe, run)

    def report(average: CompactKL, seen: int, loss: float, last: bool) -> None:
        if run.due("log", CHECK_SECONDS, now=last):
            pictures = np.array(held_out.pictures[:CHECKED])
            run.log(
                seen=seen, loss=loss, **quality(average, pictures, run.device), samples_per_second=seen / run.seconds
            )
            made = to_bytes(reconstruct(average, pictures[:8], run.device)).numpy()
            save_sheet(run.folder / f"samples-{seen:08d}.png", np.concatenate([pictures[:8], made]), 8)

    average = train(run, recipe, network, direct, loss_of, report)
    if run.leads:
        scores = quality(average, held_out.pictures, run.device)
        print(f"{recipe.held_out} held-out scenes: PSNR {scores['psnr']:.2f} dB, SSIM {scores['ssim']:.4f}")
        facts = {**scores, "samples": recipe.samples, "minutes": run.seconds / 60}
        export_first_stage(average, asdict(recipe), held_out.pictures[:64], facts)
