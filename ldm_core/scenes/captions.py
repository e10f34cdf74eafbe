"""Six ways of saying what is in a picture, from full sentences to the few words that people type."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from . import words as w
from .plan import NO_SNOW, ZONE, Plan, Thing

CAPTIONS = 6
LONGEST = 46  # words, commas included
T = TypeVar("T")


def make_captions(plan: Plan, rng: np.random.Generator, count: int = CAPTIONS) -> list[str]:
    """`count` captions; the first names the most, the others leave more to chance, some name one thing only."""
    speaker = _Speaker(plan, rng)
    out = [speaker.say(full=True)]
    while len(out) < count:
        text = speaker.say(full=False)
        if len(w.words_of(text)) <= LONGEST:
            out.append(text)
    return out


def _tidy(text: str) -> str:
    text = re.sub(r"\s+", " ", text).strip(" ,")
    text = re.sub(r" ([,.])", r"\1", text)
    return re.sub(r"\ba (?=[aeio]|umb)", "an ", text)


class _Speaker:
    """Turns one plan into phrases."""

    def __init__(self, plan: Plan, rng: np.random.Generator) -> None:
        self.plan, self.rng = plan, rng

    def one(self, options: Sequence[T]) -> T:
        """One of the options, by lot."""
        return options[int(self.rng.integers(len(options)))]

    def chance(self, p: float) -> bool:
        """True with probability p."""
        return bool(self.rng.random() < p)

    def say(self, full: bool) -> str:
        """One caption of a kind chosen by lot; `full` leaves nothing out that is worth saying."""
        things = [self.plan.things[i] for i in self.rng.permutation(len(self.plan.things))]
        if full:
            kinds = ["subject", "scene", "style", "there"] if things else ["scene", "style"]
        elif things:
            kinds = ["subject", "subject", "scene", "style", "there", "tags", "tags", "mood", "only"]
        else:
            kinds = ["scene", "style", "tags", "mood"]
        kind = self.one(kinds)
        if not full and len(things) > 1 and self.chance(0.4):
            things = things[: 1 + int(self.chance(0.3))]
        text = {
            "subject": self._subject,
            "scene": self._scene,
            "style": self._style,
            "there": self._there,
            "tags": self._tags,
            "mood": self._mood,
            "only": self._only,
        }[kind](things, full)
        return _tidy(text)

    def true(self, options: Sequence[T]) -> T:
        """One of the options that does not claim flowers in the snow or an orange sky in bad weather."""
        bare, grey = self.plan.season == "winter", self.plan.weather not in ("clear", "cloudy")
        return self.one([o for o in options if not (bare and "flower" in str(o)) and not (grey and "orange" in str(o))])

    # phrases

    def thing(self, t: Thing, colour: float = 0.92, place: float = 0.5, article: bool = True) -> str:
        """ "two red tents on the left" """
        name = self.one(w.NOUNS[t.name])[t.count > 1]
        shade = t.colour if t.colour and self.chance(colour) else ""
        number = self.one(w.COUNTS[t.count]) if article or t.count > 1 else ""
        where = self.one(w.POSITIONS[t.pos]) if self._placed(t) and self.chance(place) else ""
        return f"{number} {shade} {name} {where}"

    def _placed(self, t: Thing) -> bool:
        return t.name != "bridge" and (t.count == 1 or t.name == "bird")

    def things(self, seen: Sequence[Thing], place: float = 0.5) -> str:
        """ "a, b and c" """
        said = [self.thing(t, place=place) for t in seen]
        return " , ".join(said[:-1]) + (" and " if len(said) > 1 else "") + said[-1] if said else ""

    def light(self, extra: float = 0.6) -> str:
        """The hour and what is to be seen in the sky."""
        plan = self.plan
        bits = [self.true(w.TIMES[plan.time])]
        if plan.time == "noon" and plan.weather == "clear" and self.chance(extra * 0.7):
            bits = [self.one(w.EXTRAS["blue"])]
        elif plan.disc in ("full", "crescent") and self.chance(extra):
            bits.append(self.one(w.EXTRAS[plan.disc]))
        elif plan.disc == "sun" and self.chance(extra * 0.5):
            bits.append(self.one(w.EXTRAS["sun"][:2] if plan.time == "noon" else w.EXTRAS["sun"]))
        elif plan.aurora and self.chance(extra * 1.4):
            bits.append(self.one(w.EXTRAS["aurora"]))
        elif plan.time == "night" and plan.weather == "clear" and self.chance(extra * 0.7):
            bits.append(self.one(w.EXTRAS["stars"]))
        return " ".join(bits)

    def weather(self, p: float) -> str:
        """A phrase of the weather, said with probability p; a clear sky is seldom worth a word."""
        said = self.chance(0.15 if self.plan.weather == "clear" else p)
        return self.one(w.WEATHER[self.plan.weather]) if said else ""

    def season(self, p: float) -> str:
        """A phrase of the season, where the scene has seasons."""
        odd = self.plan.scene in (*NO_SNOW, "arctic")
        return self.one(w.SEASONS[self.plan.season]) if not odd and self.chance(p) else ""

    def scene(self, full: bool) -> tuple[str, str, str]:
        """The scene with at most one adjective of weather and one of season, and the phrases not said so."""
        plan = self.plan
        article, noun = self.true(w.SCENES[plan.scene])
        weather, season = self.weather(0.95 if full else 0.75), self.season(0.9 if full else 0.45)
        adjectives = ""
        if season and self.chance(0.45):
            season, adjectives = "", self.one(w.SEASON_ADJECTIVES[plan.season])
        if weather and plan.weather in ("foggy", "rainy", "cloudy") and self.chance(0.5):
            weather, adjectives = "", f"{self.one(w.WEATHER_ADJECTIVES[plan.weather])} {adjectives}"
        if adjectives and article == "an":
            article = "a"
        return f"{article} {adjectives} {noun}", weather, season

    def near(self, t: Thing) -> str:
        """Where a thing is: boats and balloons are not "on the beach" or "among flowers"."""
        options, zone = w.NEAR[self.plan.scene], ZONE.get(t.name)
        if zone == "sky" and self.chance(0.5):
            return "over " + " ".join(self.true(w.SCENES[self.plan.scene]))
        return self.true([o for o in options if zone is None or not o.startswith(("on ", "among "))])

    # kinds of caption

    def _subject(self, things: Sequence[Thing], full: bool) -> str:
        """ "a red tent on the left by a lake at sunset in autumn, with two boats" """
        parts = [self.thing(things[0]), self.near(things[0]), self.light(), self.season(0.9 if full else 0.4)]
        weather = self.weather(0.95 if full else 0.75)
        rest = things[1:]
        if weather:
            parts.append(weather if not rest and self.chance(0.5) else ", " + weather)
        if rest:
            parts.append((", with " if not weather.startswith("with ") else " and ") + self.things(rest))
        return " ".join(parts)

    def _scene(self, things: Sequence[Thing], full: bool) -> str:
        """ "a foggy autumn forest at dawn, with a brown cabin in the middle" """
        scene, weather, season = self.scene(full)
        text = f"{scene} {season} {self.light()}"
        text += f" {weather}" if weather and self.chance(0.6) else f" , {weather}" if weather else ""
        if not things:
            return text
        said_with = "with" in w.words_of(text)[-5:]
        return text + (" and " if said_with else " , with " if self.chance(0.3) else " with ") + self.things(things)

    def _style(self, things: Sequence[Thing], full: bool) -> str:
        """ "a painting of ..." """
        inner = self._subject if things and self.chance(0.5) else self._scene
        return f"{self.one(w.STYLES)} {inner(things, full)}"

    def _there(self, things: Sequence[Thing], full: bool) -> str:
        """ "a beach at noon. there is a red umbrella on the right" """
        verb = "is" if things[0].count == 1 else "are"
        return f"{self._scene([], full)} . there {verb} {self.things(things, place=0.85)}"

    def _tags(self, things: Sequence[Thing], full: bool) -> str:
        """ "red tent, lake, sunset" """
        plan = self.plan
        bits = [_tidy(self.thing(t, place=0.15, article=False)) for t in things]
        tags = [self.true(w.TAGS[plan.scene])] if not things or self.chance(0.9) else []
        tags += [self.one(w.TIME_NOUNS[plan.time])] if self.chance(0.85) else []
        tags += (
            [self.one(w.WEATHER_TAGS[plan.weather])] if self.chance(0.25 if plan.weather == "clear" else 0.8) else []
        )
        tags += [self.one(w.SEASON_ADJECTIVES[plan.season])] if self.season(0.5) else []
        tags += ["aurora"] if plan.aurora and self.chance(0.7) else []
        tags += (
            ["full moon" if plan.disc == "full" else "crescent moon"]
            if plan.disc in ("full", "crescent") and self.chance(0.4)
            else []
        )
        order = [tags[i] for i in self.rng.permutation(len(tags))]
        return " , ".join(bits + order if self.chance(0.7) else order + bits)

    def _mood(self, things: Sequence[Thing], full: bool) -> str:
        """ "a foggy morning by a lake", "sunset over a red rock canyon" """
        plan = self.plan
        time = self.one(w.TIME_NOUNS[plan.time])
        weather = self.one(w.WEATHER_ADJECTIVES[plan.weather]) if plan.weather in ("foggy", "rainy", "cloudy") else ""
        season = self.one(w.SEASON_ADJECTIVES[plan.season][:1]) if self.season(0.4) else ""
        whole = time in ("morning", "day", "evening", "night", "midnight")
        if whole and self.chance(0.6):
            text = f"{'a' if time != 'midnight' else ''} {weather} {season} {time} {self.true(w.NEAR[plan.scene])}"
        else:
            article, noun = self.true(w.SCENES[plan.scene])
            adjectives = f"{weather} {season}".strip()
            text = f"{time} over {'a' if adjectives and article == 'an' else article} {adjectives} {noun}"
        if plan.weather == "snowing":
            text += " " + self.one(w.WEATHER["snowing"])
        return text + (" with " + self.things(things, place=0.3) if things and self.chance(0.5) else "")

    def _only(self, things: Sequence[Thing], full: bool) -> str:
        """ "a red tent", "red tent on the left", "a red tent at night" """
        text = self.thing(things[0], place=0.4, article=self.chance(0.6))
        return text + (
            " " + self.one([self.near(things[0]), self.true(w.TIMES[self.plan.time])]) if self.chance(0.5) else ""
        )
