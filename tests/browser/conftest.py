"""One real server with a tiny model, and pages in a real Chromium, for all browser tests.

Every page is watched: a request to anywhere but the server, or an error in its console, fails the test that opened it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_model import write_tiny_models

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (requirements-dev.txt)")

ROOT = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"]
PATIENCE = 60_000  # milliseconds; these machines are slow and shared
READY = "Latent Studio: "

OpenPage = Callable[..., Any]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("no Chromium is installed (apt-get install chromium)")
    with playwright.sync_playwright() as program:
        browser = program.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the server, as it printed it."""
    folder = tmp_path_factory.mktemp("server")
    write_tiny_models(folder / "models")
    command = [
        sys.executable,
        str(Path(__file__).with_name("serve.py")),
        str(folder / "models"),
        str(folder / "outputs"),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with (folder / "log").open("w+") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            assert process.stdout is not None
            line = next((line for line in process.stdout if line.startswith(READY)), None)
            assert line, f"the server did not start: {(folder / 'log').read_text()[-3000:]}"
            yield line.removeprefix(READY).strip()
        finally:
            process.terminate()
            process.wait(20)
        log.seek(0)
        assert "Traceback" not in (text := log.read()), text[-3000:]


@pytest.fixture
def open_page(browser: Any, server: str) -> Iterator[OpenPage]:
    """open_page(width=, height=, scheme=, context=) gives a page on which one can act; all are closed at the end."""
    contexts: list[Any] = []
    foreign: list[str] = []
    errors: list[str] = []

    def watch(page: Any) -> None:
        page.on("request", lambda request: foreign.append(request.url) if not _own(request.url, server) else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)

    def open_(width: int = 1280, height: int = 900, scheme: str = "light", context: Any = None, **options: Any) -> Any:
        if context is None:
            size = {"width": width, "height": height}
            context = browser.new_context(viewport=size, color_scheme=scheme, accept_downloads=True, **options)
            context.set_default_timeout(PATIENCE)
            contexts.append(context)
        page = context.new_page()
        watch(page)
        page.goto(server)
        page.locator(".stage[data-ready]").wait_for()
        return page

    yield open_
    for context in contexts:
        for page in context.pages:
            if page.locator(".stage[data-state=queued], .stage[data-state=running]").count():
                page.get_by_role("button", name="Stop", exact=True).click()
                page.locator(".stage[data-state=queued], .stage[data-state=running]").wait_for(state="detached")
        context.close()
    assert foreign == [], "nothing may be fetched from outside"
    assert [error for error in errors if "signal is aborted" not in error] == []


def _own(url: str, server: str) -> bool:
    return url.startswith((f"{server}/", "data:", "blob:"))
