"""From the vocabulary of published configurations ("target" and "params") to a module."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from .conditioners import BERTEmbedder, ClassEmbedder, SpatialRescaler, TransformerEmbedder, WordConditioner
from .unet import UNetModel

BUILDERS: dict[str, Callable[..., nn.Module]] = {
    "UNetModel": UNetModel,
    "BERTEmbedder": BERTEmbedder,
    "TransformerEmbedder": TransformerEmbedder,
    "WordConditioner": WordConditioner,
    "ClassEmbedder": ClassEmbedder,
    "SpatialRescaler": SpatialRescaler,
    "Identity": nn.Identity,
}
"""By the last name of a target: what makes the module from its params."""

# Parameters of published configurations that say where or how a module is trained or run, not what it is.
NOT_ARCHITECTURE = frozenset(
    "lossconfig monitor ckpt_path ignore_keys image_key colorize_nlabels batch_resize_range scheduler_config lr_g_factor "
    "use_ema ema_decay learn_logvar device use_tokenizer ucg_rate remap_output".split()
)


def build_module(config: Mapping[str, Any]) -> nn.Module:
    """Make the module that a configuration describes, with freshly initialised weights.

    config: {"target": dotted name, "params": {...}}; the last part of the name decides. State-dict keys and shapes are
    those of the published checkpoints. Raises ValueError for an unknown target or parameter, or a missing one.
    """
    name = str(config["target"]).rpartition(".")[2]
    if name not in BUILDERS:
        raise ValueError(f"{name} is not a known module; known are {', '.join(sorted(BUILDERS))}")
    params = {key: value for key, value in (config.get("params") or {}).items() if key not in NOT_ARCHITECTURE}
    builder = BUILDERS[name]
    try:
        inspect.signature(builder).bind(**params)
    except TypeError as error:
        raise ValueError(f"{name}: {error}") from error
    return builder(**params)
