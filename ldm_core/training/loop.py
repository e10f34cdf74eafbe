"""The training loop: what is the same for every model."""

import copy
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from ldm_core.training.optimizer import optimizers, rate, set_rate, update_average
from ldm_core.training.run import CHECKPOINT_SECONDS, Run

Network = TypeVar("Network", bound=nn.Module)


class Lengths(Protocol):
    """What the loop reads of a recipe; samples and warmup in samples seen, batch over all processes."""

    @property
    def samples(self) -> int: ...
    @property
    def batch(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def warmup(self) -> int: ...
    @property
    def cooldown(self) -> float: ...
    @property
    def ema(self) -> float: ...
    @property
    def seed(self) -> int: ...


def train(
    run: Run,
    recipe: Lengths,
    network: Network,
    direct: Iterable[nn.Parameter],
    loss_of: Callable[[np.random.Generator], Tensor],
    report: Callable[[Network, int, float, bool], None],
) -> Network:
    """Train `network` in place, from the run's checkpoint if there is one. Returns the moving average of its weights.

    direct: weights for AdamW (first and last layers). loss_of(rng): the loss of this process's next part of a batch.
    report(average, samples seen, mean loss of the last 200 steps, whether this was the last step): after each step.
    """
    average = copy.deepcopy(network).eval()
    parts = optimizers(network, recipe.learning_rate, direct)
    seen = _resume(run, network, average, parts)
    rng = np.random.default_rng([recipe.seed, run.rank, seen])
    torch.manual_seed(int(rng.integers(2**62)))
    losses: list[float] = []
    run.pause()
    while seen < recipe.samples:
        set_rate(parts, rate(seen, recipe.samples, recipe.learning_rate, recipe.warmup, recipe.cooldown))
        loss = loss_of(rng)
        for part in parts:
            part.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        run.average_gradients(network)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        for part in parts:
            part.step()
        seen += recipe.batch
        update_average(average, network, recipe.ema, seen // recipe.batch)
        losses = [*losses[-199:], loss.item()]
        run.tick()
        last = seen >= recipe.samples
        report(average, seen, float(np.mean(losses)), last)
        if run.due("save", CHECKPOINT_SECONDS, now=last):
            state = {"network": network.state_dict(), "average": average.state_dict()}
            run.save({"seen": seen, **state, "optimizer": [part.state_dict() for part in parts]})
        run.pause()
    return average


def _resume(run: Run, network: nn.Module, average: nn.Module, parts: list[torch.optim.Optimizer]) -> int:
    """Samples seen by the run's checkpoint, whose state is put in place; 0 without one."""
    state = run.load()
    if state is None:
        return 0
    network.load_state_dict(state["network"])
    average.load_state_dict(state["average"])
    for part, saved in zip(parts, state["optimizer"], strict=True):
        part.load_state_dict(saved)
    return int(state["seen"])
