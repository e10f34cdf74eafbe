"""A latent diffusion model in memory: network, first stage, condition encoder, and how they fit together."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ldm_core.checkpoints import families
from ldm_core.checkpoints.header import Header, read_header
from ldm_core.checkpoints.read import fill, part, read_weights
from ldm_core.diffusion.denoiser import Denoiser
from ldm_core.diffusion.schedule import NoiseSchedule
from ldm_core.errors import UserError
from ldm_core.events import Pixels
from ldm_core.nn.build import build_module
from ldm_core.nn.conditioners import WordConditioner
from ldm_core.nn.conditioning import Conditioning
from ldm_core.preview import PreviewDecoder
from ldm_core.prompt.words import Unknown, WordTokenizer
from ldm_core.spec import ModelSpec


class Posterior(Protocol):
    """What an encoder says of a picture: mean and logvar, each (B, C, h, w)."""

    mean: Tensor
    logvar: Tensor


class FirstStage(Protocol):
    """(B, 3, H, W) in -1..1 <-> (B, C, H/f, W/f)."""

    def encode(self, x: Tensor) -> Posterior: ...

    def decode(self, z: Tensor) -> Tensor: ...


class TextConditioner:
    """Prompts -> what the network is conditioned on."""

    def __init__(self, tokenizer: WordTokenizer, encoder: WordConditioner, device: torch.device) -> None:
        self.tokenizer = tokenizer
        self.encoder = encoder
        self._device = device

    @torch.no_grad()
    def __call__(self, prompts: Sequence[str]) -> Conditioning:
        """One condition for each prompt. Words that the model does not know, or that are too many, have no effect."""
        ids = torch.tensor([self.tokenizer.encode(prompt) for prompt in prompts], device=self._device)
        return self.encoder.encode_ids(ids)

    def unknown(self, prompt: str) -> list[Unknown]:
        """The words of a prompt that have no effect, and what could be said instead."""
        return self.tokenizer.unknown(prompt)


@dataclass(eq=False)
class LatentDiffusion:
    """A model that can draw. Weights are on `device`: the network's in `dtype`, the first stage's always in float32.

    preview: None if the first stage brings no fast decoder. decode_seconds: for one pixel, as last measured; 0 = never.
    """

    spec: ModelSpec
    unet: nn.Module
    first_stage: FirstStage
    conditioner: TextConditioner
    preview: PreviewDecoder | None
    schedule: NoiseSchedule
    device: torch.device
    dtype: torch.dtype
    decode_seconds: float = 0.0

    def denoiser(self) -> Denoiser:
        """D(x, sigma, conditioning) -> x0, on the network's latents."""
        return Denoiser(self._network, self.schedule, self.spec.prediction, self.dtype)

    def _network(self, x: Tensor, timesteps: Tensor, conditioning: Conditioning) -> Tensor:
        out: Tensor = self.unet(x, timesteps, context=conditioning.context, y=conditioning.y)
        return out

    def latent_shape(self, width: int, height: int) -> tuple[int, int, int]:
        """(C, h, w) of the smallest latent that the network can draw and that covers width x height pixels."""
        step = self.spec.multiple
        h, w = (-(-side // step) * step // self.spec.factor for side in (height, width))
        return self.spec.latent_channels, h, w

    def shown(self, width: int, height: int) -> tuple[float, float]:
        """The shares of the drawn height and width that a picture of this size keeps, 0..1."""
        _, h, w = self.latent_shape(width, height)
        return height / (h * self.spec.factor), width / (w * self.spec.factor)

    def working_bytes(self, width: int, height: int, at_once: int) -> int:
        """Memory that drawing takes at its peak, beside the weights: guided sampling of a batch, or one decoding."""
        _, h, w = self.latent_shape(width, height)
        sampling = 2 * at_once * h * w * self.spec.network_bytes * self.dtype.itemsize // 4
        return max(sampling, h * w * self.spec.factor**2 * self.spec.decode_bytes)

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Pixels:
        """The network's latents (n, C, h, w) -> pictures (n, h * factor, w * factor, 3).

        Raises UserError if the numbers are none: an overflow, in half precision as a rule.
        """
        began = time.monotonic()
        latents = latents.to(self.device, torch.float32)
        x = self.first_stage.decode(latents / self.spec.scale * self._std + self._mean)
        if not bool(torch.isfinite(x).all()):
            message = "The model's numbers grew too large to be a picture."
            raise UserError(message, "Try --dtype float32, or a lower CFG scale.")
        levels = ((x.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
        pictures: Pixels = levels.permute(0, 2, 3, 1).contiguous().cpu().numpy()
        self.decode_seconds = (time.monotonic() - began) * 3 / pictures.size
        return pictures

    @property
    def _mean(self) -> Tensor:
        return torch.tensor(self.spec.latent_mean or (0.0,), device=self.device)[:, None, None]

    @property
    def _std(self) -> Tensor:
        return torch.tensor(self.spec.latent_std or (1.0,), device=self.device)[:, None, None]


def load_model(
    path: str | Path,
    config: Mapping[str, Any] | None = None,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
) -> LatentDiffusion:
    """Read a model file, and the first stage that it names, which lies beside it.

    config: a published YAML of the model as a mapping; it wins over what the file says of itself.
    Raises UserError (one sentence) for a file that is missing, damaged, incomplete or no model known here.
    """
    path, device = Path(path), torch.device(device)
    header = read_header(path)
    spec = families.spec_of(header, config)  # before the weights: what is no model is refused at once
    params = (config or header.ours["config"]).get("model", config or header.ours["config"])["params"]
    first_stage, preview = _read_first_stage(_beside(header), header.ours.get("first_stage_sha256"), spec, device)
    header, tensors = read_weights(path)
    unet = _made(params["unet_config"], path.name)
    fill(unet, part(tensors, families.UNET), path.name, dtype, device)
    encoder = _made(params["cond_stage_config"], path.name)
    fill(encoder, part(tensors, families.CONDITIONER), path.name, dtype, device)
    conditioner = TextConditioner(_tokenizer(header, params), cast(WordConditioner, encoder), device)
    try:
        schedule = NoiseSchedule.from_params(spec.schedule)
    except (ValueError, TypeError) as error:
        raise UserError(f"{path.name} describes a noise schedule that cannot be made: {error}") from error
    return LatentDiffusion(spec, unet, first_stage, conditioner, preview, schedule, device, dtype)


def first_stage_of(path: Path) -> Path:
    """The first stage's file of a model file. Raises UserError if it is not there."""
    return _beside(read_header(path))


def _beside(header: Header) -> Path:
    name = str(header.ours.get("first_stage", ""))
    if not name or Path(name).name != name:
        raise UserError(f"{header.path.name} does not name the file of its first stage.")
    path = header.path.with_name(name)
    if not path.is_file():
        raise UserError(f"The first stage of {header.path.name} is missing: {path}.", "Put both files into one folder.")
    return path


def _read_first_stage(
    path: Path, sha256: str | None, spec: ModelSpec, device: torch.device
) -> tuple[FirstStage, PreviewDecoder | None]:
    header, tensors = read_weights(path)
    if header.ours.get("kind") != "first-stage":
        raise UserError(f"{path.name} is not a first stage of this program.")
    if sha256 and hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise UserError(f"{path.name} is another first stage than the one that {spec.name} was trained on.")
    module = _made(header.ours["config"], path.name)
    fill(
        module,
        {key: t for key, t in tensors.items() if not key.startswith("preview.")},
        path.name,
        torch.float32,
        device,
    )
    preview = None
    if "preview.weight" in tensors and "preview.bias" in tensors:
        weight, bias = (np.asarray(tensors[f"preview.{name}"].float()) for name in ("weight", "bias"))
        if weight.shape != (48, spec.latent_channels, 3, 3) or bias.shape != (48,):
            raise UserError(
                f"{path.name} does not fit the model that it says it is: its preview decoder has a wrong shape."
            )
        preview = PreviewDecoder(weight, bias, spec.latent_mean, spec.latent_std, spec.scale)
    return cast(FirstStage, module), preview


def _tokenizer(header: Header, params: Mapping[str, Any]) -> WordTokenizer:
    words, known = header.ours.get("vocabulary"), params["cond_stage_config"]["params"].get("vocabulary_size")
    if not isinstance(words, list) or len(words) != known:
        raise UserError(
            f"{header.path.name} does not fit the model that it says it is: its vocabulary has another size."
        )
    return WordTokenizer.of_file(header.ours)


def _made(config: Mapping[str, Any], file: str) -> nn.Module:
    """The module without weights: they follow, so nothing is spent on initialising them."""
    try:
        with torch.device("meta"), _NoInitialisation():
            return build_module(config)
    except (ValueError, TypeError, KeyError, ZeroDivisionError, RuntimeError) as error:  # the last: absurd sizes
        raise UserError(f"{file} describes a network that cannot be built: {error}.") from error


class _NoInitialisation(TorchFunctionMode):
    """Leaves out torch.nn.init: normal_ without memory behind it would first import torch's compiler, for seconds."""

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(function, "__module__", "") == "torch.nn.init":
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return function(*args, **kwargs)
