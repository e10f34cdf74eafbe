"""The documents name what exists: their links lead to files, and their commands are understood."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from app.cli import parse

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMAND = re.compile(r"^(?:\$ )?python3? launch\.py ?(.*)$", re.MULTILINE)


def links_of(text: str) -> list[str]:
    """Targets of the links and pictures of a Markdown text that are files of the repository."""
    targets = re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", text)
    return [target for target in targets if "://" not in target]


def commands_of(text: str) -> list[str]:
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [command for block in blocks for command in COMMAND.findall(block)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files(document: Path) -> None:
    links = links_of(document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_commands_in_documents_are_understood_by_the_command_line() -> None:
    commands = [command for document in DOCUMENTS for command in commands_of(document.read_text(encoding="utf-8"))]
    assert {"", "test"} <= set(commands)  # the two of the README that do everything
    for command in commands:
        parse(shlex.split(command))  # raises UserError, with what is wrong, for one that is not


def test_recipes_in_documents_exist() -> None:
    text = "\n".join(document.read_text(encoding="utf-8") for document in DOCUMENTS)
    recipes = set(re.findall(r"presets/training/[\w.-]+\.yaml", text))
    assert recipes
    assert [recipe for recipe in sorted(recipes) if not (ROOT / recipe).is_file()] == []


def test_a_dead_link_and_a_command_in_a_block_are_seen() -> None:
    text = "[a](gone.md#part) [b](https://example.org)\n```\npython launch.py txt2img --nonsense\n```\n"
    assert links_of(text) == ["gone.md"]
    assert commands_of(text) == ["txt2img --nonsense"]
