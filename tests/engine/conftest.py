from __future__ import annotations

from pathlib import Path

import pytest

from ldm_core.engine import Engine
from tests.tiny_model import write_tiny_models


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The diffusion file of a tiny model; its first stage lies beside it. Not to be changed."""
    return write_tiny_models(tmp_path_factory.mktemp("tiny"))[1]


@pytest.fixture(scope="session")
def shared_engine(tiny: Path) -> Engine:
    """One engine for all tests that leave it as it is; no latents are kept."""
    engine = Engine(lambda name: tiny, device="cpu")
    engine.warm()
    return engine
