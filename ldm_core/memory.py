"""Devices, number formats and memory: the only file that asks about the hardware."""

import gc
from pathlib import Path

import torch

from ldm_core.errors import UserError, quoted

DEVICES = ("auto", "cpu", "cuda", "mps")
DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}

MOST_AT_ONCE = 8
BATCH_PIXELS = {"cpu": 4 * 256 * 256, "mps": 4 * 512 * 512, "cuda": 8 * 512 * 512}
"""Pixels that are drawn at once. Fixed, not by what is free now: the same request has to give the same bits.

On two CPU cores pictures gain no speed from each other; four at once are for the eye, that sees all of them begin.
"""


def pick_device(name: str = "auto") -> torch.device:
    """The device that a name stands for; "auto" is the fastest there is. Raises UserError if it is not there."""
    found = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if found[kind]))
    kind = name.partition(":")[0]
    if kind not in found:
        raise UserError(f"The device {quoted(name)} is not known here; known: {', '.join(DEVICES)}.")
    if not found[kind]:
        raise UserError(f"This machine has no {kind} device that torch can use.", "Use --device auto or cpu.")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"The device {quoted(name)} cannot be used on this machine.") from error


def pick_dtype(name: str, device: torch.device) -> torch.dtype:
    """The format of the network's weights: "auto" is float32 on a CPU, else float16. Raises UserError if unknown."""
    if name == "auto":
        return torch.float32 if device.type == "cpu" else torch.float16
    if name not in DTYPES:
        raise UserError(f"The dtype {quoted(name)} is not known here; known: auto, {', '.join(DTYPES)}.")
    return DTYPES[name]


def make_repeatable(device: torch.device) -> None:
    """Settings without which the same request would not give the same bits."""
    if device.type == "cuda":
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False


def batch_size(width: int, height: int, count: int, device: torch.device) -> int:
    """How many pictures of width x height pixels to draw at once, 1..MOST_AT_ONCE."""
    return max(1, min(count, MOST_AT_ONCE, BATCH_PIXELS[device.type] // (width * height)))


def require(bytes_needed: int, device: torch.device, what: str) -> None:
    """Refuse work that cannot fit, before the system ends the whole process for it. Raises UserError."""
    free = free_bytes(device)
    if free is not None and bytes_needed > free:
        need, have = bytes_needed / 1e9, free / 1e9
        raise UserError(
            f"There is not enough memory for {what}: about {need:.1f} GB needed, {have:.1f} GB free.", SMALLER
        )


SMALLER = "Choose a smaller width and height."


def free_bytes(device: torch.device) -> int | None:
    """Memory that can still be had on the device; None where the system does not say."""
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + unused
    room = [number for number in (_free_in_system(), _free_in_cgroup()) if number is not None]
    return min(room) if room else None


def _free_in_system() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:  # not Linux
        return None
    found = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    return found[0] if found else None


def _free_in_cgroup(root: Path = Path("/sys/fs/cgroup")) -> int | None:
    """What a container's limit leaves (cgroup v2, then v1). Cached files do not count: the kernel lets go of them."""
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            limit_text, used_text = (root / limit).read_text().strip(), (root / used).read_text()
            stat = dict(line.split() for line in (root / limit).with_name("memory.stat").read_text().splitlines())
        except (OSError, ValueError):
            continue
        if limit_text == "max":
            return None
        files = int(stat.get("inactive_file", 0)) + int(stat.get("active_file", 0))
        return int(limit_text) - int(used_text) + files
    return None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory is used up, on whatever device."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    marks = ("not enough memory", "DefaultCPUAllocator", "out of memory", "Cannot allocate memory")
    return isinstance(error, RuntimeError | OSError) and any(mark in str(error) for mark in marks)


def out_of_memory(device: torch.device) -> str:
    """The sentence for it."""
    where = "this computer" if device.type == "cpu" else f"the {device.type} device"
    return f"The memory of {where} was not enough for this. {SMALLER}"


def release(device: torch.device) -> None:
    """Give back what nobody uses any more."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
