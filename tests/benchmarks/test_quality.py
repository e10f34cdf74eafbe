"""The figures of benchmarks/quality.py: what counts as held, and the shares made of it."""

import hashlib
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.asked import asked, fullest
from benchmarks.judge import Seen
from benchmarks.quality import (
    FIRST_PROMPT,
    KINDS,
    SHEET_PROMPTS,
    Tally,
    draw,
    holds,
    main,
    measure_first_stage,
    missed_things,
    tally,
    text_table,
)
from ldm_core.events import Event, Failed, Picture
from ldm_core.scenes import VOCABULARY, render, words_of
from ldm_core.tasks.text_to_image import TextToImage
from tests.tiny_model import write_tiny_models

LAKE = {"scene": "lake", "time": "sunset", "weather": "clear", "season": "summer"}


def test_a_colour_holds_only_on_a_thing_that_is_there() -> None:
    seen = Seen(LAKE, {"tent": "red"})
    assert holds(("object", "tent", ""), seen)
    assert holds(("colour", "tent", "red"), seen)
    assert not holds(("colour", "tent", "blue"), seen)
    assert not holds(("colour", "boat", "red"), seen)
    assert holds(("time", "", "sunset"), seen)
    assert not holds(("season", "", "winter"), seen)


def test_tally_counts_what_was_asked_and_nothing_else() -> None:
    wishes = [asked("a red tent by a lake at sunset"), asked("two boats in the rain"), asked("a white castle at dusk")]
    sights = [
        Seen(LAKE, {"tent": "blue", "boat": "red"}),
        Seen({**LAKE, "weather": "rainy"}, {}),
        Seen(LAKE, {"castle": ""}),
    ]
    result = tally(wishes, sights)
    assert result["object"] == Tally(2, 3)  # tent and castle, no boat
    assert result["colour"] == Tally(0, 2)  # a blue tent; castles have no colour to see
    assert result["time"] == Tally(1, 2)
    assert result["weather"] == Tally(1, 1)
    assert result["season"] == Tally(0, 0)
    assert result["scene"] == Tally(1, 1)
    assert result["total"] == Tally(5, 9)
    assert result["total"].share == pytest.approx(5 / 9)
    assert math.isnan(result["season"].share)


def test_missed_things_come_with_the_worst_first() -> None:
    wishes = [asked("a tent and a boat"), asked("a tent"), asked("a bird")]
    sights = [Seen(LAKE, {"tent": "red"}), Seen(LAKE, {}), Seen(LAKE, {"bird": ""})]
    assert missed_things(wishes, sights) == {"boat": Tally(0, 1), "tent": Tally(1, 2), "bird": Tally(1, 1)}
    assert list(missed_things(wishes, sights)) == ["boat", "tent", "bird"]


def test_table_gives_the_share_of_the_ceiling() -> None:
    nothing = dict.fromkeys(KINDS, Tally(0, 0))
    counts = {"drawn": Tally(45, 100), "real": Tally(90, 100), "chance": Tally(7, 100)}
    result = {name: {**nothing, "object": value, "total": value} for name, value in counts.items()}
    rows = text_table(result).splitlines()
    assert rows[1].split() == ["object", "present", "100", "45.0%", "90.0%", "7.0%", "50.0%"]
    assert rows[-1].split() == ["total", "100", "45.0%", "90.0%", "7.0%", "50.0%"]


def test_first_stage_figures_are_those_of_the_formula() -> None:
    pictures = np.random.default_rng(0).integers(20, 230, (3, 32, 32, 3), dtype=np.uint8)
    figures = measure_first_stage(pictures, pictures + np.uint8(10))
    assert figures["psnr"] == pytest.approx(20 * math.log10(255 / 10), abs=1e-3)
    assert measure_first_stage(pictures, pictures)["ssim"] == pytest.approx(1.0, abs=1e-5)


class Painter:
    """Stands for the engine: paints each request in the colour of its seed."""

    def run(self, request: TextToImage, *, previews: bool = True) -> Iterator[Event]:
        if request.prompt == "bad":
            yield Failed("no such thing")
        else:
            yield Picture(0, request.seed, np.full((8, 8, 3), request.seed, np.uint8))


def test_each_prompt_is_drawn_once_with_its_own_seed() -> None:
    pictures = draw(Painter(), "scenes-text", ["a", "b", "c"], first_seed=5)
    assert [int(p[0, 0, 0]) for p in pictures] == [5, 6, 7]


def test_a_picture_that_cannot_be_drawn_ends_the_run_with_its_sentence() -> None:
    with pytest.raises(SystemExit, match="'bad' could not be drawn: no such thing"):
        draw(Painter(), "scenes-text", ["bad"])


def test_the_command_draws_judges_and_writes_its_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, model = write_tiny_models(tmp_path)
    out = tmp_path / "figures.json"
    command = ["quality", "--model", str(model), "--prompts", "3", "--skip", "first-stage", "judge", "sheet"]
    monkeypatch.setattr(sys, "argv", [*command, "--json", str(out)])
    main()
    figures = json.loads(out.read_text())
    text = figures["text"]
    wishes = [asked(fullest(render(FIRST_PROMPT + i, 64).captions)) for i in range(3)]
    assert text["drawn"]["total"]["asked"] == text["real"]["total"]["asked"] == sum(len(w.items()) for w in wishes)
    assert text["real"]["total"]["holds"] > text["drawn"]["total"]["holds"]  # the tiny model is not trained
    assert figures["sha256"][model.name] == hashlib.sha256(model.read_bytes()).hexdigest()
    assert "torch" in figures["machine"]
    assert "total" in capsys.readouterr().out


def test_sheet_prompts_say_only_what_the_model_knows() -> None:
    assert len(set(SHEET_PROMPTS)) == 24
    assert not {word for prompt in SHEET_PROMPTS for word in words_of(prompt)} - set(VOCABULARY)
