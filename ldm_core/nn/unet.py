"""The denoising UNet in all its published variants (Rombach et al. 2022, arXiv:2112.10752).

Parameter names and state-dict keys are those of the published configurations and checkpoints.
"""

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from .attention import AttentionBlock, SpatialTransformer
from .layers import Downsample, GroupNorm32, ResBlock, Upsample, timestep_embedding, zero_module


class UNetModel(nn.Module):
    """Predicts noise, velocity or image from a noisy latent, its timestep and a condition.

    in_channels, out_channels: those of x and of the result. patch_size p is this project's one extension: the network
    works on p x p blocks of latent positions folded into channels.
    num_res_blocks, transformer_depth, disable_self_attentions, num_attention_blocks: a number for each level of
    channel_mult (the first two also a single number). attention_resolutions: downsampling factors with attention.
    num_classes: None, a number of labels, "continuous" (y is a number) or "sequential" (y is adm_in_channels numbers).
    num_head_channels wins over num_heads. legacy: plain attention ignores num_heads if there are num_head_channels.
    n_embed: predict logits of that many codebook entries instead of out_channels.
    use_checkpoint: recompute activations in training. image_size and use_fp16 are accepted and decide nothing: the
    network is convolutional, and the dtype is that of the weights.
    Raises ValueError for sizes that contradict each other.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        model_channels: int,
        out_channels: int,
        num_res_blocks: int | Sequence[int],
        attention_resolutions: Sequence[int],
        image_size: int | Sequence[int] | None = None,
        dropout: float = 0.0,
        channel_mult: Sequence[int] = (1, 2, 4, 8),
        conv_resample: bool = True,
        dims: int = 2,
        num_classes: int | Literal["continuous", "sequential"] | None = None,
        use_checkpoint: bool = False,
        use_fp16: bool = False,
        num_heads: int = -1,
        num_head_channels: int = -1,
        num_heads_upsample: int = -1,
        use_scale_shift_norm: bool = False,
        resblock_updown: bool = False,
        use_new_attention_order: bool = False,
        use_spatial_transformer: bool = False,
        transformer_depth: int | Sequence[int] = 1,
        context_dim: int | Sequence[int] | None = None,
        n_embed: int | None = None,
        legacy: bool = True,
        disable_self_attentions: Sequence[bool] | None = None,
        num_attention_blocks: Sequence[int] | None = None,
        disable_middle_self_attn: bool = False,
        use_linear_in_transformer: bool = False,
        adm_in_channels: int | None = None,
        patch_size: int = 1,
    ) -> None:
        super().__init__()
        if dims != 2:
            raise ValueError(f"dims is {dims}; only networks of 2 dimensions are known")
        if num_heads == -1 and num_head_channels == -1:
            raise ValueError("either num_heads or num_head_channels has to be set")
        if use_spatial_transformer != (context_dim is not None):
            raise ValueError("use_spatial_transformer and context_dim go together")
        levels = len(channel_mult)
        self.model_channels = model_channels
        self.patch_size = patch_size
        self.multiple = patch_size * 2 ** (levels - 1)
        self.num_classes = num_classes
        self.use_checkpoint = use_checkpoint
        self.use_spatial_transformer = use_spatial_transformer
        self._dropout = dropout
        self._scale_shift = use_scale_shift_norm
        self._new_order = use_new_attention_order
        self._linear = use_linear_in_transformer
        self._legacy = legacy
        self._context_dim = context_dim
        self._num_heads, self._num_head_channels = num_heads, num_head_channels
        self._num_heads_upsample = num_heads if num_heads_upsample == -1 else num_heads_upsample

        depths = _per_level(transformer_depth, levels, "transformer_depth")
        blocks = _per_level(num_res_blocks, levels, "num_res_blocks")
        disabled = _per_level(disable_self_attentions or False, levels, "disable_self_attentions")
        attentions = _per_level(num_attention_blocks or max(blocks) + 1, levels, "num_attention_blocks")
        emb = 4 * model_channels
        self.time_embed = nn.Sequential(nn.Linear(model_channels, emb), nn.SiLU(), nn.Linear(emb, emb))
        if num_classes is not None:
            self.label_emb = _label_embedding(num_classes, emb, adm_in_channels)

        channels, skips = model_channels, [model_channels]
        first = nn.Conv2d(in_channels * patch_size**2, model_channels, 3, padding=1)
        self.input_blocks = nn.ModuleList([nn.ModuleList([first])])
        for level, mult in enumerate(channel_mult):
            for i in range(blocks[level]):
                layers: list[nn.Module] = [self._res_block(channels, mult * model_channels)]
                channels = mult * model_channels
                if 2**level in attention_resolutions and i < attentions[level]:
                    layers.append(self._attention(channels, depths[level], bool(disabled[level])))
                self.input_blocks.append(nn.ModuleList(layers))
                skips.append(channels)
            if level < levels - 1:
                down = self._res_block(channels, channels, "down") if resblock_updown else None
                self.input_blocks.append(nn.ModuleList([down or Downsample(channels, conv_resample)]))
                skips.append(channels)

        self.middle_block = nn.ModuleList(
            [
                self._res_block(channels, channels),
                self._attention(channels, depths[-1], disable_middle_self_attn),
                self._res_block(channels, channels),
            ]
        )

        self.output_blocks = nn.ModuleList()
        for level, mult in reversed(list(enumerate(channel_mult))):
            for i in range(blocks[level] + 1):
                layers = [self._res_block(channels + skips.pop(), mult * model_channels)]
                channels = mult * model_channels
                if 2**level in attention_resolutions and i < attentions[level]:
                    layers.append(self._attention(channels, depths[level], bool(disabled[level]), upward=True))
                if level and i == blocks[level]:
                    up = self._res_block(channels, channels, "up") if resblock_updown else None
                    layers.append(up or Upsample(channels, conv_resample))
                self.output_blocks.append(nn.ModuleList(layers))

        last = nn.Conv2d(channels, out_channels * patch_size**2, 3, padding=1)
        self.out = nn.Sequential(GroupNorm32(channels), nn.SiLU(), zero_module(last))
        self.id_predictor: nn.Module | None = None
        if n_embed is not None:
            self.id_predictor = nn.Sequential(GroupNorm32(channels), nn.Conv2d(channels, n_embed * patch_size**2, 1))

    def _res_block(
        self, channels: int, out_channels: int, resample: Literal["up", "down"] | None = None
    ) -> ResBlock:
        return ResBlock(
            channels,
            4 * self.model_channels,
            out_channels,
            dropout=self._dropout,
            use_scale_shift_norm=self._scale_shift,
            resample=resample,
        )

    def _attention(self, channels: int, depth: int, disable_self_attn: bool, upward: bool = False) -> nn.Module:
        heads, width = self._num_heads, self._num_head_channels
        if width == -1:
            width = channels // heads
        else:
            heads = channels // width
        if self.use_spatial_transformer:
            # The two published rules differ where the width of a head does not divide the channels.
            width = channels // heads if self._legacy else width
            context_dims = _per_level(self._context_dim or 0, depth, "context_dim")
            return SpatialTransformer(
                channels,
                heads,
                width,
                context_dims,
                disable_self_attn=disable_self_attn,
                use_linear=self._linear,
            )
        if self._legacy and self._num_head_channels == -1:
            heads = self._num_heads_upsample if upward else heads
        elif channels % width:
            raise ValueError(f"{channels} channels cannot be divided into attention heads of {width}")
        else:
            heads = channels // width
        return AttentionBlock(channels, heads, new_order=self._new_order)

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the weights, in which the network takes and returns tensors."""
        return next(self.parameters()).dtype

    def forward(
        self, x: Tensor, timesteps: Tensor, context: Tensor | None = None, y: Tensor | None = None
    ) -> Tensor:
        """Returns (B, out_channels, H, W) in the dtype of the weights (B, n_embed, H, W with n_embed).

        x: (B, in_channels, H, W), H and W multiples of self.multiple. timesteps: (B,), integer or float.
        context: (B, S, context_dim), for networks with transformers only. y: class numbers (B,), or numbers (B,),
        (B, 1) or (B, adm_in_channels) (see num_classes); unused without num_classes.
        Raises ValueError if H or W does not fit, or if context or y is missing.
        """
        if x.shape[2] % self.multiple or x.shape[3] % self.multiple:
            raise ValueError(f"{x.shape[3]}x{x.shape[2]} latents; both sides have to be multiples of {self.multiple}")
        if self.use_spatial_transformer and context is None:
            raise ValueError("this network needs a context")
        dtype = self.dtype
        context = None if context is None else context.to(dtype)
        emb = self.time_embed(timestep_embedding(timesteps, self.model_channels).to(dtype))
        if self.num_classes is not None:
            emb = emb + self._embed_label(y, dtype)

        h = F.pixel_unshuffle(x.to(dtype), self.patch_size)
        skips: list[Tensor] = []
        for block in self.input_blocks:
            h = self._run(block, h, emb, context)
            skips.append(h)
        h = self._run(self.middle_block, h, emb, context)
        for block in self.output_blocks:
            h = self._run(block, torch.cat([h, skips.pop()], dim=1), emb, context)
        head = self.out if self.id_predictor is None else self.id_predictor
        return F.pixel_shuffle(head(h), self.patch_size).to(dtype)

    def _embed_label(self, y: Tensor | None, dtype: torch.dtype) -> Tensor:
        if y is None:
            raise ValueError("this network needs a label y")
        if not isinstance(self.num_classes, int):
            y = (y[:, None] if y.ndim == 1 else y).to(dtype)
        out: Tensor = self.label_emb(y)
        return out

    def _run(self, block: nn.Module, h: Tensor, emb: Tensor, context: Tensor | None) -> Tensor:
        if self.use_checkpoint and self.training and torch.is_grad_enabled():
            out: Tensor = checkpoint(_run_layers, block, h, emb, context, use_reentrant=False)
            return out
        return _run_layers(block, h, emb, context)


def _run_layers(block: nn.ModuleList, h: Tensor, emb: Tensor, context: Tensor | None) -> Tensor:
    """Apply the layers of one block, each with what it takes."""
    for layer in block:
        if isinstance(layer, ResBlock):
            h = layer(h, emb)
        elif isinstance(layer, SpatialTransformer):
            h = layer(h, context)
        else:
            h = layer(h)
    return h


def _label_embedding(num_classes: int | str, width: int, adm_in_channels: int | None) -> nn.Module:
    if isinstance(num_classes, int):
        return nn.Embedding(num_classes, width)
    if num_classes == "continuous":
        return nn.Linear(1, width)
    if num_classes == "sequential" and adm_in_channels is not None:
        # Nested once more than needed: so are the published keys.
        return nn.Sequential(
            nn.Sequential(nn.Linear(adm_in_channels, width), nn.SiLU(), nn.Linear(width, width)),
        )
    raise ValueError(f'num_classes is {num_classes!r}; known are a number, "continuous", and "sequential" with a width')


def _per_level(value: int | Sequence[int], count: int, name: str) -> list[int]:
    """One number for each level, from a single one or a sequence."""
    numbers = [value] * count if isinstance(value, int) else list(value)
    if len(numbers) != count:
        raise ValueError(f"{name} has {len(numbers)} entries, expected {count}")
    return numbers
