"""The page: wordmark and tabs. Which rooms there are stands here; what is in them stands in `ui/tabs`."""

from __future__ import annotations

import gradio as gr

from app.jobs import Jobs
from app.models import Shelf
from ui.tabs.text_to_image import text_to_image_tab

# Own style sheet and fonts first, so that nothing jumps when Gradio has loaded.
HEAD = """
<link rel="preload" href="studio/static/fonts/instrument-sans.woff2" as="font" type="font/woff2" crossorigin>
<link rel="preload" href="studio/static/fonts/instrument-serif.woff2" as="font" type="font/woff2" crossorigin>
<link rel="stylesheet" href="studio/static/studio.css">
<script type="module" src="studio/static/keys.js"></script>
"""


def build_page(jobs: Jobs, shelf: Shelf) -> gr.Blocks:
    """The whole page. Its theme and HEAD are arguments of whoever serves it (Gradio 6 keeps them out of Blocks)."""
    page: gr.Blocks
    with gr.Blocks(title="Latent Studio", fill_width=True, analytics_enabled=False) as page:
        gr.HTML("<h1>Latent Studio</h1>", elem_id="wordmark", apply_default_css=False, js_on_load=None)
        with gr.Tabs(), gr.Tab("Text to image"):
            text_to_image_tab(page, jobs, shelf)
    return page
