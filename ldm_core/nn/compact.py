"""Our own small KL first stage: principal components of 8x8 patches plus a learned residual, f = 8.

The linear path is a whitened PCA of picture patches and its transpose, so an untrained model is already a codec
(about 27.8 dB on Scenes); the convolutional path starts at zero and training only adds to it. This makes a good
first stage within minutes of two CPU cores, where the published architecture needs days of a GPU.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ldm_core.nn.autoencoder import Posterior

FACTOR = 8  # picture pixels per latent position
MIN_LOGVAR, MAX_LOGVAR = -12.0, 4.0


def group_norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(min(32, channels // 4), channels)


class ResidualBlock(nn.Module):
    """Group norm, SiLU, 3x3 convolution, twice, round a skip connection; starts as the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = group_norm(channels), nn.Conv2d(channels, channels, 3, padding=1)
        self.norm2, self.conv2 = group_norm(channels), nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias if self.conv2.bias is not None else self.conv2.weight)

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        out: Tensor = x + self.conv2(F.silu(self.norm2(h)))
        return out


class Upsample(nn.Module):
    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return out


def _zeroed(conv: nn.Conv2d) -> nn.Conv2d:
    for parameter in conv.parameters():
        nn.init.zeros_(parameter)
    return conv


class CompactKL(nn.Module):
    """KL first stage, f = 8: (B, 3, H, W) in -1..1 <-> (B, embed_dim, H/8, W/8), near unit variance; H, W: 8 n."""

    def __init__(
        self,
        embed_dim: int = 4,
        encoder_channels: Sequence[int] = (48, 96, 128),
        decoder_channels: Sequence[int] = (160, 96, 40),
    ) -> None:
        super().__init__()
        self.embed_dim = embed_dim
        self.linear_in = nn.Conv2d(3, embed_dim, FACTOR, stride=FACTOR)
        self.linear_out = nn.ConvTranspose2d(embed_dim, 3, FACTOR, stride=FACTOR)
        a, b, c = encoder_channels
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(12, a, 3, padding=1),
            ResidualBlock(a),
            nn.Conv2d(a, b, 4, stride=2, padding=1),
            *(ResidualBlock(b) for _ in range(2)),
            nn.Conv2d(b, c, 4, stride=2, padding=1),
            *(ResidualBlock(c) for _ in range(2)),
            group_norm(c),
            nn.SiLU(),
            _zeroed(nn.Conv2d(c, 2 * embed_dim, 3, padding=1)),
        )
        a, b, c = decoder_channels
        self.decoder = nn.Sequential(
            nn.Conv2d(embed_dim, a, 3, padding=1),
            *(ResidualBlock(a) for _ in range(3)),
            Upsample(a, b),
            *(ResidualBlock(b) for _ in range(2)),
            Upsample(b, c),
            ResidualBlock(c),
            group_norm(c),
            nn.SiLU(),
            _zeroed(nn.Conv2d(c, 12, 3, padding=1)),
            nn.PixelShuffle(2),
        )

    def encode(self, x: Tensor) -> Posterior:
        mean, logvar = self.encoder(x).chunk(2, 1)
        # -5: a small posterior variance to begin with, while the convolutional path still says nothing
        return Posterior(self.linear_in(x) + mean, (logvar - 5.0).clamp(MIN_LOGVAR, MAX_LOGVAR))

    def decode(self, z: Tensor) -> Tensor:
        out: Tensor = self.linear_out(z) + self.decoder(z)
        return out

    @torch.no_grad()
    def fit_linear_path(self, pictures: Tensor) -> None:
        """Set the linear path to the whitened principal components of `pictures` (N, 3, H, W) in -1..1, and back."""
        patches = F.unfold(pictures, FACTOR, stride=FACTOR).transpose(1, 2).reshape(-1, 3 * FACTOR * FACTOR)
        mean = patches.mean(0)
        values, vectors = torch.linalg.eigh(torch.cov((patches - mean).T))
        components = vectors[:, -self.embed_dim :].flip(1).T
        std = values[-self.embed_dim :].flip(0).sqrt()
        shape = self.linear_in.weight.shape
        assert self.linear_in.bias is not None
        assert self.linear_out.bias is not None
        self.linear_in.weight.copy_((components / std[:, None]).view(shape))
        self.linear_in.bias.copy_(-(components @ mean) / std)
        self.linear_out.weight.copy_((components * std[:, None]).view(shape))
        self.linear_out.bias.copy_(mean.view(3, -1).mean(1))
