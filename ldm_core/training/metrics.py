"""Picture quality against an original: PSNR and SSIM."""

import torch
import torch.nn.functional as F
from torch import Tensor


def psnr(a: Tensor, b: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each picture in dB. a, b: (N, 3, H, W) in -1..1 -> (N,)."""
    return 10 * torch.log10(4 / (a - b).square().mean((1, 2, 3)).clamp(min=1e-12))


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """Structural similarity of each picture (Wang et al. 2004): 11x11 Gaussian windows of 1.5 px, mean over RGB.

    a, b: (N, 3, H, W) in -1..1 -> (N,).
    """
    line = torch.exp(-((torch.arange(11, dtype=a.dtype, device=a.device) - 5) ** 2) / (2 * 1.5**2))
    line = line / line.sum()
    channels = a.shape[1]

    def smooth(x: Tensor) -> Tensor:
        rows = F.conv2d(x, line.view(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)
        return F.conv2d(rows, line.view(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)

    c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
    mean_a, mean_b = smooth(a), smooth(b)
    var_a, var_b = smooth(a * a) - mean_a**2, smooth(b * b) - mean_b**2
    both = smooth(a * b) - mean_a * mean_b
    similarity = (2 * mean_a * mean_b + c1) * (2 * both + c2) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
    return similarity.mean((1, 2, 3))
