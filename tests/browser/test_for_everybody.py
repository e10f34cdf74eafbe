"""The page on a telephone, in the dark, by ear, by keyboard, and for those whom motion disturbs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

OpenPage = Callable[..., Any]

CONTRAST = """
(selector) => {
  const parse = (css) => { const n = css.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const light = (c) => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c[3] === 1) return c;
    }
    return parse(getComputedStyle(document.querySelector("gradio-app")).backgroundColor);
  };
  return [...document.querySelectorAll(selector)].filter((e) => e.offsetParent).map((e) => {
    const [a, b] = [luminance(parse(getComputedStyle(e).color)), luminance(behind(e))].sort((x, y) => y - x);
    return [e.textContent.trim().slice(0, 30), (a + 0.05) / (b + 0.05)];
  });
}
"""
TEXTS = (
    "#wordmark h1, .room [data-testid=block-info], .field label, .field input, .room button, .example span, [role=tab]"
)


def draw(page: Any, prompt: str, steps: str) -> None:
    page.get_by_label("Prompt", exact=True).fill(prompt)
    page.get_by_label("Steps", exact=True).fill(steps)
    page.get_by_role("button", name="Generate", exact=True).click()
    page.locator(".stage .title").get_by_text(prompt).wait_for()


def test_a_telephone_needs_no_sideways_scroll_and_no_fine_finger(open_page: OpenPage) -> None:
    page = open_page(width=390, height=844, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    draw(page, "a red tent by a lake " + "x" * 200, "2")
    page.locator(".stage[data-state=done]").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    small = page.evaluate(
        """[...document.querySelectorAll('button, a, input, textarea')].filter((e) => e.checkVisibility())
           .map((e) => [e.textContent || e.id, e.closest('.wrap-inner') ?? e])
           .map(([name, e]) => [name, e.getBoundingClientRect().width, e.getBoundingClientRect().height])
           .filter(([name, width, height]) => width && (width < 43.5 || height < 41.5))"""
    )
    assert small == []
    stage = page.locator(".stage").bounding_box()
    button = page.get_by_role("button", name="Generate", exact=True).bounding_box()
    assert 0 < stage["y"] - button["y"] < 200, "the picture forms under the button, not below all settings"


def test_everything_that_can_be_used_has_a_role_and_a_name(open_page: OpenPage) -> None:
    page = open_page()
    draw(page, "a lake", "2")
    page.get_by_role("link", name="Download", exact=True).wait_for()
    page.wait_for_timeout(1000)  # Chromium brings its accessibility tree up to date a little later than the page
    client = page.context.new_cdp_session(page)
    nodes = client.send("Accessibility.getFullAXTree")["nodes"]
    usable = {"button", "link", "textbox", "combobox", "spinbutton", "tab", "checkbox", "slider", "option"}
    named = [(n["role"]["value"], n.get("name", {}).get("value", "")) for n in nodes if not n.get("ignored")]
    nameless = [role for role, name in named if role in usable and not name.strip()]
    assert nameless == []
    assert page.locator("img:not([alt])").count() == 0
    for role, name in [
        ("tab", "Text to image"), ("textbox", "Prompt"), ("textbox", "Negative prompt"), ("combobox", "Model"),
        ("combobox", "Sampler"), ("combobox", "Schedule"), ("spinbutton", "Steps"), ("spinbutton", "CFG scale"),
        ("spinbutton", "Seed"), ("spinbutton", "Width"), ("spinbutton", "Height"), ("spinbutton", "Count"),
        ("button", "Generate"), ("button", "Stop"), ("link", "Download"), ("heading", "Latent Studio"),
    ]:  # fmt: skip
        assert named.count((role, name)) == 1, (role, name)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_both_schemes(open_page: OpenPage, scheme: str) -> None:
    page = open_page(scheme=scheme)
    assert page.evaluate("document.body.classList.contains('dark')") == (scheme == "dark")
    pale = [(text, round(ratio, 2)) for text, ratio in page.evaluate(CONTRAST, TEXTS) if ratio < 4.5]
    assert pale == [], "WCAG AA asks for 4.5"


def test_the_focus_of_the_keyboard_is_always_seen(open_page: OpenPage) -> None:
    page = open_page()
    page.get_by_label("Prompt", exact=True).focus()
    unseen, seen = [], set()
    while not page.evaluate("document.activeElement === document.body"):
        page.keyboard.press("Tab")
        name, visible = page.evaluate(
            """() => {
              const e = document.activeElement;
              if (e === document.body) return ['', true]; // once round
              const around = e.closest('.wrap') ?? e;
              const drawn = (x) => { const s = getComputedStyle(x);
                return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2; };
              return [e.id || e.ariaLabel || e.textContent.trim(), drawn(e) || drawn(around)];
            }"""
        )
        seen.add(name)
        if not visible:
            unseen.append(name)
    assert unseen == []
    assert seen > {"generate", "stop", "Model", "Sampler", "field-steps", "field-width", "die", "field-seed", "reuse"}


def test_nothing_moves_for_those_who_asked_for_stillness(open_page: OpenPage) -> None:
    page = open_page(reduced_motion="reduce")
    draw(page, "a lake", "1000")
    page.get_by_alt_text("Preview").first.wait_for()
    for _ in range(5):
        assert page.evaluate("document.getAnimations().filter((a) => a.playState === 'running').length") == 0
        page.wait_for_timeout(100)
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("progressbar").wait_for(state="hidden")


def test_only_rooms_that_work_are_shown(open_page: OpenPage) -> None:
    assert open_page().get_by_role("tab").all_inner_texts() == ["Text to image"]
