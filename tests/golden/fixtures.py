"""Reads the numeric fixtures in tests/golden/data: inputs and outputs of the authors' reference implementations.

Their weights are not stored: each tensor is a function of its state-dict key.
"""

import gzip
import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

DATA = Path(__file__).parent / "data"
TOLERANCE = 2e-4


@dataclass(frozen=True)
class NetworkFixture:
    """A network's configuration, its state-dict keys with their shapes, and tensors in and out of it."""

    config: dict[str, Any]
    keys: dict[str, list[int]]
    tensors: dict[str, Tensor]


def read_network(name: str) -> NetworkFixture:
    """Read the pair NAME.json and NAME.npz."""
    description = json.loads((DATA / f"{name}.json").read_text())
    with np.load(DATA / f"{name}.npz") as arrays:
        tensors = {key: torch.from_numpy(arrays[key]) for key in arrays.files}
    return NetworkFixture(description["config"], dict(description["keys"]), tensors)


def weight(key: str, shape: tuple[int, ...]) -> Tensor:
    """The float32 tensor that stands under key in every fixture."""
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little")
    noise = np.random.Generator(np.random.PCG64(seed)).standard_normal(shape).astype(np.float32)
    if len(shape) >= 2:
        return torch.from_numpy(noise / np.float32(math.sqrt(math.prod(shape[1:]))))
    return torch.from_numpy(np.float32(0.1) * noise + np.float32(key.endswith(".weight")))


def fill(module: nn.Module, prefix: str = "") -> nn.Module:
    """Give module, known in a checkpoint under prefix, the weights of the fixtures; returns it in evaluation mode."""
    state = {key: weight(prefix + key, tuple(tensor.shape)) for key, tensor in module.state_dict().items()}
    module.load_state_dict(state)
    return module.eval()


def shapes(module: nn.Module) -> dict[str, list[int]]:
    """State-dict keys and shapes of module."""
    return {key: list(tensor.shape) for key, tensor in module.state_dict().items()}


@dataclass(frozen=True)
class Checkpoint:
    """A published checkpoint: its model configuration, all its keys with their shapes."""

    config: dict[str, Any]
    keys: dict[str, list[int]]

    def under(self, prefix: str) -> dict[str, list[int]]:
        """The keys that begin with prefix, without it."""
        return {key.removeprefix(prefix): shape for key, shape in self.keys.items() if key.startswith(prefix)}


def checkpoint_names() -> list[str]:
    """Names of the published checkpoints whose keys are known here."""
    return sorted(path.name.removesuffix(".json.gz") for path in (DATA / "keys").iterdir())


def read_checkpoint(name: str) -> Checkpoint:
    """Read keys/NAME.json.gz."""
    description = json.loads(gzip.decompress((DATA / "keys" / f"{name}.json.gz").read_bytes()))
    return Checkpoint(description["config"], dict(description["keys"]))
