"""The tab `Text to image`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import gradio as gr

from app.jobs import Jobs
from app.models import Shelf
from ldm_core.diffusion.samplers import SAMPLERS
from ldm_core.diffusion.spacing import SPACINGS
from ldm_core.errors import UserError
from ldm_core.spec import Defaults
from ldm_core.tasks import request_from_json
from ui.examples import gallery, read_examples
from ui.fields import number_field, number_in
from ui.stage import stage

TASK = "text_to_image"
SHAPES = {"Square": (1.0, 1.0), "Wide": (1.5, 1.0), "Tall": (1.0, 1.5), "Panorama": (2.0, 1.0)}
WORDS = ("prompt", "negative_prompt", "model", "sampler", "schedule")
NUMBERS = ("steps", "cfg_scale", "seed", "width", "height", "count")
OPTIONS = (*WORDS, *NUMBERS)
QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}

# What was typed stays through a reload of this window; a new window begins with the model's defaults.
REMEMBER = f"(...values) => {{ sessionStorage.setItem('{TASK}', JSON.stringify(values)); return values; }}"
RECALL = f"(...values) => JSON.parse(sessionStorage.getItem('{TASK}')) ?? values"
LAST_SEED = f"() => document.querySelector('[data-task={TASK}]').dataset.seed ?? '-1'"


def text_to_image_tab(page: gr.Blocks, jobs: Jobs, shelf: Shelf) -> None:
    """Build the tab inside of the current `gr.Tab` of `page`."""
    models = [(shelf.card(name).title, name) for name in shelf.names(TASK)]
    first = models[0][1] if models else ""
    defaults = shelf.defaults(first) if models else Defaults()
    with gr.Column(elem_classes="room"):
        with gr.Column(elem_classes="compose"):
            hint = "a red tent by a mountain lake at sunset"
            prompt = gr.Textbox(label="Prompt", lines=4, max_lines=12, placeholder=hint, elem_id="prompt")
            negative = gr.Textbox(label="Negative prompt", lines=1, max_lines=6, placeholder="what should not be there")
            with gr.Row(elem_classes="actions"):
                generate = gr.Button("Generate", variant="primary", elem_id="generate", scale=3, min_width=120)
                stop = gr.Button("Stop", elem_id="stop", scale=1, min_width=80)
        with gr.Column(elem_classes="show"):
            show = stage(TASK)
            examples = read_examples()
            chosen = gallery(examples)
        with gr.Column(elem_classes="settings"):
            model = gr.Dropdown(models, value=first, label="Model", filterable=len(models) > 8)
            with gr.Row():
                sampler = _choice("Sampler", SAMPLERS, defaults.sampler)
                schedule = _choice("Schedule", SPACINGS, defaults.schedule)
            with gr.Row():
                steps = number_field("Steps", str(defaults.steps))
                cfg_scale = number_field("CFG scale", _short(defaults.cfg_scale), step="0.5")
            with gr.Row():
                width = number_field("Width", str(defaults.width))
                height = number_field("Height", str(defaults.height))
                count = number_field("Count", "1")
            with gr.Row(elem_classes="shapes"):
                shapes = {name: gr.Button(name, size="sm", min_width=60) for name in SHAPES}
            with gr.Row(elem_classes="seed-row"):
                seed = number_field("Seed", "-1", min_width=140)
                die = gr.Button("Random", size="sm", min_width=60, elem_id="die")
                reuse = gr.Button("Reuse", size="sm", min_width=60, elem_id="reuse")

    fields = [prompt, negative, model, sampler, schedule, steps, cfg_scale, seed, width, height, count]
    follows_model = [sampler, schedule, steps, cfg_scale, width, height]
    generate.click(partial(submit, jobs), fields, show, js=REMEMBER, **QUIET)
    stop.click(partial(stop_job, jobs), show, None, **QUIET)
    model.input(partial(model_defaults, shelf), model, follows_model, **QUIET)
    chosen.select(lambda number: example_values(examples[int(number)].request, shelf), chosen, fields, **QUIET)
    for name, button in shapes.items():
        button.click(partial(sides, shelf, SHAPES[name]), model, [width, height], **QUIET)
    die.click(None, None, seed, js="() => '-1'")
    reuse.click(None, None, seed, js=LAST_SEED)
    page.load(None, fields, fields, js=RECALL)


def submit(jobs: Jobs, *values: Any) -> dict[str, str]:
    """The job of what stands in the fields (in the order of OPTIONS), or the sentence that says what is wrong."""
    given = dict(zip(OPTIONS, values, strict=True))
    given |= {name: number_in(given[name]) for name in NUMBERS}
    try:
        wish = {name: value for name, value in given.items() if value is not None}
        return {"job": jobs.submit(request_from_json({"task": TASK, **wish})).id}
    except UserError as error:
        return {"error": str(error)}


def stop_job(jobs: Jobs, shown: object) -> None:
    """Stop the job that the stage of this window shows."""
    if isinstance(shown, dict) and isinstance(shown.get("job"), str):
        jobs.stop(shown["job"])


def model_defaults(shelf: Shelf, model: str) -> list[str]:
    """The settings with which `model` draws best, in the order of the fields that follow it."""
    defaults = shelf.defaults(model)
    values = (defaults.sampler, defaults.schedule, str(defaults.steps), _short(defaults.cfg_scale))
    return [*values, str(defaults.width), str(defaults.height)]


def sides(shelf: Shelf, shape: tuple[float, float], model: str) -> tuple[str, str]:
    """Width and height of a picture of `shape`, whose shorter side is the one the model was trained on."""
    defaults = shelf.defaults(model)
    side = min(defaults.width, defaults.height)
    return str(round(side * shape[0])), str(round(side * shape[1]))


def example_values(request: Mapping[str, Any], shelf: Shelf) -> list[str]:
    """What the fields show for an example: its request, and the model's defaults where it leaves them open."""
    model = request.get("model") or shelf.names(TASK)[0]
    sampler, schedule, steps, cfg_scale, width, height = model_defaults(shelf, model)
    known = {"negative_prompt": "", "sampler": sampler, "schedule": schedule, "steps": steps, "cfg_scale": cfg_scale}
    known |= {"seed": "-1", "width": width, "height": height, "count": "1", **request, "model": model}
    return [str(known[name]) for name in OPTIONS]


def _choice(label: str, registry: Mapping[str, Any], value: str) -> gr.Dropdown:
    choices = [(entry.label, name) for name, entry in registry.items()]
    return gr.Dropdown(choices, value=value, label=label, filterable=False, min_width=120)


def _short(number: float) -> str:
    return f"{number:g}"
