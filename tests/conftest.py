"""What every test stands on: no setting of this machine, no network, the same Hypothesis examples for everybody."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]

# Before anything imports these packages: they read the variables once, and would otherwise look at the network.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"

# Examples are drawn from a fixed seed, so that a failure is everybody's failure; no deadline, as machines differ.
settings.register_profile("studio", deadline=None, derandomize=True)
settings.load_profile("studio")


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_this_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Own settings, models and pictures of whoever runs the tests are neither read nor touched."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("LATENT_STUDIO_")]:
            patch.delenv(name)
        for variable, folder in [("HOME", ""), ("XDG_CONFIG_HOME", ".config"), ("XDG_DATA_HOME", ".local/share")]:
            (home / folder).mkdir(parents=True, exist_ok=True)
            patch.setenv(variable, str(home / folder))
        patch.setenv("LATENT_STUDIO_SETTINGS", str(home / "settings.json"))
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests get the marker of their folder: `-m "not browser"` leaves tests/browser out.

    Those of the browser come last: Playwright leaves an event loop running in this thread, beside which asyncio.run,
    which other tests call, is forbidden.
    """
    for item in items:
        folder = Path(item.fspath).parent.relative_to(ROOT / "tests").parts
        for marker in ("browser", "golden"):
            if marker in folder:
                item.add_marker(marker)
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
