"""Widgets of our own, made with `gr.HTML`: functions, as a subclass of a component writes a .pyi beside its source.

Their JavaScript is in `static/`, loaded as a module; their templates name no value, so that Gradio never rebuilds them.
"""

from __future__ import annotations

from html import escape

import gradio as gr


def module(name: str, arguments: str) -> str:
    """The js_on_load that hands a component over to `mount` in static/`name`."""
    return (
        f"import(new URL('studio/static/{name}', document.baseURI))"
        f".then((module) => module.mount(element, {arguments}));"
    )


def number_field(label: str, value: str, *, step: str = "1", min_width: int = 80) -> gr.HTML:
    """A field for a number, announced as a spin button. Its value is the text that was typed; see `number_in`.

    step: what an arrow key adds; its decimals are kept.
    """
    identity = "field-" + label.lower().replace(" ", "-")
    mode = "decimal" if "." in step else "numeric"
    return gr.HTML(
        value,
        label=label,
        html_template=(
            f'<div class="field"><label for="{identity}">{escape(label)}</label>'
            f'<input id="{identity}" type="text" inputmode="{mode}" role="spinbutton" autocomplete="off" '
            f'spellcheck="false" data-step="{step}"></div>'
        ),
        js_on_load=module("field.js", "props, watch") + "/* 'input' */",
        apply_default_css=False,
        elem_classes="number-field",
        min_width=min_width,
    )


def number_in(text: object) -> object:
    """What a person typed into a number field: a number, None if empty, or the value itself if it is no number.

    Whether it is acceptable is not decided here: `ldm_core.tasks` checks requests for everyone.
    """
    if not isinstance(text, str):
        return text
    text = text.strip()
    if not text:
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
