"""The shelf: the models shipped with the application and the person's own, by name. Reads headers only, no torch."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from app.settings import ROOT, Settings
from ldm_core.checkpoints.families import spec_of
from ldm_core.checkpoints.header import read_header
from ldm_core.errors import UserError, quoted
from ldm_core.spec import Defaults, ModelSpec

EMBEDDED = ROOT / "presets" / "models"
CONDITIONING = {"text_to_image": "text"}  # what a model must be conditioned on to do a task


@dataclass(frozen=True)
class Card:
    """What the shelf knows of one model file.

    name: on the shelf, unique. title: for people. kind: "diffusion", "first-stage", or "" for what cannot be used.
    error: why it cannot. size: bytes. spec: of a diffusion model. ours: what our own header says, else empty.
    """

    name: str
    title: str
    path: Path
    kind: str = ""
    size: int = 0
    error: str = ""
    spec: ModelSpec | None = None
    ours: Mapping[str, Any] = field(default_factory=dict)

    @property
    def family(self) -> str:
        """As in the table of families; for a first stage what its header says."""
        return self.spec.family if self.spec else str(self.ours.get("family", ""))

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """Every word that the model knows; empty if it takes any."""
        return self.spec.vocabulary if self.spec else ()

    @property
    def facts(self) -> Mapping[str, Any]:
        """Its model card: data, training, quality."""
        return dict(self.ours.get("card", {}))

    @property
    def defaults(self) -> Defaults:
        """The settings with which it draws best."""
        return self.spec.defaults if self.spec else Defaults()

    def can(self, task: str) -> bool:
        """Whether this model is made for `task`."""
        return self.spec is not None and self.spec.conditioning == CONDITIONING[task]


class Shelf:
    """All models that can be named: the embedded ones first, then those in the person's folder (and its subfolders).

    files: whether a path may stand for a name. On the command line it may; over the network it must not.
    """

    def __init__(self, settings: Settings, *, files: bool = False, embedded: Path | None = None) -> None:
        self._folder = settings.models
        self._embedded = embedded or EMBEDDED
        self._files = files

    def cards(self) -> list[Card]:
        """Everything on the shelf, as it lies there now; a file that cannot be read too, with its error."""
        cards: dict[str, Card] = {}
        for folder in (self._embedded, self._folder):
            for path in sorted(folder.rglob("*.safetensors")) if folder.is_dir() else []:
                name = path.relative_to(folder).with_suffix("").as_posix()
                if name in cards:  # an own file does not hide an embedded one
                    name = f"{folder.name}/{name}"
                cards[name] = _card(path, name)
        return list(cards.values())

    def names(self, task: str) -> list[str]:
        """Names of the models that can do `task`; the first is the one that draws if none is named."""
        return [card.name for card in self.cards() if card.can(task)]

    def card(self, name: str, task: str = "text_to_image") -> Card:
        """The card of a model by its name, its title or (if files are allowed) its path; "" is the default for `task`.

        Raises UserError if there is none.
        """
        cards, wanted = self.cards(), name.strip().lower()
        if not wanted:
            for card in cards:
                if card.can(task):
                    return card
            raise UserError(f"There is no model: neither in {self._embedded} nor in {self._folder}.")
        for card in cards:
            if wanted in (card.name.lower(), card.title.lower()):
                return card
        if self._files and (path := Path(name)).is_file():
            return _card(path, path.stem)
        known = ", ".join(card.name for card in cards if card.kind != "first-stage") or "none"
        raise UserError(f"There is no model {quoted(name)} here; known: {known}.", f"Own ones go into {self._folder}.")

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


def _card(path: Path, name: str) -> Card:
    try:
        state = path.stat()
    except OSError as error:
        return Card(name, name, path, error=f"{path.name} cannot be read: {error.strerror}.")
    card = _read(path, state.st_mtime_ns, state.st_size)
    return replace(card, name=name, title=card.title or name)


@lru_cache(maxsize=256)
def _read(path: Path, changed: int, size: int) -> Card:
    """By the file's own header; `changed` makes a changed file a new one for the cache."""
    card = Card("", "", path, size=size)
    try:
        header = read_header(path)
        card = replace(card, title=str(header.ours.get("name", "")), ours=header.ours)
        if header.ours.get("kind") == "first-stage":
            return replace(card, kind="first-stage")
        return replace(card, kind="diffusion", spec=spec_of(header))
    except UserError as error:
        return replace(card, error=str(error))


@lru_cache(maxsize=64)
def _sha256(path: Path, changed: int, size: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
