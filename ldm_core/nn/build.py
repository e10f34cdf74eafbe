"""From the vocabulary of published configurations ("target" and "params") to a module."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from .autoencoder import AutoencoderKL, IdentityFirstStage, VQModel
from .compact import CompactKL
from .conditioners import BERTEmbedder, ClassEmbedder, SpatialRescaler, TransformerEmbedder, WordConditioner
from .unet import UNetConfig, UNetModel

# By the last name of a target: what makes the module from its params.
BUILDERS: dict[str, Callable[..., nn.Module]] = {
    "UNetModel": lambda **params: UNetModel(UNetConfig(**params)),
    "AutoencoderKL": AutoencoderKL,
    "VQModel": VQModel,
    "VQModelInterface": VQModel,
    "IdentityFirstStage": IdentityFirstStage,
    "CompactKL": CompactKL,
    "BERTEmbedder": BERTEmbedder,
    "TransformerEmbedder": TransformerEmbedder,
    "WordConditioner": WordConditioner,
    "ClassEmbedder": ClassEmbedder,
    "SpatialRescaler": SpatialRescaler,
    "Identity": nn.Identity,
}

# Parameters of published configurations that say how a module is trained, or where it runs, and not what it is.
NOT_ARCHITECTURE = {
    *("batch_resize_range", "ckpt_path", "colorize_nlabels", "ema_decay", "ignore_keys", "image_key", "learn_logvar"),
    *("lossconfig", "lr_g_factor", "monitor", "scheduler_config", "ucg_rate", "use_ema"),
    *("device", "image_size", "use_bf16", "use_fp16", "use_tokenizer", "vq_interface"),
}


def build_module(config: Mapping[str, Any]) -> nn.Module:
    """Make the module that a configuration describes, with freshly initialised weights.

    config: {"target": dotted name, "params": {...}}; the last part of the name decides. State-dict keys and shapes are
    those of the published checkpoints. Raises ValueError for an unknown target and for params that do not fit it.
    """
    name = str(config["target"]).rpartition(".")[2]
    if name not in BUILDERS:
        raise ValueError(f"{name} is not a known module; known are {', '.join(sorted(BUILDERS))}")
    params = {key: value for key, value in (config.get("params") or {}).items() if key not in NOT_ARCHITECTURE}
    try:
        return BUILDERS[name](**params)
    except TypeError as error:  # a missing or unknown parameter, or one of the wrong kind
        raise ValueError(f"{name}: {error}") from error
