"""Example prompts as pictures to click, from presets/examples/examples.json; one without its picture is a text chip."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from ui.fields import module

FOLDER = Path(__file__).parent.parent / "presets" / "examples"


@dataclass(frozen=True)
class Example:
    """request: the JSON of a request that draws the picture. image: a file in `FOLDER`, "" if it is not drawn yet."""

    request: dict[str, Any]
    image: str

    @property
    def prompt(self) -> str:
        return str(self.request["prompt"])


def read_examples(folder: Path = FOLDER) -> list[Example]:
    """The examples of the file, in its order; none if there is no file."""
    file = folder / "examples.json"
    if not file.is_file():
        return []
    entries = json.loads(file.read_text(encoding="utf-8"))["examples"]
    return [
        Example(entry["request"], entry["image"] if (folder / entry["image"]).is_file() else "") for entry in entries
    ]


def gallery(examples: list[Example]) -> gr.HTML:
    """The examples as buttons. Its value is the number of the one that was clicked; event: `select`."""
    buttons = "".join(_button(number, example) for number, example in enumerate(examples))
    inside = f"<h2>Try one of these</h2><div>{buttons}</div>"
    return gr.HTML(
        None,
        label="Examples",
        html_template=f'<section class="examples" aria-label="Examples">{inside}</section>',
        js_on_load=module("examples.js", "props, trigger") + "/* 'select' */",
        apply_default_css=False,
        visible=bool(examples),
    )


def _button(number: int, example: Example) -> str:
    picture = f'<img src="studio/examples/{escape(example.image)}" alt="" loading="lazy">' if example.image else ""
    kind = "example" if example.image else "example chip"
    words = f"<span>{escape(example.prompt)}</span>"
    return f'<button type="button" class="{kind}" data-number="{number}">{picture}{words}</button>'
