"""What a condition encoder hands to the UNet."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Conditioning:
    """The condition of B pictures, by the way it enters the UNet; None where a way is not used.

    context: (B, S, C), attended to. y: (B,) class numbers or (B, C), joins the timestep embedding.
    concat: (B, C, h, w), joins the channels of the latents.
    """

    context: Tensor | None = None
    y: Tensor | None = None
    concat: Tensor | None = None


def _cat(parts: Sequence[Tensor | None], name: str) -> Tensor | None:
    tensors = [part for part in parts if part is not None]
    if tensors and len(tensors) != len(parts):
        raise ValueError(f"some of the conditions have {name}, others have not")
    return torch.cat(tensors) if tensors else None


def cat(conditionings: Sequence[Conditioning]) -> Conditioning:
    """Join conditions along the batch, in order.

    Raises ValueError if a field is set in some of them only, or if there are none.
    """
    if not conditionings:
        raise ValueError("no conditions to join")
    return Conditioning(
        context=_cat([c.context for c in conditionings], "context"),
        y=_cat([c.y for c in conditionings], "y"),
        concat=_cat([c.concat for c in conditionings], "concat"),
    )
