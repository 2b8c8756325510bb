"""`composer models build`: a shipped composer again from its recipe: train, store in half precision, evaluate, card."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from composer_core.pipeline.evaluation import Counts, evaluate
from composer_core.pipeline.model_card import CARD_FILE, EVALUATION_FILE, model_card
from composer_core.pipeline.model_recipes import Recipe, recipe
from composer_core.pipeline.models import ModelInfo
from composer_core.pipeline.permitted_sets import permitted_loops
from composer_core.pipeline.training import train_run
from composer_core.store.atomic import read_json, write_bytes, write_json

RUN_FOLDER, MODEL_FOLDER = "run", "model"
EVALUATED_TAKES = 100


def build(name: str, data: Path, output: Path, say: Callable[[str], None] = lambda _: None) -> Path | None:
    """Build a model and what it starts from below `output`; goes on where an earlier call was stopped.

    Gives the folder of the finished model, None when it was stopped. InvalidValue for an
    unknown name; NotFound names the data set that is not below `data`.
    """
    chosen = recipe(name)
    start = build(chosen.start, data, output, say) if chosen.start else None
    if chosen.start and start is None:
        return None
    folder = output / name
    if (folder / MODEL_FOLDER / "config.json").is_file() and not _is_lacking(chosen, folder):
        return folder / MODEL_FOLDER
    if not _train(chosen, data, folder / RUN_FOLDER, start, say):
        return None
    export(chosen, folder / RUN_FOLDER / "model", folder / MODEL_FOLDER)
    if chosen.evaluated:
        write_figures(chosen, data, folder / MODEL_FOLDER, say)
    return folder / MODEL_FOLDER


def _is_lacking(chosen: Recipe, folder: Path) -> bool:
    return bool(chosen.evaluated) and not (folder / MODEL_FOLDER / CARD_FILE).is_file()


def _train(chosen: Recipe, data: Path, run: Path, start: Path | None, say: Callable[[str], None]) -> bool:
    from composer_core.model.config import SHARED, TrainConfig, config_from_json

    started = {"start": str(start)} if start is not None else {}
    config = config_from_json(TrainConfig, {**chosen.fields, **started}, f"the recipe of {chosen.name}")
    learnt = None if chosen.instrument == SHARED else chosen.instrument
    read = partial(permitted_loops, data, learnt, say, chosen.sets)
    return train_run(run, config, data, say, read, until=chosen.until)


def export(chosen: Recipe, model: Path, folder: Path) -> None:
    """Store a trained model in half precision, which is how models are shipped."""
    from composer_core.model.checkpoint import load_model, save_model

    loaded = load_model(model)
    facts = dict(loaded.facts)
    facts["train"] = {**facts["train"], "start": Path(facts["train"].get("start", "")).parent.name}
    if chosen.sampling:
        facts["sampling"] = dict(chosen.sampling)
    save_model(folder, loaded.composer, loaded.vocabulary, facts, half=True)


def write_figures(chosen: Recipe, data: Path, folder: Path, say: Callable[[str], None] = lambda _: None) -> None:
    """Evaluate a model on its held-out takes and write evaluation.json and the card beside its weights."""
    facts = read_json(folder / "config.json")
    reports = {}
    for instrument in chosen.evaluated:
        say(f"evaluating {chosen.name} on {instrument}")
        info = ModelInfo(chosen.name, instrument, "run", folder, chosen.fields["size"], facts.get("nll_per_note"))
        reports[instrument] = evaluate(info, evaluation_data(chosen, data), Counts.scaled(EVALUATED_TAKES))
    write_card(chosen, folder, {"model": chosen.name, "reports": reports})


def write_card(chosen: Recipe, folder: Path, evaluation: dict[str, Any]) -> None:
    """Write evaluation.json and the card made of it beside a model's weights."""
    write_json(folder / EVALUATION_FILE, evaluation)
    n_bytes = (folder / "model.safetensors").stat().st_size
    card = model_card(chosen, read_json(folder / "config.json"), evaluation, n_bytes)
    write_bytes(folder / CARD_FILE, card.encode())


def evaluation_data(chosen: Recipe, data: Path) -> Path:
    """Where a model's held-out takes are: its one set, or the root of all."""
    return data / chosen.sets[0] if len(chosen.sets) == 1 else data
