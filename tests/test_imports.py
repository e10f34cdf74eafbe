"""The import rule: who may know whom (docs/architecture.md), and what stands without torch.

The first page and the command line's refusals must not wait for torch (four to six seconds), so everything on the way
to them is imported here in a fresh interpreter in which torch cannot be imported at all.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("ldm_core", "app", "ui")

# Rooms from the ground up. A module imports its own room and rooms that are not above it; rooms form no cycle.
RANK = {
    # words that everybody speaks: errors, limits, events, model specification
    "ldm_core.errors": 0,
    "ldm_core.limits": 0,
    "ldm_core.events": 0,
    "ldm_core.spec": 0,
    "ldm_core.scenes": 0,
    "ldm_core.nn": 1,
    "ldm_core.memory": 1,
    "ldm_core.diffusion": 2,
    "ldm_core.checkpoints": 2,
    "ldm_core.prompt": 2,
    "ldm_core.preview": 3,
    "ldm_core.model": 3,
    "ldm_core.tasks": 4,
    "ldm_core.engine": 5,
    "ldm_core.training": 5,
    "ldm_core": 6,
    "app": 7,
    "ui": 8,
}

# Outside packages that each package may name. More are installed along with these; we lean on none of them.
OUTSIDE = {
    "ldm_core": {"torch", "numpy", "safetensors", "PIL", "cv2"},
    "app": {"numpy", "PIL", "cv2", "fastapi", "starlette", "uvicorn"},
    "ui": {"numpy", "PIL", "gradio", "fastapi", "starlette", "uvicorn"},
}

# Parts of ldm_core that need torch when they are imported; all the rest, app and ui do without.
NEED_TORCH = (
    "ldm_core.nn",
    "ldm_core.training",
    "ldm_core.diffusion.denoiser",
    "ldm_core.diffusion.guidance",
    "ldm_core.diffusion.noise",
    "ldm_core.checkpoints.read",
    "ldm_core.engine",
    "ldm_core.memory",
    "ldm_core.model",
    "ldm_core.preview",
)


class Import(NamedTuple):
    """One import statement: the module that has it, its line, and the module that it names."""

    source: str
    line: int
    target: str


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def python_files(*packages: str) -> Iterator[Path]:
    for package in packages:
        yield from sorted((ROOT / package).rglob("*.py"))


def imports_of(source: str, name: str, is_package: bool) -> Iterator[Import]:
    """Every import in a module's text: at the top, inside functions, and under TYPE_CHECKING.

    `from a import b` gives `a.b`, so that importing a module from its package names the module.
    """
    package = name if is_package else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(name, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                base = ".".join([*parents[: len(parents) - node.level + 1], *([base] if base else [])])
            for alias in node.names:
                yield Import(name, node.lineno, f"{base}.{alias.name}")


def all_imports() -> list[Import]:
    found: list[Import] = []
    for path in python_files(*PACKAGES):
        found += imports_of(path.read_text(encoding="utf-8"), module_name(path), path.name == "__init__.py")
    return found


def room(module: str) -> str | None:
    """The longest listed prefix of a dotted name, or None for a name from outside."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        if (prefix := ".".join(parts[:length])) in RANK:
            return prefix
    return None


def broken_rules(imports: Iterable[Import]) -> list[str]:
    """Imports that climb, or that name an outside package which the importer's package may not lean on."""
    broken = []
    for item in imports:
        source, target = room(item.source), room(item.target)
        where = f"{item.source}:{item.line} imports {item.target}"
        if source is None:
            broken.append(f"{where}: {item.source} has no room in tests/test_imports.py")
        elif target is not None:
            # `from ldm_core import Engine` from inside would go through the front door and round in a circle
            if RANK[target] > RANK[source]:
                broken.append(f"{where}: {target} is above {source}")
        else:
            top = item.target.split(".")[0]
            if top not in sys.stdlib_module_names and top not in OUTSIDE[item.source.split(".")[0]]:
                broken.append(f"{where}: {item.source.split('.')[0]} does without {top}")
    return broken


def cycle(imports: Iterable[Import]) -> list[str]:
    """Rooms of one circle of imports, or an empty list."""
    edges: dict[str, set[str]] = {}
    for item in imports:
        source, target = room(item.source), room(item.target)
        if source and target and source != target:
            edges.setdefault(source, set()).add(target)
    finished: set[str] = set()

    def visit(node: str, path: list[str]) -> list[str]:
        if node in path:
            return [*path[path.index(node) :], node]
        if node in finished:
            return []
        for following in sorted(edges.get(node, ())):
            if found := visit(following, [*path, node]):
                return found
        finished.add(node)
        return []

    for start in sorted(edges):
        if found := visit(start, []):
            return found
    return []


def test_imports_run_one_way_from_ui_to_app_to_ldm_core_and_from_tasks_to_networks() -> None:
    imports = all_imports()
    assert len(imports) > 100, "the walk over the packages found too little to mean anything"
    assert broken_rules(imports) == []


def test_rooms_import_each_other_in_no_circle() -> None:
    assert cycle(all_imports()) == []


@pytest.mark.parametrize(
    ("module", "text", "reason"),
    [
        ("ldm_core.nn.unet", "from ldm_core.diffusion.schedule import NoiseSchedule", "is above"),
        ("ldm_core.nn.unet", "from ..tasks import text_to_image", "is above"),
        ("ldm_core.prompt.words", "from ldm_core import load_model", "is above"),
        ("ldm_core.engine", "def f():\n    import app.settings", "is above"),
        ("app.cli", "if TYPE_CHECKING:\n    from ui.page import build_page", "is above"),
        ("ldm_core.engine", "import fastapi", "does without fastapi"),
        ("app.jobs", "import torch", "does without torch"),
        ("app.rest.routes", "from gradio import Blocks", "does without gradio"),
    ],
)
def test_the_rule_catches_a_wrong_import(module: str, text: str, reason: str) -> None:
    assert reason in broken_rules(imports_of(text, module, is_package=False))[0]


def test_the_rule_catches_a_circle_between_neighbours() -> None:
    there = Import("ldm_core.diffusion.schedule", 1, "ldm_core.checkpoints.families")
    back = Import("ldm_core.checkpoints.families", 1, "ldm_core.diffusion.schedule")
    assert cycle([there]) == []
    assert set(cycle([there, back])) == {"ldm_core.diffusion", "ldm_core.checkpoints"}


def test_launch_needs_nothing_but_the_standard_library_until_the_environment_exists() -> None:
    tree = ast.parse((ROOT / "launch.py").read_text(encoding="utf-8"))
    at_top = ast.Module([node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)], [])
    named = [item.target for item in imports_of(ast.unparse(at_top), "launch", is_package=False)]
    assert named
    assert [name for name in named if name.split(".")[0] not in sys.stdlib_module_names] == []


def import_without(blocked: tuple[str, ...], modules: list[str]) -> dict[str, str]:
    """Import modules in a fresh interpreter where the blocked packages cannot be imported; module -> error."""
    code = (
        "import importlib, json, sys\n"
        "blocked, modules = json.loads(sys.argv[1])\n"
        "sys.modules.update(dict.fromkeys(blocked))\n"  # None in sys.modules makes an import of that name fail
        "errors = {}\n"
        "for name in modules:\n"
        "    try:\n"
        "        importlib.import_module(name)\n"
        "    except ImportError as error:\n"
        "        errors[name] = str(error)\n"
        "print(json.dumps(errors))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, json.dumps([blocked, modules])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    errors: dict[str, str] = json.loads(result.stdout.splitlines()[-1])
    return errors


def needs_torch(module: str) -> bool:
    return any(module == name or module.startswith(name + ".") for name in NEED_TORCH)


def test_requests_registries_and_the_whole_app_import_without_torch_and_gradio() -> None:
    modules = [name for path in python_files("ldm_core", "app") if not needs_torch(name := module_name(path))]
    modules = [name for name in modules if not name.endswith("__main__")]
    assert {"ldm_core", "ldm_core.tasks.text_to_image", "ldm_core.diffusion.schedule", "app.cli"} <= set(modules)
    assert import_without(("torch", "gradio"), modules) == {}


def test_the_page_imports_without_torch() -> None:
    modules = [module_name(path) for path in python_files("ui")]
    assert "ui.page" in modules
    assert import_without(("torch",), modules) == {}


def test_a_blocked_package_is_noticed() -> None:
    assert "ldm_core.nn.layers" in import_without(("torch",), ["ldm_core.nn.layers", "ldm_core.errors"])
