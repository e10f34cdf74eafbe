"""Model files: what is read from them, and that nothing broken gets further than one sentence."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save_file

from ldm_core import identify, load_model
from ldm_core.checkpoints.header import Header, read_header
from ldm_core.engine import Engine
from ldm_core.errors import UserError
from ldm_core.events import Failed
from ldm_core.tasks import TextToImage
from tests.tiny_model import UNET, WORDS

Tensors = dict[str, torch.Tensor]


@pytest.fixture
def own(tiny: Path, tmp_path: Path) -> Path:
    """A tiny model that a test may break."""
    for file in tiny.parent.iterdir():
        shutil.copy(file, tmp_path)
    return tmp_path / tiny.name


def rewrite(path: Path, change: Callable[[Tensors, dict[str, Any]], None]) -> None:
    """Change the tensors and the own header of a file."""
    with safe_open(path, "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no mapping
        about = json.loads(file.metadata()["latent_studio"])
    change(tensors, about)
    save_file(tensors, path, metadata={"latent_studio": json.dumps(about)})


def outcome(read: Callable[[], Header]) -> tuple[Header | None, str]:
    """What was read, or the sentence with which it was refused."""
    try:
        return read(), ""
    except UserError as error:
        return None, str(error)


def refused(path: Path) -> str:
    """The sentence with which a file is refused."""
    with pytest.raises(UserError) as refusal:
        load_model(path)
    sentence = str(refusal.value)
    assert "\n" not in sentence
    assert len(sentence) < 500
    return sentence


def test_a_model_has_its_parts_and_they_have_the_published_interfaces(tiny: Path) -> None:
    model = load_model(tiny, device="cpu", dtype=torch.float32)
    spec = model.spec
    assert (spec.name, spec.family, spec.conditioning, spec.prediction) == ("Tiny scenes", "scenes-text", "text", "v")
    assert (spec.latent_channels, spec.factor, spec.native_size, spec.scale) == (4, 8, 64, 1.0)
    assert spec.multiple == 8 * 2 * 2  # first stage, patches, one halving in the UNet
    assert spec.vocabulary == tuple(WORDS)
    assert (spec.defaults.steps, spec.defaults.schedule) == (4, "trailing")
    posterior = model.first_stage.encode(torch.zeros(2, 3, 64, 64))
    assert posterior.mean.shape == posterior.logvar.shape == (2, 4, 8, 8)
    assert model.first_stage.decode(posterior.mean).shape == (2, 3, 64, 64)
    condition = model.conditioner(["a red tent", ""])
    x = torch.randn(2, 4, 8, 8)
    out = model.unet(x, torch.tensor([3, 500]), context=condition.context, y=condition.y)
    assert out.shape == x.shape
    assert model.conditioner.unknown("a dinosaur")[0].word == "dinosaur"
    assert not any(parameter.requires_grad for parameter in model.unet.parameters())


def test_loaded_weights_are_those_of_the_file_in_the_wished_format(tiny: Path) -> None:
    model = load_model(tiny, dtype=torch.bfloat16)
    with safe_open(tiny, "np") as file:
        stored = file.get_tensor("model.diffusion_model.out.2.weight")
    weight = model.unet.state_dict()["out.2.weight"]
    assert weight.dtype == torch.bfloat16
    assert np.abs(weight.float().numpy() - stored).max() <= 2**-8 * np.abs(stored).max()
    assert all(p.dtype == torch.float32 for p in model.first_stage.parameters())  # type: ignore[attr-defined]


def test_the_header_is_read_as_the_safetensors_library_reads_it(tiny: Path) -> None:
    header = read_header(tiny)
    with safe_open(tiny, "np") as file:
        assert dict(header.shapes) == {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
        assert header.metadata == file.metadata()
    assert header.ours["name"] == "Tiny scenes"


def test_shapes_and_a_published_config_identify_a_family() -> None:
    shapes = {
        "model.diffusion_model.out.2.weight": (4, 32, 3, 3),
        "cond_stage_model.transformer.transformer.token_emb.weight": (14, 32),
    }
    params = {"parameterization": "eps", "scale_factor": 0.5, "beta_schedule": "linear", "unet_config": UNET}
    spec = identify(shapes, {"model": {"params": params}})
    assert (spec.family, spec.prediction, spec.scale) == ("scenes-text", "eps", 0.5)
    assert dict(spec.schedule) == {"beta_schedule": "linear"}
    with pytest.raises(UserError, match="configuration is missing"):
        identify(shapes)
    with pytest.raises(UserError, match="cannot be used"):
        identify(shapes, {"model": {"params": {**params, "parameterization": "score"}}})


@pytest.mark.parametrize(
    ("shapes", "guess"),
    [
        ({}, "no tensors"),
        ({"lora_unet_x.lora_down.weight": (4, 8)}, "LoRA"),
        ({"model.diffusion_model.out.2.weight": (4, 320, 3, 3)}, "UNet"),
        ({"decoder.conv_in.weight": (512, 4, 3, 3)}, "first stage"),
        ({"bert.embeddings.weight": (3, 4)}, "bert.embeddings.weight"),
    ],
)
def test_what_is_no_model_is_refused_with_a_guess_at_what_it_is(shapes: dict[str, tuple[int, ...]], guess: str) -> None:
    with pytest.raises(UserError, match=guess) as refusal:
        identify(shapes)
    assert "scenes-text" in str(refusal.value)  # what is known instead


def test_files_cut_off_anywhere_are_refused(own: Path) -> None:
    content = own.read_bytes()
    for size in (0, 4, 8, 1000, len(content) // 2, len(content) - 1):
        own.write_bytes(content[:size])
        sentence = refused(own)
        assert own.name in sentence
        assert list(Engine(lambda name: own, device="cpu").run(TextToImage("a tent"))) == [Failed(sentence)]
    own.write_bytes(content + b"x")
    assert "damaged" in refused(own)


@given(data=st.data())
def test_no_damage_to_a_header_gets_past_a_sentence(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.safetensors"
    save_file({"a": torch.zeros(2, 3), "b": torch.zeros(5)}, path, metadata={"latent_studio": '{"format": 1}'})
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content))
    header, sentence = outcome(lambda: read_header(path))
    if header is None:
        assert path.name in sentence
        return
    elements = sum(int(np.prod(shape)) for shape in header.shapes.values())
    assert elements <= 44  # of what still reads, nothing claims more than the 44 bytes of data that there are


def test_a_header_that_claims_more_than_there_is_costs_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.safetensors"
    path.write_bytes(struct.pack("<Q", 2**62) + b"{}")
    with pytest.raises(UserError, match="not a safetensors file"):
        read_header(path)
    deep = b'{"a":' + b"[" * 100_000
    path.write_bytes(struct.pack("<Q", len(deep)) + deep)
    with pytest.raises(UserError, match="header"):
        read_header(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("file", ["scenes-text", "first-stage"])
def test_weights_that_are_no_numbers_are_refused(own: Path, file: str, value: float) -> None:
    broken = own.with_stem(file)
    key = "model.diffusion_model.out.2.weight" if file == "scenes-text" else "decoder.0.weight"

    def spoil(tensors: Tensors, about: dict[str, Any]) -> None:
        tensors[key].view(-1)[7] = value

    rewrite(broken, spoil)
    sentence = refused(own)
    assert "not finite" in sentence
    assert key in sentence
    assert broken.name in sentence


def _drop(tensors: Tensors, about: dict[str, Any]) -> None:
    del tensors["model.diffusion_model.time_embed.0.bias"]


def _add(tensors: Tensors, about: dict[str, Any]) -> None:
    tensors["model.diffusion_model.surprise"] = torch.zeros(1)


def _reshape(tensors: Tensors, about: dict[str, Any]) -> None:
    tensors["model.diffusion_model.time_embed.0.bias"] = torch.zeros(5)


def _widen(tensors: Tensors, about: dict[str, Any]) -> None:
    about["config"]["params"]["unet_config"]["params"]["model_channels"] = 10**9


def _unknown_target(tensors: Tensors, about: dict[str, Any]) -> None:
    about["config"]["params"]["unet_config"]["target"] = "os.system"


def _no_config(tensors: Tensors, about: dict[str, Any]) -> None:
    del about["config"]


def _odd_config(tensors: Tensors, about: dict[str, Any]) -> None:
    about["config"] = {"params": [1, 2]}


def _odd_schedule(tensors: Tensors, about: dict[str, Any]) -> None:
    about["config"]["params"]["beta_schedule"] = "wobbly"


def _fewer_words(tensors: Tensors, about: dict[str, Any]) -> None:
    about["vocabulary"].pop()


def _newer(tensors: Tensors, about: dict[str, Any]) -> None:
    about["format"] = 2


def _elsewhere(tensors: Tensors, about: dict[str, Any]) -> None:
    about["first_stage"] = "../first-stage.safetensors"


def _no_such_stage(tensors: Tensors, about: dict[str, Any]) -> None:
    about["first_stage"] = "other.safetensors"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_drop, "time_embed.0.bias is missing"),
        (_add, "surprise belongs to no part"),
        (_reshape, "has the shape 5, not 128"),
        (_widen, "cannot be built"),
        (_unknown_target, "cannot be built"),
        (_no_config, "configuration is missing"),
        (_odd_config, "cannot be used"),
        (_odd_schedule, "wobbly"),
        (_fewer_words, "vocabulary"),
        (_newer, "newer version"),
        (_elsewhere, "first stage"),
        (_no_such_stage, "other.safetensors"),
    ],
)
def test_a_file_that_does_not_hold_what_it_says_is_refused(
    own: Path, change: Callable[[Tensors, dict[str, Any]], None], words: str
) -> None:
    rewrite(own, change)
    sentence = refused(own)
    assert words in sentence
    assert own.name in sentence


def test_another_first_stage_than_the_trained_one_is_refused(own: Path) -> None:
    rewrite(own.with_stem("first-stage"), lambda tensors, about: about.update(name="Other"))
    assert "another first stage" in refused(own)


def test_a_first_stage_alone_and_a_missing_file_are_refused(own: Path) -> None:
    assert "cannot draw by itself" in refused(own.with_stem("first-stage"))
    assert "cannot be read" in refused(own.with_stem("nothing"))
    assert "cannot be read" in refused(own.parent)
