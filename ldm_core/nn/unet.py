"""The denoising UNet in all its published variants (Rombach et al. 2022, arXiv:2112.10752).

Parameter names and state-dict keys are those of the published configurations and checkpoints.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from .attention import AttentionBlock, SpatialTransformer
from .layers import Downsample, GroupNorm32, ResBlock, Upsample, timestep_embedding, zero_module


@dataclass(frozen=True, kw_only=True)
class UNetConfig:
    """Sizes and variants of a UNet.

    in_channels, out_channels: those of the tensors that go in and come out. patch_size p is this project's one
    extension: the network works on p x p blocks of latent positions folded into channels.
    num_res_blocks, transformer_depth, disable_self_attentions, num_attention_blocks: a value for each level of
    channel_mult (the first two also a single number). attention_resolutions: the downsampling factors with attention.
    num_classes: None, a number of labels, "continuous" (y is a number) or "sequential" (y is adm_in_channels numbers).
    num_head_channels wins over num_heads. legacy: how heads are cut, see `heads`.
    n_embed: predict logits of so many codebook entries instead of out_channels.
    use_checkpoint: save memory in training by computing activations twice.
    Raises ValueError for values that contradict each other.
    """

    in_channels: int
    model_channels: int
    out_channels: int
    num_res_blocks: int | Sequence[int]
    attention_resolutions: Sequence[int]
    dropout: float = 0.0
    channel_mult: Sequence[int] = (1, 2, 4, 8)
    conv_resample: bool = True
    dims: int = 2
    num_classes: int | Literal["continuous", "sequential"] | None = None
    use_checkpoint: bool = False
    num_heads: int = -1
    num_head_channels: int = -1
    num_heads_upsample: int = -1
    use_scale_shift_norm: bool = False
    resblock_updown: bool = False
    use_new_attention_order: bool = False
    use_spatial_transformer: bool = False
    transformer_depth: int | Sequence[int] = 1
    context_dim: int | Sequence[int] | None = None
    n_embed: int | None = None
    legacy: bool = True
    disable_self_attentions: Sequence[bool] | None = None
    num_attention_blocks: Sequence[int] | None = None
    disable_middle_self_attn: bool = False
    use_linear_in_transformer: bool = False
    adm_in_channels: int | None = None
    patch_size: int = 1

    def __post_init__(self) -> None:
        if self.dims != 2:
            raise ValueError(f"dims is {self.dims}; only networks of 2 dimensions are known")
        if self.num_heads == -1 and self.num_head_channels == -1:
            raise ValueError("either num_heads or num_head_channels has to be set")
        if self.use_spatial_transformer != (self.context_dim is not None):
            raise ValueError("use_spatial_transformer and context_dim go together")
        for name in ("num_res_blocks", "transformer_depth", "disable_self_attentions", "num_attention_blocks"):
            value = getattr(self, name)
            if isinstance(value, Sequence) and len(value) != len(self.channel_mult):
                raise ValueError(f"{name} has {len(value)} entries, but channel_mult has {len(self.channel_mult)}")

    @property
    def emb_channels(self) -> int:
        """Width of the timestep embedding inside the network."""
        return 4 * self.model_channels

    def res_blocks(self, level: int) -> int:
        """Residual blocks of a level on the way down; there is one more on the way up."""
        return self.num_res_blocks if isinstance(self.num_res_blocks, int) else self.num_res_blocks[level]

    def has_attention(self, level: int, index: int) -> bool:
        """Whether attention follows the residual block of this index."""
        within = self.num_attention_blocks is None or index < self.num_attention_blocks[level]
        return 2**level in self.attention_resolutions and within

    def context_dims(self, level: int) -> list[int]:
        """Widths of the context in the transformer blocks of a level; their number is the depth."""
        depth = self.transformer_depth if isinstance(self.transformer_depth, int) else self.transformer_depth[level]
        dims = self.context_dim
        if dims is None or isinstance(dims, int):
            return [dims or 0] * depth
        if len(dims) not in (1, depth):
            raise ValueError(f"context_dim has {len(dims)} entries for {depth} transformer blocks")
        return list(dims) * (depth // len(dims))

    def heads(self, channels: int, upward: bool) -> tuple[int, int]:
        """Number and width of the attention heads at so many channels; upward: on the way up.

        Old (legacy) and new networks differ where the division leaves a remainder, and only old ones heed
        num_heads_upsample.
        Raises ValueError if the channels cannot be divided.
        """
        fixed_width = self.num_head_channels != -1
        divisor = self.num_head_channels if fixed_width else self.num_heads
        if channels < divisor:
            raise ValueError(f"{channels} channels cannot be divided by {divisor} into attention heads")
        number, width = channels // divisor, divisor
        if not fixed_width:
            number, width = width, number
        if self.use_spatial_transformer:
            return number, channels // number if self.legacy else width
        if self.legacy and not fixed_width:
            number = self.num_heads_upsample if upward and self.num_heads_upsample != -1 else number
            width = channels // number
        else:
            number = channels // width
        if number * width != channels:
            raise ValueError(f"{channels} channels cannot be divided into attention heads of {width}")
        return number, width


class UNetModel(nn.Module):
    """Predicts noise, velocity or image from a noisy latent, its timestep and a condition."""

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.config = config
        emb, fold = config.emb_channels, config.patch_size**2
        self.time_embed = nn.Sequential(nn.Linear(config.model_channels, emb), nn.SiLU(), nn.Linear(emb, emb))
        if config.num_classes is not None:
            self.label_emb = _label_embedding(config)
        first = nn.Conv2d(config.in_channels * fold, config.model_channels, 3, padding=1)
        self.input_blocks, widths = _input_blocks(config, first)
        channels = widths[-1]
        self.middle_block = nn.ModuleList(
            [
                _res_block(config, channels, channels),
                _attention(config, channels),
                _res_block(config, channels, channels),
            ]
        )
        self.output_blocks = _output_blocks(config, widths)
        channels = config.channel_mult[0] * config.model_channels
        last = nn.Conv2d(channels, config.out_channels * fold, 3, padding=1)
        self.out = nn.Sequential(GroupNorm32(channels), nn.SiLU(), zero_module(last))
        self.id_predictor: nn.Module | None = None
        if config.n_embed is not None:
            self.id_predictor = nn.Sequential(GroupNorm32(channels), nn.Conv2d(channels, config.n_embed * fold, 1))

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the weights, in which the network returns its result."""
        return next(self.parameters()).dtype

    @property
    def multiple(self) -> int:
        """Height and width of the latents have to be multiples of this."""
        return int(self.config.patch_size * 2 ** (len(self.config.channel_mult) - 1))

    def forward(self, x: Tensor, timesteps: Tensor, context: Tensor | None = None, y: Tensor | None = None) -> Tensor:
        """Returns (B, out_channels, H, W) in the dtype of the weights, or (B, n_embed, H, W) with n_embed.

        x: (B, in_channels, H, W). timesteps: (B,), integer or float. context: (B, S, context_dim), used by networks
        with transformers only. y: class numbers (B,), or with other num_classes (B,), (B, 1) or (B, adm_in_channels);
        unused without num_classes. Raises ValueError if H or W does not fit, or if context or y is missing.
        """
        if x.shape[2] % self.multiple or x.shape[3] % self.multiple:
            raise ValueError(f"{x.shape[3]}x{x.shape[2]} latents; both sides have to be multiples of {self.multiple}")
        if self.config.use_spatial_transformer and context is None:
            raise ValueError("this network needs a context")
        dtype = self.dtype
        context = None if context is None else context.to(dtype)
        emb = self.time_embed(timestep_embedding(timesteps, self.config.model_channels).to(dtype))
        if self.config.num_classes is not None:
            emb = emb + self._embed_label(y)

        h = F.pixel_unshuffle(x.to(dtype), self.config.patch_size)
        skips: list[Tensor] = []
        for block in self.input_blocks:
            h = self._run(block, h, emb, context)
            skips.append(h)
        h = self._run(self.middle_block, h, emb, context)
        for block in self.output_blocks:
            h = self._run(block, torch.cat([h, skips.pop()], dim=1), emb, context)
        head = self.out if self.id_predictor is None else self.id_predictor
        return F.pixel_shuffle(head(h), self.config.patch_size).to(dtype)

    def _embed_label(self, y: Tensor | None) -> Tensor:
        if y is None:
            raise ValueError("this network needs a label y")
        if not isinstance(self.config.num_classes, int):
            y = (y[:, None] if y.ndim == 1 else y).to(self.dtype)
        out: Tensor = self.label_emb(y)
        return out

    def _run(self, block: nn.Module, h: Tensor, emb: Tensor, context: Tensor | None) -> Tensor:
        if self.config.use_checkpoint and self.training and torch.is_grad_enabled():
            out: Tensor = checkpoint(_run_layers, block, h, emb, context, use_reentrant=False)
            return out
        return _run_layers(block, h, emb, context)


def _run_layers(block: nn.Module, h: Tensor, emb: Tensor, context: Tensor | None) -> Tensor:
    """Apply the layers of one block, each with what it takes."""
    for layer in block.children():
        if isinstance(layer, ResBlock):
            h = layer(h, emb)
        elif isinstance(layer, SpatialTransformer):
            h = layer(h, context)
        else:
            h = layer(h)
    return h


def _input_blocks(config: UNetConfig, first: nn.Module) -> tuple[nn.ModuleList, list[int]]:
    """The way down, and the channels after each of its blocks."""
    channels = config.model_channels
    blocks, widths = nn.ModuleList([nn.ModuleList([first])]), [channels]
    for level, mult in enumerate(config.channel_mult):
        for i in range(config.res_blocks(level)):
            layers: list[nn.Module] = [_res_block(config, channels, mult * config.model_channels)]
            channels = mult * config.model_channels
            if config.has_attention(level, i):
                layers.append(_attention(config, channels, level))
            blocks.append(nn.ModuleList(layers))
            widths.append(channels)
        if level < len(config.channel_mult) - 1:
            down = _res_block(config, channels, channels, "down") if config.resblock_updown else None
            blocks.append(nn.ModuleList([down or Downsample(channels, config.conv_resample)]))
            widths.append(channels)
    return blocks, widths


def _output_blocks(config: UNetConfig, widths: list[int]) -> nn.ModuleList:
    """The way up; each block takes the result of one before and, from the last to the first, of one on the way down."""
    blocks, skips, channels = nn.ModuleList(), list(widths), widths[-1]
    for level, mult in reversed(list(enumerate(config.channel_mult))):
        count = config.res_blocks(level) + 1
        for i in range(count):
            layers: list[nn.Module] = [_res_block(config, channels + skips.pop(), mult * config.model_channels)]
            channels = mult * config.model_channels
            if config.has_attention(level, i):
                layers.append(_attention(config, channels, level, upward=True))
            if level > 0 and i == count - 1:
                up = _res_block(config, channels, channels, "up") if config.resblock_updown else None
                layers.append(up or Upsample(channels, config.conv_resample))
            blocks.append(nn.ModuleList(layers))
    return blocks


def _res_block(
    config: UNetConfig, channels: int, out_channels: int, resample: Literal["up", "down"] | None = None
) -> ResBlock:
    return ResBlock(
        channels,
        config.emb_channels,
        out_channels,
        dropout=config.dropout,
        use_scale_shift_norm=config.use_scale_shift_norm,
        resample=resample,
    )


def _attention(config: UNetConfig, channels: int, level: int | None = None, upward: bool = False) -> nn.Module:
    """The attention after a residual block of a level; without a level, that of the middle block."""
    number, width = config.heads(channels, upward)
    if not config.use_spatial_transformer:
        return AttentionBlock(channels, number, new_order=config.use_new_attention_order)
    disabled = config.disable_middle_self_attn
    if level is not None:
        disabled = config.disable_self_attentions is not None and config.disable_self_attentions[level]
    return SpatialTransformer(
        channels,
        number,
        width,
        config.context_dims(-1 if level is None else level),
        disable_self_attn=disabled,
        use_linear=config.use_linear_in_transformer,
    )


def _label_embedding(config: UNetConfig) -> nn.Module:
    width = config.emb_channels
    if isinstance(config.num_classes, int):
        return nn.Embedding(config.num_classes, width)
    if config.num_classes == "continuous":
        return nn.Linear(1, width)
    if config.num_classes != "sequential" or config.adm_in_channels is None:
        raise ValueError(f"num_classes is {config.num_classes!r}; sequential ones need adm_in_channels")
    # Nested once more than needed: so are the published keys.
    return nn.Sequential(nn.Sequential(nn.Linear(config.adm_in_channels, width), nn.SiLU(), nn.Linear(width, width)))
