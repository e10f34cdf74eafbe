"""The shelf: the models shipped with the application and the person's own, by name. Reads headers only, no torch."""

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
