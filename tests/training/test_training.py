"""Whole training runs, tiny: they write models that load, and a killed run goes on where its checkpoint stands."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open

from ldm_core.errors import UserError
from ldm_core.training import diffusion, export, first_stage
from ldm_core.training.config import DiffusionRecipe, FirstStageRecipe, read_recipe
from ldm_core.training.run import Run

ROOT = Path(__file__).resolve().parents[2]
FIRST = FirstStageRecipe(
    "tiny", "tiny-first.safetensors", 6, samples=8, batch=4, crop=32, picture_size=64, held_out=4, threads=1
)
UNET = {
    "image_size": 8,
    "in_channels": 4,
    "out_channels": 4,
    "model_channels": 32,
    "num_res_blocks": 1,
    "channel_mult": [1, 1],
    "attention_resolutions": [2],
    "num_head_channels": 32,
    "use_spatial_transformer": True,
    "context_dim": 32,
    "legacy": False,
    "num_classes": "sequential",
    "adm_in_channels": 32,
}
TEXT = {"n_embed": 32, "n_layer": 1, "max_seq_len": 40}
MODEL = DiffusionRecipe(
    "tiny", "tiny-text.safetensors", "tiny-first.safetensors", 6, 8, UNET, TEXT, batch=4, picture_size=64, threads=1
)


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for module in (export, diffusion):
        monkeypatch.setattr(module, "MODELS", tmp_path / "models")
    monkeypatch.setattr(diffusion, "VALIDATED", 2)
    return tmp_path / "models"


def about(path: Path) -> dict[str, Any]:
    with safe_open(path, "pt") as file:
        loaded: dict[str, Any] = json.loads(file.metadata()["latent_studio"])
        return loaded


def test_both_trainings_write_half_precision_models_that_say_what_they_are(models: Path, tmp_path: Path) -> None:
    first_stage.train_first_stage(FIRST, tmp_path / "first", tmp_path / "data")
    diffusion.train_diffusion(MODEL, tmp_path / "text", tmp_path / "data")
    first, text = about(models / "tiny-first.safetensors"), about(models / "tiny-text.safetensors")
    assert (first["kind"], text["kind"]) == ("first-stage", "diffusion")
    assert first["card"]["quality"]["samples"] == text["card"]["quality"]["samples"] == 8
    assert text["first_stage_sha256"] == export.sha256(models / text["first_stage"])
    with safe_open(models / "tiny-text.safetensors", "pt") as file:
        assert {file.get_tensor(key).dtype for key in file.keys()} == {torch.float16}  # noqa: SIM118 (not a dict)
    assert list((tmp_path / "text").glob("samples-*.png"))
    assert (tmp_path / "text" / "log.csv").exists()


class Killed(Exception):
    pass


def test_a_run_killed_after_a_checkpoint_goes_on_from_it(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[int] = []
    real: Callable[..., Any] = first_stage.crop_loss

    def counted(*arguments: Any) -> Any:
        if len(steps) == 1:
            raise Killed
        steps.append(1)
        return real(*arguments)

    monkeypatch.setattr(Run, "due", lambda self, what, every, now=False: what == "save")
    monkeypatch.setattr(first_stage, "crop_loss", counted)
    with pytest.raises(Killed):
        first_stage.train_first_stage(FIRST, tmp_path / "run", tmp_path / "data")
    monkeypatch.setattr(first_stage, "crop_loss", real)
    saved = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    assert saved["seen"] == 4
    first_stage.train_first_stage(FIRST, tmp_path / "run", tmp_path / "data")
    assert torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)["seen"] == 8


def test_two_training_processes_end_with_the_same_weights(tmp_path: Path) -> None:
    from ldm_core.training.run import start

    start(_train_rank, 2, tmp_path, tmp_path)
    one, two = (torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in (0, 1))
    assert torch.equal(one["weight"], two["weight"])
    # gradients of x.sum() per rank are 1 and 2: the mean is 1.5
    assert torch.allclose(one["gradient"], torch.full_like(one["gradient"], 1.5))


def _train_rank(folder: Path) -> None:
    run = Run(folder, threads=1)
    layer = torch.nn.Linear(3, 1, bias=False)
    with torch.no_grad():
        layer.weight.fill_(0.0)
    layer(torch.full((1, 3), float(run.rank + 1))).sum().backward()
    run.average_gradients(layer)
    with torch.no_grad():
        assert layer.weight.grad is not None
        layer.weight -= layer.weight.grad
    torch.save({"weight": layer.weight.detach(), "gradient": layer.weight.grad}, folder / f"rank{run.rank}.pt")


@pytest.mark.parametrize("name", ["first-stage", "scenes-text"])
def test_shipped_recipes_read_and_name_their_output(name: str) -> None:
    kind: Any = FirstStageRecipe if name == "first-stage" else DiffusionRecipe
    recipe = read_recipe(ROOT / "presets" / "training" / f"{name}.yaml", kind)
    assert recipe.output == f"{name}.safetensors"


@pytest.mark.parametrize(
    ("text", "says"),
    [("name: x\ncolour: red\n", "unknown key 'colour'"), ("name\n", "line 1"), ("name: x\n", "incomplete")],
)
def test_a_wrong_recipe_is_refused_in_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=says):
        read_recipe(path, FirstStageRecipe)


def test_preview_fit_draws_what_a_linear_decoder_draws(models: Path) -> None:
    from ldm_core.nn.compact import CompactKL
    from ldm_core.training.export import fit_preview
    from ldm_core.training.run import to_signed

    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (16, 64, 64, 3), dtype=np.uint8)
    network = CompactKL().eval()
    network.fit_linear_path(to_signed(torch.from_numpy(pictures)))
    preview = fit_preview(network, pictures)
    z = network.encode(to_signed(torch.from_numpy(pictures))).mean
    drawn = torch.pixel_shuffle(torch.conv2d(z, preview["preview.weight"], preview["preview.bias"], padding=1), 4)
    expected = torch.nn.functional.avg_pool2d(network.decode(z), 2)
    assert (drawn - expected).abs().max() < 1e-3
