"""Procedurally painted landscapes with captions, label maps and boxes: the data our own models learn from.

    scene = render(seed=7, size=256, time="sunset", things=[("tent", "red", 1, "left")])

numpy and OpenCV only. Raise DATA_VERSION whenever pixels or captions of a seed change.
"""

from .painter import Box
from .palette import LABELS
from .plan import Plan, Thing, make_plan
from .render import Scene, render
from .words import SYNONYMS, VOCABULARY, mirror, words_of

DATA_VERSION = 1
HELD_OUT = 1_000_000_000  # seeds from here on are never trained on

__all__ = [
    "DATA_VERSION",
    "HELD_OUT",
    "LABELS",
    "SYNONYMS",
    "VOCABULARY",
    "Box",
    "Plan",
    "Scene",
    "Thing",
    "make_plan",
    "mirror",
    "render",
    "words_of",
]
