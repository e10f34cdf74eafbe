"""Shipped model files: half-precision safetensors whose metadata says what the model is and how it was made."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn

from ldm_core.nn.compact import CompactKL
from ldm_core.scenes import DATA_VERSION
from ldm_core.training.run import to_signed

MODELS = Path(__file__).resolve().parents[2] / "presets" / "models"
PREVIEW_SCALE = 4  # picture pixels per latent position that the preview decoder draws


@torch.no_grad()
def fit_preview(network: CompactKL, pictures: NDArray[np.uint8]) -> dict[str, Tensor]:
    """Least-squares map from 3x3 latent positions to 4x4 RGB pixels: a convolution that draws previews.

    pictures: (N, H, W, 3) -> weight (48, C, 3, 3), bias (48): conv2d with padding 1, then pixel_shuffle(4).
    """
    rows, targets = [], []
    for i in range(0, len(pictures), 8):
        x = to_signed(torch.from_numpy(np.array(pictures[i : i + 8])))
        z = network.encode(x).mean
        rows.append(F.unfold(z, 3, padding=1).transpose(1, 2).flatten(0, 1))
        small = F.pixel_unshuffle(F.avg_pool2d(network.decode(z), 8 // PREVIEW_SCALE), PREVIEW_SCALE)
        targets.append(small.flatten(2).transpose(1, 2).flatten(0, 1))
    a = torch.cat(rows)
    a = torch.cat([a, torch.ones(len(a), 1)], 1)
    solution = torch.linalg.lstsq(a, torch.cat(targets)).solution
    weight = solution[:-1].T.reshape(3 * PREVIEW_SCALE**2, -1, 3, 3).contiguous()
    return {"preview.weight": weight, "preview.bias": solution[-1].contiguous()}


def export_first_stage(
    network: CompactKL, recipe: dict[str, Any], pictures: NDArray[np.uint8], quality: dict[str, float]
) -> Path:
    """Write the trained first stage, with a preview decoder fitted on `pictures` (N, H, W, 3)."""
    network = network.cpu().eval()
    tensors = {**network.state_dict(), **fit_preview(network, pictures)}
    about = {
        "format": 1,
        "kind": "first-stage",
        "name": recipe["name"],
        "family": "scenes-first-stage",
        "config": {"target": "ldm_core.nn.compact.CompactKL", "params": {"embed_dim": network.embed_dim}},
        "card": card(recipe, quality),
    }
    return write(MODELS / recipe["output"], tensors, about)


def card(recipe: dict[str, Any], quality: dict[str, float]) -> dict[str, Any]:
    """What the file says of its own making: data, recipe, training time and measured quality."""
    return {
        "data": f"Scenes version {DATA_VERSION}, rendered by ldm_core.scenes",
        "recipe": recipe,
        "quality": {key: round(float(value), 4) for key, value in quality.items()},
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "licence": "MIT",
    }


def write(path: Path, tensors: dict[str, Tensor], about: dict[str, Any]) -> Path:
    """Write tensors in half precision, whole or not at all: beside `path` first, then moved there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    half = {key: value.detach().to(torch.float16).contiguous() for key, value in tensors.items()}
    save_file(half, part, metadata={"latent_studio": json.dumps(about)})
    os.replace(part, path)
    print(f"wrote {path.name}: {path.stat().st_size / 1e6:.2f} MB")
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def weights(module: nn.Module, prefix: str) -> dict[str, Tensor]:
    return {prefix + key: value for key, value in module.state_dict().items()}
