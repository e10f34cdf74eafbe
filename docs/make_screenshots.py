"""The pictures of the README, taken from the running application in an installed Chromium.

    .venv/bin/python docs/make_screenshots.py [--out docs/images] [--models DIR]

page.png: the page with a finished picture, 1400 wide. drawing.png: a job on its way. phone.png: 390 wide, dark.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PROMPT = "a red tent by a mountain lake at sunset"
SERVER = (
    "import json, sys\n"
    "from app.settings import load\n"
    "from ui.server import serve\n"
    "serve(load(json.loads(sys.argv[1])))\n"
)
READY = "Latent Studio: "
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FADE = 1500  # milliseconds in which the last preview becomes its picture
PATIENCE = 900_000  # milliseconds; a busy machine draws slowly


@contextmanager
def running_server(folder: Path, **settings: str) -> Iterator[str]:
    """The address of a server of its own, with its pictures and queue in `folder`."""
    flags = {"port": 0, "browser": False, "outputs": str(folder), **settings}
    command = [sys.executable, "-c", SERVER, json.dumps(flags)]
    with (folder / "server.log").open("w+") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            assert process.stdout is not None
            line = next((line for line in process.stdout if line.startswith(READY)), None)
            if line is None:
                log.seek(0)
                raise SystemExit(f"The server did not start: {log.read()[-2000:]}")
            yield line.removeprefix(READY).strip()
        finally:
            process.terminate()
            process.wait(30)


def open_page(browser: Browser, url: str, width: int, height: int, scheme: str) -> Page:
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        device_scale_factor=1 if width > 600 else 2,
    )
    page.set_default_timeout(PATIENCE)
    page.goto(f"{url}/?__theme={scheme}")
    page.get_by_role("button", name="Generate").wait_for()
    return page


def draw(page: Page, prompt: str, **fields: str) -> None:
    """Fill in the form as a person does, and press Generate."""
    page.get_by_label("Prompt", exact=True).fill(prompt)
    for label, value in fields.items():
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name="Generate").click()


def take(url: str, out: Path) -> None:
    """All screenshots, one after the other, from the same server."""
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        raise SystemExit("There is no Chromium here (Debian: apt install chromium).")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        page = open_page(browser, url, 1400, 900, "light")
        page.locator(".progress[data-state=ready]").wait_for(state="attached")
        draw(page, PROMPT, Seed="3")
        page.wait_for_function(
            "() => { const bar = document.querySelector('[role=progressbar]');"
            " return bar && bar.getAttribute('aria-valuenow') / bar.getAttribute('aria-valuemax') > 0.5; }"
        )
        page.get_by_role("img", name="Preview").first.wait_for()
        page.screenshot(path=out / "drawing.png")
        page.get_by_role("img", name="Result").first.wait_for()
        draw(page, PROMPT, Seed="7")
        page.get_by_role("progressbar").wait_for()
        page.get_by_role("progressbar").wait_for(state="hidden")
        page.locator("img[alt^=Result]").wait_for()
        page.wait_for_timeout(FADE)
        page.screenshot(path=out / "page.png")
        phone = open_page(browser, url, 390, 844, "dark")
        phone.locator("img[alt^=Result]").wait_for()
        phone.wait_for_timeout(FADE)
        phone.screenshot(path=out / "phone.png")
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="take the screenshots of the README")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--models", help="folder with own models")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        own = {"models": options.models} if options.models else {}
        with running_server(Path(folder), **own) as url:
            take(url, options.out)
    for picture in sorted(options.out.glob("*.png")):
        print(f"{picture}: {picture.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
