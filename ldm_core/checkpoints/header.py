"""What a safetensors file says of itself, read without torch and without touching its weights.

Format: 8 bytes little-endian length n, n bytes of JSON {key: {dtype, shape, data_offsets}, "__metadata__": {str: str}},
then the data of the tensors one after the other (https://huggingface.co/docs/safetensors, "Format").
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ldm_core.errors import UserError

OURS = "latent_studio"  # key of the metadata under which files of this project describe themselves
FORMAT = 1
LONGEST_HEADER = 100_000_000  # bytes, the format's own limit

_BYTES = {"BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2}
_BYTES |= {"I32": 4, "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8}


@dataclass(frozen=True)
class Header:
    """shapes: of every tensor. metadata: as in the file. ours: what a file of this project says of itself, else {}."""

    path: Path
    shapes: Mapping[str, tuple[int, ...]]
    metadata: Mapping[str, str]
    ours: Mapping[str, Any] = field(default_factory=dict)


def read_header(path: Path) -> Header:
    """The header of a safetensors file, checked against the file's length.

    Raises UserError (one sentence) for a file that cannot be opened, is cut off, or is not of the format.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            text = stream.read(length) if size >= 8 and length <= min(size - 8, LONGEST_HEADER) else None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from error
    if text is None:
        raise UserError(f"{path.name} is not a safetensors file, or its beginning is damaged.")
    try:
        content = json.loads(text)
        metadata = content.pop("__metadata__", {})
        shapes = {key: tuple(int(side) for side in entry["shape"]) for key, entry in content.items()}
        end = _end_of_data(content, shapes)
        ours = json.loads(metadata[OURS]) if OURS in metadata else {}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"{path.name} is damaged: its header cannot be understood.") from error
    expected = 8 + length + end
    if size < expected:
        raise UserError(f"{path.name} is cut off: it has {size} bytes of {expected}.", "Fetch or copy it again.")
    if size > expected:
        raise UserError(f"{path.name} is damaged: it has {size} bytes, but its header describes {expected}.")
    if not isinstance(ours, dict) or ours.get("format", FORMAT) != FORMAT:
        raise UserError(f"{path.name} was written by a newer version of this program, or its header is damaged.")
    return Header(path, shapes, metadata, ours)


def _end_of_data(content: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> int:
    """Where the last tensor ends. Raises ValueError unless they fill the data without a gap or an overlap."""
    position = 0
    for key in sorted(content, key=lambda key: content[key]["data_offsets"]):
        begin, end = content[key]["data_offsets"]
        if begin != position or end - begin != math.prod(shapes[key]) * _BYTES[content[key]["dtype"]]:
            raise ValueError(f"the bytes of {key} do not fit its shape")
        position = end
    return position
