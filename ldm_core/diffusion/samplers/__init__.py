"""Samplers: each a file here with a generator function; importing this package puts every one on the list `SAMPLERS`.

To add one, add a file: see docs/adding-a-sampler.md. No torch is imported before a sampler runs.
"""

import importlib
import pkgutil

from ldm_core.diffusion.samplers.registry import SAMPLERS, Sampler, sampler
from ldm_core.diffusion.samplers.run import Step, run_sampler, steps

for _module in pkgutil.iter_modules(__path__, __name__ + "."):
    importlib.import_module(_module.name)

__all__ = ["SAMPLERS", "Sampler", "Step", "run_sampler", "sampler", "steps"]
