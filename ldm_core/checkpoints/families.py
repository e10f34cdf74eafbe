"""ONE table of model families: how to recognise each, and what its tensors cannot tell. No torch.

A new family is a row of FAMILIES. Nothing outside of this file asks for the family of a model.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, cast, get_args

from ldm_core.checkpoints.header import Header
from ldm_core.errors import UserError
from ldm_core.spec import Conditioning, Defaults, ModelSpec, Prediction

Shapes = Mapping[str, tuple[int, ...]]
Config = Mapping[str, Any]

UNET = "model.diffusion_model."
CONDITIONER = "cond_stage_model."
FIRST_STAGE = "first_stage_model."

_SCHEDULE = ("timesteps", "beta_schedule", "linear_start", "linear_end", "cosine_s", "zero_terminal_snr", "snr_shift")


@dataclass(frozen=True)
class Family:
    """marks: keys that only its files have, all of them. factor: picture pixels per latent position.

    network_bytes, decode_bytes: see ModelSpec; measured as growth of the process's peak at 1024x1024 pixels.
    """

    name: str
    title: str
    marks: tuple[str, ...]
    conditioning: Conditioning
    factor: int
    network_bytes: int
    decode_bytes: int


FAMILIES = (
    Family(
        name="scenes-text",
        title="text to image, made here: UNet and word transformer, its first stage in a file beside it",
        marks=(UNET + "out.2.weight", CONDITIONER + "transformer.transformer.token_emb.weight"),
        conditioning="text",
        factor=8,
        network_bytes=2_800,
        decode_bytes=370,
    ),
)


def identify(shapes: Shapes, config: Config | None = None) -> ModelSpec:
    """What a checkpoint is, by the names and shapes of its tensors.

    shapes: {state-dict key: shape}. config: the published YAML of the model as a mapping, for what tensors cannot tell.
    Raises UserError if no family fits, or if the config is missing or does not describe a latent diffusion model.
    """
    family = next((row for row in FAMILIES if all(mark in shapes for mark in row.marks)), None)
    if family is None:
        raise UserError(f"This is not a model this app can draw with: {_what_else(shapes)}.", _KNOWN)
    if config is None:
        raise UserError(f"The tensors are those of {family.name}, but its configuration is missing.")
    try:
        return _spec(family, config)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"The configuration of this {family.name} model cannot be used: {error!r}.") from error


def spec_of(header: Header, config: Config | None = None) -> ModelSpec:
    """What a model file is, with all that its header says; `config` wins over the header's own. Raises UserError."""
    ours = header.ours
    if ours.get("kind") == "first-stage":
        raise UserError(f"{header.path.name} is a first stage, which cannot draw by itself.", "Name a diffusion model.")
    try:
        spec = identify(header.shapes, config or ours.get("config"))
        known = {f.name for f in fields(Defaults)}
        defaults = {key: value for key, value in ours.get("defaults", {}).items() if key in known}
        return replace(
            spec,
            name=str(ours.get("name", header.path.stem)),
            factor=int(ours.get("factor", spec.factor)),
            defaults=Defaults(**{"width": spec.native_size, "height": spec.native_size, **defaults}),
            vocabulary=tuple(ours.get("vocabulary", ())),
            synonyms=ours.get("synonyms", {}),
            card=ours.get("card", {}),
        )
    except UserError as error:
        raise UserError(f"{header.path.name}: {error.message}", error.hint) from error
    except (TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{header.path.name} has a header that cannot be used: {error}.") from error


def _spec(family: Family, config: Config) -> ModelSpec:
    params = config.get("model", config)["params"]
    unet = params["unet_config"]["params"]
    prediction = params.get("parameterization", "eps")
    if prediction not in get_args(Prediction):
        raise ValueError(f"parameterization is {prediction}; known: {', '.join(get_args(Prediction))}")
    smallest = int(unet.get("patch_size", 1)) * 2 ** (len(unet["channel_mult"]) - 1)  # latent positions
    return ModelSpec(
        name=family.name,
        family=family.name,
        conditioning=family.conditioning,
        prediction=cast(Prediction, prediction),
        latent_channels=int(unet["out_channels"]),
        factor=family.factor,
        multiple=family.factor * smallest,
        native_size=family.factor * int(unet.get("image_size", params.get("image_size", 32))),
        scale=float(params.get("scale_factor", 1.0)),
        latent_mean=tuple(float(x) for x in params.get("latent_mean", ())),
        latent_std=tuple(float(x) for x in params.get("latent_std", ())),
        network_bytes=family.network_bytes,
        decode_bytes=family.decode_bytes,
        schedule={key: params[key] for key in _SCHEDULE if key in params},
    )


_KNOWN = "Known here: " + "; ".join(f"{row.name} ({row.title})" for row in FAMILIES) + "."


def _what_else(shapes: Shapes) -> str:
    """The best guess at what the file is instead."""
    if not shapes:
        return "it holds no tensors"
    if any("lora" in key.lower() for key in shapes):
        return "it looks like a LoRA, which changes another model"
    if any(key.startswith(UNET) for key in shapes):
        return "it has a denoising UNet, but none of a family known here"
    if any(key.startswith(("encoder.", "decoder.", FIRST_STAGE)) for key in shapes):
        return "it looks like a first stage (VAE) alone"
    return f"its {len(shapes)} tensors, such as {next(iter(shapes))}, are of no known model"
