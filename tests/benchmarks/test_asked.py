"""What a prompt asks for is read from its text; what is read must be true of the scene that the text was said of."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.asked import Asked, AskedThing, asked, fullest
from ldm_core.scenes.captions import make_captions
from ldm_core.scenes.plan import Plan, make_plan

HEADS = ("scene", "time", "weather", "season")


def said_of(seed: int) -> tuple[Plan, list[str]]:
    plan = make_plan(np.random.default_rng([seed, 0]))
    return plan, make_captions(plan, np.random.default_rng([seed, 2]))


@given(st.integers(0, 2**40))
@settings(max_examples=100, deadline=None)
def test_whatever_a_caption_asks_for_is_true_of_its_plan(seed: int) -> None:
    plan, captions = said_of(seed)
    colours = {thing.name: thing.colour for thing in plan.things}
    for caption in captions:
        wish = asked(caption)
        for head in HEADS:
            assert getattr(wish, head) in (None, getattr(plan, head)), caption
        for thing in wish.things:
            assert thing.name in colours, caption
            assert thing.colour in ("", colours[thing.name]), caption


@given(st.integers(0, 2**40))
@settings(max_examples=100, deadline=None)
def test_the_caption_that_names_the_most_asks_for_the_scene_and_every_thing(seed: int) -> None:
    plan, captions = said_of(seed)
    full = asked(captions[0])  # by the renderer's promise
    assert full.scene == plan.scene
    assert full.time == plan.time
    assert {t.name for t in full.things} == {t.name for t in plan.things}
    assert len(asked(fullest(captions)).items()) == max(len(asked(c).items()) for c in captions)


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        (
            "a red tent on the left by a mountain lake at sunset in autumn, with two boats",
            Asked("lake", "sunset", None, "autumn", (AskedThing("tent", "red"), AskedThing("boat", ""))),
        ),
        ("red cliffs at noon", Asked("canyon", "noon", None, None, ())),
        ("a red house near red cliffs", Asked("canyon", None, None, None, (AskedThing("house", "red"),))),
        (
            "three sheep in a meadow under a blue sky",
            Asked("meadow", "noon", "clear", None, (AskedThing("sheep", ""),)),
        ),
        ("houses in a valley after sunset", Asked("village", "dusk", None, None, ())),
        ("tall trees in a forest on a rainy day", Asked("forest", None, "rainy", None, ())),
        ("a lake below snowy peaks", Asked("lake", None, None, None, ())),
        ("a foggy morning among pine trees", Asked("forest", "dawn", "foggy", None, ())),
        ("a frozen sea with icebergs, with snow falling", Asked("arctic", None, "snowing", None, ())),
        (
            "a palm tree and a white beach umbrella",
            Asked(None, None, None, None, (AskedThing("palm", ""), AskedThing("umbrella", "white"))),
        ),
        ("beach, umbrella, fall", Asked("beach", None, None, None, (AskedThing("umbrella", ""),))),
        ("two sailboats under the moon", Asked(None, None, None, None, (AskedThing("sailboat", ""),))),
        ("", Asked(None, None, None, None, ())),
        ("a dinosaur", Asked(None, None, None, None, ())),
    ],
)
def test_phrases_mean_what_a_reader_takes_them_to_mean(caption: str, expected: Asked) -> None:
    assert asked(caption) == expected


def test_items_count_a_colour_only_where_one_is_named() -> None:
    wish = Asked("beach", None, "clear", None, (AskedThing("boat", "red"), AskedThing("bird", "")))
    assert wish.items() == [
        ("scene", "", "beach"),
        ("weather", "", "clear"),
        ("object", "boat", ""),
        ("colour", "boat", "red"),
        ("object", "bird", ""),
    ]
