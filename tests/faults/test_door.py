"""launch.py on machines where something is missing. Installations are real, of one small wheel from a local folder."""

from __future__ import annotations

import ast
import ensurepip
import hashlib
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import venv
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from app import environment
from app.pip import Pip, PipOutput
from app.settings import ROOT
from ldm_core.errors import UserError

COMMAND = """
import sys, studio_dependency
def main(kind, config, argv):
    print(sys.prefix, studio_dependency.VERSION, kind, config, *argv)
    return 0
"""


def write_wheel(folder: Path, version: str) -> None:
    """A package of one line; see the binary distribution format, packaging.python.org."""
    folder.mkdir(exist_ok=True)
    info = f"studio_dependency-{version}.dist-info"
    with zipfile.ZipFile(folder / f"studio_dependency-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr("studio_dependency.py", f"VERSION = {version!r}\n")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: studio-dependency\nVersion: {version}\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")


def make_clone(folder: Path) -> Path:
    """The parts of the repository that the door needs, with a requirement of our own and a command that reports."""
    folder.mkdir(parents=True, exist_ok=True)
    unwanted = shutil.ignore_patterns("__pycache__", "training", "scenes", "nn")
    for name in ("app", "ldm_core"):
        shutil.copytree(ROOT / name, folder / name, ignore=unwanted)
    shutil.copy(ROOT / "launch.py", folder)
    (folder.parent / "x.yaml").write_text("")
    (folder / "requirements.txt").write_text("studio-dependency==1.0\n")
    (folder / "requirements-dev.txt").write_text("-r requirements.txt\n")
    (folder / "ldm_core" / "training").mkdir()
    (folder / "ldm_core" / "training" / "__init__.py").write_text("")
    (folder / "ldm_core" / "training" / "cli.py").write_text(COMMAND)
    return folder


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared by tests that follow one another as the starts of one installation do."""
    folder = make_clone(tmp_path_factory.mktemp("clone") / "with a space")
    for version in ("1.0", "2.0"):
        write_wheel(folder / "wheels", version)
    return folder


def offline(clone: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": (clone / "wheels").as_uri(),
        "PIP_CONFIG_FILE": os.devnull,
    }


def launch(clone: Path, *argv: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Start the door from another folder, with the interpreter that the environment was made from."""
    command = [base_python(), str(clone / "launch.py"), *argv]
    return subprocess.run(
        command,
        cwd=clone.parent,
        env={**offline(clone), **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def base_python() -> str:
    return str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")


@pytest.mark.parametrize(
    ("argv", "named"),
    [(["--prot", "80"], "--prot"), (["--share"], "--auth"), (["txt2img", "x", "--device", "tpu"], "tpu")],
)
def test_a_wrong_option_is_answered_before_anything_is_installed(clone: Path, argv: list[str], named: str) -> None:
    result = launch(clone, *argv)
    assert (result.returncode, result.stdout) == (2, "")
    assert named in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (clone / ".venv").exists()


def test_an_installation_killed_halfway_is_finished_at_the_next_start(clone: Path) -> None:
    first = subprocess.Popen(
        [base_python(), str(clone / "launch.py"), "setup"],
        env=offline(clone),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert first.stdout is not None
    assert "First start" in first.stdout.readline()
    first.stdout.readline()  # it says what it does, and is in the middle of it
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert not (clone / ".venv" / "installed.json").exists()
    result = launch(clone, "train", "diffusion", "x.yaml", "--work", "3")
    assert result.returncode == 0, result.stderr
    assert "finishing it" in result.stdout
    # the command ran inside of the environment, with what it needs and with every word of the command line
    assert result.stdout.splitlines()[-1] == f"{clone / '.venv'} 1.0 diffusion x.yaml --work 3"


def test_a_second_start_installs_nothing(clone: Path) -> None:
    result = launch(clone, "train", "diffusion", "x.yaml", PIP_FIND_LINKS="file:///nowhere")
    assert (result.returncode, len(result.stdout.splitlines())) == (0, 1)


def test_new_requirements_are_installed_at_the_next_start(clone: Path) -> None:
    (clone / "requirements.txt").write_text("studio-dependency==2.0\n")
    (clone / ".venv" / "download-left" / "wheels").mkdir(parents=True)
    result = launch(clone, "setup")
    assert result.returncode == 0, result.stderr
    assert "updating" in result.stdout
    assert not list((clone / ".venv").glob("download-*"))
    assert "2.0" in launch(clone, "train", "diffusion", "x.yaml").stdout


def test_an_environment_whose_python_has_gone_is_made_anew(clone: Path) -> None:
    (clone / ".venv" / "bin" / "python").unlink()
    result = launch(clone, "train", "diffusion", "x.yaml")
    assert result.returncode == 0, result.stderr
    assert "2.0" in result.stdout


def test_without_a_network_there_is_one_sentence(clone: Path) -> None:
    (clone / "requirements.txt").write_text("studio-dependency==3.0\n")
    nowhere = {
        "PIP_NO_INDEX": "0",
        "PIP_FIND_LINKS": "",
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "1",
    }
    result = launch(clone, "setup", **nowhere)
    assert result.returncode == 2
    assert result.stderr.startswith("The package index cannot be reached.")
    assert result.stderr.count("\n") == 1


def test_a_package_that_does_not_exist_for_this_python_is_named(clone: Path) -> None:
    result = launch(clone, "setup")
    assert result.returncode == 2
    assert result.stderr.startswith("The package index has no studio-dependency==3.0 for Python 3.")


def test_without_room_there_is_one_sentence_and_nothing_is_begun(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=8M", str(small_disk)], check=True)
    clone = make_clone(small_disk / "clone")
    result = launch(clone, "setup")
    assert result.returncode == 2
    assert "The installation needs about" in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (clone / ".venv").exists()


def test_free_space_is_asked_for_before_the_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    usage = type(shutil.disk_usage(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**12, 10**12 - 10**8, 10**8))
    with pytest.raises(UserError, match=r"0\.1 GB are free"):
        environment.check_space()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**12, 10**12 - 10**10, 10**10))
    environment.check_space()


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "THESE PACKAGES DO NOT MATCH THE HASHES"),
        ("", "no reason"),
    ],
)
def test_what_pip_says_becomes_one_sentence(tmp_path: Path, said: str, sentence: str) -> None:
    assert sentence in str(Pip(tmp_path / "python", tmp_path / "log")._sentence(said))


def test_an_old_python_is_told_so() -> None:
    code = "import sys; sys.version_info = (3, 9, 2, 'final', 0); import launch; sys.exit(launch.main([]))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "needs Python 3.11 or newer, and this is 3.9" in result.stderr


def test_old_pythons_can_read_the_door() -> None:
    ast.parse((ROOT / "launch.py").read_text(), feature_version=(3, 4))


class _Index(http.server.BaseHTTPRequestHandler):
    """A package index that has one pip: the one that comes with this Python."""

    def __init__(self, wheel: Path, *arguments: object) -> None:
        self.wheel = wheel
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        content = self.wheel.read_bytes()
        if self.path.endswith(".whl"):
            answer = content
        else:
            digest = {"sha256": hashlib.sha256(content).hexdigest()}
            old = {"filename": "pip-1.0-py3-none-any.whl", "url": "gone", "hashes": {}}
            new = {"filename": self.wheel.name, "url": f"../../files/{self.wheel.name}", "hashes": digest}
            answer = json.dumps({"files": [new, old]}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments: object) -> None:
        """Quiet."""


@pytest.fixture
def index() -> Iterator[str]:
    wheel = next((Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"))
    with http.server.HTTPServer(("127.0.0.1", 0), partial(_Index, wheel)) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/simple"
        server.shutdown()


def test_debians_python_without_pip_gets_it_from_the_index(
    tmp_path: Path, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv.create(tmp_path / ".venv", with_pip=False)
    monkeypatch.setenv("PIP_INDEX_URL", index)
    pip = Pip(tmp_path / ".venv" / "bin" / "python", tmp_path / "log")
    assert not pip.works()
    pip.bootstrap()
    assert pip.works()


# What pip 26 prints with --progress-bar raw, shortened.
TRANSCRIPT = """Collecting torch<2.15,>=2.9 (from -r requirements.txt (line 2))
  Downloading torch-2.14.1-cp311-cp311-manylinux_2_28_x86_64.whl.metadata (30 kB)
Collecting numpy<3,>=2.0 (from -r requirements.txt (line 4))
  Using cached numpy-2.3.5-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl.metadata (62 kB)
Downloading torch-2.14.1-cp311-cp311-manylinux_2_28_x86_64.whl (899.8 MB)
Progress 0 of 899800000
Progress 312000000 of 899800000
Using cached numpy-2.3.5-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl (16.9 MB)
Installing collected packages: numpy, torch
"""


def test_the_progress_of_pip_is_told_in_its_phases() -> None:
    said = PipOutput()
    shown = [f"{said.headline}; {said.detail}" for line in TRANSCRIPT.splitlines(keepends=True) if said.read(line)]
    assert shown == [
        "looking up what is needed; 1 so far: torch",
        "looking up what is needed; 2 so far: numpy",
        "downloading 1 of 2: torch (899.8 MB); ",
        "downloading 1 of 2: torch (899.8 MB); 0 of 900 MB",
        "downloading 1 of 2: torch (899.8 MB); 312 of 900 MB",
        "downloading 2 of 2: numpy (16.9 MB); ",
        "unpacking 2 packages; ",
    ]
