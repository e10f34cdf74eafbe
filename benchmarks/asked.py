"""What a caption asks for, read from its text alone, so that a picture is judged on nothing that was not said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from ldm_core.scenes import words as w

Phrase: TypeAlias = tuple[str, ...]


@dataclass(frozen=True)
class AskedThing:
    """colour: "" where the caption names none."""

    name: str
    colour: str


@dataclass(frozen=True)
class Asked:
    """None or empty: not said."""

    scene: str | None
    time: str | None
    weather: str | None
    season: str | None
    things: tuple[AskedThing, ...]

    def items(self) -> list[tuple[str, str, str]]:
        """(kind, what, value) of everything that can hold or fail: ("object", "tent", ""), ("colour", "tent", "red"),
        ("time", "", "night") ..."""
        heads = (("scene", self.scene), ("time", self.time), ("weather", self.weather), ("season", self.season))
        out = [(kind, "", value) for kind, value in heads if value]
        for thing in self.things:
            out.append(("object", thing.name, ""))
            if thing.colour:
                out.append(("colour", thing.name, thing.colour))
        return out


def _said() -> Iterator[tuple[str, str, Iterable[str]]]:
    """(kind, value, ways of saying it); kind "" for what is not judged, such as places and moons."""
    for scene, pairs in w.SCENES.items():
        yield "scene", scene, (noun for _, noun in pairs)
    for kind, tables in (
        ("scene", (w.NEAR, w.TAGS)),
        ("time", (w.TIMES, w.TIME_NOUNS)),
        ("weather", (w.WEATHER, w.WEATHER_ADJECTIVES, w.WEATHER_TAGS)),
        ("season", (w.SEASONS, w.SEASON_ADJECTIVES)),
        ("", (w.EXTRAS, w.POSITIONS)),
    ):
        for table in tables:
            for value, texts in table.items():
                yield kind, value, texts
    yield "time", "noon", w.EXTRAS["blue"]  # a blue sky is a clear one, by day
    yield "weather", "clear", w.EXTRAS["blue"]
    for name, nouns in w.NOUNS.items():
        yield "thing", name, (noun for pair in nouns for noun in pair)
    for colour in sorted({colour for colours in w.PAINT.values() for colour in colours}):
        yield "colour", colour, [colour]


def _phrases() -> dict[Phrase, list[tuple[str, str]]]:
    """Every phrase of the captions, as words, with the (kind, value) pairs that it says.

    Phrases that say nothing judged are here too, without pairs, so that no other phrase is seen in their words.
    """
    out: dict[Phrase, list[tuple[str, str]]] = {}
    for kind, value, texts in _said():
        for text in texts:
            pairs = out.setdefault(tuple(w.words_of(text)), [])
            if kind and (kind, value) not in pairs:
                pairs.append((kind, value))
    return out


PHRASES = _phrases()
LONGEST = max(map(len, PHRASES))


def _matches(text: str) -> Iterator[list[tuple[str, str]]]:
    """What the phrases of a text say, from left to right, the longest phrase first; words of none say []."""
    words = w.words_of(text)
    at = 0
    while at < len(words):
        for length in range(min(LONGEST, len(words) - at), 0, -1):
            said = PHRASES.get(tuple(words[at : at + length]))
            if said is not None:
                break
        yield said or []
        at += length


def asked(caption: str) -> Asked:
    """What a caption states. A colour belongs to the thing right after it; what is said twice is asked once."""
    heads: dict[str, str] = {}
    things: dict[str, str] = {}
    colour = ""
    for said in _matches(caption):
        next_colour = ""
        for kind, value in said:
            if kind == "thing":
                things[value] = things.get(value) or colour
            elif kind == "colour":
                next_colour = value
            else:
                heads.setdefault(kind, value)
        colour = next_colour
    return Asked(
        heads.get("scene"),
        heads.get("time"),
        heads.get("weather"),
        heads.get("season"),
        tuple(AskedThing(name, shade) for name, shade in things.items()),
    )


def fullest(captions: Iterable[str]) -> str:
    """The caption that asks for the most; the first of those."""
    return max(captions, key=lambda caption: len(asked(caption).items()))
