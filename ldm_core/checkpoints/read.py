"""Weights from a file into a module: complete, of the right shapes and finite, or refused in one sentence."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ldm_core.checkpoints.header import Header, read_header
from ldm_core.errors import UserError


def read_weights(path: Path) -> tuple[Header, dict[str, Tensor]]:
    """Header and tensors (on the CPU, as stored) of a safetensors file.

    Raises UserError for a file that cannot be read, is damaged, or holds a weight that is not a finite number.
    """
    header = read_header(path)
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path.name} cannot be read: {error}.") from error
    for key, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise UserError(f"{path.name} is damaged: {key} holds weights that are not finite numbers.")
    return header, tensors


def fill(module: nn.Module, tensors: Mapping[str, Tensor], file: str, dtype: torch.dtype, device: torch.device) -> None:
    """Make `tensors` the weights of `module` (which may be on the meta device), without gradients, for evaluation.

    Floating point weights become `dtype`. Raises UserError, naming `file`, if a key is missing, unknown or of another
    shape.
    """
    expected = module.state_dict()
    problems = [f"{key} is missing" for key in expected if key not in tensors]
    problems += [f"{key} belongs to no part of it" for key in tensors if key not in expected]
    problems += [
        f"{key} has the shape {_shape(tensors[key])}, not {_shape(weight)}"
        for key, weight in expected.items()
        if key in tensors and tensors[key].shape != weight.shape
    ]
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise UserError(f"{file} does not fit the model that it says it is: {problems[0]}{more}.")
    module.load_state_dict(
        {
            # a copy, also where nothing changes: what is mapped from a file would change with the file
            key: tensor.to(device, dtype if tensor.is_floating_point() else None, copy=True)
            for key, tensor in tensors.items()
        },
        assign=True,
    )
    module.eval().requires_grad_(False)


def part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose key begins with `prefix`, by the rest of their key."""
    return {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}


def _shape(tensor: Tensor) -> str:
    return "x".join(str(side) for side in tensor.shape) or "()"
