"""Train the judge, measure it on held-out renders and write presets/judge/judge.safetensors.

    .venv/bin/python -m benchmarks.judge_training [--pictures 6000] [--samples 16000] [--decoded 0]

Rendering takes about three minutes of one core, training five. An interrupted training goes on where it stopped, and a
finished one when --samples is raised. Half of all pictures are softened; with --decoded N, N of them have also passed
through the trained first stage, half of those with noise in their latents.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

from benchmarks.judge import HEADS, JUDGE, THINGS, Judge, Verdict, accuracy, presence, verdicts
from benchmarks.judge_data import PICTURE, Renders, Targets, targets, through_first_stage, training_renders
from ldm_core.scenes import DATA_VERSION
from ldm_core.training.data import rendered
from ldm_core.training.diffusion import load_first_stage
from ldm_core.training.export import MODELS, sha256
from ldm_core.training.optimizer import optimizers, rate, set_rate, update_average
from ldm_core.training.run import Run, to_signed

VALIDATION = 500  # the last of the training pictures choose the thresholds
BATCH = 24
RATE = 2e-3


def softened(x: Tensor, noise: torch.Generator) -> Tensor:
    """Half of the pictures blurred (some at half the size), all with a little noise and a shift of brightness."""
    count = len(x)
    half = F.interpolate(F.avg_pool2d(x, 2), scale_factor=2.0, mode="bilinear")
    blurred = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    kind = torch.rand(count, 1, 1, 1, generator=noise)
    amount = torch.rand(count, 1, 1, 1, generator=noise)
    soft = torch.where(kind < 0.2, half, torch.where(kind < 0.5, blurred, x))
    x = x + amount * (soft - x)
    spread = 0.05 * torch.rand(count, 1, 1, 1, generator=noise)
    shift = 0.04 * torch.randn(count, 1, 1, 1, generator=noise)
    return x + shift + spread * torch.randn(x.shape, generator=noise)


def focal(logits: Tensor, target: Tensor) -> Tensor:
    """Focal loss of cells (Lin et al. 2017, gamma 2), a sum over the positives' mean; target -1 is not asked.

    Weighted so that each thing's positive cells count as much as those of every other thing in the batch.
    """
    p = logits.sigmoid()
    positive, negative = target == 1, target == 0
    per_thing = positive.sum((0, 2, 3)).clamp(min=1)
    present = (positive.sum((0, 2, 3)) > 0).float()
    hit = (-F.logsigmoid(logits) * (1 - p).square() * positive).sum((0, 2, 3)) / per_thing
    miss = (-F.logsigmoid(-logits) * p.square() * negative).sum((0, 2, 3)) / per_thing.float().mean()
    return (hit * present).sum() / present.sum().clamp(min=1) + miss.mean()


def loss_of(verdict: Verdict, target: Targets, weight: Tensor) -> Tensor:
    """Sum of the heads' losses. weight: (THINGS,), of a picture that shows the thing against one that does not."""
    loss = sum(
        (F.cross_entropy(verdict.heads[name].float(), target.heads[name], label_smoothing=0.02) for name in HEADS),
        start=torch.zeros(()),
    )
    things = verdict.things.float()
    loss = loss + 2 * focal(things, target.cells)
    loss = loss + 2 * F.binary_cross_entropy_with_logits(presence(things), target.there, pos_weight=weight)
    return loss + F.cross_entropy(verdict.colours.float(), target.colours.long(), ignore_index=-1)


def train(run: Run, pictures: NDArray[np.uint8], target: Targets, samples: int) -> Judge:
    """One pass after another over pictures (N, 128, 128, 3) in shuffled order; returns the averaged weights.

    Goes on from the checkpoint of an interrupted run.
    """
    torch.manual_seed(0)
    judge = Judge()
    average = copy.deepcopy(judge)
    ends = (judge.stem, judge.things, judge.colours, judge.heads)
    groups = optimizers(judge, RATE, [weight for end in ends for weight in end.parameters()])
    share = target.there.mean(0).clamp(min=1e-3)
    weight = ((1 - share) / share).sqrt()
    order = torch.cat([torch.randperm(len(pictures)) for _ in range(samples // len(pictures) + 1)])
    first = _resume(run, judge, average, groups)
    run.pause()
    for step in range(first, samples // BATCH):
        noise = torch.Generator().manual_seed(step)
        index = order[step * BATCH : (step + 1) * BATCH]
        x, y = to_signed(torch.from_numpy(pictures[index.numpy()])), target[index]
        if step % 2:
            x, y = x.flip(3), y.mirrored()
        set_rate(groups, rate(step * BATCH, samples, RATE, 600, 0.6))
        with run.autocast():
            verdict = judge(softened(x, noise))
        loss = loss_of(verdict, y, weight)
        for group in groups:
            group.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        for group in groups:
            group.step()
        update_average(average, judge, 0.99, step)
        run.tick()
        if run.due("log", 60):
            run.log(samples=(step + 1) * BATCH, loss=loss.item())
            networks = {"judge": judge.state_dict(), "average": average.state_dict()}
            run.save({"step": step + 1, **networks, "groups": [group.state_dict() for group in groups]})
    return average.eval()


def _resume(run: Run, judge: Judge, average: Judge, groups: list[torch.optim.Optimizer]) -> int:
    """The step to go on with."""
    state = run.load()
    if state is None:
        return 0
    judge.load_state_dict(state["judge"])
    average.load_state_dict(state["average"])
    for group, saved in zip(groups, state["groups"], strict=True):
        group.load_state_dict(saved)
    return int(state["step"])


def choose_thresholds(judge: Judge, pictures: NDArray[np.uint8], there: Tensor) -> Tensor:
    """(THINGS,): where the share of things found plus that of things rightly missed is largest."""
    logits = torch.cat([presence(v.things) for v in verdicts(judge, list(pictures))])
    chosen = []
    for k in range(len(THINGS)):
        yes, no = logits[there[:, k] == 1, k], logits[there[:, k] == 0, k]
        tries = torch.cat([yes, no]).sort().values
        middles = (tries[1:] + tries[:-1]) / 2
        good = (yes[None] > middles[:, None]).float().mean(1) + (no[None] <= middles[:, None]).float().mean(1)
        best = middles[good >= good.max() - 1e-6]
        chosen.append(best.median())
    return torch.stack(chosen)


def main() -> None:
    parser = argparse.ArgumentParser(description="train the judge of drawn pictures")
    parser.add_argument("--pictures", type=int, default=6000, help="training pictures to render, a multiple of 250")
    parser.add_argument("--samples", type=int, default=16_000, help="pictures seen in training")
    parser.add_argument("--decoded", type=int, default=0, help="pictures that also pass through the first stage")
    parser.add_argument("--work", type=Path, default=Path("training"), help="folder for renders and the log")
    parser.add_argument("--first-stage", type=Path, default=MODELS / "first-stage.safetensors")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    run = Run(options.work / "judge", threads=1)

    renders: Renders = training_renders(run.folder, options.pictures)
    facts, pictures = renders.facts[:-VALIDATION], renders.pictures[:-VALIDATION]
    first_stage = load_first_stage(options.first_stage) if options.decoded and options.first_stage.exists() else None
    if first_stage:
        name = sha256(options.first_stage)[:8]
        decoded = through_first_stage(run.folder, options.decoded, first_stage, name)
        pictures = np.concatenate([pictures, decoded, decoded])  # twice: they are few
        facts = facts + 2 * facts[: options.decoded]
    processor = time.process_time()
    judge = train(run, pictures, targets(facts), options.samples)
    processor = time.process_time() - processor
    known = renders.pictures[-VALIDATION:]
    judge.thresholds.copy_(choose_thresholds(judge, known, targets(renders.facts[-VALIDATION:]).there))

    scenes = rendered(options.work / "data", 500, PICTURE, held_out=True)
    about = {
        "data": f"Scenes version {DATA_VERSION}",
        "pictures": len(pictures),
        "decoded_pictures": options.decoded if first_stage else 0,
        "samples": options.samples,
        "minutes": round(run.seconds / 60, 1),
        "processor_minutes_of_last_session": round(processor / 60, 1),
        "threads": 1,
        "torch": torch.__version__,
        "accuracy_on_500_held_out_renders": accuracy(judge, list(scenes.pictures), scenes.facts),
        "licence": "MIT",
    }
    JUDGE.parent.mkdir(parents=True, exist_ok=True)
    part = JUDGE.with_suffix(".part")
    tensors = {key: value.half().contiguous() for key, value in judge.state_dict().items()}
    save_file(tensors, part, metadata={"latent_studio_judge": json.dumps(about)})
    part.replace(JUDGE)
    print(json.dumps(about, indent=1), f"\nwrote {JUDGE.name}: {JUDGE.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
