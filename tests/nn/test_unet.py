"""The UNet's variants beyond the fixtures: sizes, dtypes, training, refusals."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ldm_core.nn.build import build_module
from ldm_core.nn.unet import UNetModel
from tests.golden.fixtures import TOLERANCE, fill, read_network

SMALL = {
    "in_channels": 3,
    "out_channels": 3,
    "model_channels": 32,
    "num_res_blocks": 1,
    "channel_mult": [1, 2],
    "attention_resolutions": [2],
    "num_heads": 4,
}
TEXT = {"use_spatial_transformer": True, "context_dim": 16, "legacy": False}


def small_unet(**params: Any) -> UNetModel:
    unet = build_module({"target": "UNetModel", "params": SMALL | params})
    assert isinstance(unet, UNetModel)
    return unet


def reference(name: str) -> tuple[UNetModel, list[Tensor | None], Tensor]:
    """A network of the fixtures with its arguments and its result."""
    fixture = read_network(name)
    unet, tensors = fill(build_module(fixture.config)), fixture.tensors
    assert isinstance(unet, UNetModel)
    return unet, [tensors["x"], tensors["t"], tensors.get("context"), tensors.get("y")], tensors["out"]


@given(st.integers(1, 3), st.integers(1, 2), st.integers(1, 3), st.integers(1, 3))
@settings(max_examples=12)
@torch.no_grad()
def test_output_has_the_size_of_the_input_at_every_patch_size(patch: int, batch: int, rows: int, columns: int) -> None:
    unet = small_unet(patch_size=patch, out_channels=5)
    assert unet.multiple == 2 * patch
    x = torch.randn(batch, 3, rows * unet.multiple, columns * unet.multiple)
    assert unet(x, torch.zeros(batch)).shape == (batch, 5, *x.shape[2:])


@torch.no_grad()
def test_patches_are_folded_into_channels_and_back() -> None:
    """A network of patch size 2 is the plain one of 4 times the channels, on the four phases of the grid."""
    patched = fill(small_unet(patch_size=2))
    plain = small_unet(in_channels=12, out_channels=12)
    plain.load_state_dict(patched.state_dict())
    x, steps = torch.randn(2, 3, 8, 12), torch.tensor([3, 700])
    phases = torch.stack([x[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)], dim=2).flatten(1, 2)
    expected = torch.empty_like(x)
    for number, part in enumerate(plain.eval()(phases, steps).unflatten(1, (3, 4)).unbind(2)):
        expected[:, :, number // 2 :: 2, number % 2 :: 2] = part
    torch.testing.assert_close(patched(x, steps), expected)


@torch.no_grad()
@pytest.mark.parametrize("name", ["unet_sd1", "unet_class_labels", "unet_inpainting_big"])
def test_a_picture_does_not_depend_on_its_batch(name: str) -> None:
    unet, arguments, out = reference(name)
    for i in range(len(out)):
        alone = unet(*(None if tensor is None else tensor[i : i + 1] for tensor in arguments))
        assert (alone - out[i : i + 1]).abs().max().item() <= TOLERANCE


@torch.no_grad()
@pytest.mark.parametrize("name", ["unet_sd1", "unet_sd2", "unet_class_labels", "unet_inpainting_big"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float16, 0.02), (torch.bfloat16, 0.1)])
def test_half_precision_weights_take_float32_and_return_their_dtype(
    name: str, dtype: torch.dtype, tolerance: float
) -> None:
    unet, arguments, out = reference(name)
    result = unet.to(dtype)(*arguments)
    assert result.dtype == dtype
    assert (result.float() - out).abs().max().item() <= tolerance


@torch.no_grad()
@pytest.mark.parametrize("name", ["unet_sd1", "unet_sd2", "unet_class_labels"])
def test_autocast_to_bfloat16_stays_near_the_reference(name: str) -> None:
    unet, arguments, out = reference(name)
    with torch.autocast("cpu", torch.bfloat16):
        result = unet(*arguments)
    assert result.dtype == torch.float32
    assert 0 < (result - out).abs().max().item() <= 0.1


@torch.no_grad()
@pytest.mark.parametrize("name", ["unet_sd1", "unet_sd2", "unet_unconditional"])
def test_channels_last_gives_the_same_picture(name: str) -> None:
    unet, arguments, out = reference(name)
    result = unet.to(memory_format=torch.channels_last)(*arguments)
    assert (result - out).abs().max().item() <= TOLERANCE


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@torch.no_grad()
@pytest.mark.parametrize("name", ["unet_sd1", "unet_sd2", "unet_class_labels", "unet_inpainting_big"])
def test_cuda_matches_reference_in_float32_and_nearly_under_autocast(name: str) -> None:
    unet, arguments, out = reference(name)
    arguments = [None if tensor is None else tensor.cuda() for tensor in arguments]
    unet.cuda()
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        assert (unet(*arguments).cpu() - out).abs().max().item() <= TOLERANCE
    with torch.autocast("cuda", torch.bfloat16):
        assert (unet(*arguments).cpu() - out).abs().max().item() <= 0.1


@pytest.mark.parametrize("extension", [{}, TEXT, {"resblock_updown": True, "use_scale_shift_norm": True}])
def test_new_network_predicts_zero_and_learns_from_its_last_layer_on(extension: dict[str, Any]) -> None:
    unet = small_unet(**extension)
    context = torch.randn(2, 5, 16)
    out = unet(torch.randn(2, 3, 8, 8), torch.tensor([1, 2]), context)
    assert torch.equal(out, torch.zeros_like(out))
    (out - 1).square().sum().backward()
    assert unet.out[2].weight.grad.abs().max().item() > 0


@pytest.mark.parametrize("extension", [{}, TEXT, {"num_classes": 7, "resblock_updown": True}])
def test_every_weight_gets_a_gradient_also_through_checkpoints(extension: dict[str, Any]) -> None:
    x, steps, context, y = torch.randn(2, 3, 8, 8), torch.tensor([1, 2]), torch.randn(2, 5, 16), torch.tensor([0, 6])
    gradients = []
    for use_checkpoint in (False, True):
        unet = fill(small_unet(use_checkpoint=use_checkpoint, **extension)).train()
        unet(x, steps, context, y).square().sum().backward()
        gradients.append({name: parameter.grad for name, parameter in unet.named_parameters()})
    for name, gradient in gradients[0].items():
        assert gradient.abs().max().item() > 0, name
        torch.testing.assert_close(gradients[1][name], gradient)


@torch.no_grad()
def test_dropout_acts_in_training_only() -> None:
    unet = fill(small_unet(dropout=0.5))
    arguments = torch.randn(1, 3, 8, 8), torch.tensor([1])
    assert torch.equal(unet(*arguments), unet(*arguments))
    unet.train()
    assert not torch.equal(unet(*arguments), unet(*arguments))


@torch.no_grad()
def test_labels_are_numbers_vectors_or_classes() -> None:
    x, steps = torch.randn(2, 3, 8, 8), torch.tensor([1, 2])
    continuous = fill(small_unet(num_classes="continuous"))
    assert torch.equal(
        continuous(x, steps, y=torch.tensor([0.5, 2])), continuous(x, steps, y=torch.tensor([[0.5], [2]]))
    )
    assert continuous.label_emb.weight.shape == (128, 1)
    sequential = fill(small_unet(num_classes="sequential", adm_in_channels=6))
    assert not torch.equal(sequential(x, steps, y=torch.zeros(2, 6)), sequential(x, steps, y=torch.ones(2, 6)))
    classes = fill(small_unet(num_classes=4))
    assert not torch.equal(classes(x, steps, y=torch.tensor([0, 1])), classes(x, steps, y=torch.tensor([0, 2])))


def attention_widths(unet: UNetModel) -> list[tuple[str, int]]:
    """Number of heads of every plain attention, by the name of its block."""
    return [(name, module.num_heads) for name, module in unet.named_modules() if hasattr(module, "qkv")]


def test_number_of_heads_follows_the_published_rules() -> None:
    """num_heads, head widths, and the old networks' own number of heads on the way up."""
    down, middle, up = "input_blocks.3.1", "middle_block.1", "output_blocks.0.1"
    assert attention_widths(small_unet())[:3] == [(down, 4), (middle, 4), (up, 4)]
    assert attention_widths(small_unet(num_head_channels=32))[:3] == [(down, 2), (middle, 2), (up, 2)]
    assert attention_widths(small_unet(num_heads_upsample=8))[:3] == [(down, 4), (middle, 4), (up, 8)]
    assert attention_widths(small_unet(num_heads_upsample=8, legacy=False))[:3] == [(down, 4), (middle, 4), (up, 4)]


def test_numbers_of_blocks_are_taken_level_by_level() -> None:
    unet = small_unet(
        num_res_blocks=[2, 1],
        transformer_depth=[3, 2],
        attention_resolutions=[1, 2],
        num_attention_blocks=[1, 1],
        disable_self_attentions=[True, False],
        **TEXT,
    )
    depths = {
        name: (len(layer.transformer_blocks), layer.transformer_blocks[0].disable_self_attn)
        for name, layer in unet.named_modules()
        if hasattr(layer, "transformer_blocks")
    }
    assert depths == {
        "input_blocks.1.1": (3, True),
        "input_blocks.4.1": (2, False),
        "middle_block.1": (2, False),
        "output_blocks.0.1": (2, False),
        "output_blocks.2.1": (3, True),
    }
    assert len(unet.input_blocks) == 1 + 2 + 1 + 1
    assert len(unet.output_blocks) == 3 + 2


@torch.no_grad()
def test_codebook_prediction_returns_a_logit_for_each_entry() -> None:
    unet = fill(small_unet(n_embed=11))
    assert unet(torch.randn(2, 3, 4, 8), torch.tensor([1, 2])).shape == (2, 11, 4, 8)
    assert unet.state_dict()["id_predictor.1.weight"].shape == (11, 32, 1, 1)


@torch.no_grad()
def test_resampling_without_convolutions_has_no_weights() -> None:
    unet = fill(small_unet(conv_resample=False))
    assert not any(key.startswith(("input_blocks.2.0.op", "output_blocks.1.2.conv")) for key in unet.state_dict())
    assert unet(torch.randn(1, 3, 8, 8), torch.tensor([1])).shape == (1, 3, 8, 8)


@pytest.mark.parametrize(
    ("params", "part"),
    [
        ({"dims": 3}, "dims is 3"),
        ({"num_heads": -1}, "num_heads or num_head_channels"),
        ({"context_dim": 16}, "go together"),
        ({"use_spatial_transformer": True}, "go together"),
        ({"num_res_blocks": [1, 2, 3]}, "num_res_blocks has 3 entries"),
        ({"num_head_channels": 24}, "cannot be divided"),
        ({"num_heads": 128}, "cannot be divided"),
        ({"num_classes": "sequential"}, "adm_in_channels"),
        ({"num_classes": "many"}, "'many'"),
        ({"channels": 3}, "UNetModel: .*'channels'"),
    ],
)
def test_contradicting_sizes_are_refused_by_name(params: dict[str, Any], part: str) -> None:
    with pytest.raises(ValueError, match=part):
        small_unet(**params)


def test_missing_conditions_and_sizes_that_do_not_fit_are_refused() -> None:
    x, steps = torch.randn(1, 3, 8, 8), torch.tensor([1])
    with pytest.raises(ValueError, match="context"):
        small_unet(**TEXT)(x, steps)
    with pytest.raises(ValueError, match="label"):
        small_unet(num_classes=3)(x, steps)
    with pytest.raises(ValueError, match="multiples of 2"):
        small_unet()(torch.randn(1, 3, 8, 7), steps)
