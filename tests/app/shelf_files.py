"""Model files that a shelf can read and nothing can draw with: a header, and two tensors of one number each."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

WORDS = ["<pad>", "<start>", "a", "red", "blue", "tent", "lake", "mountain", "by", "at", "sunset", "sheep"]
DEFAULTS = {"sampler": "ddim", "schedule": "uniform", "steps": 5, "cfg_scale": 4.0, "width": 64, "height": 64}


def write_header(path: Path, name: str = "Tiny", **changes: object) -> Path:
    """A diffusion model as the shelf sees it."""
    unet = {"image_size": 8, "out_channels": 4, "channel_mult": [1, 2]}
    text = {"params": {"max_seq_len": 8}}
    ours = {
        "format": 1,
        "kind": "diffusion",
        "name": name,
        "family": "scenes-text",
        "config": {"params": {"parameterization": "v", "unet_config": {"params": unet}, "cond_stage_config": text}},
        "vocabulary": WORDS,
        "synonyms": {"crimson": "red"},
        "defaults": DEFAULTS,
        "card": {"knows": "landscapes", "data": "none"},
        **changes,
    }
    one = np.zeros((1,), np.float16)
    keys = ("model.diffusion_model.out.2.weight", "cond_stage_model.transformer.transformer.token_emb.weight")
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(dict.fromkeys(keys, one), path, metadata={"latent_studio": json.dumps(ours)})
    return path
