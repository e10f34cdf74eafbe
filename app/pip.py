"""pip, with its output condensed to one line of progress and its failures to one sentence. Standard library only."""

import hashlib
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from ldm_core.errors import UserError

HEARTBEAT = 15.0  # seconds between two lines where there is no terminal
NO_NETWORK = re.compile(
    r"Retrying \(Retry|NewConnectionError|name resolution|Name or service not known|Max retries|timed out|ProxyError|"
    r"Network is unreachable|Connection (?:refused|reset|broken)|IncompleteRead",
)
NO_SPACE = re.compile(r"No space left on device|Errno 28|Disk quota exceeded")
_NEW_ENOUGH, PIP = (24, 1), "pip>=24.1,<27"  # for --progress-bar raw
_DOWNLOADS = "download-"


class Ticker:
    """One line that says what goes on: written over on a terminal, in a pipe a new one now and then."""

    def __init__(self) -> None:
        self._live = sys.stdout.isatty()
        self._began = self._last = time.monotonic()
        self._headline = ""

    def show(self, headline: str, detail: str = "") -> None:
        """headline: a new one is always shown; detail: changes quickly, such as bytes."""
        now = time.monotonic()
        seconds = f"{now - self._began:.0f} s"
        text = f"  {headline}{', ' if detail else ''}{detail}"
        if self._live:
            print(f"\r\x1b[K{text} ({seconds})"[:110], end="", flush=True)
        elif headline != self._headline:
            print(text, flush=True)
            self._last = now
        elif now - self._last >= HEARTBEAT:
            print(f"{text} ({seconds})", flush=True)
            self._last = now
        self._headline = headline

    def clear(self) -> None:
        if self._live:
            print("\r\x1b[K", end="", flush=True)


class Output:
    """What a command has said so far, in a headline and a detail; `read` returns whether a line changes them."""

    def __init__(self, headline: str) -> None:
        self.headline, self.detail = headline, ""

    def read(self, line: str) -> bool:
        return False


class PipOutput(Output):
    """The phases of pip: look up, download, unpack."""

    def __init__(self) -> None:
        super().__init__("asking the package index")
        self.wanted: list[str] = []
        self.fetched = 0
        self._all_known = False

    def read(self, line: str) -> bool:
        if found := re.match(r"\s*(?:Collecting ([\w.\-]+)|Processing \S*/([\w.]+)-\d)", line):
            name = found[1] or found[2]
            if name not in self.wanted:
                self.wanted.append(name)
            self.headline, self.detail = "looking up what is needed", f"{len(self.wanted)} so far: {name}"
        elif found := re.match(
            r"\s*(?:Downloading|Using cached) (?:\S*/)?([\w.]+)-\d\S*\.(?:whl|tar\.gz|zip)(?: \((.+)\))?$", line
        ):
            self.fetched += 1
            size = f" ({found[2]})" if found[2] else ""
            # Some indexes make pip download while it still looks up; then nobody knows how many there will be.
            total = f" of {len(self.wanted)}" if len(self.wanted) > self.fetched or self._all_known else ""
            self._all_known = bool(total)
            self.headline, self.detail = f"downloading {self.fetched}{total}: {found[1]}{size}", ""
        elif found := re.match(r"\s*Progress (\d+) of (\d+)", line):
            if int(found[2]) < 5_000_000 or not self.headline.startswith("downloading"):
                return False
            self.detail = f"{int(found[1]) / 1e6:.0f} of {int(found[2]) / 1e6:.0f} MB"
        elif found := re.match(r"\s*Installing collected packages: (.+)", line):
            self.headline, self.detail = f"unpacking {len(found[1].split(','))} packages", ""
        else:
            return False
        return True


def follow(command: list[str], said: Output, env: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run a command and show what it does, with a sign of life every second; its exit code and all that it said."""
    env = {**(env or os.environ), "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env)
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def listen() -> None:
        assert process.stdout is not None
        for raw in process.stdout:
            lines.put(raw.decode("utf-8", errors="replace"))
        lines.put(None)

    threading.Thread(target=listen, daemon=True).start()
    ticker = Ticker()
    kept: list[str] = []
    try:
        while True:
            try:
                line = lines.get(timeout=1.0)
            except queue.Empty:
                ticker.show(said.headline, said.detail)
                continue
            if line is None:
                return process.wait(), "".join(kept)
            if not line.startswith("Progress "):
                kept.append(line)
            if said.read(line):
                ticker.show(said.headline, said.detail)
    finally:
        ticker.clear()
        if process.poll() is None:
            process.terminate()
            process.wait()


class Pip:
    """The pip of one environment. log: gets all that it says."""

    def __init__(self, python: Path, log: Path) -> None:
        self.python = python
        self.log = log

    def works(self) -> bool:
        """Whether it is there and whole."""
        return self._version() > (0,)

    def update(self) -> None:
        """Have a pip that reports bytes. If that cannot be, the installation goes on with the old one."""
        if (0,) < self._version() < _NEW_ENOUGH:
            options = [
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-input",
                "--retries",
                "1",
                "--upgrade",
                PIP,
            ]
            follow([str(self.python), "-m", "pip", *options], Output("updating pip"))

    def install(self, requirements: Path) -> None:
        """Install a requirements file; returns when it is all there. Raises UserError with the one thing to change."""
        bar = "raw" if self._version() >= _NEW_ENOUGH else "off"
        options = ["--disable-pip-version-check", "--no-input", "--progress-bar", bar, "-r", str(requirements)]
        # Gigabytes of downloads: they go where the room was checked, as /tmp is often a small disk in memory.
        for left in self.log.parent.glob(f"{_DOWNLOADS}*"):  # by an installation that was killed
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=self.log.parent, prefix=_DOWNLOADS) as room:
            command = [str(self.python), "-m", "pip", "install", *options]
            code, output = follow(command, PipOutput(), {**os.environ, "TMPDIR": room, "TEMP": room})
        with self.log.open("a", encoding="utf-8") as log:
            log.write(output)
        if code:
            raise self._sentence(output)

    def bootstrap(self) -> None:
        """Put pip into an environment without one: its wheel can install itself. Raises UserError."""
        index = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/")
        print("  fetching pip", flush=True)
        try:
            page = f"{index}/pip/"
            request = urllib.request.Request(page, headers={"Accept": "application/vnd.pypi.simple.v1+json"})
            with urllib.request.urlopen(request, timeout=30) as answer:
                files = json.load(answer)["files"]
            wheels = [f for f in files if f["filename"].endswith("-py3-none-any.whl") and not f.get("yanked")]
            stable = [f for f in wheels if re.fullmatch(r"pip-[\d.]+-py3-none-any\.whl", f["filename"])]
            newest = max(stable, key=lambda f: [int(part) for part in f["filename"].split("-")[1].split(".")])
            with urllib.request.urlopen(urllib.parse.urljoin(page, newest["url"]), timeout=60) as answer:
                wheel = answer.read()
        except (OSError, ValueError, KeyError) as error:
            hint = "Check the network, or on Debian and Ubuntu: apt install python3-venv"
            raise UserError(f"Python has no pip here, and {index} did not give it: {error}.", hint) from error
        if hashlib.sha256(wheel).hexdigest() != newest["hashes"]["sha256"]:
            raise UserError(f"The pip that {index} gave is damaged.", "Start again.")
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / newest["filename"]
            file.write_bytes(wheel)
            command = [str(self.python), f"{file}/pip", "install", "--quiet", "--no-index", "--no-input", str(file)]
            code, output = follow(command, Output("installing pip"))
        if code:
            raise self._sentence(output)

    def _version(self) -> tuple[int, ...]:
        try:
            command = [str(self.python), "-m", "pip", "--version"]
            answer = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
            return tuple(int(part) for part in re.findall(r"\d+", answer)[:2])
        except (OSError, subprocess.SubprocessError):
            return (0,)

    def _sentence(self, output: str) -> UserError:
        if NO_SPACE.search(output):
            return UserError(
                "The disk is full: the installation could not be finished.", "Free some space and start again."
            )
        if NO_NETWORK.search(output):
            hint = "Check the network connection and start again: what has been downloaded is kept."
            return UserError("The package index cannot be reached.", hint)
        if found := re.search(r"No matching distribution found for (\S+)", output):
            version = ".".join(map(str, sys.version_info[:2]))
            return UserError(f"The package index has no {found[1]} for Python {version} on this system.")
        errors = [line for line in output.splitlines() if line.startswith("ERROR")]
        reason = (errors or output.splitlines() or ["pip gave no reason"])[-1].removeprefix("ERROR: ")
        return UserError(f"The installation failed: {reason}", f"All that pip said is in {self.log}.")
