"""Whether a request is accepted, and what to say about it before it is drawn. For page, command line and API; no torch."""

from app.models import Card, Shelf
from ldm_core.errors import UserError
from ldm_core.limits import Limits
from ldm_core.prompt.words import Unknown, WordTokenizer
from ldm_core.tasks import Request, check

LONGEST_LIST = 8  # unknown words that are named


def accept(request: Request, shelf: Shelf, limits: Limits) -> tuple[str, ...]:
    """Remarks for the person about a request that can be drawn. Raises UserError for one that cannot."""
    check(request, limits)
    card = shelf.card(request.model)
    if card.kind == "first-stage":
        raise UserError(f"{card.title} is a first stage, which cannot draw by itself.", "Name a diffusion model.")
    if "error" in card.facts:
        raise UserError(str(card.facts["error"]))
    if not card.vocabulary:
        return ()
    if not any(character.isalnum() for character in request.prompt):
        raise UserError("The prompt has no words in it.", "Say what the picture should show, for example: a lake at sunset.")
    return _remarks(request.prompt, card)


def _remarks(prompt: str, card: Card) -> tuple[str, ...]:
    """The words of the prompt that the model was never taught, each with the nearest that it knows."""
    unknown = WordTokenizer(card.vocabulary, card.synonyms, LENGTH).unknown(prompt)
    if not unknown:
        return ()
    words = ", ".join(_with_neighbours(word) for word in unknown[:LONGEST_LIST])
    more = f" and {len(unknown) - LONGEST_LIST} more" if len(unknown) > LONGEST_LIST else ""
    subject = f"This model knows {card.facts['knows']}; it" if "knows" in card.facts else "This model"
    return (f"{subject} does not know: {words}{more}.",)


def _with_neighbours(unknown: Unknown) -> str:
    if not unknown.suggestions:
        return unknown.word
    return f"{unknown.word} (perhaps {' or '.join(unknown.suggestions)})"
