"""A1111's text: examples written by other programs, and round trips."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.infotext import read_infotext, write_infotext

# The shape of texts that A1111 1.10 writes (compatibility facts 4.2 and 4.3), among them its quoted values.
A1111 = """castle on a hill, (sunset:1.2)
second line
Negative prompt: blurry, low quality
Steps: 50, Sampler: DDIM, Schedule type: Automatic, CFG scale: 5, Seed: 42, Size: 256x384, Model hash: 1a2b3c4d5e, \
Model: txt2img-f8-large, Lora hashes: "one: 1a, two: 2b", Version: v1.10.0"""


def test_a_text_of_a1111_is_read_as_a1111_reads_it() -> None:
    text = read_infotext(A1111)
    assert text.prompt == "castle on a hill, (sunset:1.2)\nsecond line"
    assert text.negative_prompt == "blurry, low quality"
    assert text.items["Steps"] == "50"
    assert (text.items["Size-1"], text.items["Size-2"]) == ("256", "384")
    assert text.items["Lora hashes"] == "one: 1a, two: 2b"
    assert text.items["Version"] == "v1.10.0"


def test_a_last_line_with_fewer_than_three_items_is_prompt() -> None:
    text = read_infotext("a lake\ncolour: blue, time: dusk")
    assert text.prompt == "a lake\ncolour: blue, time: dusk"
    assert not text.items


def test_a_broken_quote_is_kept_as_it_is() -> None:
    assert read_infotext('x\nAA: "\\x", BB: 1, CC: 2').items["AA"] == '"\\x"'


def test_it_is_written_in_a1111s_grammar() -> None:
    items = {"Steps": 20, "Sampler": "DDIM", "Model": "a, b: c", "Left out": None, "Size": "64x64"}
    assert write_infotext("a lake", "", items) == 'a lake\nSteps: 20, Sampler: DDIM, Model: "a, b: c", Size: 64x64'
    assert write_infotext("a lake", "dark", {"Steps": 1}) == "a lake\nNegative prompt: dark\nSteps: 1"


def test_a_key_that_no_reader_would_find_is_refused() -> None:
    with pytest.raises(ValueError, match="key"):
        write_infotext("", "", {"a: b": 1})


keys = st.from_regex(r"[A-Za-z][A-Za-z \-/]{1,12}", fullmatch=True).filter(lambda key: key == key.strip())
values = st.text(st.characters(exclude_categories=["Cs"]), max_size=40).filter(lambda v: not v.strip().isdigit())
lines = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=60)
prompts = st.lists(lines.map(str.strip).filter(lambda line: not line.startswith("Negative prompt:")), max_size=4)


@given(st.dictionaries(keys, values, min_size=3, max_size=8))
def test_whatever_the_values_are_they_come_back(items: dict[str, str]) -> None:
    import re

    items = {key: value for key, value in items.items() if not re.fullmatch(r"\d+x\d+", value)}
    if len(items) >= 3:
        assert dict(read_infotext(write_infotext("a lake", "dark", items)).items) == items


@given(prompts.map("\n".join).map(str.strip), prompts.map("\n".join).map(str.strip))
def test_whatever_the_prompts_are_they_come_back(prompt: str, negative: str) -> None:
    text = read_infotext(write_infotext(prompt, negative, {"Steps": 1, "Seed": 2, "Model": "m"}))
    assert text.prompt == prompt
    assert text.negative_prompt == negative


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    read_infotext(text)
