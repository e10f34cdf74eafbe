"""Hardware questions, against files like the system's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ldm_core import memory

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("size", "count", "expected"),
    [((256, 256), 1, 1), ((256, 256), 1000, 4), ((512, 512), 1000, 1), ((8192, 8192), 4, 1), ((64, 64), 1000, 8)],
)
def test_batches_hold_four_native_pictures_and_always_one(size: tuple[int, int], count: int, expected: int) -> None:
    assert memory.batch_size(*size, count, CPU) == expected


def test_batches_do_not_depend_on_free_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda device: 1)
    assert memory.batch_size(256, 256, 4, CPU) == 4


def _container(root: Path, limit: str, used: int, files: int) -> Path:
    (root / "memory.max").write_text(limit + "\n")
    (root / "memory.current").write_text(f"{used}\n")
    (root / "memory.stat").write_text(f"anon 5\ninactive_file {files}\nactive_file 1000\n")
    return root


def test_the_limit_of_a_container_counts_without_its_cached_files(tmp_path: Path) -> None:
    assert memory._free_in_cgroup(_container(tmp_path, "8000000", 6_000_000, 2_000_000)) == 4_001_000
    assert memory._free_in_cgroup(_container(tmp_path, "max", 6_000_000, 0)) is None
    assert memory._free_in_cgroup(tmp_path / "nothing") is None


def test_free_memory_of_this_machine_is_a_number_that_torch_can_have() -> None:
    free = memory.free_bytes(CPU)
    assert free is None or 10_000_000 < free < 2**50


def test_errors_of_used_up_memory_are_told_from_others() -> None:
    with pytest.raises(RuntimeError) as real:
        torch.empty(2**55)
    assert memory.is_out_of_memory(real.value)
    assert memory.is_out_of_memory(MemoryError())
    assert memory.is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"))
    with pytest.raises(RuntimeError) as other:
        torch.zeros(2) @ torch.zeros(3)
    assert not memory.is_out_of_memory(other.value)
    assert not memory.is_out_of_memory(OSError("No space left on device"))


def test_auto_is_float32_on_a_cpu_and_half_precision_on_a_gpu() -> None:
    assert memory.pick_dtype("auto", CPU) == torch.float32
    assert memory.pick_dtype("auto", torch.device("cuda")) == torch.float16
    assert memory.pick_dtype("bfloat16", CPU) == torch.bfloat16
    assert memory.pick_device("cpu") == CPU
