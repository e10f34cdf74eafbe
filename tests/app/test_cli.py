"""The command line: what it draws, and how it refuses."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app import cli
from app.models import Shelf
from app.recipes import read_recipe
from app.settings import ROOT, Settings
from ldm_core.engine import Engine
from ldm_core.events import Done
from ldm_core.tasks.text_to_image import TextToImage

Run = Callable[..., int]
SEED_LIMIT = 2**63 - 1


def no_page(settings: Settings) -> None:
    """The page has tests of its own."""
    pytest.fail("the page was opened")


@pytest.fixture
def run(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command line in an empty folder; the model named `scenes-text` comes from the tiny ones."""
    monkeypatch.setattr("app.models.EMBEDDED", tmp_path / "none")
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("LATENT_STUDIO_MODELS", str(settings.models))
    monkeypatch.setenv("LATENT_STUDIO_OUTPUTS", str(settings.outputs))
    return lambda *argv: cli.main([str(word) for word in argv], no_page)


def everything_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


REFUSALS = {
    "steps 0": (["--steps", "0"], "Steps"),
    "steps -1": (["--steps", "-1"], "Steps"),
    "steps 10^9": (["--steps", str(10**9)], "Steps"),
    "steps text": (["--steps", "many"], "--steps"),
    "width 7": (["--width", "7"], "Width"),
    "width 10^6": (["--width", str(10**6)], "Width"),
    "height 0": (["--height", "0"], "Height"),
    "cfg nan": (["--cfg-scale", "nan"], "CFG scale"),
    "cfg inf": (["--cfg-scale", "inf"], "CFG scale"),
    "cfg text": (["--cfg-scale", "high"], "--cfg-scale"),
    "eta 2": (["--eta", "2"], "Eta"),
    "seed text": (["--seed", "lucky"], "--seed"),
    "seed -2": (["--seed", "-2"], "Seed"),
    "seed too large": (["--seed", str(SEED_LIMIT + 1)], "Seed"),
    "seed of 5000 digits": (["--seed", "1" * 5000], "--seed"),
    "no seeds left": (["--seed", str(SEED_LIMIT), "--count", "2"], "Seed"),
    "count 0": (["--count", "0"], "Count"),
    "count 1001": (["--count", "1001"], "Count"),
    "unknown sampler": (["--sampler", "magic"], "Sampler"),
    "unknown schedule": (["--schedule", "magic"], "Schedule"),
    "unknown model": (["--model", "sdxl"], "sdxl"),
    "first stage as a model": (["--model", "first-stage"], "first stage"),
    "unknown flag": (["--stepps", "3"], "--stepps"),
    "abbreviated flag": (["--cfg", "3"], "--cfg"),
    "flag without value": (["--steps"], "--steps"),
    "no recipe there": (["--recipe", "none.png"], "none.png"),
    "not a png": (["--out", "x.jpg"], "x.png"),
    "empty out": (["--out", ""], "--out"),
    "unknown device": (["--device", "tpu"], "tpu"),
    "unknown dtype": (["--dtype", "int3"], "int3"),
    "long negative prompt": (["--negative", "x" * 20_001], "Negative prompt"),
}


@pytest.mark.parametrize(("flags", "named"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_wrong_option_is_one_line_that_names_it_and_no_file(
    run: Run, flags: list[str], named: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = everything_below(tmp_path)
    assert run("txt2img", "a lake", *flags) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert named in err
    assert err.count("\n") == 1
    assert "usage" not in err.lower()
    assert "Traceback" not in err
    assert len(err) < 1000
    assert everything_below(tmp_path) == before


PROMPTS = {
    "empty": "",
    "spaces": "  ",
    "only emoji": "🦄",
    "100 kB": "lake " * 20_000,
    "half a character": "lake \udcff",
}


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS.keys())
def test_a_prompt_that_cannot_be_read_is_one_line_and_no_file(
    run: Run, prompt: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = everything_below(tmp_path)
    assert run("txt2img", prompt) == 2
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert "rompt" in err
    assert everything_below(tmp_path) == before


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (["txt2img"], "PROMPT"),
        (["paint"], "'paint'"),
        (["--port", "70000"], "70000"),
        (["--port", "http"], "--port"),
        (["--share"], "--auth"),
        (["--auth", "secret"], "USER:PASS"),
        (["models", "show"], "show"),
        (["models", "info"], "FILE_OR_NAME"),
        (["models", "info", "none"], "none"),
        (["train", "everything", "x.yaml"], "everything"),
        (["train", "diffusion", "none.yaml"], "none.yaml"),
        (["train", "diffusion", "x.yaml", "--fast"], "--fast"),
        (["setup", "--devel"], "--devel"),
    ],
)
def test_a_wrong_command_is_one_line(run: Run, argv: list[str], named: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(*argv) == 2
    err = capfd.readouterr().err
    assert named in err
    assert err.count("\n") == 1
    assert "usage" not in err.lower()


def test_help_is_help_and_no_error(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run("txt2img", "--help")
    assert ended.value.code == 0
    assert "--cfg-scale" in capfd.readouterr().out


def test_a_refusal_needs_neither_torch_nor_a_second(tmp_path: Path, tiny_models: Path) -> None:
    code = (
        "import resource, sys, app.cli\n"
        "code = app.cli.main(['txt2img', 'a lake', '--steps', '0'], print)\n"
        "used = resource.getrusage(resource.RUSAGE_SELF)\n"
        "print(code, 'torch' in sys.modules, used.ru_utime + used.ru_stime)\n"
    )
    settings = {"LATENT_STUDIO_MODELS": str(tiny_models), "LATENT_STUDIO_OUTPUTS": str(tmp_path)}
    command = [sys.executable, "-c", code]
    result = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **settings}, capture_output=True, text=True, check=True
    )
    exit_code, torch, seconds = result.stdout.split()
    assert (exit_code, torch) == ("2", "False")
    assert float(seconds) < 1.0  # of the processor: what else runs here does not count


def test_a_picture_has_the_pixels_that_python_draws_and_its_recipe_inside(
    run: Run, settings: Settings, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    flags = ["--seed", "7", "--steps", "3", "--width", "100", "--height", "72", "--cfg-scale", "2.5"]
    assert run("txt2img", "a red tent by a lake", *flags, "--out", "new/x.png") == 0
    out, err = capfd.readouterr()
    assert (out, err) == ("new/x.png\n", "")
    assert everything_below(Path.cwd()) == ["new/x.png"]
    assert everything_below(settings.outputs) == []
    engine = Engine(Shelf(settings, embedded=tmp_path / "none").resolve, "cpu")
    request = TextToImage("a red tent by a lake", seed=7, steps=3, width=100, height=72, cfg_scale=2.5)
    done = [event for event in engine.run(request, previews=False) if isinstance(event, Done)]
    assert np.array_equal(np.asarray(Image.open("new/x.png")), done[0].images[0])
    options = read_recipe(Path("new/x.png")).options
    assert (options["seed"], options["steps"], options["width"], options["model"]) == (7, 3, 100, "scenes-text")
    # the recipe alone gives the same file, bit for bit; a flag beside it wins
    assert run("txt2img", "--recipe", "new/x.png", "--out", "again.png") == 0
    assert Path("again.png").read_bytes() == Path("new/x.png").read_bytes()
    assert run("txt2img", "--recipe", "new/x.png", "--seed", "8", "--out", "other.png") == 0
    assert read_recipe(Path("other.png")).options["seed"] == 8


def test_json_says_everything_of_several_pictures(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("txt2img", "a dragon", "--seed", "5", "--count", "3", "--steps", "1", "--out", "many.png", "--json") == 0
    out, err = capfd.readouterr()
    said = json.loads(out)
    assert [(p["file"], p["seed"], p["width"]) for p in said["pictures"]] == [
        ("many-1.png", 5, 64),
        ("many-2.png", 6, 64),
        ("many-3.png", 7, 64),
    ]
    assert said["recipe"]["prompt"] == "a dragon"
    assert "dragon" in said["notes"][0]
    assert err == f"Note: {said['notes'][0]}\n"


def test_a_folder_collects_pictures_under_names_of_their_own(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert run("txt2img", "a lake", "--seed", "5", "--steps", "1", "--out", "album") == 0
    assert everything_below(Path("album")) == ["00001-seed-5.png", "00002-seed-5.png"]


def test_an_existing_file_is_refused_before_the_work(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    Path("x-2.png").write_text("mine")
    assert run("txt2img", "a lake", "--count", "2", "--steps", "1", "--out", "x.png") == 2
    assert "x-2.png exists already" in capfd.readouterr().err
    assert everything_below(Path.cwd()) == ["x-2.png"]
    assert run("txt2img", "a lake", "--count", "2", "--steps", "1", "--out", "x.png", "--overwrite") == 0
    assert Image.open("x-2.png").size == (64, 64)


def test_a_foreign_recipe_whose_model_is_not_here_is_drawn_with_ours(
    run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("parameters", "a lake\nSteps: 2, Sampler: UniPC, Seed: 9, Size: 64x72, Model: v1-5")
    Image.new("RGB", (8, 8)).save("foreign.png", pnginfo=info)
    assert run("txt2img", "--recipe", "foreign.png", "--out", "x.png") == 0
    err = capfd.readouterr().err
    assert "v1-5" in err
    assert "UniPC" in err
    assert Image.open("x.png").size == (64, 72)


# The command line as it is started, except that touching the network ends it.
GUARDED = """
import sys
def hook(event, arguments):
    if event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto"):
        raise SystemExit(f"the network was touched: {event}")
sys.addaudithook(hook)
from app.cli import main
sys.exit(main(sys.argv[1:], print))
"""


class Terminal:
    """A command line whose errors and progress go to a terminal."""

    def __init__(self, models: Path, outputs: Path, *argv: str, **env: str) -> None:
        settings = {"LATENT_STUDIO_MODELS": str(models), "LATENT_STUDIO_OUTPUTS": str(outputs), **env}
        self.end, inside = pty.openpty()
        command = [sys.executable, "-c", GUARDED, *argv]
        environment = {**os.environ, **settings}
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=inside)
        os.close(inside)

    def shown(self) -> Iterator[bytes]:
        """All that was shown until now, whenever there is more."""
        text = b""
        while True:
            try:
                part = os.read(self.end, 1000)
            except OSError:  # the way a Linux terminal says that its other end is closed
                part = b""
            if not part:
                os.close(self.end)
                return
            text += part
            yield text


def test_a_terminal_shows_the_steps_and_nothing_stays_anywhere_but_the_picture(
    tmp_path: Path, tiny_models: Path
) -> None:
    for name in ("temporary", "home"):
        (tmp_path / name).mkdir()
    environment = {"TMPDIR": str(tmp_path / "temporary"), "HOME": str(tmp_path / "home")}
    picture = os.fsencode(tmp_path / "x") + b"\xff.png"  # a name that is no UTF-8
    argv = ("txt2img", "a lake", "--model", "tiny scenes", "--steps", "3", "--out", os.fsdecode(picture))
    terminal = Terminal(tiny_models, tmp_path / "outputs", *argv, **environment)
    *_, shown = terminal.shown()
    out, _ = terminal.process.communicate()
    assert terminal.process.returncode == 0, shown
    assert b"step 3 of 3" in shown
    assert shown.rstrip().endswith(b"\x1b[K")
    assert out == picture + b"\n"
    assert everything_below(tmp_path) == [os.fsdecode(b"x\xff.png")]


def test_an_interrupt_stops_within_a_step_and_leaves_no_picture(tmp_path: Path, tiny_models: Path) -> None:
    argv = ("txt2img", "a lake", "--model", "tiny scenes", "--steps", "1000", "--width", "512", "--height", "512")
    terminal = Terminal(tiny_models, tmp_path / "outputs", *argv)
    for shown in terminal.shown():
        if b"step 2 of" in shown:
            terminal.process.send_signal(signal.SIGINT)
            break
    *_, shown = terminal.shown()
    terminal.process.communicate()
    assert terminal.process.returncode == 130
    assert b"Stopped; 0 of 1 pictures were finished." in shown
    assert b"step 900 of" not in shown
    assert everything_below(tmp_path) == []


def test_models_are_listed_and_described(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("models") == 0
    assert [line.split()[:2] for line in capfd.readouterr().out.splitlines()] == [
        ["first-stage", "first-stage"],
        ["scenes-text", "diffusion"],
    ]
    assert run("models", "info", "scenes-text", "--json") == 0
    facts = json.loads(capfd.readouterr().out)
    assert (facts["title"], facts["family"], facts["defaults"]["steps"]) == ("Tiny scenes", "scenes-text", 4)
    assert "tent" in facts["vocabulary"]


def test_a_busy_port_is_one_line(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    import socket

    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        assert run("--port", port) == 2
    err = capfd.readouterr().err
    assert err == f"Port {port} on 127.0.0.1 is in use already. Choose another one with --port.\n"
