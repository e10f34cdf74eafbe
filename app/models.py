"""The shelf: the models shipped with the application and the person's own, by name. Reads headers only, no torch."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from app.settings import ROOT, Settings
from ldm_core.errors import UserError, quoted
from ldm_core.spec import Defaults

EMBEDDED = ROOT / "presets" / "models"
CONDITIONING = {"text_to_image": "text"}  # what a model must be conditioned on to do a task


@dataclass(frozen=True)
class Card:
    """What the shelf knows of one model file.

    name: on the shelf, unique. title: for people. kind: "diffusion", "first-stage", or "" for a file without our header.
    size: bytes. vocabulary: every word it knows; empty if it takes any. facts: its model card (data, training, quality).
    """

    name: str
    title: str
    path: Path
    kind: str
    family: str
    size: int
    embedded: bool
    defaults: Defaults
    vocabulary: tuple[str, ...]
    synonyms: Mapping[str, str]
    facts: Mapping[str, Any]


class Shelf:
    """All models that can be named: the embedded ones first, then those in the person's folder (and its subfolders).

    files: whether a path may stand for a name. On the command line it may; over the network it must not.
    """

    def __init__(self, settings: Settings, *, files: bool = False, embedded: Path = EMBEDDED) -> None:
        self._folder = settings.models
        self._embedded = embedded
        self._files = files

    def cards(self) -> list[Card]:
        """Everything on the shelf, as it lies there now. A file that cannot be read has a card that says so in its facts."""
        cards: dict[str, Card] = {}
        for folder in (self._embedded, self._folder):
            for path in sorted(folder.rglob("*.safetensors")) if folder.is_dir() else []:
                name = path.relative_to(folder).with_suffix("").as_posix()
                if name in cards:  # an own file does not hide an embedded one
                    name = f"{folder.name}/{name}"
                cards[name] = self._card(path, name)
        return list(cards.values())

    def names(self, task: str) -> list[str]:
        """Names of the models that can do `task`; the first is the one that draws if none is named."""
        return [card.name for card in self.cards() if _can(card, task)]

    def card(self, name: str) -> Card:
        """The card of a model by its name, its title or (if files are allowed) its path; "" is the default.

        Raises UserError if there is none.
        """
        cards = self.cards()
        wanted = name.strip().lower()
        if not wanted and (found := [card for card in cards if _can(card, "text_to_image")]):
            return found[0]
        for key in ("name", "title"):
            for card in cards:
                if wanted and getattr(card, key).lower() == wanted:
                    return card
        if self._files and wanted and (path := Path(name)).is_file():
            return self._card(path, path.stem)
        if not wanted:
            raise UserError(f"There is no model: neither in {self._embedded} nor in {self._folder}.")
        known = ", ".join(card.name for card in cards if card.kind != "first-stage")
        raise UserError(f"There is no model {quoted(name)} here; known: {known or 'none'}.", f"Own models go into {self._folder}.")

    def resolve(self, name: str) -> Path:
        """The file of a model; see `card`."""
        return self.card(name).path

    def defaults(self, name: str) -> Defaults:
        """The settings with which a model draws best."""
        return self.card(name).defaults

    def sha256(self, name: str) -> str:
        """Hexadecimal; computed once for each state of the file."""
        path = self.resolve(name)
        state = path.stat()
        return _sha256(path, state.st_mtime_ns, state.st_size)

    def _card(self, path: Path, name: str) -> Card:
        try:
            state = path.stat()
            card = _read_card(path, state.st_mtime_ns, state.st_size)
        except (UserError, OSError) as error:
            card = Card(name, name, path, "", "", 0, False, Defaults(), (), {}, {"error": str(error)})
        return replace(card, name=name, title=card.title or name, embedded=path.is_relative_to(self._embedded))


def _can(card: Card, task: str) -> bool:
    return card.kind == "diffusion" and card.facts.get("conditioning", "text") == CONDITIONING.get(task)


@lru_cache(maxsize=256)
def _read_card(path: Path, changed: int, size: int) -> Card:
    """The card by the file's own header; `changed` and `size` make a changed file a new one for the cache."""
    ours = read_header(path).ours
    known = {f.name for f in fields(Defaults)}
    defaults = Defaults(**{key: value for key, value in ours.get("defaults", {}).items() if key in known})
    return Card(
        name="",
        title=str(ours.get("name", "")),
        path=path,
        kind=str(ours.get("kind", "")),
        family=str(ours.get("family", "")),
        size=size,
        embedded=False,
        defaults=defaults,
        vocabulary=tuple(ours.get("vocabulary", ())),
        synonyms=ours.get("synonyms", {}),
        facts=ours.get("card", {}),
    )


@lru_cache(maxsize=64)
def _sha256(path: Path, changed: int, size: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
