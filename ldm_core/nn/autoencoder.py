"""First stages: between pictures and latents, with a Gaussian posterior (KL) or a codebook (VQ).

Rombach et al. 2022, arXiv:2112.10752, after Esser et al. 2021, arXiv:2012.09841. Parameter names and state-dict keys
are those of the published configurations and checkpoints.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention import AttnBlock, LinearAttention
from .layers import GroupNorm32, PaddedDownsample, ResnetBlock, Upsample

ATTENTION_TYPES = ("vanilla", "vanilla-xformers", "linear", "none")


@dataclass(frozen=True, kw_only=True)
class AutoencoderConfig:
    """Sizes of an encoder and its decoder: the published `ddconfig`.

    resolution: side of the pictures of the training, in pixels; it decides which levels attn_resolutions means.
    resamp_with_conv: resample with a convolution. double_z: the encoder returns mean and log variance.
    give_pre_end: the decoder returns the features before its last norm. tanh_out: its result goes through tanh.
    Raises ValueError for an unknown attn_type.
    """

    ch: int
    out_ch: int
    in_channels: int
    resolution: int
    z_channels: int
    num_res_blocks: int
    attn_resolutions: Sequence[int]
    ch_mult: Sequence[int] = (1, 2, 4, 8)
    dropout: float = 0.0
    resamp_with_conv: bool = True
    double_z: bool = True
    use_linear_attn: bool = False
    attn_type: str = "vanilla"
    give_pre_end: bool = False
    tanh_out: bool = False

    def __post_init__(self) -> None:
        if self.attn_type not in ATTENTION_TYPES:
            raise ValueError(f"attn_type is {self.attn_type!r}; known are {', '.join(ATTENTION_TYPES)}")

    @property
    def factor(self) -> int:
        """Pixels per latent position, along one side."""
        return int(2 ** (len(self.ch_mult) - 1))

    def width(self, level: int) -> int:
        """Channels at a level; level 0 has the resolution of the picture."""
        return self.ch * self.ch_mult[level]

    def attention(self, channels: int) -> nn.Module:
        """The attention layer of the chosen type."""
        if self.use_linear_attn or self.attn_type == "linear":
            return LinearAttention(channels)
        return nn.Identity() if self.attn_type == "none" else AttnBlock(channels)

    def level_attentions(self, level: int, count: int) -> nn.ModuleList:
        """The attention layers after the residual blocks of a level: count of them, or none."""
        wanted = self.resolution // 2**level in self.attn_resolutions
        return nn.ModuleList(self.attention(self.width(level)) for _ in range(count if wanted else 0))


def _middle(config: AutoencoderConfig) -> nn.ModuleDict:
    """The layers at the lowest resolution, the same in encoder and decoder."""
    width = config.width(-1)
    return nn.ModuleDict(
        {
            "block_1": ResnetBlock(width, width, config.dropout),
            "attn_1": config.attention(width),
            "block_2": ResnetBlock(width, width, config.dropout),
        }
    )


def _level(config: AutoencoderConfig, level: int, channels: int, blocks: int) -> nn.ModuleDict:
    """The residual blocks of a level, from `channels` to its own width, and the attention after each."""
    width = config.width(level)
    return nn.ModuleDict(
        {
            "block": nn.ModuleList(ResnetBlock(width if i else channels, width, config.dropout) for i in range(blocks)),
            "attn": config.level_attentions(level, blocks),
        }
    )


def _run_level(level: nn.Module, h: Tensor) -> Tensor:
    """Apply blocks and attention in turn, then the resampling where there is one."""
    assert isinstance(level, nn.ModuleDict)
    blocks, attentions = level["block"], level["attn"]
    assert isinstance(blocks, nn.ModuleList)
    assert isinstance(attentions, nn.ModuleList)
    for i, block in enumerate(blocks):
        h = block(h)
        if len(attentions):
            h = attentions[i](h)
    for name in ("downsample", "upsample"):
        if name in level:
            h = level[name](h)
    return h


class Encoder(nn.Module):
    """Picture (B, in_channels, H, W) -> features (B, z_channels or twice as many, H / factor, W / factor)."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        levels = len(config.ch_mult)
        self.conv_in = nn.Conv2d(config.in_channels, config.ch, 3, padding=1)
        self.down = nn.ModuleList()
        channels = config.ch
        for i in range(levels):
            level = _level(config, i, channels, config.num_res_blocks)
            channels = config.width(i)
            if i < levels - 1:
                level["downsample"] = PaddedDownsample(channels, config.resamp_with_conv)
            self.down.append(level)
        self.mid = _middle(config)
        self.norm_out = GroupNorm32(channels, eps=1e-6)
        self.conv_out = nn.Conv2d(channels, (1 + config.double_z) * config.z_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        h = self.conv_in(x)
        for level in self.down:
            h = _run_level(level, h)
        for layer in self.mid.values():
            h = layer(h)
        out: Tensor = self.conv_out(F.silu(self.norm_out(h)))
        return out


class Decoder(nn.Module):
    """Features (B, z_channels, h, w) -> picture (B, out_ch, h * factor, w * factor)."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        levels = len(config.ch_mult)
        self.give_pre_end = config.give_pre_end
        self.tanh_out = config.tanh_out
        channels = config.width(-1)
        self.conv_in = nn.Conv2d(config.z_channels, channels, 3, padding=1)
        self.mid = _middle(config)
        ups: list[nn.Module] = []
        for i in reversed(range(levels)):
            level = _level(config, i, channels, config.num_res_blocks + 1)
            channels = config.width(i)
            if i > 0:
                level["upsample"] = Upsample(channels, config.resamp_with_conv)
            ups.insert(0, level)
        self.up = nn.ModuleList(ups)
        self.norm_out = GroupNorm32(channels, eps=1e-6)
        self.conv_out = nn.Conv2d(channels, config.out_ch, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        """See the class."""
        h: Tensor = self.conv_in(z)
        for layer in self.mid.values():
            h = layer(h)
        for level in reversed(self.up):
            h = _run_level(level, h)
        if self.give_pre_end:
            return h
        h = self.conv_out(F.silu(self.norm_out(h)))
        return h.tanh() if self.tanh_out else h


@dataclass(frozen=True)
class Posterior:
    """Normal distribution over latents, independent for each element. mean, logvar: (B, C, h, w)."""

    mean: Tensor
    logvar: Tensor

    @property
    def std(self) -> Tensor:
        """Standard deviation."""
        return torch.exp(0.5 * self.logvar)

    def mode(self) -> Tensor:
        """The most likely latent."""
        return self.mean

    def sample(self, noise: Tensor) -> Tensor:
        """The latent that standard normal noise (B, C, h, w) picks."""
        return self.mean + self.std * noise

    def kl(self) -> Tensor:
        """Kullback-Leibler divergence from the standard normal, (B,), in nats (Kingma and Welling 2014, appendix B)."""
        return 0.5 * (self.mean.square() + self.logvar.exp() - 1 - self.logvar).flatten(1).sum(1)


class _FirstStage(nn.Module):
    """What KL and VQ have in common. Tensors are cast to the dtype of the weights and returned in it."""

    def __init__(self, ddconfig: AutoencoderConfig | Mapping[str, Any], embed_dim: int) -> None:
        super().__init__()
        config = ddconfig if isinstance(ddconfig, AutoencoderConfig) else AutoencoderConfig(**ddconfig)
        self.config = config
        self.embed_dim = embed_dim
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        doubled = 1 + config.double_z
        self.quant_conv = nn.Conv2d(doubled * config.z_channels, doubled * embed_dim, 1)
        self.post_quant_conv = nn.Conv2d(embed_dim, config.z_channels, 1)

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the weights."""
        return self.quant_conv.weight.dtype

    def _encode(self, x: Tensor) -> Tensor:
        out: Tensor = self.quant_conv(self.encoder(x.to(self.dtype))).to(self.dtype)
        return out

    def _decode(self, z: Tensor) -> Tensor:
        out: Tensor = self.decoder(self.post_quant_conv(z.to(self.dtype))).to(self.dtype)
        return out


class AutoencoderKL(_FirstStage):
    """First stage with a Gaussian posterior. ddconfig: see AutoencoderConfig; embed_dim: channels of the latents.

    Raises ValueError without double_z.
    """

    def __init__(self, ddconfig: AutoencoderConfig | Mapping[str, Any], embed_dim: int) -> None:
        super().__init__(ddconfig, embed_dim)
        if not self.config.double_z:
            raise ValueError("a KL first stage needs double_z: its encoder returns mean and log variance")

    def encode(self, x: Tensor) -> Posterior:
        """x: (B, in_channels, H, W) in -1..1. Returns the posterior of (B, embed_dim, H / factor, W / factor)."""
        mean, logvar = self._encode(x).chunk(2, dim=1)
        return Posterior(mean, logvar.clamp(-30.0, 20.0))

    def decode(self, z: Tensor) -> Tensor:
        """z: (B, embed_dim, h, w). Returns (B, out_ch, h * factor, w * factor), about -1..1."""
        return self._decode(z)


class VectorQuantizer(nn.Module):
    """Replaces each vector by the nearest of a codebook (van den Oord et al. 2017, arXiv:1711.00937)."""

    CHUNK = 1 << 24  # distances held at a time

    def __init__(self, n_embed: int, embed_dim: int, sane_index_shape: bool) -> None:
        super().__init__()
        self.sane_index_shape = sane_index_shape
        self.embedding = nn.Embedding(n_embed, embed_dim)
        nn.init.uniform_(self.embedding.weight, -1.0 / n_embed, 1.0 / n_embed)

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """z: (B, C, h, w). Returns the nearest entries, as z, and their numbers: (B * h * w,), or (B, h, w) if sane."""
        vectors, codes = z.permute(0, 2, 3, 1).flatten(0, 2).float(), self.embedding.weight.float()
        lengths = codes.square().sum(1)
        rows = max(1, self.CHUNK // len(codes))
        # |v - c|^2 without |v|^2, which is the same for all codes.
        indices = torch.cat([(lengths - 2 * part @ codes.T).argmin(1) for part in torch.split(vectors, rows)])
        grid = indices.view(z.shape[0], z.shape[2], z.shape[3])
        quantized = self.embedding(grid).permute(0, 3, 1, 2).to(z.dtype)
        return quantized, grid if self.sane_index_shape else indices


class VQModel(_FirstStage):
    """First stage with a codebook of n_embed vectors. ddconfig: see AutoencoderConfig; embed_dim: latent channels.

    Raises ValueError with double_z, and for a remap, the file of another numbering of the codes.
    """

    def __init__(
        self,
        ddconfig: AutoencoderConfig | Mapping[str, Any],
        embed_dim: int,
        n_embed: int,
        remap: str | None = None,
        sane_index_shape: bool = False,
    ) -> None:
        super().__init__(ddconfig, embed_dim)
        if self.config.double_z:
            raise ValueError("a VQ first stage has no double_z: its encoder returns the latent alone")
        if remap is not None:
            raise ValueError("remap is not supported: it renumbers the codes by a file, and pictures do not need it")
        self.quantize = VectorQuantizer(n_embed, embed_dim, sane_index_shape)

    def encode(self, x: Tensor) -> Tensor:
        """x: (B, in_channels, H, W) in -1..1. Returns the latent before quantisation, (B, embed_dim, h, w)."""
        return self._encode(x)

    def decode(self, z: Tensor, quantize: bool = True) -> Tensor:
        """z: (B, embed_dim, h, w), replaced by its nearest codes first, unless quantize is False. Returns a picture."""
        return self._decode(self.quantize(z)[0] if quantize else z)


class IdentityFirstStage(nn.Module):
    """The first stage of models that diffuse pictures themselves."""

    def encode(self, x: Tensor) -> Tensor:
        """Returns x."""
        return x

    def decode(self, z: Tensor) -> Tensor:
        """Returns z."""
        return z
