"""What every benchmark prints: the machine it ran on, and medians with their spread."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path


def machine(*packages: str) -> str:
    """One line: processor, cores, load before the run, system, and versions of Python and the named packages."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1] for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].strip() if names else model
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return f"{model}, {os.cpu_count()} cores{load}; {platform.system()}; Python {platform.python_version()}, {versions}"


def spread(seconds: Sequence[float]) -> str:
    """Median, smallest and largest of some times in seconds."""
    return (
        f"median {statistics.median(seconds):.2f} s (from {min(seconds):.2f} to {max(seconds):.2f}, n={len(seconds)})"
    )


def paired(ours: Sequence[float], peers: Sequence[float]) -> tuple[float, float]:
    """(median of the ratios of each pair, ratio of the two medians): two readings of the same question.

    Machines drift; the members of a pair ran one after the other, so the first is the steadier of the two.
    """
    ratios = [a / b for a, b in zip(ours, peers, strict=True)]
    return statistics.median(ratios), statistics.median(ours) / statistics.median(peers)
