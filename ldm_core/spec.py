"""What has to be known of a model to draw with it, apart from its weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Conditioning = Literal["text", "class", "none", "semantic", "layout", "image"]
Prediction = Literal["eps", "v", "x0"]


@dataclass(frozen=True)
class Defaults:
    """The settings with which a model draws best. Names are those of the sampler and spacing registries."""

    sampler: str = "dpmpp_2m"
    schedule: str = "karras"
    steps: int = 20
    cfg_scale: float = 5.0
    width: int = 256
    height: int = 256


@dataclass(frozen=True)
class ModelSpec:
    """Facts of one model, frozen.

    factor: picture pixels per latent position. multiple: of which the network can draw sides, in pixels.
    scale, latent_mean, latent_std: the network sees (z - mean) / std * scale of the first stage's latent z.
    schedule: the keys of published YAML that define the noise schedule (timesteps, beta_schedule, linear_start, …).
    native_size: side in pixels of the square pictures that it was trained on.
    network_bytes, decode_bytes: peak working memory in float32, for a latent position and for a pixel of the picture.
    """

    name: str
    family: str
    conditioning: Conditioning
    prediction: Prediction
    latent_channels: int
    factor: int
    multiple: int
    native_size: int
    scale: float = 1.0
    latent_mean: tuple[float, ...] = ()
    latent_std: tuple[float, ...] = ()
    network_bytes: int = 0
    decode_bytes: int = 0
    schedule: Mapping[str, Any] = field(default_factory=dict)
    defaults: Defaults = field(default_factory=Defaults)
    vocabulary: tuple[str, ...] = ()
    synonyms: Mapping[str, str] = field(default_factory=dict)
    card: Mapping[str, Any] = field(default_factory=dict)
