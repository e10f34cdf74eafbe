"""The shelf, from headers alone."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from app.models import Shelf
from app.requests import accept, prepare
from app.settings import Settings
from ldm_core.errors import UserError
from ldm_core.limits import Limits
from ldm_core.tasks.text_to_image import TextToImage
from tests.app.shelf_files import write_header


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    write_header(tmp_path / "embedded" / "tiny.safetensors")
    write_header(tmp_path / "embedded" / "first.safetensors", "First stage", kind="first-stage")
    write_header(tmp_path / "own" / "deep" / "mine.safetensors", "My own", vocabulary=[])
    write_header(tmp_path / "own" / "tiny.safetensors", "Another tiny")
    (tmp_path / "own" / "broken.safetensors").write_bytes(b"no model")
    return Shelf(replace(Settings(), models=tmp_path / "own"), embedded=tmp_path / "embedded")


def test_it_lists_embedded_models_first_and_only_those_that_can_draw_a_prompt(shelf: Shelf) -> None:
    assert shelf.names("text_to_image") == ["tiny", "deep/mine", "own/tiny"]


def test_an_own_file_does_not_hide_an_embedded_one_of_the_same_name(shelf: Shelf) -> None:
    assert shelf.card("tiny").title == "Tiny"
    assert shelf.card("own/tiny").title == "Another tiny"


def test_no_name_is_the_first_model_and_a_title_is_as_good_as_a_name(shelf: Shelf) -> None:
    assert shelf.card("").name == "tiny"
    assert shelf.card("my OWN").name == "deep/mine"
    assert shelf.defaults("").steps == 5


def test_a_broken_file_is_listed_with_the_reason_and_refused_when_it_is_to_draw(shelf: Shelf) -> None:
    card = next(card for card in shelf.cards() if card.name == "broken")
    assert "broken.safetensors" in card.error
    with pytest.raises(UserError, match=r"broken\.safetensors"):
        accept(TextToImage("a lake", model="broken"), shelf, Limits())


def test_a_file_changed_on_disk_is_read_again(shelf: Shelf, tmp_path: Path) -> None:
    assert shelf.card("deep/mine").title == "My own"
    path = write_header(tmp_path / "own" / "deep" / "mine.safetensors", "A name of another length")
    assert shelf.card("deep/mine").title == "A name of another length"
    assert shelf.sha256("deep/mine") == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_path_stands_for_a_name_only_where_files_are_allowed(shelf: Shelf, tmp_path: Path) -> None:
    path = str(write_header(tmp_path / "elsewhere.safetensors"))
    with pytest.raises(UserError, match="There is no model"):
        shelf.resolve(path)
    with pytest.raises(UserError, match="There is no model"):
        shelf.resolve("../elsewhere")
    everywhere = Shelf(replace(Settings(), models=tmp_path / "own"), files=True, embedded=tmp_path / "embedded")
    assert everywhere.resolve(path) == Path(path)


def test_an_empty_shelf_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere"):
        Shelf(replace(Settings(), models=tmp_path / "nowhere"), embedded=tmp_path / "none").card("")


def test_unknown_words_are_named_with_the_nearest_known_ones_and_do_not_stop_the_picture(shelf: Shelf) -> None:
    (note,) = accept(TextToImage("a red dinosaur by a lakes"), shelf, Limits())
    assert note.startswith("This model knows landscapes; it does not know: dinosaur (nearest: sheep)")
    assert accept(TextToImage("a crimson tent by the lake"), shelf, Limits()) == ()


def test_words_of_the_negative_prompt_and_emoji_are_named_too(shelf: Shelf) -> None:
    (note,) = accept(TextToImage("a lake 🏕", negative_prompt="zeppelins"), shelf, Limits())
    assert "zeppelins" in note
    assert "🏕" in note


def test_a_prompt_that_is_too_long_for_the_model_is_remarked(shelf: Shelf) -> None:
    (note,) = accept(TextToImage("red blue " * 5), shelf, Limits())
    assert "its last 3 words found no room" in note


@pytest.mark.parametrize("prompt", ["", "   ", "🦄🦄", "?!"])
def test_a_prompt_without_words_is_refused_by_a_model_that_reads_words(shelf: Shelf, prompt: str) -> None:
    with pytest.raises(UserError, match="no words"):
        accept(TextToImage(prompt), shelf, Limits())
    accept(TextToImage(prompt, model="deep/mine"), shelf, Limits())


def test_a_first_stage_is_refused(shelf: Shelf) -> None:
    with pytest.raises(UserError, match="first stage"):
        accept(TextToImage("a lake", model="first"), shelf, Limits())


def test_a_prepared_request_has_no_gaps_and_its_recipe_names_the_model_as_the_shelf_does(tmp_path: Path) -> None:
    path = write_header(tmp_path / "file.safetensors")
    shelf = Shelf(replace(Settings(), models=tmp_path / "own"), files=True, embedded=tmp_path / "embedded")
    complete, recipe = prepare(TextToImage("a lake", model=str(path)), shelf, Limits())
    assert (complete.sampler, complete.steps, complete.cfg_scale, complete.width) == ("ddim", 5, 4.0, 64)
    assert complete.seed >= 0
    assert complete.model == str(path)
    assert recipe["model"] == "file"
