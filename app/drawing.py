"""What every place that draws does with a request before the engine gets it."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.models import Shelf
from ldm_core.limits import Limits
from ldm_core.tasks import Request, request_to_json, resolve

if TYPE_CHECKING:
    from ldm_core.engine import Engine


def prepare(request: Request, engine: "Engine", shelf: Shelf, limits: Limits) -> tuple[Request, dict[str, Any]]:
    """The complete request, and the recipe that is written into its pictures.

    They differ in one thing: the recipe names a model as the shelf does, also if the request gave a file.
    Raises UserError.
    """
    card = shelf.card(request.model)
    complete = resolve(
        replace(request, model=request.model or card.name), engine.spec(request.model or card.name), limits
    )
    return complete, {**request_to_json(complete), "model": card.name}
