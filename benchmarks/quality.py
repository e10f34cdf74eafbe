"""How good the shipped models are: the first stage's PSNR and SSIM, and how much of what prompts ask for is drawn.

    .venv/bin/python -m benchmarks.quality [--prompts 200] [--scenes 500] [--json FILE] [--sheet FILE] [--skip PART ...]

Everything is measured on held-out scenes, whose seeds are never trained on. What a prompt asks for (things, their
colours, time, weather, season, scene) is read from its text; the judge (benchmarks.judge) says what the picture shows.
The judge errs: its own accuracy on renders, and its verdict on the real renders of the same prompts, are the ceiling;
what holds by chance, in the render of another prompt, is the floor.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.asked import Asked, asked, fullest
from benchmarks.judge import JUDGE, Judge, Seen, accuracy, load_judge, look
from benchmarks.report import machine
from ldm_core.events import Event, Failed, Picture
from ldm_core.scenes import HELD_OUT, render
from ldm_core.tasks.text_to_image import TextToImage

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "presets/models/scenes-text.safetensors"
PICTURE = 256  # px, of the scenes and of what is drawn
FIRST_PROMPT = HELD_OUT + 10_000
KINDS = ("object", "colour", "time", "weather", "season", "scene")
PARTS = ("first-stage", "judge", "text", "sheet")
Pixels = NDArray[np.uint8]

SHEET_PROMPTS = (
    "a red tent by a mountain lake at sunset",
    "a lighthouse on the beach at night under the moon",
    "three hot air balloons over a canyon at noon",
    "a castle in a village in autumn at dawn",
    "a pine forest in winter while it snows",
    "a white windmill in a meadow in spring on a sunny day",
    "two blue sailboats near islands at sunset",
    "a desert with three cacti at noon",
    "two orange tents in the arctic at night under northern lights",
    "a red cabin by a lake in winter at dawn",
    "palm trees on the beach at sunset",
    "a city skyline at dusk with a bridge and a yellow boat",
    "an igloo on the snow at night with stars",
    "a foggy autumn forest in the morning with a brown cabin in the middle",
    "four sheep in a meadow in summer under a blue sky",
    "a church in a small village in winter at dusk",
    "a purple balloon over a mountain lake in the early morning",
    "a campfire in the woods at night",
    "a green umbrella and a white sailboat on the beach at noon",
    "rainy skyscrapers by a river in the evening",
    "a pink tree on a green hill in spring with clouds",
    "red cliffs at sunrise with many birds",
    "a yellow house near a rocky coast in thick fog",
    "midnight over sand dunes with a full moon",
)


class Draws(Protocol):
    """The part of ldm_core.Engine that is needed here."""

    def run(self, request: TextToImage, *, previews: bool = True) -> Iterable[Event]: ...


@dataclass(frozen=True)
class Tally:
    """How many of the things asked for hold, of one kind."""

    holds: int
    asked: int

    @property
    def share(self) -> float:
        """0..1; not a number where nothing was asked."""
        return self.holds / self.asked if self.asked else float("nan")

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.holds + other.holds, self.asked + other.asked)


def holds(item: tuple[str, str, str], seen: Seen) -> bool:
    """Whether one thing asked for, an entry of Asked.items(), is seen. A colour holds only on a thing that is there."""
    kind, thing, value = item
    if kind == "object":
        return thing in seen.things
    if kind == "colour":
        return seen.things.get(thing) == value
    return seen.heads[kind] == value


def tally(wishes: Sequence[Asked], sights: Sequence[Seen]) -> dict[str, Tally]:
    """For each of KINDS and for "total", how many of the things asked for in each prompt hold in its picture."""
    counts = dict.fromkeys(KINDS, Tally(0, 0))
    for wish, seen in zip(wishes, sights, strict=True):
        for item in wish.items():
            counts[item[0]] += Tally(int(holds(item, seen)), 1)
    return {**counts, "total": sum(counts.values(), Tally(0, 0))}


def missed_things(wishes: Sequence[Asked], sights: Sequence[Seen]) -> dict[str, Tally]:
    """For each kind of thing that was asked for, how often it is there; the most often missed first."""
    wanted = Counter(thing.name for wish in wishes for thing in wish.things)
    there = Counter(
        t.name for wish, seen in zip(wishes, sights, strict=True) for t in wish.things if t.name in seen.things
    )
    return dict(sorted(((k, Tally(there[k], n)) for k, n in wanted.items()), key=lambda entry: entry[1].share))


def draw(engine: Draws, model: str, prompts: Sequence[str], first_seed: int = 0) -> list[Pixels]:
    """One picture of each prompt at the model's defaults, prompt i with seed first_seed + i."""
    pictures: list[Pixels] = []
    start = time.perf_counter()
    for i, prompt in enumerate(prompts):
        request = TextToImage(prompt=prompt, model=model, seed=first_seed + i, width=PICTURE, height=PICTURE)
        for event in engine.run(request, previews=False):
            if isinstance(event, Failed):
                raise SystemExit(f"'{prompt}' could not be drawn: {event.error}")
            if isinstance(event, Picture):
                pictures.append(event.image)
        if (i + 1) % 25 == 0:
            print(f"  drew {i + 1} of {len(prompts)}, {(time.perf_counter() - start) / (i + 1):.2f} s each", flush=True)
    return pictures


def measure_first_stage(pictures: Pixels, decoded: Pixels) -> dict[str, float]:
    """Mean PSNR (dB) and SSIM of pictures (N, H, W, 3) that went through the first stage."""
    import torch

    from ldm_core.training.metrics import psnr, ssim
    from ldm_core.training.run import to_signed

    scores = []
    for i in range(0, len(pictures), 25):
        a, b = (to_signed(torch.from_numpy(np.array(x[i : i + 25]))) for x in (pictures, decoded))
        scores.append(torch.stack([psnr(a, b), ssim(a, b)]))
    mean = torch.cat(scores, 1).mean(1).tolist()
    return {"psnr": mean[0], "ssim": mean[1]}


def through(first_stage: Path, pictures: Pixels) -> Pixels:
    """Pictures (N, H, W, 3) encoded and decoded."""
    import torch

    from ldm_core.training.diffusion import load_first_stage
    from ldm_core.training.first_stage import reconstruct
    from ldm_core.training.run import to_bytes

    network = load_first_stage(first_stage)
    batches = (pictures[i : i + 50] for i in range(0, len(pictures), 50))
    out = [to_bytes(reconstruct(network, batch, torch.device("cpu"))) for batch in batches]
    return np.asarray(torch.cat(out).numpy(), np.uint8)


def measure_text(judge: Judge, engine: Draws, model: str, count: int) -> dict[str, Any]:
    """What holds of `count` held-out prompts: as drawn, in their real renders, and by chance in that of the next."""
    scenes = [render(FIRST_PROMPT + i, PICTURE) for i in range(count)]
    prompts = [fullest(scene.captions) for scene in scenes]
    wishes = [asked(prompt) for prompt in prompts]
    drawn = look(judge, draw(engine, model, prompts))
    real = look(judge, [scene.rgb for scene in scenes])
    return {
        "prompts": count,
        "drawn": tally(wishes, drawn),
        "real": tally(wishes, real),
        "chance": tally(wishes, real[1:] + real[:1]),
        "things": missed_things(wishes, drawn),
    }


def text_table(result: dict[str, Any]) -> str:
    """Rows of kinds: how many were asked; the shares that hold as drawn, in real renders, by chance; drawn / real."""
    names = {"object": "object present", "colour": "its colour"}
    lines = [f"{'':16}{'asked':>8}{'drawn':>9}{'real':>9}{'chance':>9}{'drawn/real':>12}"]
    for kind, drawn in result["drawn"].items():
        real, chance = result["real"][kind], result["chance"][kind]
        ratio = drawn.share / real.share if real.holds else float("nan")
        shares = f"{drawn.share:9.1%}{real.share:9.1%}{chance.share:9.1%}{ratio:12.1%}"
        lines.append(f"{names.get(kind, kind):16}{drawn.asked:8d}{shares}")
    return "\n".join(lines)


def judge_table(real: dict[str, float], decoded: dict[str, float] | None) -> str:
    """The judge's accuracy on renders, and on the same through the first stage."""
    lines = [f"{'':16}{'renders':>9}{'decoded':>9}"]
    for name, value in real.items():
        lines.append(f"{name:16}{value:9.1%}" + (f"{decoded[name]:9.1%}" if decoded else ""))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="quality of the shipped models on held-out scenes")
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--scenes", type=int, default=500, help="held-out scenes for the first stage and the judge")
    parser.add_argument("--skip", nargs="+", choices=PARTS, default=[])
    parser.add_argument("--json", type=Path, help="write all figures there, too")
    parser.add_argument("--sheet", type=Path, help="draw 24 fixed prompts into this PNG or JPEG")
    parser.add_argument("--work", type=Path, default=ROOT / "training", help="folder that keeps the rendered scenes")
    options = parser.parse_args()
    figures = run(options)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1, default=asdict) + "\n")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure and print what is not skipped."""
    from ldm_core import Engine
    from ldm_core.model import first_stage_of
    from ldm_core.training.data import rendered
    from ldm_core.training.export import sha256
    from ldm_core.training.sheets import save_sheet

    parts = [part for part in PARTS if part not in options.skip]
    judge, about = load_judge()
    first_stage = first_stage_of(options.model)
    files = {path.name: sha256(path) for path in (options.model, first_stage, JUDGE)}
    figures: dict[str, Any] = {"machine": machine("torch"), "date": date.today().isoformat(), "sha256": files}
    print(f"{figures['date']}; {figures['machine']}")
    print("\n".join(f"{name} sha256 {digest}" for name, digest in files.items()))

    if "first-stage" in parts or "judge" in parts:
        scenes = rendered(options.work / "data", options.scenes, PICTURE, held_out=True)
        decoded = through(first_stage, scenes.pictures)
        if "first-stage" in parts:
            figures["first_stage"] = scores = measure_first_stage(scenes.pictures, decoded)
            print(f"\nFirst stage, {options.scenes} held-out scenes at {PICTURE} px:")
            print(f"PSNR {scores['psnr']:.2f} dB, SSIM {scores['ssim']:.4f}")
        if "judge" in parts:
            real, soft = (accuracy(judge, list(p), scenes.facts) for p in (scenes.pictures, decoded))
            figures["judge"] = {"renders": real, "decoded": soft, "training": about}
            print(f"\nThe judge itself, on {options.scenes} held-out renders and the same through the first stage:")
            print(judge_table(real, soft))
    engine = Engine(lambda name: options.model)
    if "text" in parts:
        figures["text"] = result = measure_text(judge, engine, options.model.stem, options.prompts)
        print(f"\nText to image, {options.prompts} held-out prompts, share of what they ask for that is seen:")
        print(text_table(result))
        worst = [f"{name} {t.holds}/{t.asked}" for name, t in list(result["things"].items())[:6]]
        print("most often missed: " + ", ".join(worst))
    if "sheet" in parts and options.sheet:
        save_sheet(options.sheet, np.stack(draw(engine, options.model.stem, SHEET_PROMPTS, first_seed=1)), 6)
        print(f"\nwrote {options.sheet}")
    return figures


if __name__ == "__main__":
    main()
