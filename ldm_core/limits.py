"""How large a wish may be. The settings hold one `Limits`; everything that refuses reads it from there."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Upper and lower ends are inclusive. Sides in pixels, prompts in characters."""

    max_steps: int = 1000
    min_side: int = 64
    max_side: int = 8192
    max_count: int = 1000
    max_prompt: int = 20_000
    max_seed: int = 2**63 - 1
    max_cfg_scale: float = 100.0
    max_eta: float = 1.0
    max_pixels: int = 64_000_000  # of a picture that is read in
