"""`python launch.py train first-stage|diffusion CONFIG`: run or resume a training recipe."""

import argparse
from pathlib import Path

from ldm_core.errors import UserError
from ldm_core.training.config import DiffusionRecipe, FirstStageRecipe, read_recipe

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("first-stage", "diffusion")


def main(kind: str, config: Path, argv: list[str]) -> int:
    """Train what the recipe describes; the same call resumes an interrupted run. Raises UserError for a bad recipe."""
    from ldm_core.training.run import start

    if kind not in KINDS:
        raise UserError(f"There is no training of '{kind}'.", hint="Known: " + ", ".join(KINDS))
    parser = argparse.ArgumentParser(prog=f"train {kind}", exit_on_error=False)
    parser.add_argument("--work", type=Path, default=ROOT / "training", help="folder for data, checkpoints and logs")
    work: Path = parser.parse_args(argv).work
    folder = work / config.stem
    if kind == "first-stage":
        from ldm_core.training.first_stage import train_first_stage

        recipe = read_recipe(config, FirstStageRecipe)
        start(train_first_stage, recipe.processes, folder, recipe, folder, work / "data")
    else:
        from ldm_core.training.diffusion import train_diffusion

        model = read_recipe(config, DiffusionRecipe)
        start(train_diffusion, model.processes, folder, model, folder, work / "data")
    return 0
