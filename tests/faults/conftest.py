"""The same shelf and settings as in tests/app."""

from tests.app.conftest import settings, tiny_models

__all__ = ["settings", "tiny_models"]
