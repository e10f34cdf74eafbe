"""Latent diffusion, without a screen: request, condition, noise, denoise, decode, picture.

Importing this package costs nothing: each name loads its module (and torch) when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ldm_core.checkpoints.families import identify
    from ldm_core.diffusion.samplers import run_sampler
    from ldm_core.engine import Engine
    from ldm_core.model import load_model
    from ldm_core.nn.build import build_module

__version__ = "0.1.0"
__all__ = ["Engine", "__version__", "build_module", "identify", "load_model", "run_sampler"]

_HOMES = {
    "Engine": "ldm_core.engine",
    "build_module": "ldm_core.nn.build",
    "identify": "ldm_core.checkpoints.families",
    "load_model": "ldm_core.model",
    "run_sampler": "ldm_core.diffusion.samplers",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ldm_core' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
