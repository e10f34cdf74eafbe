"""Self and cross attention and transformer blocks. All softmax attention is the one call in `attend`."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from .layers import GroupNorm32, zero_module


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Scaled dot-product attention (Vaswani et al. 2017, eq. 1).

    q: (B, L, heads, d); k, v: (B, S, heads, d). Returns (B, L, heads * d).
    """
    out = F.scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2))
    return out.transpose(1, 2).flatten(2)


def split_heads(tokens: Tensor, heads: int) -> Tensor:
    """(B, L, heads * d) -> (B, L, heads, d), a view."""
    return tokens.view(*tokens.shape[:2], heads, -1)


def to_tokens(x: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, H * W, C); free of a copy if x is channels-last."""
    return x.flatten(2).transpose(1, 2)


def from_tokens(tokens: Tensor, height: int, width: int) -> Tensor:
    """(B, H * W, C) -> (B, C, H, W), a view with channels-last strides."""
    return tokens.transpose(1, 2).reshape(tokens.shape[0], tokens.shape[2], height, width)


class AttentionBlock(nn.Module):
    """Self attention over all positions of a feature map, with a residual (Dhariwal and Nichol 2021).

    num_heads divides channels. new_order: the 3 * channels outputs of `qkv` are [q of all heads, k, v]; otherwise they
    are [q, k, v] head by head.
    """

    def __init__(self, channels: int, num_heads: int, *, new_order: bool = False) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.new_order = new_order
        self.norm = GroupNorm32(channels)
        self.qkv = nn.Conv1d(channels, 3 * channels, 1)
        self.proj_out = zero_module(nn.Conv1d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        # A convolution of width 1 is a linear map of tokens; done as one, its result has the layout attention wants.
        tokens = to_tokens(self.norm(x))
        qkv = F.linear(tokens, self.qkv.weight.squeeze(-1), self.qkv.bias)
        if self.new_order:
            q, k, v = (split_heads(part, self.num_heads) for part in qkv.chunk(3, dim=-1))
        else:
            q, k, v = split_heads(qkv, self.num_heads).chunk(3, dim=-1)
        out = F.linear(attend(q, k, v), self.proj_out.weight.squeeze(-1), self.proj_out.bias)
        return x + from_tokens(out, x.shape[2], x.shape[3])


class CrossAttention(nn.Module):
    """Multi-head attention from tokens to a context, or to themselves where there is none."""

    def __init__(self, query_dim: int, context_dim: int, heads: int, dim_head: int) -> None:
        super().__init__()
        inner = heads * dim_head
        self.heads = heads
        self.to_q = nn.Linear(query_dim, inner, bias=False)
        self.to_k = nn.Linear(context_dim, inner, bias=False)
        self.to_v = nn.Linear(context_dim, inner, bias=False)
        self.to_out = nn.Sequential(nn.Linear(inner, query_dim))

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """x: (B, L, query_dim); context: (B, S, context_dim). Returns (B, L, query_dim)."""
        context = x if context is None else context
        inputs = ((self.to_q, x), (self.to_k, context), (self.to_v, context))
        q, k, v = (split_heads(layer(tokens), self.heads) for layer, tokens in inputs)
        out: Tensor = self.to_out(attend(q, k, v))
        return out


class GEGLU(nn.Module):
    """Linear layer whose second half gates the first (Shazeer 2020, arXiv:2002.05202)."""

    def __init__(self, dim: int, dim_out: int) -> None:
        super().__init__()
        self.proj = nn.Linear(dim, 2 * dim_out)

    def forward(self, x: Tensor) -> Tensor:
        """(..., dim) -> (..., dim_out)."""
        value, gate = self.proj(x).chunk(2, dim=-1)
        out: Tensor = value * F.gelu(gate)
        return out


class FeedForward(nn.Module):
    """The position-wise network of a transformer block: GEGLU to four times the width, and back."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        # The Identity stands where the published network has a dropout of probability 0.
        self.net = nn.Sequential(GEGLU(dim, 4 * dim), nn.Identity(), nn.Linear(4 * dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, dim) -> (B, L, dim)."""
        out: Tensor = self.net(x)
        return out


class BasicTransformerBlock(nn.Module):
    """Self attention, cross attention and a feed-forward network, each after a norm and with a residual.

    disable_self_attn: the first attention looks at the context, too.
    """

    def __init__(self, dim: int, heads: int, dim_head: int, context_dim: int, *, disable_self_attn: bool) -> None:
        super().__init__()
        self.disable_self_attn = disable_self_attn
        self.attn1 = CrossAttention(dim, context_dim if disable_self_attn else dim, heads, dim_head)
        self.ff = FeedForward(dim)
        self.attn2 = CrossAttention(dim, context_dim, heads, dim_head)
        self.norm1 = nn.LayerNorm(dim)
        self.norm2 = nn.LayerNorm(dim)
        self.norm3 = nn.LayerNorm(dim)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """x: (B, L, dim); context: (B, S, context_dim). Returns (B, L, dim)."""
        x = x + self.attn1(self.norm1(x), context if self.disable_self_attn else None)
        x = x + self.attn2(self.norm2(x), context)
        out: Tensor = x + self.ff(self.norm3(x))
        return out


class SpatialTransformer(nn.Module):
    """Transformer blocks over the positions of a feature map, with a residual (Rombach et al. 2022, arXiv:2112.10752).

    context_dims: the width of the context in each block; their number is the depth.
    use_linear: the projections into and out of the blocks are stored as linear layers instead of 1x1 convolutions.
    """

    def __init__(
        self,
        channels: int,
        heads: int,
        dim_head: int,
        context_dims: Sequence[int],
        *,
        disable_self_attn: bool = False,
        use_linear: bool = False,
    ) -> None:
        super().__init__()
        inner = heads * dim_head
        self.use_linear = use_linear
        self.norm = GroupNorm32(channels, eps=1e-6)
        self.proj_in = nn.Linear(channels, inner) if use_linear else nn.Conv2d(channels, inner, 1)
        self.transformer_blocks = nn.ModuleList(
            BasicTransformerBlock(inner, heads, dim_head, context_dim, disable_self_attn=disable_self_attn)
            for context_dim in context_dims
        )
        self.proj_out = zero_module(nn.Linear(inner, channels) if use_linear else nn.Conv2d(inner, channels, 1))

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """x: (B, C, H, W); context: (B, S, context_dim). Returns (B, C, H, W)."""
        height, width = x.shape[2:]
        h = self.norm(x)
        tokens = self.proj_in(to_tokens(h)) if self.use_linear else to_tokens(self.proj_in(h))
        for block in self.transformer_blocks:
            tokens = block(tokens, context)
        if self.use_linear:
            return x + from_tokens(self.proj_out(tokens), height, width)
        out: Tensor = x + self.proj_out(from_tokens(tokens, height, width))
        return out


class AttnBlock(nn.Module):
    """Self attention over all positions, with one head and a residual; the one of the first stages."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = GroupNorm32(channels, eps=1e-6)
        self.q = nn.Conv2d(channels, channels, 1)
        self.k = nn.Conv2d(channels, channels, 1)
        self.v = nn.Conv2d(channels, channels, 1)
        self.proj_out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        h = self.norm(x)
        # Fast attention kernels want the channels of a token side by side.
        q, k, v = (to_tokens(layer(h)).contiguous().unsqueeze(2) for layer in (self.q, self.k, self.v))
        out: Tensor = x + self.proj_out(from_tokens(attend(q, k, v), x.shape[2], x.shape[3]))
        return out


class LinearAttention(nn.Module):
    """Attention of linear cost for first stages (Shen et al. 2018, arXiv:1812.01243): one head, no norm or residual."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.to_qkv = nn.Conv2d(channels, 3 * channels, 1, bias=False)
        self.to_out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        q, k, v = self.to_qkv(x).flatten(2).chunk(3, dim=1)
        memory = k.softmax(dim=-1) @ v.transpose(1, 2)
        out: Tensor = self.to_out((memory.transpose(1, 2) @ q).view_as(x))
        return out
