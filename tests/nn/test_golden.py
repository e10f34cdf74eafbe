"""The networks reproduce the authors' reference implementations."""

import pytest
import torch
from torch import Tensor

from ldm_core.nn.build import build_module
from tests.golden.fixtures import TOLERANCE, fill, read_network, shapes

pytestmark = pytest.mark.golden

UNETS = ["sd1", "sd2", "text2img_large", "unconditional", "inpainting_big", "class_labels"]
ALL = [f"unet_{name}" for name in UNETS]
ALL += ["kl_f8", "vq_f4", "bert_embedder", "class_embedder", "spatial_rescaler"]


def assert_close(actual: Tensor, expected: Tensor) -> None:
    assert actual.shape == expected.shape
    assert (actual - expected).abs().max().item() <= TOLERANCE


@pytest.mark.parametrize("name", ALL)
def test_state_dict_has_exactly_the_published_keys_and_shapes(name: str) -> None:
    fixture = read_network(name)
    assert shapes(build_module(fixture.config)) == fixture.keys


@pytest.mark.parametrize("name", UNETS)
@torch.no_grad()
def test_unet_matches_reference(name: str) -> None:
    fixture = read_network(f"unet_{name}")
    unet, tensors = fill(build_module(fixture.config)), fixture.tensors
    assert_close(unet(tensors["x"], tensors["t"], tensors.get("context"), tensors.get("y")), tensors["out"])


@torch.no_grad()
def test_bert_embedder_matches_reference() -> None:
    fixture = read_network("bert_embedder")
    assert_close(fill(build_module(fixture.config))(fixture.tensors["ids"]), fixture.tensors["out"])


@torch.no_grad()
def test_class_embedder_matches_reference_for_labels_and_for_a_batch() -> None:
    fixture = read_network("class_embedder")
    embedder, labels = fill(build_module(fixture.config)), fixture.tensors["y"]
    assert_close(embedder(labels), fixture.tensors["out"])
    assert_close(embedder({"class_label": labels}), fixture.tensors["out"])


@torch.no_grad()
def test_spatial_rescaler_matches_reference() -> None:
    fixture = read_network("spatial_rescaler")
    assert_close(fill(build_module(fixture.config))(fixture.tensors["seg"]), fixture.tensors["out"])


@torch.no_grad()
def test_kl_first_stage_matches_reference() -> None:
    fixture = read_network("kl_f8")
    first_stage, tensors = fill(build_module(fixture.config)), fixture.tensors
    posterior = first_stage.encode(tensors["x"])
    assert_close(posterior.mean, tensors["mean"])
    assert_close(posterior.logvar, tensors["logvar"])
    assert_close(first_stage.decode(tensors["z"]), tensors["decoded"])


@torch.no_grad()
def test_vq_first_stage_matches_reference() -> None:
    fixture = read_network("vq_f4")
    first_stage, tensors = fill(build_module(fixture.config)), fixture.tensors
    assert_close(first_stage.encode(tensors["x"]), tensors["latent"])
    assert_close(first_stage.decode(tensors["z"]), tensors["decoded"])
    assert_close(first_stage.decode(tensors["z"], quantize=False), tensors["decoded_without_quantize"])
