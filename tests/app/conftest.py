"""A shelf with a model that draws within milliseconds, and settings that touch nothing outside of the test's folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.settings import Settings
from tests.tiny_model import write_tiny_models


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a first stage and a text model."""
    folder = tmp_path_factory.mktemp("models")
    write_tiny_models(folder)
    return folder


@pytest.fixture
def settings(tmp_path: Path, tiny_models: Path) -> Settings:
    return Settings(models=tiny_models, outputs=tmp_path / "outputs", device="cpu")
