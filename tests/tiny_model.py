"""A model of the embedded format with random weights: nothing is trained, it draws coloured noise at once."""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from ldm_core.nn.build import build_module

WORDS = [
    "<pad>",
    "<start>",
    "a",
    "red",
    "blue",
    "tent",
    "tents",
    "lake",
    "mountain",
    "by",
    "at",
    "sunset",
    "night",
    "two",
]
SYNONYMS = {"dusk": "sunset", "crimson": "red"}

FIRST_STAGE = {
    "target": "ldm_core.nn.compact.CompactKL",
    "params": {"embed_dim": 4, "encoder_channels": [4, 8, 8], "decoder_channels": [8, 8, 4]},
}
UNET = {
    "target": "ldm.modules.diffusionmodules.openaimodel.UNetModel",
    "params": {
        "image_size": 8,
        "in_channels": 4,
        "out_channels": 4,
        "model_channels": 32,
        "num_res_blocks": 1,
        "channel_mult": [1, 2],
        "attention_resolutions": [2],
        "num_head_channels": 16,
        "use_spatial_transformer": True,
        "transformer_depth": 1,
        "context_dim": 32,
        "legacy": False,
        "num_classes": "sequential",
        "adm_in_channels": 32,
        "patch_size": 2,
    },
}
TEXT = {
    "target": "ldm_core.nn.conditioners.WordConditioner",
    "params": {"vocabulary_size": len(WORDS), "n_embed": 32, "n_layer": 1, "max_seq_len": 12},
}
DEFAULTS = {"sampler": "dpmpp_2m", "schedule": "trailing", "steps": 4, "cfg_scale": 3.0, "width": 64, "height": 64}


def write_tiny_models(folder: Path, **changes: Any) -> tuple[Path, Path]:
    """Both files of the format in `folder`; changes: of the params of the diffusion config."""
    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        stage, unet, text = (build_module(config) for config in (FIRST_STAGE, UNET, TEXT))
        tensors = {"preview.weight": torch.randn(48, 4, 3, 3) / 6, "preview.bias": torch.zeros(48)}
        # networks start with zeros in their last layers; a test of anything needs numbers that come through
        for module in (stage, unet, text):
            for weight in module.parameters():
                if not weight.any():
                    torch.nn.init.normal_(weight, std=0.05)
    first_stage = folder / "first-stage.safetensors"
    _write(
        first_stage, {**stage.state_dict(), **tensors}, {"kind": "first-stage", "name": "Tiny", "config": FIRST_STAGE}
    )
    weights = {f"model.diffusion_model.{key}": tensor for key, tensor in unet.state_dict().items()}
    weights |= {f"cond_stage_model.{key}": tensor for key, tensor in text.state_dict().items()}
    params = {
        "timesteps": 1000,
        "beta_schedule": "cosine",
        "snr_shift": 0.25,
        "parameterization": "v",
        "scale_factor": 1.0,
        "latent_mean": [0.1, -0.1, 0.0, 0.2],
        "latent_std": [0.9, 1.1, 1.0, 1.2],
        "unet_config": UNET,
        "cond_stage_config": TEXT,
        **changes,
    }
    about = {
        "kind": "diffusion",
        "name": "Tiny scenes",
        "family": "scenes-text",
        "config": {"target": "ldm.models.diffusion.ddpm.LatentDiffusion", "params": params},
        "first_stage": first_stage.name,
        "first_stage_sha256": hashlib.sha256(first_stage.read_bytes()).hexdigest(),
        "vocabulary": WORDS,
        "synonyms": SYNONYMS,
        "factor": 8,
        "defaults": DEFAULTS,
        "card": {"knows": "tents and lakes", "data": "none: random weights"},
    }
    path = folder / "scenes-text.safetensors"
    _write(path, weights, about)
    return first_stage, path


def _write(path: Path, tensors: dict[str, torch.Tensor], about: dict[str, Any]) -> None:
    half = {key: tensor.detach().half().contiguous() for key, tensor in tensors.items()}
    save_file(half, path, metadata={"latent_studio": json.dumps({"format": 1, **about})})
