"""Our own routes beside Gradio's: the state of a task, the events of a job (server-sent), its pictures, our files.

What static/stage.js reads:
    task state       {"job": id or null, "earlier": [PICTURE, newest first], "model": {"state", "text"}}
    event job        {"id", "state", "position", "loading", "step", "steps", "seconds_left", "count", "width", "height",
                     "prompt", "note", "error", "pictures": [PICTURE]}; state: queued, running, done, failed or stopped
    event progress   {"step", "steps", "seconds_left"}
    event preview    {"first", "step", "images": [data: URI]}; first: the index of the picture that images[0] shows
    event end        nothing comes after it
    PICTURE          {"url", "name", "alt", "seed", "prompt", "width", "height"}; seed: text, for it may exceed 2^53
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from itertools import islice
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.jobs import Job, Jobs, SavedPicture
from ldm_core.tasks import TASKS
from ui.examples import FOLDER as EXAMPLES
from ui.examples import read_examples

STATIC = Path(__file__).parent / "static"
EARLIER = 12
ModelState = Callable[[], dict[str, str]]


class Revalidated(StaticFiles):
    """Static files that a browser asks for each time; the answer is "not modified" unless the program was updated."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = "no-cache"
        return response


def studio_routes(jobs: Jobs, model_state: ModelState) -> APIRouter:
    """The routes under /studio. model_state: what the worker is doing with its model, for the line on the stage."""
    router = APIRouter(prefix="/studio")

    @router.get("/jobs/{job_id}/events")
    async def events(job_id: str) -> Response:
        if jobs.get(job_id) is None:
            return not_found(f"There is no job {job_id}.")
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(_events(jobs, job_id), media_type="text/event-stream", headers=headers)

    @router.get("/pictures/{job_id}/{index}")
    def picture(job_id: str, index: int) -> Response:
        job = jobs.get(job_id)
        file = next((Path(p.file) for p in job.pictures if p.index == index), None) if job else None
        if file is None or not file.is_file():
            return not_found("This picture is not here any more.")
        headers = {"cache-control": "private, max-age=31536000, immutable"}
        return FileResponse(file, headers=headers, filename=file.name, content_disposition_type="inline")

    @router.get("/examples/{name}")
    def example(name: str) -> Response:
        if name not in {example.image for example in read_examples()}:
            return not_found(f"There is no example picture {name}.")
        return FileResponse(EXAMPLES / name, headers={"cache-control": "no-cache"})

    @router.get("/{task}")
    def task_state(task: str) -> Response:
        if task not in TASKS:
            return not_found(f"There is no task {task}.")
        return JSONResponse({**_task_state(jobs, task), "model": model_state()}, headers={"cache-control": "no-store"})

    return router


def not_found(detail: str) -> JSONResponse:
    """404 in the form that all of our routes use."""
    return JSONResponse({"error": "not found", "detail": detail}, 404)


def picture_json(job: Job, picture: SavedPicture, title: str = "Result") -> dict[str, Any]:
    """A finished picture as the page reads it; title: how its alternative text begins."""
    prompt = str(job.request.get("prompt", "")).strip()
    shown = prompt if len(prompt) <= 200 else prompt[:199] + "…"
    which = f" {picture.index + 1}" if job.request.get("count", 1) > 1 else ""
    return {
        "url": f"studio/pictures/{job.id}/{picture.index}",
        "name": Path(picture.file).name,
        "alt": f"{title}{which}: {shown}" if shown else f"{title}{which}",
        "seed": str(picture.seed),
        "prompt": prompt,
        "width": picture.width,
        "height": picture.height,
    }


def job_json(job: Job, position: int) -> dict[str, Any]:
    """A job as the page reads it."""
    request = job.request
    return {
        "id": job.id,
        "state": job.state,
        "position": position,
        "loading": job.loading,
        "step": job.step,
        "steps": job.steps or request.get("steps") or 0,
        "seconds_left": job.seconds_left,
        "count": request.get("count") or 1,
        "width": request.get("width") or 1,
        "height": request.get("height") or 1,
        "prompt": str(request.get("prompt", "")).strip(),
        "note": " ".join(job.notes),
        "error": job.error,
        "pictures": [picture_json(job, picture) for picture in job.pictures],
    }


def _task_state(jobs: Jobs, task: str) -> dict[str, Any]:
    """The job to show, and pictures of jobs before it; until it has some, the last results are still called results."""
    shown = jobs.latest(task)
    drawn = [job for job in reversed(jobs.list(task)) if job.pictures and (shown is None or job.id != shown.id)]
    last = drawn[0].id if drawn and shown and not shown.pictures else ""
    pictures = (
        picture_json(job, picture, "Result" if job.id == last else "Earlier picture")
        for job in drawn
        for picture in job.pictures
        if Path(picture.file).is_file()
    )
    return {"job": shown.id if shown else None, "earlier": list(islice(pictures, EARLIER))}


async def _events(jobs: Jobs, job_id: str) -> AsyncIterator[str]:
    async for name, data in jobs.watch_async(job_id):
        if name == "job":
            job = jobs.get(job_id)
            data = job_json(job, data["position"]) if job else data
        yield f"event: {name}\ndata: {json.dumps(data)}\n\n"
    job = jobs.get(job_id)
    if job is None or job.over:  # else the server is going down, and the page asks again
        yield "event: end\ndata: {}\n\n"
