"""`models`: what is on the shelf, and what one of them is."""

import json
from typing import Any

from app.models import Card, Shelf
from app.settings import Settings
from ldm_core.checkpoints.header import read_header
from ldm_core.errors import UserError


def models(settings: Settings, describe: bool, name: str | None, as_json: bool) -> int:
    """List the shelf, or describe one model; returns the exit code. Raises UserError if there is no such model."""
    shelf = Shelf(settings, files=True)
    if not describe:
        cards = shelf.cards()
        if as_json:
            print(json.dumps([_brief(card) for card in cards], indent=1))
        for card in cards if not as_json else []:
            print(
                f"{card.name:24} {card.error or card.kind or 'foreign file':12} {card.size / 1e6:8.1f} MB  {card.path}"
            )
        return 0
    if not name:
        raise UserError("models info needs a FILE_OR_NAME.", "The names are listed by: launch.py models")
    card = shelf.card(name)
    if card.error:
        raise UserError(card.error)
    facts = {**_brief(card), **_facts(card)}
    if as_json:
        print(json.dumps(facts, indent=1, ensure_ascii=False))
        return 0
    for key, value in facts.items():
        if value not in ("", {}, [], None):
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            print(f"{key + ':':14} {text}")
    return 0


def _brief(card: Card) -> dict[str, Any]:
    return {
        "name": card.name,
        "title": card.title,
        "kind": card.kind,
        "family": card.family,
        "size": card.size,
        "file": str(card.path),
        **({"error": card.error} if card.error else {}),
    }


def _facts(card: Card) -> dict[str, Any]:
    header = read_header(card.path)
    return {
        "tensors": len(header.shapes),
        "defaults": card.ours.get("defaults", {}),
        "card": card.facts,
        "words": len(card.vocabulary),
        "vocabulary": card.vocabulary,
    }
