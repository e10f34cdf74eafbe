"""Whether a request can be drawn, and what to say about it before it is. For page, command line and API; no torch."""

import unicodedata
from dataclasses import replace
from typing import Any, TypeVar

from app.models import Card, Shelf
from ldm_core.errors import UserError
from ldm_core.limits import Limits
from ldm_core.prompt.words import WordTokenizer
from ldm_core.tasks import Request, check, request_to_json, resolve

R = TypeVar("R", bound=Request)
LONGEST_LIST = 8  # unknown words that are named


def accept(request: Request, shelf: Shelf, limits: Limits) -> tuple[str, ...]:
    """Remarks for the person about a request that can be drawn. Raises UserError for one that cannot."""
    check(request, limits)
    card = diffusion_model(shelf, request.model)
    if not card.vocabulary:
        return ()
    if not any(character.isalnum() for character in request.prompt):
        raise UserError("The prompt has no words.", "Say what the picture should show, for example: a lake at sunset.")
    return tuple(_remarks(request, card))


def prepare(request: R, shelf: Shelf, limits: Limits) -> tuple[R, dict[str, Any]]:
    """The complete request, for the engine; and the recipe, for the pictures.

    They differ in one thing: the recipe names a model as the shelf does, also if the request gave a file.
    Raises UserError.
    """
    card = diffusion_model(shelf, request.model)
    assert card.spec is not None
    complete = resolve(replace(request, model=request.model or card.name), card.spec, limits)
    return complete, {**request_to_json(complete), "model": card.name}


def diffusion_model(shelf: Shelf, name: str) -> Card:
    """The card of a model that can draw. Raises UserError for any other."""
    card = shelf.card(name)
    if card.error:
        raise UserError(card.error)
    if card.spec is None:
        raise UserError(f"{card.title} is a first stage, which cannot draw by itself.", "Name a diffusion model.")
    return card


def _remarks(request: Request, card: Card) -> list[str]:
    """What a model with a closed vocabulary passes over: words that it was never taught, the end of a long prompt."""
    words = WordTokenizer.of_file(card.ours)
    text = f"{request.prompt}\n{request.negative_prompt}"
    missing = {unknown.word: unknown.suggestions for unknown in words.unknown(text)}
    missing |= {character: () for character in text if unicodedata.category(character) == "So"}  # emoji
    remarks = []
    if missing:
        named = [f"{word} (nearest: {', '.join(near)})" if near else word for word, near in missing.items()]
        more = f" and {len(named) - LONGEST_LIST} more" if len(named) > LONGEST_LIST else ""
        subject = f"This model knows {card.facts['knows']}; it" if "knows" in card.facts else "This model"
        remarks.append(f"{subject} does not know: {', '.join(named[:LONGEST_LIST])}{more}.")
    if left_out := words.overlong(request.prompt):
        remarks.append(f"The prompt is long: its last {left_out} words found no room.")
    return remarks
