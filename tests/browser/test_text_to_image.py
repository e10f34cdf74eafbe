"""The tab `Text to image`, used as a person uses it."""

from __future__ import annotations

import io
import json
import re
import urllib.request
from collections.abc import Callable
from typing import Any

from PIL import Image

OpenPage = Callable[..., Any]
PREVIEW, RESULT = re.compile("^Preview"), re.compile("^Result")
ENDLESS = {"steps": "1000", "count": "4"}  # ended by Stop
# Alternative texts of previews, and what the progress bar says: a tiny model draws faster than one can look.
WRITE_DOWN = """() => {
  window.told = [];
  new MutationObserver((changes) => {
    for (const { target } of changes) {
      if (target.alt?.startsWith("Preview")) told.push(target.alt);
      if (target.role !== "progressbar" || target.hidden) continue;
      told.push(`${target.ariaValueNow} of ${target.ariaValueMax}: ${target.ariaValueText}`);
    }
  }).observe(document.querySelector(".stage"), { subtree: true, attributeFilter: ["alt", "aria-valuetext"] });
}"""


def field(page: Any, name: str) -> Any:
    return page.get_by_label(name, exact=True)


def fill(page: Any, **values: str) -> None:
    names = {"cfg_scale": "CFG scale"}
    for name, value in values.items():
        field(page, names.get(name, name.capitalize())).fill(value)


def press(page: Any, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def generate(page: Any, **values: str) -> None:
    """Fill in fields, press Generate, and wait until this page shows the new job."""
    before = page.locator(".stage").get_attribute("data-job")
    fill(page, **values)
    press(page, "Generate")
    page.wait_for_function("(before) => (document.querySelector('.stage').dataset.job ?? null) !== before", arg=before)


def result(page: Any) -> Any:
    return page.get_by_alt_text(RESULT)


def finished(page: Any) -> Any:
    """Wait until the job that this page shows is done; returns its results."""
    page.locator(".stage[data-state=done]").wait_for()
    return result(page)


def stop(page: Any) -> None:
    press(page, "Stop")
    page.locator(".stage[data-state=stopped]").wait_for()


def test_a_prompt_becomes_a_picture(open_page: OpenPage, server: str) -> None:
    page = open_page()
    page.evaluate(WRITE_DOWN)
    generate(page, prompt="a red tent by a lake", steps="40", seed="5", width="100", height="72")
    finished(page).wait_for()
    page.get_by_alt_text(PREVIEW).wait_for(state="detached")
    assert page.get_by_role("progressbar").count() == 0
    told = page.evaluate("told")
    assert any(re.fullmatch(r"Preview: step \d+ of 40", text) for text in told), told
    steps = [int(found[1]) for text in told if (found := re.match(r"(\d+) of 40: Step \1 of 40", text))]
    assert steps == sorted(steps)
    assert len(steps) > 3
    assert result(page).get_attribute("alt") == "Result: a red tent by a lake"
    page.wait_for_function("document.querySelector('img[alt^=Result]').naturalWidth == 100")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download", exact=True).click()
    picture = Image.open(io.BytesIO(download.value.path().read_bytes()))
    assert (picture.format, picture.size) == ("PNG", (100, 72))
    assert "Seed: 5" in picture.text["parameters"]


def test_a_reloaded_page_shows_the_running_job_the_last_results_and_what_was_typed(open_page: OpenPage) -> None:
    page = open_page()
    generate(page, prompt="a blue tent", steps="2")
    finished(page).wait_for()
    generate(page, prompt="a lake at night", **ENDLESS)
    page.get_by_alt_text(PREVIEW).first.wait_for()
    step = int(page.get_by_role("progressbar").get_attribute("aria-valuenow"))
    page.reload()
    page.get_by_alt_text(PREVIEW).first.wait_for()
    assert int(page.get_by_role("progressbar").get_attribute("aria-valuenow")) >= step > 0
    assert result(page).get_attribute("alt") == "Result: a blue tent"
    page.wait_for_function("document.querySelector('#prompt textarea').value == 'a lake at night'")
    assert field(page, "Steps").input_value() == ENDLESS["steps"]
    stop(page)


def test_a_browser_that_is_opened_anew_finds_the_finished_pictures(open_page: OpenPage) -> None:
    first = open_page()
    generate(first, prompt="two tents", steps="2", count="2")
    finished(first).nth(1).wait_for()
    first.context.close()
    page = open_page()
    result(page).nth(1).wait_for()
    assert [image.get_attribute("alt") for image in result(page).all()] == [
        "Result 1: two tents",
        "Result 2: two tents",
    ]
    assert field(page, "Steps").input_value() == "4", "a new window begins with the model's own settings"


def test_stop_ends_the_job_soon(open_page: OpenPage, server: str) -> None:
    page = open_page()
    generate(page, prompt="a lake", **ENDLESS)
    page.get_by_alt_text(PREVIEW).first.wait_for()
    stop(page)
    job = page.locator(".stage").get_attribute("data-job")
    told = urllib.request.urlopen(f"{server}/studio/jobs/{job}/events").read().decode()
    ended = json.loads(told.split("data: ")[1].splitlines()[0])
    assert ended["state"] == "stopped"
    assert 0 < ended["step"] < 1000
    page.get_by_role("progressbar").wait_for(state="hidden")
    page.get_by_text("Stopped", exact=True).first.wait_for()
    assert page.get_by_alt_text(PREVIEW).count() == 0
    assert page.get_by_role("alert").count() == 0


def test_two_windows_watch_the_same_job_and_the_next_one_waits_in_line(open_page: OpenPage) -> None:
    one = open_page()
    neighbour = open_page(context=one.context)
    generate(one, prompt="a mountain lake", **ENDLESS)
    other = open_page()
    for page in (neighbour, other):  # an idle window of the same browser, and another browser
        page.get_by_alt_text(PREVIEW).first.wait_for()
        page.get_by_text("a mountain lake", exact=True).wait_for()
    generate(other, prompt="a tent", steps="2")
    other.get_by_text("Waiting: 1 job before this one").wait_for()
    press(one, "Stop")
    other.get_by_alt_text("Result: a tent").wait_for()


def test_a_wrong_value_is_answered_by_one_sentence_and_a_right_one_by_a_picture(open_page: OpenPage) -> None:
    page = open_page()
    right = {"Prompt": "a lake", "Steps": "2", "Width": "64", "CFG scale": "3", "Seed": "1"}
    for name, value in right.items():
        field(page, name).fill(value)
    generate(page)
    finished(page).wait_for()
    alert = page.get_by_role("alert")
    before = page.locator(".stage").get_attribute("data-job")
    wrong = [
        ("Steps", "0"),
        ("Steps", "1000000000"),
        ("Width", "7"),
        ("CFG scale", "nan"),
        ("Seed", "text"),
        ("Prompt", ""),
    ]
    for name, value in wrong:
        field(page, name).fill(value)
        press(page, "Generate")
        alert.filter(has_text=re.compile(f"{name}.*{re.escape(value)}", re.IGNORECASE)).wait_for()
        assert alert.count() == 1
        sentence = alert.inner_text()
        assert "\n" not in sentence
        assert "Traceback" not in sentence
        if name != "Prompt":
            assert sentence.startswith(name)
            assert field(page, name).get_attribute("aria-invalid") == "true"
        field(page, name).fill(right[name])
        assert page.locator(".stage").get_attribute("data-job") == before, "nothing was put into the queue"
    generate(page)
    finished(page).wait_for()
    assert alert.count() == 0, "the sentence goes when the wish is right"


def test_unknown_words_are_named_and_the_picture_is_drawn(open_page: OpenPage) -> None:
    page = open_page()
    generate(page, prompt="a red dinosaur by a laek", steps="2")
    finished(page).wait_for()
    note = page.get_by_role("note")
    assert "does not know" in note.inner_text()
    assert "dinosaur" in note.inner_text()
    assert "lake" in note.inner_text(), "the nearest known word is offered"
    assert page.get_by_role("alert").count() == 0


def test_seeds_are_copied_reused_and_left_to_chance(open_page: OpenPage) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    largest = str(2**63 - 1)
    generate(page, prompt="a lake", steps="2", seed=largest)
    finished(page).wait_for()
    page.get_by_role("button", name=f"Seed {largest}").click()
    page.get_by_role("button", name="Seed copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == largest
    press(page, "Random")
    page.wait_for_function("document.querySelector('#field-seed').value == '-1'")
    press(page, "Reuse")
    page.wait_for_function(f"document.querySelector('#field-seed').value == '{largest}'")


def test_sizes_examples_and_lists_fill_in_the_fields(open_page: OpenPage) -> None:
    page = open_page()
    press(page, "Panorama")
    page.wait_for_function("document.querySelector('#field-width').value == '128'")
    assert field(page, "Height").input_value() == "64"
    page.get_by_role("button", name="a red tent by a mountain lake at sunset").click()
    page.wait_for_function("document.querySelector('#prompt textarea').value.startsWith('a red tent')")
    page.wait_for_function("document.querySelector('#field-width').value == '64'")
    field(page, "Sampler").click()
    page.get_by_role("option", name="Euler", exact=True).click()
    generate(page, steps="2")
    finished(page).wait_for()


def test_the_keyboard_alone_is_enough(open_page: OpenPage) -> None:
    page = open_page()
    fill(page, steps="2")
    prompt = field(page, "Prompt")
    prompt.focus()
    page.keyboard.type("a blue lake")
    page.keyboard.press("Control+Enter")
    page.locator(".stage .title").get_by_text("a blue lake").wait_for()
    finished(page).wait_for()
    assert prompt.input_value() == "a blue lake", "no line break was typed"
    steps = field(page, "Steps")
    steps.focus()
    page.keyboard.press("ArrowUp")
    assert steps.input_value() == "3"
    enlarge = page.locator(".enlarge")
    enlarge.focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    assert page.get_by_alt_text("Enlarged picture: a blue lake").is_visible()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")
    assert enlarge.evaluate("element => element === document.activeElement"), "focus is back where it was"
