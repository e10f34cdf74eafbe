"""One training run: its folder, processes, checkpoints, log and clock. What is trained is in the other files.

A run writes RUN/checkpoint.pt (every two minutes, replaced whole, so a kill at any moment loses at most that),
RUN/log.csv and RUN/samples-*.png. The same command started again goes on from the checkpoint.
"""

import csv
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.multiprocessing.spawn import spawn

CHECKPOINT_SECONDS = 120.0
Result = TypeVar("Result")


class Run:
    """Folder, clock and distributed group of one training run. rank 0 writes; others only compute."""

    def __init__(self, folder: Path, threads: int) -> None:
        self.folder = folder
        self.rank = dist.get_rank() if dist.is_initialized() else 0
        self.processes = dist.get_world_size() if dist.is_initialized() else 1
        self.device = _device(self.rank)
        self.seconds = 0.0  # of training, over all sessions
        self._mark = self._started = time.monotonic()
        self._last: dict[str, float] = {}
        if self.device.type == "cpu":
            torch.set_num_threads(threads)
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16)

    def tick(self) -> None:
        now = time.monotonic()
        self.seconds += now - self._mark
        self._mark = now

    def pause(self) -> None:
        """Leave the time since the last tick (rendering, evaluation) out of the training time."""
        self._mark = time.monotonic()

    def due(self, what: str, every: float, now: bool = False) -> bool:
        """True for rank 0 once every `every` seconds, and `now`. what: any name, such as "log" or "save"."""
        last = self._last.get(what, self._started)
        if not self.leads or (time.monotonic() - last < every and not now):
            return False
        self._last[what] = time.monotonic()
        return True

    def log(self, **values: float | int) -> None:
        row = {"minutes": round(self.seconds / 60, 2), **values}
        path = self.folder / "log.csv"
        new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, list(row))
            if new:
                writer.writeheader()
            writer.writerow(row)
        shown = (f"{value:.5g}" if isinstance(value, float) else value for value in row.values())
        print("  ".join(f"{key} {value}" for key, value in zip(row, shown, strict=True)), flush=True)

    def save(self, state: dict[str, Any]) -> None:
        path = self.folder / "checkpoint.pt"
        part = path.with_suffix(".part")
        torch.save({**state, "seconds": self.seconds}, part)
        os.replace(part, path)

    def load(self) -> dict[str, Any] | None:
        path = self.folder / "checkpoint.pt"
        if not path.is_file():
            return None
        state: dict[str, Any] = torch.load(path, map_location=self.device, weights_only=True)
        self.seconds = float(state["seconds"])
        return state

    def leader_first(self, work: Callable[[], Result]) -> Result:
        """What `work` returns: rank 0 does it alone, with all cores; then the others do, and find it done on disk."""
        if self.processes == 1:
            return work()
        threads = torch.get_num_threads()
        if self.leads:
            torch.set_num_threads(os.cpu_count() or 1)
        else:
            dist.barrier()
        result = work()
        if self.leads:
            dist.barrier()
        torch.set_num_threads(threads)
        return result

    def average_gradients(self, network: nn.Module) -> None:
        """Mean of the gradients over the processes, as DistributedDataParallel would give it."""
        if self.processes == 1:
            return
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        flat = torch.cat([g.reshape(-1) for g in gradients])
        dist.all_reduce(flat)
        flat /= self.processes
        for gradient, part in zip(gradients, torch.split(flat, [g.numel() for g in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))


def start(worker: Callable[..., None], processes: int, folder: Path, *arguments: object) -> None:
    """Call worker(*arguments) in this process, under torchrun, or in `processes` processes of this machine's CPU."""
    if "RANK" in os.environ:
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
        _guarded(worker, *arguments)
    elif processes == 1 or torch.cuda.is_available():
        worker(*arguments)
    else:
        folder.mkdir(parents=True, exist_ok=True)
        meeting = folder.absolute() / "processes.meet"
        meeting.unlink(missing_ok=True)
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        spawn(_spawned, (processes, str(meeting), worker, arguments), processes)  # type: ignore[no-untyped-call]


def _spawned(
    rank: int, processes: int, meeting: str, worker: Callable[..., None], arguments: tuple[object, ...]
) -> None:
    dist.init_process_group("gloo", init_method="file://" + meeting, rank=rank, world_size=processes)
    _guarded(worker, *arguments)


def _guarded(worker: Callable[..., None], *arguments: object) -> None:
    try:
        worker(*arguments)
    finally:
        dist.destroy_process_group()


def _device(rank: int) -> torch.device:
    if not torch.cuda.is_available():
        return torch.device("cpu")
    torch.cuda.set_device(rank % torch.cuda.device_count())
    return torch.device("cuda")


def to_signed(pictures: Tensor) -> Tensor:
    """(N, H, W, 3) uint8 -> (N, 3, H, W) float in -1..1."""
    return pictures.permute(0, 3, 1, 2).float().div_(127.5).sub_(1.0)


def to_bytes(pictures: Tensor) -> Tensor:
    """(N, 3, H, W) in -1..1 -> (N, H, W, 3) uint8."""
    return ((pictures.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()
