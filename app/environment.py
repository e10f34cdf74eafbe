"""The environment of the application: made, finished or updated when needed, then entered. Standard library only.

It is whole when its stamp names the present requirements; the stamp is written last, so that whatever interrupts an
installation, the next start sees it and finishes.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from app import cli
from app.pip import NO_SPACE, Output, Pip, follow
from ldm_core.errors import UserError

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "installed.json"
GIGABYTE = 1e9
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def enter(argv: Sequence[str], serve: cli.Serve) -> int:
    """Judge the command line, make the environment whole, run the command in it; the exit code."""
    try:
        command = cli.parse(argv)  # first: nobody waits for an installation to hear of a typing error
        if not inside():
            cli.settings_of(command)
        make_whole(dev=command.verb == "test" or bool(command.options.get("dev")))
    except UserError as error:
        return cli.refuse(error)
    except KeyboardInterrupt:
        cli.say("Interrupted; the next start goes on with the installation.")
        return cli.INTERRUPTED
    if command.verb == "setup":
        print("Everything is installed. Start with: python launch.py")
        return 0
    if command.verb == "test":
        get_browser()
        os.chdir(ROOT)
        return replace_process([str(PYTHON), "-m", "pytest", *command.options["arguments"]])
    if not inside():
        return replace_process([str(PYTHON), str(ROOT / "launch.py"), *argv])
    return cli.main(argv, serve)


def inside() -> bool:
    """Whether this interpreter is that of the environment."""
    return Path(sys.prefix).resolve() == VENV.resolve()


def replace_process(command: list[str]) -> int:
    """Become `command`, so that signals reach it and nothing of us stays in memory."""
    sys.stdout.flush()
    if os.name != "nt":  # there, exec returns to the shell at once
        os.execv(command[0], command)
    return subprocess.run(command, check=False).returncode


def make_whole(dev: bool) -> None:
    """Install what the stamp does not name as installed. Raises UserError."""
    name = "requirements-dev.txt" if dev else "requirements.txt"
    stamp = read_stamp()
    if PYTHON.exists() and stamp.get(name) == fingerprint(name):
        return
    print(_why(stamp), flush=True)
    check_space()
    pip = Pip(PYTHON, VENV / "install.log")
    if not (PYTHON.exists() and pip.works()):
        make_venv()
    pip.update()
    pip.install(ROOT / name)
    # A development installation contains the plain one.
    done = {name: fingerprint(name), "requirements.txt": fingerprint("requirements.txt")}
    STAMP.with_suffix(".part").write_text(json.dumps({**stamp, **done}, indent=1), encoding="utf-8")
    STAMP.with_suffix(".part").replace(STAMP)


def read_stamp() -> dict[str, str]:
    """What is installed: the fingerprint of each requirements file. Empty if an installation never came to its end."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def fingerprint(name: str) -> str:
    """Changes with the requirements and with the Python that they are installed for."""
    digest = hashlib.sha256(f"{sys.version_info[:2]}".encode())
    for file in sorted({"requirements.txt", name}):
        digest.update((ROOT / file).read_bytes())
    return digest.hexdigest()


def _why(stamp: dict[str, str]) -> str:
    if not VENV.exists():
        return f"First start: installing into {VENV}. This takes some minutes, once."
    if not stamp:
        return f"The installation in {VENV} did not come to its end; finishing it."
    return "The requirements have changed; updating the installation."


def check_space() -> None:
    """Raises UserError if there is no room for what is not installed yet."""
    installed = any(VENV.glob("lib*/**/torch/version.py")) if VENV.exists() else False
    # On Linux PyTorch brings CUDA along, which is most of it.
    needed = 1 if installed else 8 if sys.platform == "linux" else 3
    free = shutil.disk_usage(ROOT).free / GIGABYTE
    if free < needed:
        raise UserError(
            f"The installation needs about {needed} GB in {ROOT}, and {free:.1f} GB are free.",
            "Free some space, or move the folder to a larger disk.",
        )


def make_venv() -> None:
    """An empty environment with pip, in place of whatever half of one is there. Raises UserError."""
    shutil.rmtree(VENV, ignore_errors=True)
    command = [sys.executable, "-m", "venv", str(VENV)]
    code, output = follow(command, Output("making the environment"))
    if code == 0:
        return
    if NO_SPACE.search(output):
        raise UserError(f"The disk is full: {VENV} could not be made.", "Free some space and start again.")
    if "ensurepip" not in output:
        raise UserError(f"The environment {VENV} could not be made: {output.strip().splitlines()[-1]}")
    # Debian's Python keeps pip in a package of its own; the package index has it too.
    code, output = follow([*command, "--without-pip"], Output("making the environment"))
    if code:
        raise UserError("Python's module venv does not work here.", "On Debian and Ubuntu: apt install python3-venv")
    Pip(PYTHON, VENV / "install.log").bootstrap()


def get_browser() -> None:
    """Chromium for the browser tests, if this machine lets us; without it they are skipped."""
    if any(shutil.which(name) for name in BROWSERS):
        return
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Chromium for the browser tests.", flush=True)
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for step in (["update", "-qq"], ["install", "-y", "-qq", "chromium"]):
            follow(["apt-get", *step], Output(f"apt-get {step[0]}"), quiet)
    if not any(shutil.which(name) for name in BROWSERS):
        print(
            "There is no Chromium here (Debian: apt install chromium); the browser tests will be skipped.", flush=True
        )
