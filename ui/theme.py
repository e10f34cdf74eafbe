"""How the page looks: one palette, light and dark, from which Gradio and our style sheet take their colours.

The picture is the only colourful thing on the page: warm paper (or near-black) around it, and one accent, pine green.
"""

import gradio as gr

PINE = gr.themes.Color(
    name="pine",
    c50="#eef6f3", c100="#d6eae4", c200="#b0d6cb", c300="#86cdb9", c400="#4fa692", c500="#2c8271",
    c600="#1d6a5c", c700="#17564b", c800="#14443c", c900="#113831", c950="#0a201c",
)  # fmt: skip
STONE = gr.themes.Color(
    name="stone",
    c50="#fbfaf7", c100="#f5f3ee", c200="#e7e3da", c300="#d3cdc1", c400="#a49e92", c500="#79746a",
    c600="#625d55", c700="#45423c", c800="#2b2a27", c900="#1b1b19", c950="#121211",
)  # fmt: skip


def studio_theme() -> gr.themes.Base:
    """The theme. Fonts come from our own static folder (`studio.css`); nothing is fetched from elsewhere."""
    theme = gr.themes.Base(
        primary_hue=PINE,
        secondary_hue=PINE,
        neutral_hue=STONE,
        radius_size=gr.themes.sizes.radius_lg,
        font=(gr.themes.Font("Instrument Sans"), "ui-sans-serif", "system-ui", "sans-serif"),
        font_mono=(gr.themes.Font("ui-monospace"), "Consolas", "monospace"),
    )
    return theme.set(
        body_background_fill="*neutral_100",
        body_background_fill_dark="*neutral_950",
        body_text_color="#211f1b",
        body_text_color_dark="#ecebe6",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        background_fill_primary="*neutral_50",
        background_fill_primary_dark="*neutral_900",
        background_fill_secondary="*neutral_200",
        background_fill_secondary_dark="#0b0b0a",
        border_color_primary="*neutral_200",
        border_color_primary_dark="*neutral_800",
        border_color_accent="*primary_500",
        color_accent="*primary_600",
        color_accent_soft="*primary_100",
        color_accent_soft_dark="*primary_900",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_padding="0px",
        block_shadow="none",
        block_title_text_color="*body_text_color_subdued",
        block_title_text_color_dark="*body_text_color_subdued",
        block_title_text_size="*text_sm",
        block_title_text_weight="500",
        form_gap_width="0px",
        layout_gap="18px",
        input_background_fill="*background_fill_primary",
        input_background_fill_dark="*background_fill_primary",
        input_border_color="*neutral_300",
        input_border_color_dark="#3a3935",
        input_border_color_focus="*primary_600",
        input_border_color_focus_dark="*primary_300",
        input_border_width="1px",
        input_padding="10px 12px",
        input_radius="10px",
        input_shadow="none",
        input_shadow_focus="none",
        input_placeholder_color="#837d72",
        input_placeholder_color_dark="#7f7a70",
        button_large_radius="12px",
        button_small_radius="10px",
        button_large_text_weight="600",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_300",
        button_primary_background_fill_hover_dark="#9adcc9",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="*primary_950",
        button_secondary_background_fill="*background_fill_primary",
        button_secondary_background_fill_hover="*neutral_200",
        button_secondary_background_fill_dark="*background_fill_primary",
        button_secondary_background_fill_hover_dark="*neutral_800",
        button_secondary_border_color="*input_border_color",
        button_secondary_border_color_dark="*input_border_color",
        button_secondary_text_color="*body_text_color",
        button_secondary_text_color_dark="*body_text_color",
        button_border_width="1px",
        shadow_drop="none",
        shadow_drop_lg="none",
    )
