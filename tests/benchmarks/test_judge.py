"""The judge: shapes, what its training is told, and that the shipped one can see."""

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.judge import (
    CELLS,
    COLOURS,
    HEADS,
    JUDGE,
    THINGS,
    Judge,
    Seen,
    Verdict,
    colour_logits,
    load_judge,
    look,
    shrunk,
)
from benchmarks.judge_data import FIRST_SEED, scene_of, span, targets
from benchmarks.judge_training import choose_thresholds, focal
from ldm_core.scenes import HELD_OUT, render


@pytest.fixture(scope="module")
def untrained() -> Judge:
    torch.manual_seed(0)
    return Judge().eval()


def box(name: str, colour: str, u0: float, v0: float, u1: float, v1: float) -> dict[str, object]:
    return {"name": name, "colour": colour, "u0": u0, "v0": v0, "u1": u1, "v1": v1}


def fact(*boxes: dict[str, object]) -> dict[str, object]:
    plan = {"scene": "lake", "time": "noon", "weather": "clear", "season": "summer", "things": []}
    return {"seed": 1, "plan": plan, "boxes": list(boxes)}


def test_verdict_has_one_value_per_word_and_32_by_32_cells(untrained: Judge) -> None:
    verdict = untrained(torch.zeros(2, 3, 128, 128))
    assert {name: tuple(v.shape) for name, v in verdict.heads.items()} == {k: (2, len(v)) for k, v in HEADS.items()}
    assert verdict.things.shape == (2, len(THINGS), CELLS, CELLS)
    assert verdict.colours.shape == (2, len(COLOURS), CELLS, CELLS)


def test_judge_is_small_enough_to_ship(untrained: Judge) -> None:
    assert sum(p.numel() for p in untrained.parameters()) <= 2_500_000
    assert JUDGE.stat().st_size <= 5_000_000


def test_looking_gives_one_known_answer_per_picture_at_any_size(untrained: Judge) -> None:
    pictures = [np.full((side, side, 3), 128, np.uint8) for side in (128, 256, 512)]
    sights = look(untrained, pictures)
    assert len(sights) == 3
    for seen in sights:
        assert all(seen.heads[name] in values for name, values in HEADS.items())
        assert set(seen.things) <= set(THINGS)
    assert sights[0].heads == sights[1].heads == sights[2].heads  # a flat picture is the same at every size


def test_shrinking_is_the_mean_of_each_square() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    mean = picture.reshape(128, 2, 128, 2, 3).astype(float).mean((1, 3))
    assert np.abs(shrunk(picture) - mean).max() <= 0.51


def test_colour_is_read_where_the_thing_is_and_nowhere_else() -> None:
    things = torch.full((1, len(THINGS), CELLS, CELLS), -9.0)
    colours = torch.zeros(1, len(COLOURS), CELLS, CELLS)
    colours[:, COLOURS.index("blue")] = 3.0
    tent = THINGS.index("tent")
    things[0, tent, 4:6, 4:6] = 5.0
    colours[0, COLOURS.index("red"), 4:6, 4:6] = 9.0
    logits = colour_logits(Verdict({}, things, colours))
    assert COLOURS[int(logits[0, tent].argmax())] == "red"
    assert COLOURS[int(logits[0, THINGS.index("boat")].argmax())] == "blue"


def test_targets_ask_nothing_on_the_rim_of_a_box() -> None:
    found = targets([fact(box("tent", "red", 0.25, 0.25, 0.75, 0.75))])
    tent = found.cells[0, THINGS.index("tent")]
    assert tent[16, 16] == 1
    assert tent[8, 8] == -1
    assert tent[0, 0] == 0
    assert found.colours[0, 16, 16] == COLOURS.index("red")
    assert found.colours[0, 0, 0] == -1
    assert found.there[0].sum() == 1


def test_targets_of_nearer_things_cover_the_colours_of_farther_ones() -> None:
    found = targets([fact(box("house", "blue", 0.2, 0.2, 0.8, 0.8), box("tent", "red", 0.4, 0.4, 0.6, 0.6))])
    assert found.colours[0, 16, 16] == COLOURS.index("red")
    assert found.colours[0, 10, 10] == COLOURS.index("blue")
    assert found.cells[0, THINGS.index("house"), 16, 16] == 1


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.01), (0.5, 0.505), (0.99, 1.0), (0.3, 0.31)])
def test_the_smallest_thing_has_a_cell(low: float, high: float) -> None:
    cells = list(range(CELLS))[span(low, high, 0.7)]
    assert len(cells) == 1
    assert cells[0] / CELLS <= (low + high) / 2 <= (cells[0] + 1) / CELLS


def test_mirrored_targets_are_the_targets_of_the_mirrored_boxes() -> None:
    plain = targets([fact(box("boat", "white", 0.125, 0.5, 0.375, 0.75))]).mirrored()
    mirrored = targets([fact(box("boat", "white", 0.625, 0.5, 0.875, 0.75))])
    assert torch.equal(plain.cells, mirrored.cells)
    assert torch.equal(plain.colours, mirrored.colours)


def test_focal_loss_is_that_of_the_formula_and_ignores_what_is_not_asked() -> None:
    logits = torch.zeros(1, 1, 2, 2)
    target = torch.tensor([[[[1, 0], [-1, -1]]]])
    # -(1 - p)^2 log p of one positive plus -p^2 log(1 - p) of one negative, p = 1/2 (Lin et al. 2017, eq. 4)
    assert focal(logits, target).item() == pytest.approx(2 * 0.25 * np.log(2), rel=1e-5)
    logits[0, 0, 1] = 50.0
    assert focal(logits, target).item() == pytest.approx(2 * 0.25 * np.log(2), rel=1e-5)


def test_thresholds_part_what_can_be_parted() -> None:
    class Reader(Judge):
        """Says of every thing how bright the picture is."""

        def forward(self, x: torch.Tensor) -> Verdict:
            bright = x.mean((1, 2, 3))[:, None, None, None]
            heads = {name: torch.zeros(len(x), len(values)) for name, values in HEADS.items()}
            return Verdict(heads, bright.expand(-1, len(THINGS), 2, 2), bright.expand(-1, len(COLOURS), 2, 2))

    levels = [10, 20, 30, 200, 210, 220]
    pictures = np.stack([np.full((128, 128, 3), level, np.uint8) for level in levels])
    there = torch.tensor([level > 100 for level in levels]).float()[:, None].expand(-1, len(THINGS))
    thresholds = choose_thresholds(Reader(), pictures, there)
    assert bool(((thresholds > 30 / 127.5 - 1) & (thresholds < 200 / 127.5 - 1)).all())


def test_training_scenes_are_not_the_models_nor_held_out_ones() -> None:
    assert 100_000_000 < FIRST_SEED < HELD_OUT - 1_000_000
    natural = scene_of(FIRST_SEED)
    assert np.array_equal(natural.rgb, render(FIRST_SEED, 256).rgb)
    wished = scene_of(FIRST_SEED + 1)
    assert {b.name for b in wished.boxes} & {t.name for t in wished.plan.things}


@pytest.mark.slow
def test_the_shipped_judge_sees_what_held_out_scenes_show() -> None:
    judge, about = load_judge(Path(JUDGE))
    scenes = [render(HELD_OUT + 600 + i, 256) for i in range(40)]  # not the ones it was measured on
    sights: list[Seen] = look(judge, [scene.rgb for scene in scenes])
    for name in HEADS:
        right = np.mean([s.heads[name] == getattr(scene.plan, name) for s, scene in zip(sights, scenes, strict=True)])
        assert right >= about["accuracy_on_500_held_out_renders"][name] - 0.15, name
    pairs = [(thing.name in s.things) for s, scene in zip(sights, scenes, strict=True) for thing in scene.plan.things]
    assert np.mean(pairs) >= about["accuracy_on_500_held_out_renders"]["object present"] - 0.15
