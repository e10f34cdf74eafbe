"""Muon for matrices, AdamW for the rest, a moving average of the weights, and the rate over a run."""

import math
from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor, nn

# Quintic Newton-Schulz iteration of Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon)
_A, _B, _C = 3.4445, -4.7750, 2.0315


def orthogonalized(matrix: Tensor, steps: int = 5) -> Tensor:
    """The nearest semi-orthogonal matrix, roughly: singular values end between 0.7 and 1.2. matrix: (rows, columns)."""
    if matrix.shape[0] > matrix.shape[1]:
        turned: Tensor = orthogonalized(matrix.T, steps).T
        return turned
    x: Tensor = (matrix / (matrix.norm() + 1e-7)).bfloat16()
    for _ in range(steps):
        gram = x @ x.T
        x = _A * x + (_B * gram + _C * gram @ gram) @ x
    return x.to(matrix.dtype)


class Muon(torch.optim.Optimizer):
    """Momentum whose update is orthogonalised, for weights of two and more dimensions (kernels are flattened).

    The update is scaled to AdamW's usual size, 0.2 x RMS (Liu et al. 2025, arXiv:2502.16982), so one rate suits both.
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], lr: float, momentum: float = 0.95, weight_decay: float = 0.01
    ) -> None:
        super().__init__(list(parameters), {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            for weight, update in zip(weights, self._updates(weights, group["momentum"]), strict=True):
                weight.mul_(1 - group["lr"] * group["weight_decay"]).add_(update.view_as(weight), alpha=-group["lr"])

    def _updates(self, weights: list[Tensor], momentum: float) -> tuple[Tensor, ...]:
        """The update of each weight, flat. Processes share the work: each orthogonalises its part, the sum has all."""
        rank, processes = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        updates = []
        for index, weight in enumerate(weights):
            assert weight.grad is not None
            state = self.state[weight]
            if not state:
                state["momentum"] = torch.zeros_like(weight)
            velocity = state["momentum"].lerp_(weight.grad, 1 - momentum)
            if index % processes != rank:
                updates.append(torch.zeros(weight.numel(), device=weight.device))
                continue
            matrix = weight.grad.lerp(velocity, momentum).reshape(len(weight), -1)
            updates.append((orthogonalized(matrix) * (0.2 * math.sqrt(max(matrix.shape)))).flatten())
        if processes == 1:
            return tuple(updates)
        flat = torch.cat(updates)
        dist.all_reduce(flat)
        return torch.split(flat, [weight.numel() for weight in weights])


def optimizers(network: nn.Module, lr: float, direct: Iterable[nn.Parameter] = ()) -> list[torch.optim.Optimizer]:
    """Muon for the hidden matrices, AdamW for vectors, embeddings and the `direct` weights (first and last layers)."""
    excluded = {id(p) for p in direct} | {id(m.weight) for m in network.modules() if isinstance(m, nn.Embedding)}
    hidden = [p for p in network.parameters() if p.ndim >= 2 and id(p) not in excluded]
    chosen = {id(p) for p in hidden}
    others = [p for p in network.parameters() if id(p) not in chosen]
    return [Muon(hidden, lr), torch.optim.AdamW(others, lr, betas=(0.9, 0.98), weight_decay=0.0)]


def set_rate(groups: list[torch.optim.Optimizer], lr: float) -> None:
    for optimizer in groups:
        for group in optimizer.param_groups:
            group["lr"] = lr


def rate(seen: int, total: int, lr: float, warmup: int, cooldown: float) -> float:
    """Linear warm-up over `warmup` samples, flat, then a linear fall to zero over the last share `cooldown`."""
    rising = min(1.0, (seen + 1) / max(warmup, 1))
    falling = min(1.0, max(total - seen, 0) / max(total * cooldown, 1))
    return lr * min(rising, falling)


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """Exponential moving average of the weights; short memory in the first steps. step: 0, 1, ..."""
    weight = 1 - min(decay, (1 + step) / (10 + step))
    torch._foreach_lerp_(list(average.parameters()), [p.detach() for p in network.parameters()], weight)
