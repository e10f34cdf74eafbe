"""Settings: the order in which they win, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.settings import ROOT, Settings, load
from ldm_core.errors import UserError


def file_with(tmp_path: Path, content: object) -> dict[str, str]:
    file = tmp_path / "settings.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return {"LATENT_STUDIO_SETTINGS": str(file)}


def test_without_anything_the_page_is_for_this_machine_alone() -> None:
    settings = load({}, {"LATENT_STUDIO_SETTINGS": "/nowhere"})
    assert (settings.host, settings.port, settings.share, settings.auth) == ("127.0.0.1", 7860, False, "")
    assert settings.outputs == ROOT / "outputs"


def test_flags_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = file_with(tmp_path, {"port": 1, "host": "file", "device": "cpu"})
    settings = load({"port": 3}, {**file, "LATENT_STUDIO_PORT": "2", "LATENT_STUDIO_HOST": "environment"})
    assert (settings.port, settings.host, settings.device) == (3, "environment", "cpu")


def test_a_flag_that_was_not_given_changes_nothing() -> None:
    assert load({"port": None, "host": None}, {}).port == Settings().port


def test_limits_are_settings_and_keep_their_types(tmp_path: Path) -> None:
    limits = load({}, file_with(tmp_path, {"limits": {"max_steps": 50.0, "max_cfg_scale": 30}})).limits
    assert (limits.max_steps, limits.max_cfg_scale, limits.max_side) == (50, 30.0, 8192)
    assert isinstance(limits.max_steps, int)


def test_folders_become_absolute_so_that_a_later_chdir_does_not_move_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load({"outputs": "pictures"}, {}).outputs == tmp_path / "pictures"


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        ({"port": "http"}, "port"),
        ({"port": 70000}, "70000"),
        ({"device": "tpu"}, "tpu"),
        ({"dtype": "int8"}, "int8"),
        ({"auth": "nocolon"}, "auth"),
        ({"auth": ":secret"}, "auth"),
        ({"outputs": ""}, "outputs"),
        ({"share": True}, "--auth"),
    ],
)
def test_a_wrong_flag_is_named_in_the_refusal(flags: dict[str, object], named: str) -> None:
    with pytest.raises(UserError, match=named):
        load(flags, {})


def test_share_is_fine_with_a_password() -> None:
    assert load({"share": True, "auth": "me:secret"}, {}).share


@pytest.mark.parametrize(
    "content", ["{", "[1]", {"prot": 1}, {"limits": {"max_stepps": 1}}, {"limits": {"max_steps": -1}}]
)
def test_a_wrong_settings_file_is_refused_with_its_name(tmp_path: Path, content: object) -> None:
    with pytest.raises(UserError, match=r"settings\.json"):
        load({}, file_with(tmp_path, content))


def test_a_wrong_variable_is_refused_with_its_name() -> None:
    with pytest.raises(UserError, match="LATENT_STUDIO_PORT"):
        load({}, {"LATENT_STUDIO_PORT": "many"})
