"""The stage: shows a job, its previews, its pictures and its errors. static/stage.js moves it."""

from __future__ import annotations

import gradio as gr

from ui.fields import module

_HILLS = (
    '<svg viewBox="0 0 640 360" preserveAspectRatio="xMidYMax slice" aria-hidden="true">'
    '<circle cx="500" cy="196" r="36"/>'
    '<path d="M0 244 92 182l58 48 86-82 104 104 62-44 88 72 70-40 80 54v136H0z"/>'
    '<path d="M0 268c96-46 168-22 252-2s150 24 226-4 112-26 162-12v110H0z"/>'
    '<path d="M0 306c120-30 214 6 330 2s214-40 310-14v66H0z"/></svg>'
)

_TEMPLATE = f"""
<section class="stage" data-task="TASK" aria-label="Pictures">
  <div data-part="alert"></div>
  <div class="easel">
    <div data-part="empty" class="empty">{_HILLS}<div>
      <p>Describe a landscape,<br>and watch it form out of noise.</p>
      <p>Then press Generate, or <kbd>Ctrl</kbd> <kbd>Enter</kbd>.</p></div></div>
    <div data-part="tiles" class="tiles"></div>
  </div>
  <p data-part="title" class="title" hidden></p>
  <div data-part="progress" class="progress">
    <p class="line"><span data-part="status"></span><span data-part="time"></span></p>
    <div data-part="bar" class="bar" role="progressbar" aria-label="Drawing" aria-valuemin="0" hidden></div>
  </div>
  <p data-part="note" class="note" role="note" hidden></p>
  <p data-part="live" class="unseen" role="status"></p>
  <div data-part="earlier" class="earlier" hidden><h2>Earlier</h2><div data-part="strip" class="strip"></div></div>
  <dialog class="lightbox" aria-label="Enlarged picture">
    <img data-part="image" alt="">
    <div class="lightbox-foot">
      <p data-part="words"></p>
      <div class="lightbox-actions">
        <button type="button" class="quiet" data-part="previous">Previous</button>
        <button type="button" class="quiet" data-part="next">Next</button>
        <span data-part="actions"></span>
        <button type="button" class="quiet" data-part="close" autofocus>Close</button>
      </div>
    </div>
  </dialog>
</section>
"""


def stage(task: str) -> gr.HTML:
    """The stage of one task.

    Its value, set by the server: {"job": id} to follow a job, or {"error": sentence}. Read from it: {"job": id}, which
    it shows.
    """
    return gr.HTML(
        None,
        label="Pictures",
        html_template=_TEMPLATE.replace("TASK", task),
        js_on_load=module("stage.js", "props, watch"),
        apply_default_css=False,
        elem_id=f"stage-{task}",
    )
