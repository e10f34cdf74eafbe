"""How long until the page answers: Latent Studio against an empty Gradio application.

    .venv/bin/python -m benchmarks.startup [--runs 5] [--limit 1.2]

Fresh processes, in turns (which of the two begins alternates); the time runs from the start of the process to the
first GET / that is answered with 200 and Gradio's page. Latent Studio is started as a user does: launch.py, by the
Python that made the environment, which must be in place; so what is measured is every start but the first. One
unmeasured round before fills the file cache.
Exit code 1 if the median ratio is above the limit.
"""

from __future__ import annotations

import argparse
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import machine, paired, spread

ROOT = Path(__file__).resolve().parents[1]
EMPTY_APP = """
import sys, gradio
with gradio.Blocks() as page:
    pass
page.launch(server_port=int(sys.argv[1]), quiet=True)
"""
PATIENCE = 180  # seconds until a start counts as failed


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


def page_answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", "/")
        response = connection.getresponse()
        return response.status == 200 and b"gradio" in response.read()
    except (ConnectionError, http.client.HTTPException):
        return False  # not listening yet
    finally:
        connection.close()


def time_to_page(command: list[str], port: int, environment: dict[str, str], log: Path) -> float:
    """Seconds from starting the process until its page answers; the process and its children are ended afterwards."""
    with log.open("w") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            while not page_answers(port):
                if process.poll() is not None or time.perf_counter() - start > PATIENCE:
                    raise SystemExit(f"{' '.join(command)} did not answer:\n{log.read_text()[-2000:]}")
                time.sleep(0.02)
            return time.perf_counter() - start
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description="time to the first page, against an empty Gradio application")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--limit", type=float, default=1.2, help="largest ratio that passes")
    options = parser.parse_args()
    if not (ROOT / ".venv" / "installed.json").exists():
        raise SystemExit("The environment is not there yet: python launch.py setup")
    # Where this runs in a virtual environment: the Python outside of it, with which a user starts launch.py.
    outer = getattr(sys, "_base_executable", sys.executable)
    print(machine("gradio", "torch"))

    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1", "HOME": folder}

        def studio() -> float:
            port = free_port()
            command = [outer, "launch.py", "--port", str(port), "--no-browser", "--outputs", folder]
            return time_to_page(command, port, environment, Path(folder) / "studio.log")

        def empty() -> float:
            port = free_port()
            command = [sys.executable, "-c", EMPTY_APP, str(port)]
            return time_to_page(command, port, environment, Path(folder) / "empty.log")

        studio(), empty()
        ours: list[float] = []
        peers: list[float] = []
        for run in range(options.runs):
            if run % 2:
                peers.append(empty())
                ours.append(studio())
            else:
                ours.append(studio())
                peers.append(empty())
            print(f"  run {run + 1}: Latent Studio {ours[-1]:.2f} s, empty Gradio {peers[-1]:.2f} s", flush=True)

    ratio, of_medians = paired(ours, peers)
    print(f"Latent Studio: {spread(ours)}\nempty Gradio:  {spread(peers)}")
    print(f"ratio: median of pairs {ratio:.2f}, of medians {of_medians:.2f} (limit {options.limit:.2f})")
    return 0 if ratio <= options.limit else 1


if __name__ == "__main__":
    sys.exit(main())
