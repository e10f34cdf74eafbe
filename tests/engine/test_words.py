"""Words of a closed vocabulary."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ldm_core.prompt.words import PAD, START, WordTokenizer
from ldm_core.scenes import SYNONYMS, VOCABULARY, render
from ldm_core.scenes.words import words_of

SCENES = WordTokenizer(VOCABULARY, SYNONYMS, 40)
WORDS = ["<pad>", "<start>", "a", ",", "red", "tent", "lakes", "two", "berry", "church", "snowy", "well-kept"]
SMALL = WordTokenizer(WORDS, {"crimson": "red", "both": "two tent"}, 8)


def said(text: str, tokenizer: WordTokenizer = SMALL, words: list[str] = WORDS) -> str:
    ids = tokenizer.encode(text)
    return " ".join(words[i] for i in ids if i not in (PAD, START))


@pytest.mark.parametrize("seed", range(0, 60, 7))
def test_every_word_of_a_caption_is_its_place_in_the_vocabulary(seed: int) -> None:
    for caption in render(seed, 32).captions:
        words = [VOCABULARY.index(word) for word in words_of(caption)]
        expected = [START, *words][:40]
        assert SCENES.encode(caption) == expected + [PAD] * (40 - len(expected))
        assert SCENES.unknown(caption) == []


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("A RED tent!", "a red tent"),
        ("a crimson tents", "a red tent"),  # a synonym; the other number
        ("2 tents at the lake", "two tent lakes"),
        ("the church's berries", "church berry"),
        ("churches", "church"),
        ("snowy-red tent", "snowy red tent"),
        ("a well-kept tent", "a well-kept tent"),
        ("both", "two tent"),
        ("red, tent", "red , tent"),
        ("red🦖tent\u200b", "red tent"),
        ("", ""),
        ("dinosaur", ""),
    ],
)
def test_text_is_read_as_a_person_means_it(text: str, meaning: str) -> None:
    assert said(text) == meaning


def test_unknown_words_come_once_in_order_with_the_nearest_known_words() -> None:
    unknown = SMALL.unknown("The dinosaur by a tennt, Dinosaur and a dragon-red lake")
    assert [u.word for u in unknown] == ["dinosaur", "tennt", "dragon"]
    assert unknown[1].suggestions == ("tent",)


def test_things_that_a_model_cannot_know_are_answered_with_what_is_near_in_meaning() -> None:
    (dinosaur,) = SCENES.unknown("a dinosaur")
    assert "sheep" in dinosaur.suggestions
    assert all(word in VOCABULARY for word in dinosaur.suggestions)


def test_words_that_do_not_fit_are_cut_and_counted() -> None:
    assert len(SMALL.encode("red " * 20)) == 8
    assert said("red " * 20) == " ".join(["red"] * 7)
    assert SMALL.overlong("red " * 20) == 13
    assert SMALL.overlong("red " * 7) == 0


@given(st.text(max_size=200))
def test_any_text_gives_ids_of_the_vocabulary(text: str) -> None:
    ids = SCENES.encode(text)
    assert len(ids) == 40
    assert ids[0] == START
    assert all(0 <= i < len(VOCABULARY) for i in ids)
    assert all(len(u.suggestions) <= 3 for u in SCENES.unknown(text))


def test_a_pasted_book_costs_no_seconds() -> None:
    letters = "bcdfghjklm"
    book = " ".join(a + b + c + "xq" for a in letters for b in letters for c in letters) * 3
    began = time.process_time()
    assert len(SCENES.unknown(book[:20_000])) > 900
    SCENES.encode(book[:20_000])
    assert time.process_time() - began < 1.0
