"""`composer models build`: a shipped composer again from its recipe: train, store in half precision, evaluate, card."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from composer_core.errors import InvalidValue, NotFound
from composer_core.pipeline.evaluation import Counts, evaluate
from composer_core.pipeline.evaluation_promises import promises
from composer_core.pipeline.model_card import (
    CARD_PARTS,
    EVALUATION_FILE,
    model_card,
    reports_of,
    with_figures,
)
from composer_core.pipeline.model_recipes import RECIPES, Recipe, recipe
from composer_core.pipeline.models import CARD_FILE, ModelInfo
from composer_core.pipeline.permitted_sets import permitted_loops
from composer_core.pipeline.training import train_run
from composer_core.store.atomic import read_json, write_bytes, write_json

RUN_FOLDER, MODEL_FOLDER, CONFIG_FILE = "run", "model", "config.json"
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


def update_card(name: str, reports: Sequence[Path], folder: Path) -> None:
    """Put the figures of finished evaluations (report.json files) into a model's evaluation.json and card.

    A report of some parts (`composer evaluate --only`) replaces those, the others keep their figures; so do
    instruments without a report. What the card says of data, split and training is
    written anew for a model with a recipe and kept for one without. InvalidValue for a report of another model
    or one that lacks a part; NotFound for a folder without a model.
    """
    if not (folder / CONFIG_FILE).is_file():
        raise NotFound("path_missing", path=str(folder / CONFIG_FILE))
    known = read_json(folder / EVALUATION_FILE) if (folder / EVALUATION_FILE).is_file() else {"reports": {}}
    found = reports_of(known)
    for path in reports:
        report = read_json(path)
        before = found.get(report.get("instrument", ""), {})
        whole = {**before, **report, "counts": {**before.get("counts", {}), **_counted(report)}}
        lacking = [part for part in CARD_PARTS if part not in whole]
        if report.get("model") != name or lacking:
            expected = f"a report of {name}" + (f" with {', '.join(lacking)}" if lacking else "")
            raise InvalidValue("bad_format", name="report", value=str(path), expected=expected)
        found[report["instrument"]] = {**whole, "promises": promises(whole)}
    evaluation = {"model": name, "reports": found}
    if name in RECIPES:
        write_card(RECIPES[name], folder, evaluation)
        return
    write_json(folder / EVALUATION_FILE, evaluation)
    card = (folder / CARD_FILE).read_text(encoding="utf-8")
    write_bytes(folder / CARD_FILE, with_figures(card, evaluation).encode())


_COUNTS_OF = {
    "validity": ("validity",),
    "asked": ("control",),
    "emotion": ("emotion",),
    "scores": ("compared", "best"),
    "speed": ("speed",),
}


def _counted(report: Mapping[str, Any]) -> dict[str, int]:
    """How many loops a report's parts were measured on; those of parts it lacks say nothing."""
    names = {name for part, own in _COUNTS_OF.items() if part in report for name in own}
    return {name: count for name, count in report.get("counts", {}).items() if name in names}


def evaluation_data(chosen: Recipe, data: Path) -> Path:
    """Where a model's held-out takes are: its one set, or the root of all."""
    return data / chosen.sets[0] if len(chosen.sets) == 1 else data
