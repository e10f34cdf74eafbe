"""Whole words as tokens, for models with a closed vocabulary; and what to say about words outside of it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any

PAD, START = 0, 1
SUGGESTIONS = 3
EXPLAINED = 20  # so many unknown words get suggestions; a pasted book must not cost seconds

# Words that carry no picture: that a model has not learned them is not worth a remark.
_STOP_WORDS = """
    a an and any are as at be been being but by can do does for from had has have he her here his i if in into is it
    its let like me my no not of on onto or our please she show so some such than that the their them then there these
    they this those to up us very was we were what when where which while who with without would you your
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")

# Things that people ask for, and words that are near in meaning; those that a model knows are offered in their place.
KINDS = (
    (
        "animal animals bear bears cat cats cow cows deer dinosaur dinosaurs dog dogs dragon dragons elephant "
        "elephants fish fox goat goats horse horses lion lions monkey pig pigs rabbit tiger wolf zebra",
        "sheep bird",
    ),
    (
        "airplane airplanes bicycle bike bus car cars helicopter motorcycle plane rocket spaceship train truck ufo",
        "balloon boat sailboat",
    ),
    (
        "boy child children girl human king man men people person princess queen robot woman women",
        "tent cabin campfire",
    ),
    ("apartment barn building hotel mansion pyramid ruin ruins school temple tower villa", "house castle church"),
    ("bush bushes fern garden grass leaf leaves mushroom oak rose roses tulip tulips willow", "trees pine flowers"),
    ("creek dam fountain pool puddle rapids stream swamp waterfall waves", "river lake sea"),
    ("cave crater glacier ridge rock rocks stone stones valley volcano", "mountain canyon cliffs"),
    ("asteroid comet earth galaxy mars planet planets saturn space", "moon stars night"),
    ("hurricane lightning rainbow thunder tornado wind windy", "rain clouds sunny"),
    ("cyan lavender maroon silver", "blue purple white"),
)
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*|[,.]")


@dataclass(frozen=True)
class Unknown:
    """A word that the model was never taught; suggestions: up to 3 known ones, the nearest first."""

    word: str
    suggestions: tuple[str, ...]


class WordTokenizer:
    """Text <-> token ids of a closed vocabulary.

    vocabulary: the id of a word is its place; 0 is padding and 1 the start token. synonyms: other words -> words of the
    vocabulary. length: of every encoded text.
    """

    def __init__(self, vocabulary: Sequence[str], synonyms: Mapping[str, str] | None = None, length: int = 48) -> None:
        self.length = length
        self._ids = {word: i for i, word in enumerate(vocabulary) if i > START}
        self._synonyms = dict(synonyms or {})

    @classmethod
    def of_file(cls, ours: Mapping[str, Any]) -> "WordTokenizer":
        """The tokenizer that belongs to a model file; ours: what its header says (`Header.ours`)."""
        text = ours.get("config", {}).get("params", {}).get("cond_stage_config", {}).get("params", {})
        return cls(ours["vocabulary"], ours.get("synonyms"), int(text.get("max_seq_len", 48)))

    def encode(self, text: str) -> list[int]:
        """`length` ids: the start token, the known words of `text` as far as there is room, padding."""
        ids = [START]
        for _, known in self._read(text):
            ids += known
            if len(ids) >= self.length:
                break
        return ids[: self.length] + [PAD] * (self.length - len(ids))

    def unknown(self, text: str) -> list[Unknown]:
        """The words that were passed over, each once, in their order; not those that carry no picture."""
        missing = dict.fromkeys(word for word, known in self._read(text) if not known and _worth_a_remark(word))
        return [Unknown(word, self._nearest(word) if i < EXPLAINED else ()) for i, word in enumerate(missing)]

    def overlong(self, text: str) -> int:
        """How many known words at the end of `text` found no room."""
        return max(0, 1 + sum(len(known) for _, known in self._read(text)) - self.length)

    def _read(self, text: str) -> Iterator[tuple[str, list[int]]]:
        """Each word of the text with the ids that stand for it: none if it is unknown."""
        for found in _WORD.finditer(text.lower()):
            word = found[0].replace("’", "'").removesuffix("'s")
            known = self._find(word)
            if known or not re.search("['-]", word):
                yield word, known
            else:
                yield from ((part, self._find(part)) for part in re.split("['-]", word))

    def _find(self, word: str) -> list[int]:
        for form in _forms(word):
            said = self._synonyms.get(form, form) if form not in self._ids else form
            ids = [self._ids[part] for part in said.split() if part in self._ids]
            if ids:
                return ids
        return []

    @cached_property
    def _offered(self) -> list[str]:
        return [word for word in (*self._ids, *self._synonyms) if len(word) > 2 and word not in STOP_WORDS]

    def _nearest(self, word: str) -> tuple[str, ...]:
        """Near in spelling first, then near in meaning, then whatever looks a little like it."""
        if len(word) > 40:
            return ()
        spelled = get_close_matches(word, self._offered, SUGGESTIONS, cutoff=0.75)
        meant = [known for asked, offers in KINDS if word in asked.split() for known in offers.split()]
        found = dict.fromkeys([*spelled, *(known for known in meant if known in self._ids)])
        if not found:
            found = dict.fromkeys(get_close_matches(word, self._offered, SUGGESTIONS, cutoff=0.5))
        return tuple(found)[:SUGGESTIONS]


def _forms(word: str) -> Iterator[str]:
    """The word as it is, and the other number of a noun or of a digit."""
    yield word
    if word.isdecimal() and len(word) <= 2 and int(word) < len(NUMBERS):
        yield NUMBERS[int(word)]
    if word.endswith("ies"):
        yield word[:-3] + "y"
    if word.endswith("es"):
        yield word[:-2]
    if word.endswith("s"):
        yield word[:-1]
    else:
        yield word + "s"


def _worth_a_remark(word: str) -> bool:
    return word not in STOP_WORDS and word not in ",." and (len(word) > 1 or not word.isascii())
