"""A1111's infotext: the text under `parameters` that most programs write into a picture and read from it.

PROMPT, any number of lines
Negative prompt: any number of lines, absent if empty
Steps: 20, Sampler: DDIM, Size: 256x256, Quoted: "a, b: c"
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

# One item of the last line: the expression that A1111 reads with, so that it and we see the same.
_ITEM = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
_SIZE = re.compile(r"^(\d+)x(\d+)$")
_NEGATIVE = "Negative prompt:"
FEWEST_ITEMS = 3  # a last line with fewer of them is part of the prompt


@dataclass(frozen=True)
class Infotext:
    """What such a text says. items: of the last line, in order, unquoted; WxH stands there as `Size-1` and `Size-2`."""

    prompt: str
    negative_prompt: str
    items: Mapping[str, str]


def write_infotext(prompt: str, negative_prompt: str, items: Mapping[str, object]) -> str:
    """The text for one picture; items that are None are left out.

    Raises ValueError for a key that no reader would find again: it must match `\\w[\\w \\-/]+`.
    """
    for key in items:
        if not re.fullmatch(r"\w[\w \-/]+", key):
            raise ValueError(f"{key!r} cannot be a key of an infotext.")
    last = ", ".join(f"{key}: {_quote(str(value))}" for key, value in items.items() if value is not None)
    negative = f"\n{_NEGATIVE} {negative_prompt}" if negative_prompt else ""
    return f"{prompt}{negative}\n{last}".strip()


def read_infotext(text: str) -> Infotext:
    """Read a text by A1111's rules, which lose spaces at the ends of lines. A text that has no items is a prompt."""
    *lines, last = text.strip().split("\n")
    found = _ITEM.findall(last)
    if len(found) < FEWEST_ITEMS:
        lines, found = [*lines, last], []
    prompts: dict[bool, list[str]] = {False: [], True: []}
    negative = False
    for line in lines:
        line = line.strip()
        if line.startswith(_NEGATIVE):
            negative, line = True, line[len(_NEGATIVE) :].strip()
        prompts[negative].append(line)
    items: dict[str, str] = {}
    for key, value in found:
        value = _unquote(value)
        if size := _SIZE.match(value):
            items[f"{key}-1"], items[f"{key}-2"] = size.groups()
        else:
            items[key] = value
    return Infotext("\n".join(prompts[False]), "\n".join(prompts[True]), items)


def _quote(value: str) -> str:
    # More than A1111 quotes (`,` `:` and line ends): without the rest a value would not come back as it was.
    plain = not re.search(r'[,:"\\\x00-\x1f\x85\u2028\u2029]', value) and value == value.strip()
    return value if plain else json.dumps(value, ensure_ascii=False)


def _unquote(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == '"':
        try:
            return str(json.loads(value))
        except ValueError:
            return value
    return value
