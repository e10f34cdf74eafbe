"""The same shelf and settings as in tests/app, and a disk that is easily full."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.conftest import settings, tiny_models

__all__ = ["settings", "small_disk", "tiny_models"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 400 kB; only root may make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can be made by root only; test_a_limit_on_file_sizes stands for it")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
