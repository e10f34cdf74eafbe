"""Training of the compact KL first stage on crops of rendered scenes."""

import copy
from dataclasses import asdict
from pathlib import Path
from typing import Any

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
from ldm_core.training.metrics import psnr, ssim
from ldm_core.training.optimizer import optimizers, rate, set_rate, update_average
from ldm_core.training.run import CHECKPOINT_SECONDS, Run, to_bytes, to_signed
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


def step_loss(network: CompactKL, x: Tensor, recipe: FirstStageRecipe, run: Run) -> Tensor:
    with run.autocast():
        posterior = network.encode(x)
        # half of the crops are decoded from noisier latents: a decoder that forgives what a diffusion model gets wrong
        extra = recipe.latent_noise * torch.rand(len(x), 1, 1, 1, device=x.device) * (torch.rand(len(x), 1, 1, 1, device=x.device) < 0.5)
        z = posterior.mean + ((0.5 * posterior.logvar).exp().square() + extra**2).sqrt() * torch.randn_like(posterior.mean)
        output = network.decode(z)
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
    torch.manual_seed(recipe.seed + run.rank)
    scenes = run.leader_first(lambda: rendered(data, recipe.scenes, recipe.picture_size))
    held_out = run.leader_first(lambda: rendered(data, recipe.held_out, recipe.picture_size, held_out=True))
    network = CompactKL()
    network.fit_linear_path(to_signed(torch.from_numpy(np.array(scenes.pictures[:256]))))
    network.to(run.device)
    average = copy.deepcopy(network)
    first, last = network.encoder[1].parameters(), network.decoder[-2].parameters()
    direct = [*network.linear_in.parameters(), *network.linear_out.parameters(), *first, *last, *network.decoder[0].parameters()]
    optimizer = optimizers(network, recipe.learning_rate, direct)
    seen = _resume(run, network, average, optimizer)
    rng = np.random.default_rng([recipe.seed, run.rank, seen])
    run.pause()
    losses: list[float] = []
    while seen < recipe.samples:
        set_rate(optimizer, rate(seen, recipe.samples, recipe.learning_rate, recipe.warmup, recipe.cooldown))
        x = to_signed(torch.from_numpy(crops(scenes, recipe, recipe.batch // run.processes, rng))).to(run.device)
        loss = step_loss(network, x, recipe, run)
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
        if run.due("log", CHECK_SECONDS) or seen >= recipe.samples and run.leads:
            _check(run, average, held_out, seen, losses)
        if run.due("save", CHECKPOINT_SECONDS) or seen >= recipe.samples and run.leads:
            run.save({"seen": seen, "network": network.state_dict(), "average": average.state_dict(), "optimizer": [o.state_dict() for o in optimizer]})
            run.pause()
    if run.leads:
        scores = quality(average, held_out.pictures, run.device)
        print(f"{recipe.held_out} held-out scenes: PSNR {scores['psnr']:.2f} dB, SSIM {scores['ssim']:.4f}")
        export_first_stage(average, asdict(recipe), held_out.pictures[:64], {**scores, "samples": seen, "minutes": run.seconds / 60})


def _resume(run: Run, network: CompactKL, average: CompactKL, optimizer: list[torch.optim.Optimizer]) -> int:
    state: dict[str, Any] | None = run.load()
    if state is None:
        return 0
    network.load_state_dict(state["network"])
    average.load_state_dict(state["average"])
    for one, saved in zip(optimizer, state["optimizer"], strict=True):
        one.load_state_dict(saved)
    return int(state["seen"])


def _check(run: Run, average: CompactKL, held_out: Scenes, seen: int, losses: list[float]) -> None:
    pictures = np.array(held_out.pictures[:CHECKED])
    scores = quality(average, pictures, run.device)
    speed = seen / max(run.seconds, 1e-3)
    run.log(seen=seen, loss=float(np.mean(losses)), psnr=scores["psnr"], ssim=scores["ssim"], samples_per_second=speed)
    made = to_bytes(reconstruct(average, pictures[:8], run.device)).numpy()
    save_sheet(run.folder / f"samples-{seen:08d}.png", np.concatenate([pictures[:8], made]), 8)
    run.pause()
