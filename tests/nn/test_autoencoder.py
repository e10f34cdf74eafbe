"""First stages beyond the fixtures: distributions, codebooks, options, refusals."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.distributions import Normal, kl_divergence

from ldm_core.nn.autoencoder import AttnBlock, AutoencoderKL, Posterior, VectorQuantizer, VQModel
from ldm_core.nn.build import build_module
from tests.golden.fixtures import fill, read_network

SIZES = {
    "ch": 32,
    "ch_mult": [1, 2],
    "in_channels": 3,
    "out_ch": 3,
    "resolution": 16,
    "z_channels": 4,
    "num_res_blocks": 1,
    "attn_resolutions": [16],
}


def kl(**sizes: Any) -> AutoencoderKL:
    params = {"embed_dim": 6, "ddconfig": SIZES | sizes, "lossconfig": {"target": "torch.nn.Identity"}}
    first_stage = build_module({"target": "ldm.models.autoencoder.AutoencoderKL", "params": params})
    assert isinstance(first_stage, AutoencoderKL)
    return first_stage


def vq(sane_index_shape: bool = False, **sizes: Any) -> VQModel:
    ddconfig = SIZES | {"double_z": False} | sizes
    params = {"embed_dim": 6, "n_embed": 16, "ddconfig": ddconfig, "sane_index_shape": sane_index_shape}
    first_stage = build_module({"target": "VQModel", "params": params})
    assert isinstance(first_stage, VQModel)
    return first_stage


def test_posterior_is_a_normal_distribution() -> None:
    mean, logvar, noise = torch.randn(3, 2, 4, 5, 6).unbind(0)
    posterior = Posterior(mean, logvar)
    normal = Normal(mean, (logvar / 2).exp())
    torch.testing.assert_close(posterior.std, normal.stddev)
    torch.testing.assert_close(posterior.sample(noise), normal.mean + normal.stddev * noise)
    torch.testing.assert_close(posterior.mode(), normal.mode)
    torch.testing.assert_close(posterior.kl(), kl_divergence(normal, Normal(0.0, 1.0)).sum((1, 2, 3)))


@torch.no_grad()
def test_log_variance_is_kept_within_bounds() -> None:
    first_stage = fill(kl())
    first_stage.quant_conv.bias[6:] = torch.tensor([-1e3, -1e3, -1e3, 1e3, 1e3, 1e3])
    logvar = first_stage.encode(torch.zeros(1, 3, 16, 16)).logvar
    assert (logvar.amin().item(), logvar.amax().item()) == (-30.0, 20.0)


@torch.no_grad()
def test_sizes_of_latents_and_pictures() -> None:
    first_stage = fill(kl(out_ch=5))
    assert first_stage.config.factor == 2
    assert first_stage.encode(torch.zeros(2, 3, 16, 24)).mean.shape == (2, 6, 8, 12)
    assert first_stage.decode(torch.zeros(2, 6, 8, 12)).shape == (2, 5, 16, 24)


def attention_names(first_stage: nn.Module) -> list[str]:
    return [name for name, layer in first_stage.named_modules() if isinstance(layer, AttnBlock)]


def test_attention_stands_where_the_configuration_says() -> None:
    middle = ["encoder.mid.attn_1", "decoder.mid.attn_1"]
    assert attention_names(kl(attn_resolutions=[])) == middle
    assert sorted(attention_names(kl())) == sorted(
        [*middle, "encoder.down.0.attn.0", "decoder.up.0.attn.0", "decoder.up.0.attn.1"]
    )
    assert attention_names(kl(attn_type="none")) == []
    assert attention_names(kl(attn_type="vanilla-xformers")) == attention_names(kl())
    linear = kl(attn_type="linear").state_dict()
    assert linear["encoder.mid.attn_1.to_qkv.weight"].shape == (192, 64, 1, 1)
    assert linear.keys() == kl(use_linear_attn=True).state_dict().keys()


@torch.no_grad()
@pytest.mark.parametrize("sizes", [{"resamp_with_conv": False}, {"attn_type": "linear"}, {"dropout": 0.5}])
def test_options_keep_sizes_and_give_finite_pictures(sizes: dict[str, Any]) -> None:
    first_stage = fill(kl(**sizes))
    picture = first_stage.decode(first_stage.encode(torch.randn(1, 3, 16, 16)).mode())
    assert picture.shape == (1, 3, 16, 16)
    assert picture.isfinite().all()


def test_resampling_without_convolutions_has_no_weights() -> None:
    keys = kl().state_dict().keys() - kl(resamp_with_conv=False).state_dict().keys()
    assert keys == {
        f"{name}.conv.{kind}"
        for name in ("encoder.down.0.downsample", "decoder.up.1.upsample")
        for kind in ("weight", "bias")
    }


@torch.no_grad()
def test_ends_of_the_decoder() -> None:
    z = torch.randn(1, 6, 4, 4)
    plain = fill(kl()).decode(z)
    torch.testing.assert_close(fill(kl(tanh_out=True)).decode(z), plain.tanh())
    assert fill(kl(give_pre_end=True)).decode(z).shape == (1, 32, 8, 8)


@torch.no_grad()
@pytest.mark.parametrize("chunk", [1 << 24, 40])
def test_quantizer_takes_the_nearest_code_however_it_is_cut(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VectorQuantizer, "CHUNK", chunk)
    quantizer = fill(VectorQuantizer(16, 3, sane_index_shape=True))
    z = torch.randn(2, 3, 5, 7)
    quantized, indices = quantizer(z)
    codes = quantizer.embedding.weight
    distances = torch.cdist(z.double().permute(0, 2, 3, 1).reshape(-1, 3), codes.double())
    assert torch.equal(indices, distances.argmin(1).view(2, 5, 7))
    assert torch.equal(quantized, codes[indices].permute(0, 3, 1, 2))


@torch.no_grad()
def test_codes_are_their_own_nearest_and_numbers_have_the_chosen_shape() -> None:
    first_stage = fill(vq())
    codes, indices = first_stage.quantize(torch.randn(2, 6, 4, 4))
    assert indices.shape == (32,)
    again, same = first_stage.quantize(codes)
    assert torch.equal(codes, again)
    assert torch.equal(indices, same)
    assert torch.equal(first_stage.decode(codes), first_stage.decode(codes, quantize=False))
    assert fill(vq(sane_index_shape=True)).quantize(codes)[1].shape == (2, 4, 4)


@torch.no_grad()
@pytest.mark.parametrize("name", ["kl_f8", "vq_f4"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float16, 0.02), (torch.bfloat16, 0.1)])
def test_half_precision_decodes_nearly_the_same_picture(name: str, dtype: torch.dtype, tolerance: float) -> None:
    fixture = read_network(name)
    first_stage = fill(build_module(fixture.config)).to(dtype)
    picture = first_stage.decode(fixture.tensors["z"])
    assert picture.dtype == dtype
    assert (picture.float() - fixture.tensors["decoded"]).abs().max().item() <= tolerance


def test_identity_keeps_pictures() -> None:
    first_stage = build_module(
        {"target": "ldm.models.autoencoder.IdentityFirstStage", "params": {"vq_interface": True}}
    )
    x = torch.randn(1, 3, 4, 4)
    assert first_stage.encode(x) is x
    assert first_stage.decode(x) is x


@pytest.mark.parametrize(
    ("target", "params", "part"),
    [
        ("AutoencoderKL", {"ddconfig": SIZES | {"double_z": False}}, "double_z"),
        ("VQModel", {"ddconfig": SIZES, "n_embed": 4}, "double_z"),
        ("VQModel", {"ddconfig": SIZES | {"double_z": False}, "n_embed": 4, "remap": "used.npy"}, "remap"),
        ("AutoencoderKL", {"ddconfig": SIZES | {"attn_type": "new"}}, "attn_type is 'new'"),
        ("AutoencoderKL", {"ddconfig": SIZES | {"size": 3}}, "AutoencoderKL: .*'size'"),
        ("AutoencoderKL", {}, "AutoencoderKL: .*'ddconfig'"),
        ("Autoencoder", {}, "Autoencoder is not a known module"),
    ],
)
def test_configurations_that_make_no_sense_are_refused_by_name(target: str, params: dict[str, Any], part: str) -> None:
    with pytest.raises(ValueError, match=part):
        build_module({"target": target, "params": {"embed_dim": 4} | params})
