"""Layers against formulas, against torch's own, and at their initialisation."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ldm_core.nn.attention import AttentionBlock, LinearAttention, SpatialTransformer, attend
from ldm_core.nn.layers import GroupNorm32, ResBlock, timestep_embedding
from tests.golden.fixtures import fill


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=4), st.integers(2, 33))
def test_timestep_embedding_is_cosines_then_sines_of_geometric_frequencies(steps: list[float], dim: int) -> None:
    embedding = timestep_embedding(torch.tensor(steps, dtype=torch.float64), dim)
    half = dim // 2
    angles = np.asarray(steps)[:, None] * 10000.0 ** (-np.arange(half) / half)
    expected = np.concatenate([np.cos(angles), np.sin(angles), np.zeros((len(steps), dim % 2))], axis=1)
    assert embedding.dtype == torch.float32
    # float32 holds a step of 1000 to 6e-5 radians
    np.testing.assert_allclose(embedding.numpy(), expected, atol=3e-4)


def test_timestep_embedding_of_integers_equals_that_of_floats() -> None:
    steps = torch.tensor([0, 1, 500, 999])
    torch.testing.assert_close(timestep_embedding(steps, 32), timestep_embedding(steps.double(), 32), rtol=0, atol=0)


def test_group_norm_in_half_precision_does_not_overflow() -> None:
    x = torch.linspace(-3e4, 3e4, 64 * 16).view(1, 64, 4, 4)
    norm = fill(GroupNorm32(64))
    expected = torch.nn.functional.group_norm(x.half().float(), 32, norm.weight, norm.bias)
    actual = norm.half()(x.half())
    assert actual.dtype == torch.float16
    torch.testing.assert_close(actual.float(), expected, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("resample", [None, "up", "down"])
def test_new_residual_block_passes_its_input_on(resample: str | None) -> None:
    block = ResBlock(32, 8, 32, resample=resample)
    x, emb = torch.randn(2, 32, 4, 4), torch.randn(2, 8)
    expected = x
    if resample == "up":
        expected = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    elif resample == "down":
        expected = x.view(2, 32, 2, 2, 2, 2).mean((3, 5))
    torch.testing.assert_close(block(x, emb), expected)


@pytest.mark.parametrize("layer", [AttentionBlock(32, 2), SpatialTransformer(32, 2, 16, [8], use_linear=True)])
def test_new_attention_passes_its_input_on(layer: nn.Module) -> None:
    x, context = torch.randn(2, 32, 3, 5), [torch.randn(2, 7, 8)] * isinstance(layer, SpatialTransformer)
    torch.testing.assert_close(layer(x, *context), x)


def test_attend_is_softmax_of_scaled_products_times_values() -> None:
    q, k, v = torch.randn(2, 5, 3, 4), torch.randn(2, 7, 3, 4), torch.randn(2, 7, 3, 4)
    weights = torch.softmax(torch.einsum("blhd,bshd->bhls", q, k) / 4**0.5, dim=-1)
    expected = torch.einsum("bhls,bshd->blhd", weights, v).reshape(2, 5, 12)
    torch.testing.assert_close(attend(q, k, v), expected)


@torch.no_grad()
@pytest.mark.parametrize("new_order", [False, True])
def test_attention_block_matches_multi_head_attention_of_torch(new_order: bool) -> None:
    """The orders of qkv differ in which rows belong to which head; torch's own takes all q, all k, all v."""
    heads, channels = 4, 64
    block = fill(AttentionBlock(channels, heads, new_order=new_order))
    rows = torch.arange(3 * channels)
    if not new_order:
        rows = rows.view(heads, 3, channels // heads).transpose(0, 1).flatten()
    reference = nn.MultiheadAttention(channels, heads, batch_first=True)
    reference.in_proj_weight.copy_(block.qkv.weight[rows, :, 0])
    reference.in_proj_bias.copy_(block.qkv.bias[rows])
    reference.out_proj.weight.copy_(block.proj_out.weight[:, :, 0])
    reference.out_proj.bias.copy_(block.proj_out.bias)

    x = torch.randn(2, channels, 3, 5)
    tokens = block.norm(x).flatten(2).transpose(1, 2)
    expected = x + reference(tokens, tokens, tokens)[0].transpose(1, 2).reshape(x.shape)
    torch.testing.assert_close(block(x), expected)


@torch.no_grad()
def test_linear_projections_are_1x1_convolutions() -> None:
    convolutions = fill(SpatialTransformer(32, 2, 16, [8, 8]))
    linear = SpatialTransformer(32, 2, 16, [8, 8], use_linear=True)
    shapes = {key: tensor.shape for key, tensor in linear.state_dict().items()}
    linear.load_state_dict({key: tensor.view(shapes[key]) for key, tensor in convolutions.state_dict().items()})
    x, context = torch.randn(2, 32, 3, 5), torch.randn(2, 7, 8)
    torch.testing.assert_close(linear(x, context), convolutions(x, context))


@torch.no_grad()
def test_without_self_attention_a_position_does_not_see_the_others() -> None:
    x, context = torch.randn(1, 32, 4, 4), torch.randn(1, 7, 8)
    changed = x.clone()
    changed[:, :, 0, 0] *= -1  # keeps what the group norm sees of the others
    for disabled in (False, True):
        layer = fill(SpatialTransformer(32, 2, 16, [8], disable_self_attn=disabled))
        layer.norm = nn.Identity()
        same = torch.equal(layer(x, context)[:, :, 1:], layer(changed, context)[:, :, 1:])
        assert same == disabled


@torch.no_grad()
def test_linear_attention_follows_its_formula() -> None:
    layer = fill(LinearAttention(32))
    x = torch.randn(2, 32, 3, 5)
    q, k, v = layer.to_qkv(x).flatten(2).chunk(3, dim=1)
    memory = torch.einsum("bdn,ben->bde", k.softmax(-1), v)
    expected = layer.to_out(torch.einsum("bde,bdn->ben", memory, q).reshape(x.shape))
    torch.testing.assert_close(layer(x), expected)
