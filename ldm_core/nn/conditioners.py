"""Condition encoders: token transformers, class labels, and maps scaled to the latents.

Attribute names are those of the published checkpoints, because they become state-dict keys.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention import attend, split_heads
from .conditioning import Conditioning


class _Attention(nn.Module):
    """Self attention with 8 heads of width 64, whatever the width of the tokens."""

    HEADS, WIDTH = 8, 64

    def __init__(self, dim: int) -> None:
        super().__init__()
        inner = self.HEADS * self.WIDTH
        self.to_q = nn.Linear(dim, inner, bias=False)
        self.to_k = nn.Linear(dim, inner, bias=False)
        self.to_v = nn.Linear(dim, inner, bias=False)
        self.to_out = nn.Linear(inner, dim)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (split_heads(layer(x), self.HEADS) for layer in (self.to_q, self.to_k, self.to_v))
        out: Tensor = self.to_out(attend(q, k, v))
        return out


class _FeedForward(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        # The Identity stands where the published network has a dropout of probability 0.
        self.net = nn.Sequential(
            nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU()), nn.Identity(), nn.Linear(4 * dim, dim)
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.net(x)
        return out


class _Layers(nn.Module):
    """Attention and feed-forward layers in turn, each after its norm and with a residual."""

    def __init__(self, dim: int, depth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        for _ in range(depth):
            self.layers.append(nn.ModuleList([nn.LayerNorm(dim), _Attention(dim)]))
            self.layers.append(nn.ModuleList([nn.LayerNorm(dim), _FeedForward(dim)]))

    def forward(self, x: Tensor) -> Tensor:
        for pair in self.layers:
            assert isinstance(pair, nn.ModuleList)
            norm, layer = pair
            x = x + layer(norm(x))
        return x


class _PositionEmbedding(nn.Module):
    def __init__(self, dim: int, length: int) -> None:
        super().__init__()
        self.emb = nn.Embedding(length, dim)
        nn.init.normal_(self.emb.weight, std=0.02)


class _TokenTransformer(nn.Module):
    """Tokens -> embeddings plus positions -> layers -> norm. `to_logits` is in published files but never needed."""

    def __init__(self, dim: int, depth: int, tokens: int, length: int, dropout: float, logits: bool) -> None:
        super().__init__()
        self.token_emb = nn.Embedding(tokens, dim)
        nn.init.normal_(self.token_emb.weight, std=0.02)
        self.pos_emb = _PositionEmbedding(dim, length)
        self.emb_dropout = nn.Dropout(dropout)
        self.attn_layers = _Layers(dim, depth)
        self.norm = nn.LayerNorm(dim)
        if logits:
            self.to_logits = nn.Linear(dim, tokens)

    def forward(self, ids: Tensor) -> Tensor:
        length, limit = ids.shape[1], self.pos_emb.emb.num_embeddings
        if length > limit:
            raise ValueError(f"{length} tokens; this encoder takes at most {limit}")
        x = self.token_emb(ids) + self.pos_emb.emb.weight[:length]
        out: Tensor = self.norm(self.attn_layers(self.emb_dropout(x)))
        return out


class TransformerEmbedder(nn.Module):
    """The paper's text encoder: a transformer without masks, trained with the UNet (Rombach et al. 2022, section 4.3).

    logits: also make the published, here unused output layer `to_logits`, so that published files fit.
    """

    def __init__(
        self,
        n_embed: int,
        n_layer: int,
        vocab_size: int,
        max_seq_len: int = 77,
        *,
        embedding_dropout: float = 0.0,
        logits: bool = True,
    ) -> None:
        super().__init__()
        self.transformer = _TokenTransformer(n_embed, n_layer, vocab_size, max_seq_len, embedding_dropout, logits)

    def forward(self, ids: Tensor) -> Tensor:
        """ids: (B, L) integers, L <= max_seq_len. Returns (B, L, n_embed). Raises ValueError for a longer L."""
        out: Tensor = self.transformer(ids)
        return out


class BERTEmbedder(TransformerEmbedder):
    """TransformerEmbedder with the vocabulary size of BERT. It takes token ids, not text."""

    def __init__(
        self,
        n_embed: int,
        n_layer: int,
        vocab_size: int = 30522,
        max_seq_len: int = 77,
        *,
        embedding_dropout: float = 0.0,
    ) -> None:
        super().__init__(n_embed, n_layer, vocab_size, max_seq_len, embedding_dropout=embedding_dropout)


class WordConditioner(nn.Module):
    """Text encoder of this project's own models: a small TransformerEmbedder over whole words.

    Token 0 is padding, token 1 the start at position 0; padding is not masked, as in the paper.
    """

    def __init__(self, vocabulary_size: int, n_embed: int, n_layer: int, max_seq_len: int) -> None:
        super().__init__()
        self.transformer = TransformerEmbedder(n_embed, n_layer, vocabulary_size, max_seq_len, logits=False)

    def forward(self, ids: Tensor) -> Tensor:
        """ids: (B, L) integers, L <= max_seq_len. Returns (B, L, n_embed)."""
        out: Tensor = self.transformer(ids)
        return out

    def encode_ids(self, ids: Tensor) -> Conditioning:
        """ids: (B, L) integers, L <= max_seq_len. y: (B, n_embed), the state of the start token."""
        context = self(ids)
        return Conditioning(context=context, y=context[:, 0])


class ClassEmbedder(nn.Module):
    """One learned token for each class; key names the labels in a batch that is a mapping."""

    def __init__(self, embed_dim: int, n_classes: int = 1000, key: str = "class") -> None:
        super().__init__()
        self.key = key
        self.embedding = nn.Embedding(n_classes, embed_dim)

    def forward(self, batch: Tensor | Mapping[str, Tensor], key: str | None = None) -> Tensor:
        """batch: labels (B,), or a mapping that holds them under key. Returns (B, 1, embed_dim)."""
        labels = batch if isinstance(batch, Tensor) else batch[key or self.key]
        out: Tensor = self.embedding(labels[:, None])
        return out


class SpatialRescaler(nn.Module):
    """Scales a map n_stages times by multiplier, then maps its channels with a 1x1 convolution if out_channels is set.

    method: "nearest", "bilinear", "bicubic" or "area". Raises ValueError for another one.
    """

    METHODS = ("nearest", "bilinear", "bicubic", "area")

    def __init__(
        self,
        n_stages: int = 1,
        method: str = "bilinear",
        multiplier: float = 0.5,
        in_channels: int = 3,
        out_channels: int | None = None,
        bias: bool = False,
    ) -> None:
        super().__init__()
        if method not in self.METHODS:
            raise ValueError(f"method is {method!r}; known are {', '.join(self.METHODS)}")
        self.n_stages = n_stages
        self.method = method
        self.multiplier = multiplier
        self.channel_mapper: nn.Module = nn.Identity()
        if out_channels is not None:
            self.channel_mapper = nn.Conv2d(in_channels, out_channels, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, in_channels, H, W). Returns (B, out_channels, H * multiplier^n_stages, W * multiplier^n_stages)."""
        for _ in range(self.n_stages):
            x = F.interpolate(x, scale_factor=self.multiplier, mode=self.method)
        out: Tensor = self.channel_mapper(x)
        return out

    @torch.no_grad()
    def encode(self, x: Tensor) -> Tensor:
        """The same as calling the module, without gradients."""
        return self.forward(x)
