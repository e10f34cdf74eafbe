"""Every published configuration gives exactly the keys and shapes of its published checkpoint."""

from typing import Any

import pytest
import torch

from ldm_core.nn.build import build_module
from tests.golden.fixtures import checkpoint_names, read_checkpoint, shapes

PREFIXES = {
    "unet_config": "model.diffusion_model.",
    "first_stage_config": "first_stage_model.",
    "cond_stage_config": "cond_stage_model.",
}
# Text encoders that come from other projects; they are not networks of latent diffusion.
FOREIGN = ("FrozenCLIPEmbedder", "FrozenOpenCLIPEmbedder")


def built_shapes(config: dict[str, Any]) -> dict[str, list[int]]:
    with torch.device("meta"):  # shapes without memory: the largest of these networks have a billion weights
        return shapes(build_module(config))


def is_network(config: Any) -> bool:
    """Whether a condition is computed by a network of latent diffusion ("__is_first_stage__" and others are not)."""
    return isinstance(config, dict) and not config["target"].endswith(FOREIGN)


@pytest.mark.parametrize("name", checkpoint_names())
def test_networks_have_the_keys_and_shapes_of_the_published_checkpoint(name: str) -> None:
    checkpoint = read_checkpoint(name)
    if "target" in checkpoint.config:
        assert built_shapes(checkpoint.config) == checkpoint.keys
        return
    for part, prefix in PREFIXES.items():
        if is_network(checkpoint.config[part]):
            assert built_shapes(checkpoint.config[part]) == checkpoint.under(prefix)


def test_all_families_are_among_the_checkpoints() -> None:
    names = checkpoint_names()
    assert len(names) == 31
    assert sum("unet_config" in read_checkpoint(name).config for name in names) == 22
