"""Pictures and the recipes inside of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from app.library import FileExistsAlready, next_file, save, writable
from app.recipes import picture_recipe, read_recipe
from ldm_core.errors import UserError
from ldm_core.limits import Limits
from ldm_core.tasks import request_from_json, request_to_json
from ldm_core.tasks.text_to_image import TextToImage

REQUEST = TextToImage("a red tent", "fog", "tiny", "dpmpp_2m", "karras", 20, 4.5, 0.0, 7, 96, 64, 1)
RECIPE = request_to_json(REQUEST)
IMAGE = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)


def test_the_pixels_come_back_and_the_text_is_a1111s(tmp_path: Path) -> None:
    file = save(IMAGE, RECIPE, tmp_path / "x.png", model_hash="0123456789abcdef")
    with Image.open(file) as image:
        assert np.array_equal(np.asarray(image), IMAGE)
        assert image.text["parameters"] == (
            "a red tent\nNegative prompt: fog\nSteps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 4.5, "
            'Seed: 7, Size: 96x64, Model hash: 0123456789, Model: tiny, RNG: CPU, LDM task: "text_to_image: v1", '
            "Version: latent-studio-0.1.0"
        )
        job = json.loads(image.text["ldm_job"])
    assert (job["task"], job["prompt"], job["seed"], job["steps"], job["count"]) == (
        "text_to_image",
        "a red tent",
        7,
        20,
        1,
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    prompt=st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
    negative=st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
    seed=st.integers(0, 2**63 - 1),
    cfg=st.floats(0, 100),
    eta=st.floats(0, 1),
)
def test_any_recipe_comes_back_complete(
    tmp_path: Path, prompt: str, negative: str, seed: int, cfg: float, eta: float
) -> None:
    request = TextToImage(prompt, negative, "m", "ddim", "uniform", 3, cfg, eta, seed, 96, 64, 1)
    file = save(IMAGE, request_to_json(request), tmp_path / "x.png", overwrite=True)
    recipe = read_recipe(file)
    assert request_from_json({"task": recipe.task, **recipe.options}) == request


def test_picture_three_of_a_job_has_a_recipe_of_its_own() -> None:
    own = picture_recipe({**RECIPE, "count": 4}, 3)
    assert (own["seed"], own["count"]) == (10, 1)


def picture_with(path: Path, **chunks: str) -> Path:
    info = PngImagePlugin.PngInfo()
    for key, text in chunks.items():
        info.add_text(key, text)
    Image.new("RGB", (8, 8)).save(path, pnginfo=info)
    return path


FOREIGN = """a lake
Negative prompt: fog
Steps: 30, Sampler: DPM++ 2M Karras, CFG scale: 7.5, Seed: 42, Size: 256x128, Model: v1-5"""


def test_a_picture_of_a1111_gives_its_options(tmp_path: Path) -> None:
    recipe = read_recipe(picture_with(tmp_path / "a.png", parameters=FOREIGN))
    assert recipe.options == {
        "prompt": "a lake",
        "negative_prompt": "fog",
        "steps": 30,
        "sampler": "dpmpp_2m",
        "schedule": "karras",
        "cfg_scale": 7.5,
        "seed": 42,
        "width": 256,
        "height": 128,
    }
    assert recipe.model == "v1-5"


@pytest.mark.parametrize(("suffix", "options"), [(".jpg", {}), (".webp", {"lossless": True})])
def test_jpeg_and_webp_carry_the_text_in_exif(tmp_path: Path, suffix: str, options: dict[str, bool]) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + FOREIGN.encode("utf-16-be")
    Image.new("RGB", (8, 8)).save(tmp_path / f"a{suffix}", exif=exif, **options)
    assert read_recipe(tmp_path / f"a{suffix}").options["seed"] == 42


def test_what_is_not_known_here_is_noted_and_left_out(tmp_path: Path) -> None:
    text = "a lake\nSteps: many, Sampler: UniPC, Schedule type: SGM Uniform, Seed: 1, Size: 64x64"
    recipe = read_recipe(picture_with(tmp_path / "a.png", parameters=text))
    assert "sampler" not in recipe.options
    assert "schedule" not in recipe.options
    assert [word for word in ("UniPC", "SGM Uniform", "many") if not any(word in note for note in recipe.notes)] == []


@pytest.mark.parametrize(
    "job", ["{", "[]", '{"task": "text_to_image", "steps": "x"}', '{"task": "unheard of"}', "[" * 100_000]
)
def test_a_damaged_recipe_is_refused_in_a_sentence(tmp_path: Path, job: str) -> None:
    with pytest.raises(UserError, match=r"a\.png"):
        read_recipe(picture_with(tmp_path / "a.png", ldm_job=job))


def test_no_recipe_no_picture_and_no_file_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    for name, sentence in [
        ("none.png", "There is no file"),
        ("text.png", "cannot be read"),
        ("plain.png", "no recipe"),
    ]:
        picture_with(tmp_path / "plain.png")
        with pytest.raises(UserError, match=sentence):
            read_recipe(tmp_path / name)


def test_a_picture_beyond_the_limit_is_refused_by_its_header(tmp_path: Path) -> None:
    file = picture_with(tmp_path / "a.png", parameters=FOREIGN)
    with pytest.raises(UserError, match="8x8"):
        read_recipe(file, Limits(max_pixels=63))


def test_names_count_on_and_say_the_seed(tmp_path: Path) -> None:
    assert next_file(tmp_path / "missing", 7).name == "00001-seed-7.png"
    (tmp_path / "00041-seed-1.png").touch()
    (tmp_path / "notes.txt").touch()
    assert save(IMAGE, RECIPE, tmp_path).name == "00042-seed-7.png"


def test_an_existing_file_is_kept_unless_told_otherwise(tmp_path: Path) -> None:
    file = tmp_path / "x.png"
    file.write_bytes(b"mine")
    with pytest.raises(FileExistsAlready, match="--overwrite"):
        save(IMAGE, RECIPE, file)
    assert file.read_bytes() == b"mine"
    save(IMAGE, RECIPE, file, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["x.png"]


def test_folders_made_to_be_ready_go_again_when_nothing_comes_into_them(tmp_path: Path) -> None:
    with writable(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").is_dir()
    assert not (tmp_path / "a").exists()
    with writable(tmp_path / "a" / "b"):
        (tmp_path / "a" / "b" / "picture").touch()
    assert (tmp_path / "a" / "b" / "picture").exists()
