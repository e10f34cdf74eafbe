"""One typed settings object: defaults < settings.json < environment < flags.

The file is `settings.json` beside launch.py, or where LATENT_STUDIO_SETTINGS says; the environment has one variable
for each field, LATENT_STUDIO_PORT and so on. All three name a field as it is named here.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ldm_core.errors import UserError, quoted
from ldm_core.limits import Limits

ROOT = Path(__file__).resolve().parents[1]
PREFIX = "LATENT_STUDIO_"
DEVICES = ("auto", "cpu", "cuda", "mps")
DTYPES = ("auto", "float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Settings:
    """Everything that a person can set about the application, as opposed to about one picture.

    port: 0 takes any free one. auth: "USER:PASS", or "" for none. models: own checkpoints. outputs: finished pictures.
    browser: open one when the server is ready.
    """

    host: str = "127.0.0.1"
    port: int = 7860
    share: bool = False
    auth: str = ""
    device: str = "auto"
    dtype: str = "auto"
    models: Path = ROOT / "models"
    outputs: Path = ROOT / "outputs"
    browser: bool = True
    limits: Limits = field(default_factory=Limits)

    @property
    def data(self) -> Path:
        """What the application keeps for itself, with the pictures: the queue, and latents waiting to be decoded."""
        return self.outputs / ".studio"


def load(flags: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings that hold for this start. A flag that is None was not given.

    Raises UserError, naming where the wrong value stands.
    """
    env = os.environ if environment is None else environment
    file = Path(env.get(f"{PREFIX}SETTINGS", ROOT / "settings.json"))
    settings = _apply(Settings(), _read(file), f"{file}: ")
    known = {f"{PREFIX}{f.name.upper()}": f.name for f in fields(Settings) if f.name != "limits"}
    for variable, name in known.items():
        if variable in env:
            settings = _apply(settings, {name: env[variable]}, f"{variable}: ")
    settings = _apply(settings, {name: value for name, value in (flags or {}).items() if value is not None}, "--")
    if settings.share and not settings.auth:
        raise UserError("--share puts this machine on the internet, so it needs a password: add --auth USER:PASS.")
    return settings


def _read(file: Path) -> dict[str, Any]:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UserError(f"The settings file {file} cannot be read: {error}.") from error
    if not isinstance(data, dict):
        raise UserError(f"The settings file {file} must hold one JSON object.")
    return data


def _apply(settings: Settings, values: Mapping[str, Any], where: str) -> Settings:
    changes: dict[str, Any] = {}
    for name, value in values.items():
        if name == "limits":
            changes[name] = _limits(settings.limits, value, where)
        elif name in {f.name for f in fields(Settings)}:
            changes[name] = _value(name, value, where)
        else:
            raise UserError(f"{where}{name} is no setting; known: {', '.join(f.name for f in fields(Settings))}.")
    return replace(settings, **changes)


def _limits(limits: Limits, value: Any, where: str) -> Limits:
    known = {f.name for f in fields(Limits)}
    if not isinstance(value, dict) or not set(value) <= set(known):
        raise UserError(f"{where}limits must be an object with some of: {', '.join(sorted(known))}.")
    for name, number in value.items():
        if isinstance(number, bool) or not isinstance(number, int | float) or not number > 0:
            raise UserError(f"{where}limits.{name} must be a number above 0, not {quoted(number)}.")
    numbers: dict[str, Any] = {name: type(getattr(limits, name))(number) for name, number in value.items()}
    return replace(limits, **numbers)


def _value(name: str, value: Any, where: str) -> Any:
    """`value` as the type of the field `name`; text from the environment and from flags is converted."""
    if name == "port":
        return _port(value, where)
    if name in ("share", "browser"):
        return _switch(name, value, where)
    if not isinstance(value, str | Path) or "\0" in str(value) or not (str(value) or name == "auth"):
        raise UserError(f"{where}{name} must be text, not {quoted(value)}.")
    if name in ("models", "outputs"):
        # Made absolute now: the meaning must not change with the working directory.
        return Path(os.path.abspath(Path(value).expanduser()))
    choices = {"device": DEVICES, "dtype": DTYPES}.get(name)
    if choices and value not in choices:
        raise UserError(f"{where}{name} must be one of {', '.join(choices)}, not {quoted(value)}.")
    if name == "auth" and value and not all(str(value).partition(":")[::2]):
        raise UserError(f"{where}auth must be USER:PASS, with a colon between the two.")
    return str(value)


def _port(value: Any, where: str) -> int:
    try:
        port = int(value) if isinstance(value, str) or type(value) is int else -1
    except ValueError:
        port = -1
    if not 0 <= port <= 65535:
        raise UserError(f"{where}port must be a whole number from 0 to 65535, not {quoted(value)}.")
    return port


def _switch(name: str, value: Any, where: str) -> bool:
    text = str(value).lower()
    if text in ("true", "1", "yes", "on"):
        return True
    if text in ("false", "0", "no", "off"):
        return False
    raise UserError(f"{where}{name} must be true or false, not {quoted(value)}.")
