"""Latents of rendered scenes on disk, each picture also mirrored, with its captions and the places of its things."""

import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ldm_core.nn.compact import FACTOR, CompactKL
from ldm_core.prompt.words import WordTokenizer
from ldm_core.scenes import mirror
from ldm_core.training.data import Scenes, thing_mask
from ldm_core.training.run import to_signed

BATCH = 50


class LatentSet:
    """latents: (M, C, s, s) float16, not normalised; ids: (M, captions, L) int16; things: (M, s, s) bool.

    M: twice the scenes; the second half is the first half mirrored. mean, std: (C, 1, 1) of the latents' channels.
    """

    def __init__(self, folder: Path) -> None:
        self.latents: NDArray[np.float16] = np.load(folder / "latents.npy", mmap_mode="r")
        self.ids: NDArray[np.int16] = np.load(folder / "ids.npy")
        self.things: NDArray[np.bool_] = np.load(folder / "things.npy", mmap_mode="r")
        statistics = json.loads((folder / "statistics.json").read_text())
        self.mean, self.std = (torch.tensor(statistics[key])[:, None, None] for key in ("mean", "std"))

    def __len__(self) -> int:
        return len(self.latents)

    def batch(self, rows: NDArray[np.int64], captions: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
        """Normalised latents (B, C, s, s), caption ids (B, L) and places of things (B, 1, s, s) of the given rows."""
        z = torch.from_numpy(self.latents[rows].astype(np.float32))
        ids = torch.from_numpy(self.ids[rows, captions].astype(np.int64))
        return (z - self.mean) / self.std, ids, torch.from_numpy(self.things[rows])[:, None]


@torch.no_grad()
def encoded(
    folder: Path, scenes: Scenes, network: CompactKL, tokenizer: WordTokenizer, device: torch.device
) -> LatentSet:
    """The set in `folder`, encoded now if it is not there."""
    if (folder / "statistics.json").exists():
        return LatentSet(folder)
    folder.mkdir(parents=True, exist_ok=True)
    count, side = len(scenes), scenes.pictures.shape[1] // FACTOR
    shape = (2 * count, network.embed_dim, side, side)
    latents = np.lib.format.open_memmap(folder / "latents.npy", "w+", np.float16, shape)
    things = np.zeros((2 * count, side, side), bool)
    network = network.to(device).eval()
    for low in range(0, count, BATCH):
        pictures = to_signed(torch.from_numpy(np.array(scenes.pictures[low : low + BATCH]))).to(device)
        with torch.autocast(device.type, torch.bfloat16):
            for offset, x in ((0, pictures), (count, pictures.flip(-1))):
                latents[offset + low : offset + low + len(x)] = network.encode(x).mean.float().cpu().numpy()
        if low % 5_000 == 0:
            print(f"encoded {low} of {count} scenes", flush=True)
    captions = len(scenes.facts[0]["captions"])
    ids = np.zeros((2 * count, captions, tokenizer.length), np.int16)
    for row, facts in enumerate(scenes.facts):
        things[row] = thing_mask(facts["boxes"], side)
        things[count + row] = things[row][:, ::-1]
        for k, text in enumerate(facts["captions"]):
            ids[row, k], ids[count + row, k] = tokenizer.encode(text), tokenizer.encode(mirror(text))
    latents.flush()
    np.save(folder / "ids.npy", ids)
    np.save(folder / "things.npy", things)
    sample = np.asarray(latents[:: max(1, 2 * count // 4000)], np.float32)
    statistics = {"mean": sample.mean((0, 2, 3)).tolist(), "std": sample.std((0, 2, 3)).tolist()}
    (folder / "statistics.json").write_text(json.dumps(statistics))  # last: it says that the set is complete
    return LatentSet(folder)
