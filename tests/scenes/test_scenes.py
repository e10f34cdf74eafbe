"""The painted landscapes: what a wish asks for is what is painted, said, labelled and boxed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ldm_core.scenes import LABELS, SYNONYMS, VOCABULARY, make_plan, mirror, render, words_of
from ldm_core.scenes.captions import LONGEST, make_captions
from ldm_core.scenes.plan import CAST
from ldm_core.scenes.words import SCENES, SEASONS, TIMES, WEATHER

SOME = list(range(100, 112))


def test_same_seed_gives_the_same_picture_and_words() -> None:
    first, again, other = render(5, 96), render(5, 96), render(6, 96)
    assert np.array_equal(first.rgb, again.rgb)
    assert np.array_equal(first.labels, again.labels)
    assert first.captions == again.captions
    assert first.boxes == again.boxes
    assert not np.array_equal(first.rgb, other.rgb)


@pytest.mark.parametrize("scene", SCENES)
def test_a_scene_is_the_same_at_two_sizes(scene: str) -> None:
    large, small = render(21, 256, scene=scene), render(21, 128, scene=scene)
    shrunk = cv2.resize(large.rgb, (128, 128), interpolation=cv2.INTER_AREA).astype(float)
    error = np.mean((shrunk - small.rgb) ** 2)
    assert 10 * np.log10(255**2 / error) > 27
    assert large.captions == small.captions


def test_shapes_and_labels_are_valid_coco_stuff_ids() -> None:
    for seed in SOME:
        scene = render(seed, 80)
        assert (scene.rgb.shape, scene.rgb.dtype) == ((80, 80, 3), np.uint8)
        assert (scene.labels.shape, scene.labels.dtype) == ((80, 80), np.uint8)
        assert set(np.unique(scene.labels)) <= set(LABELS.values())
        assert scene.rgb.std() > 8


def test_captions_use_only_the_vocabulary_and_are_short_enough() -> None:
    seen: set[str] = set()
    for seed in range(1500):
        plan = make_plan(np.random.default_rng([seed, 0]))
        captions = make_captions(plan, np.random.default_rng([seed, 2]))
        assert len(captions) == 6
        for caption in captions:
            words = words_of(caption)
            assert 0 < len(words) <= LONGEST, caption
            assert set(words) <= set(VOCABULARY), caption
            seen |= set(words)
    assert set(VOCABULARY) - seen == {"<pad>", "<start>"}  # a word that is never said could not be learnt


def test_vocabulary_is_ordered_and_synonyms_lead_into_it() -> None:
    assert VOCABULARY[:2] == ["<pad>", "<start>"]
    assert len(set(VOCABULARY)) == len(VOCABULARY)
    assert set(SYNONYMS.values()) <= set(VOCABULARY)
    assert not set(SYNONYMS) & set(VOCABULARY)


@pytest.mark.parametrize(
    ("name", "table"), [("scene", SCENES), ("time", TIMES), ("weather", WEATHER), ("season", SEASONS)]
)
def test_wishes_for_the_plan_are_obeyed(name: str, table: dict[str, object]) -> None:
    for value in table:
        assert getattr(render(3, 64, **{name: value}).plan, name) == value


def test_a_wished_thing_is_painted_said_and_boxed() -> None:
    scene = render(9, 256, scene="lake", time="noon", weather="clear", things=[("tent", "red", 1, "left")])
    box = next(b for b in scene.boxes if b.name == "tent")
    assert box.colour == "red"
    assert any("red tent" in caption for caption in scene.captions)
    part = (slice(int(box.v0 * 256), int(box.v1 * 256)), slice(int(box.u0 * 256), int(box.u1 * 256)))
    tent = scene.rgb[part][scene.labels[part] == LABELS["tent"]]
    assert len(tent) > 100
    red, green, blue = tent.mean(0)
    assert red > 1.5 * max(green, blue)


@pytest.mark.parametrize("time", TIMES)
def test_a_white_tent_stays_nearly_white(time: str) -> None:
    scene = render(31, 256, scene="meadow", time=time, weather="clear", things=[("tent", "white", 1, "middle")])
    tent = scene.rgb[scene.labels == LABELS["tent"]].astype(float)
    light = tent[tent.sum(1) >= np.percentile(tent.sum(1), 60)].mean(0)
    assert light.min() / light.max() > 0.62


def centre(name: str, scene: str, pos: str, seed: int) -> float:
    box = next(b for b in render(seed, 64, scene=scene, things=[(name, "", 1, pos)]).boxes if b.name == name)
    return (box.u0 + box.u1) / 2


@pytest.mark.parametrize("seed", SOME[:3])
@pytest.mark.parametrize("scene", CAST)
def test_left_middle_and_right_are_where_they_should_be(scene: str, seed: int) -> None:
    name = next(n for n in CAST[scene] if n not in ("bridge", "bird"))
    left, middle, right = (centre(name, scene, pos, seed) for pos in ("left", "middle", "right"))
    assert left < 0.36 < middle < 0.64 < right


@pytest.mark.parametrize("count", [1, 2, 3])
def test_counts_are_painted(count: int) -> None:
    scene = render(4, 96, scene="beach", things=[("umbrella", "blue", count, "middle")])
    assert sum(b.name == "umbrella" for b in scene.boxes) == count


LABEL_OF = {
    "tent": "tent",
    "cabin": "house",
    "house": "house",
    "boat": "boat",
    "sailboat": "boat",
    "balloon": "balloon",
    "lighthouse": "building",
    "castle": "building",
    "church": "building",
    "windmill": "building",
    "bridge": "bridge",
    "palm": "tree",
    "tree": "tree",
    "igloo": "house",
    "cactus": "bush",
    "bird": "bird",
    "umbrella": "building",
}


def test_boxes_hold_the_label_of_their_thing() -> None:
    good = total = 0
    for seed in range(60):
        scene = render(seed, 128)
        for b in scene.boxes:
            if b.name in LABEL_OF:
                inside = scene.labels[int(b.v0 * 128) : int(b.v1 * 128) + 1, int(b.u0 * 128) : int(b.u1 * 128) + 1]
                total += 1
                share = np.mean(inside == LABELS[LABEL_OF[b.name]])
                good += bool(share > (0.02 if b.name in ("bridge", "bird") else 0.15))
    assert total > 60
    assert good / total > 0.9


@pytest.mark.parametrize(
    "wish",
    [
        {"scene": "moon"},
        {"scene": "desert", "things": [("boat", "", 1, "left")]},
        {"things": [("dragon", "", 1, "left")]},
        {"scene": "lake", "things": [("tent", "black", 1, "left")]},
        {"scene": "lake", "things": [("tent", "red", 9, "left")]},
    ],
)
def test_an_impossible_wish_is_refused(wish: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"not one of|Cannot draw|no place"):
        render(1, 64, **wish)


def test_mirror_swaps_left_and_right_only() -> None:
    assert mirror("a tent on the left, birds at the right side") == "a tent on the right, birds at the left side"
    assert mirror("a bright sun") == "a bright sun"
