"""A prompt becomes pictures."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TextToImage:
    """Everything that decides the pictures of a prompt. None, or an empty name: the model's own default.

    model: a name on the shelf; empty for the embedded model. seed: of the first picture, -1 for chance; picture i has
    seed + i. cfg_scale: 1 = no guidance. eta: 0..1, the share of fresh noise in samplers that take it; None is the
    sampler's own. width, height: any number of pixels within the limits; what the network cannot draw exactly is drawn
    larger and cropped.
    """

    prompt: str = ""
    negative_prompt: str = ""
    model: str = ""
    sampler: str = ""
    schedule: str = ""
    steps: int | None = None
    cfg_scale: float | None = None
    eta: float | None = None
    seed: int = -1
    width: int | None = None
    height: int | None = None
    count: int = 1
