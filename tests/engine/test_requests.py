"""Requests: JSON there and back, limits, defaults."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ldm_core.diffusion.samplers import SAMPLERS
from ldm_core.diffusion.spacing import SPACINGS
from ldm_core.errors import UserError
from ldm_core.limits import Limits
from ldm_core.spec import Defaults, ModelSpec
from ldm_core.tasks import TextToImage, check, request_from_json, request_to_json, resolve

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)  # no lone surrogates: they are not text
SOME_SAMPLERS = st.sampled_from(["", *(name for name in SAMPLERS if SAMPLERS[name].takes_eta)])

VALID = st.builds(
    TextToImage,
    prompt=TEXT,
    negative_prompt=TEXT,
    model=TEXT,
    sampler=SOME_SAMPLERS,
    schedule=st.sampled_from(["", *SPACINGS]),
    steps=st.none() | st.integers(1, 1000),
    cfg_scale=st.none() | st.floats(0, 100),
    eta=st.none() | st.floats(0, 1),
    seed=st.integers(-1, 2**63 - 1 - 1000),
    width=st.none() | st.integers(64, 8192),
    height=st.none() | st.integers(64, 8192),
    count=st.integers(1, 1000),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
SPEC = ModelSpec("m", "f", "text", "v", 4, 8, 64, 256, defaults=Defaults("ddim", "karras", 17, 2.5, 320, 192))


@given(VALID)
def test_a_request_is_the_same_after_json_there_and_back(request_: TextToImage) -> None:
    text = json.dumps(request_to_json(request_), allow_nan=False)
    assert request_from_json(json.loads(text)) == request_


@given(VALID)
def test_every_request_within_the_limits_is_accepted(request_: TextToImage) -> None:
    check(request_)


@given(VALID)
def test_a_resolved_request_leaves_nothing_open_and_keeps_every_wish(request_: TextToImage) -> None:
    complete = resolve(request_, SPEC)
    for field in fields(TextToImage):
        wish, have = getattr(request_, field.name), getattr(complete, field.name)
        if wish is None or (wish == "" and field.name in ("sampler", "schedule")):
            default = getattr(SPEC.defaults, field.name, SAMPLERS[complete.sampler].eta or 0.0)
            assert have == default
        elif field.name == "seed" and wish == -1:
            assert 0 <= have < 2**32
        else:
            assert have == wish
    assert resolve(complete, SPEC) == complete


def test_chance_seeds_differ() -> None:
    assert len({resolve(TextToImage(), SPEC).seed for _ in range(20)}) > 10


@given(st.dictionaries(st.sampled_from(["task", "version", *TextToImage.__dataclass_fields__, "x"]), JSON) | JSON)
def test_any_json_gives_a_request_or_one_sentence(data: Any) -> None:
    if isinstance(data, dict):
        data = {"task": "text_to_image", **data}
    request, sentence = None, ""
    try:
        request = request_from_json(data)
    except UserError as error:
        sentence = str(error)
    assert "\n" not in sentence
    assert len(sentence) < 400
    assert request is None or request_from_json(request_to_json(request)) == request


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("steps", 0, ("Steps", "1", "1000", "0")),
        ("steps", -1, ("Steps", "1", "1000", "-1")),
        ("steps", 10**9, ("Steps", "1000000000")),
        ("steps", 2.5, ("Steps", "whole number", "2.5")),
        ("steps", True, ("Steps", "whole number")),
        ("width", 7, ("Width", "64", "8192", "7")),
        ("height", 10**6, ("Height", "64", "8192", "1000000")),
        ("count", 0, ("Count", "1", "1000")),
        ("count", 1001, ("Count", "1000", "1001")),
        ("cfg_scale", math.nan, ("CFG scale", "nan")),
        ("cfg_scale", math.inf, ("CFG scale", "inf")),
        ("cfg_scale", -0.5, ("CFG scale", "-0.5")),
        ("eta", 1.5, ("Eta", "1.5")),
        ("seed", "text", ("Seed", "whole number", "'text'")),
        ("seed", -2, ("Seed", "-2")),
        ("seed", 2**63, ("Seed", str(2**63))),
        ("prompt", "x" * 20_001, ("Prompt", "20001", "20000")),
        ("negative_prompt", "x" * 100_000, ("Negative prompt", "100000")),
        ("prompt", "\udce4", ("Prompt", "UTF-8")),
        ("sampler", "lms", ("Sampler", "lms", "dpmpp_2m")),
        ("schedule", "lms", ("Schedule", "lms", "karras")),
        ("model", 3, ("Model", "text", "3")),
    ],
)
def test_a_wrong_option_gives_one_sentence_with_its_name_value_and_what_is_allowed(
    option: str, value: Any, words: tuple[str, ...]
) -> None:
    with pytest.raises(UserError) as refusal:
        check(TextToImage(**{option: value}))
    sentence = str(refusal.value)
    assert all(word in sentence for word in words), sentence
    assert "\n" not in sentence
    assert len(sentence) < 250


def test_seeds_must_suffice_for_all_pictures() -> None:
    check(TextToImage(seed=2**63 - 1, count=1))
    with pytest.raises(UserError, match="no seeds for 2 pictures"):
        check(TextToImage(seed=2**63 - 1, count=2))


def test_eta_is_refused_by_samplers_that_add_no_noise() -> None:
    check(TextToImage(sampler="euler", eta=0.0))
    with pytest.raises(UserError, match="euler adds no noise"):
        check(TextToImage(sampler="euler", eta=0.5))
    with pytest.raises(UserError, match="heun adds no noise"):
        resolve(TextToImage(eta=0.5), ModelSpec("m", "f", "text", "v", 4, 8, 64, 256, defaults=Defaults("heun")))


def test_other_limits_hold_as_well() -> None:
    with pytest.raises(UserError, match="from 1 to 50, not 51"):
        check(TextToImage(steps=51), Limits(max_steps=50))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (["a"], "JSON object"),
        ({}, "task None"),
        ({"task": "sing"}, "'sing' is not known"),
        ({"task": ["text_to_image"]}, "not known"),
        ({"task": "text_to_image", "version": 2}, "version 2"),
        ({"task": "text_to_image", "wdith": 64}, "'wdith'"),
        ({"task": "text_to_image", "prompt": 1}, "Prompt must be text"),
        ({"task": "text_to_image", "steps": "20"}, "Steps must be a whole number"),
    ],
)
def test_foreign_json_is_refused_with_a_sentence_that_names_the_trouble(data: Any, words: str) -> None:
    with pytest.raises(UserError) as refusal:
        request_from_json(data)
    assert words in str(refusal.value)


def test_whole_floats_from_scripts_are_whole_numbers() -> None:
    request = request_from_json({"task": "text_to_image", "steps": 20.0, "cfg_scale": 4})
    assert isinstance(request, TextToImage)
    assert (request.steps, type(request.steps)) == (20, int)
    assert (request.cfg_scale, type(request.cfg_scale)) == (4.0, float)
