"""The server: one process that shows the page, keeps the queue, and draws. `serve` returns when it is stopped."""

from __future__ import annotations

import os
import secrets
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable

# Before Gradio is imported: it must neither report anything nor look for anything outside.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"

import gradio as gr
import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response

from app.jobs import Jobs, open_jobs
from app.models import Shelf
from app.settings import Settings
from app.workers.local import LocalWorker
from ldm_core.errors import UserError
from ui.guard import Guard, own_names
from ui.page import HEAD, build_page
from ui.stream import STATIC, ModelState, Revalidated, studio_routes
from ui.theme import studio_theme

LARGEST_UPLOAD = "64mb"
PATIENCE = 2  # seconds that open connections get when the server is told to stop


def serve(settings: Settings, shelf: Shelf | None = None) -> None:
    """Serve the page until somebody stops it; prints `Latent Studio: URL` as soon as the page can be opened.

    The worker, and torch with it, is started only then. Raises UserError if the port is taken or the queue unusable.
    """
    listener = listen(settings.host, settings.port)
    shelf = shelf or Shelf(settings)
    jobs = open_jobs(settings, shelf)
    worker = LocalWorker(jobs, shelf, settings)
    names = set(own_names(settings.host))
    app = Guard(build_app(jobs, shelf, worker.model_state), names, settings.auth)

    def ready() -> None:
        worker.start()
        if settings.share:
            threading.Thread(target=_share, args=(listener.getsockname()[1], names), daemon=True).start()
        if settings.browser and _has_screen():
            threading.Thread(target=webbrowser.open, args=(url_of(settings.host, listener),), daemon=True).start()

    def going_down() -> None:
        jobs.close()
        worker.stop()

    print_ready = f"Latent Studio: {url_of(settings.host, listener)}"
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=PATIENCE)
    _Server(config, print_ready, ready, going_down).run(sockets=[listener])


def build_app(jobs: Jobs, shelf: Shelf, model_state: ModelState) -> FastAPI:
    """The application behind the guard: our routes, then Gradio's page for everything else."""
    app = FastAPI(title="Latent Studio", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_exception_handler(RequestValidationError, _wrong_request)
    app.mount("/studio/static", Revalidated(directory=STATIC))
    app.include_router(studio_routes(jobs, model_state))

    @app.get("/favicon.ico")
    def favicon() -> Response:
        return FileResponse(STATIC / "favicon.svg", media_type="image/svg+xml")

    gr.mount_gradio_app(
        app,
        build_page(jobs, shelf),
        path="/",
        theme=studio_theme(),
        head=HEAD,
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        pwa=False,
        max_file_size=LARGEST_UPLOAD,
    )
    return app


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to host and port (0: any free one). Raises UserError, in one sentence, if that is not possible."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise UserError(f"This machine has no address {host!r} to listen on: {error.strerror}.") from error
    if sys.platform != "win32":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        why = f"Port {port} on {host} cannot be used: {(error.strerror or str(error)).lower()}."
        raise UserError(why, hint="Choose another one with --port.") from error
    return listener


def url_of(host: str, listener: socket.socket) -> str:
    """The address to type into a browser on this machine."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{listener.getsockname()[1]}"


class _Server(uvicorn.Server):
    """uvicorn, with something to do once it answers and before it goes down."""

    def __init__(self, config: uvicorn.Config, line: str, ready: Callable[[], None], down: Callable[[], None]) -> None:
        super().__init__(config)
        self.line, self.ready, self.down = line, ready, down

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(self.line, flush=True)
            self.ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.down()  # first, so that the event streams end and nobody waits for them
        await super().shutdown(sockets)


async def _wrong_request(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "wrong request", "detail": str(error)}, 422)


def _has_screen() -> bool:
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _share(port: int, names: set[str]) -> None:
    """Ask Gradio's relay for a public address. Without the internet the page is served here only."""
    from urllib.parse import urlsplit

    from gradio.networking import setup_tunnel

    try:
        url = setup_tunnel("127.0.0.1", port, secrets.token_urlsafe(32), None, None)
    except Exception as error:  # noqa: BLE001 - whatever a relay on the internet does, the server goes on
        print(f"There is no public address: {error}", file=sys.stderr, flush=True)
        return
    names.add((urlsplit(url).hostname or "").lower())
    print(f"Public address: {url}", flush=True)
