"""`composer models build` rebuilds a shipped composer from its recipe: train, halve precision, evaluate, card."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, cast

from composer_core.errors import InvalidValue, NotFound
from composer_core.lab.composer.card import CARD_PARTS, EVALUATION_FILE, model_card, reports_of
from composer_core.lab.composer.evaluation import Counts, evaluate
from composer_core.lab.composer.promises import promises
from composer_core.lab.composer.recipes import TrainingRecipe, recipe
from composer_core.pipeline.models import CARD_FILE, ModelInfo
from composer_core.pipeline.training.permitted_sets import permitted_loops
from composer_core.pipeline.training.worker import train_run
from composer_core.store.atomic import read_json, write_bytes, write_json

RUN_FOLDER, MODEL_FOLDER, CONFIG_FILE = "run", "model", "config.json"
EVALUATED_TAKES = Counts().control
"""Loops that control is measured on for the cards of the shipped models."""


def build(
    name: str,
    data: Path,
    output: Path,
    say: Callable[[str], None] = lambda _: None,
    takes: int = EVALUATED_TAKES,
    judge_data: Path | None = None,
) -> Path | None:
    """Build a model and what it starts from below `output`; goes on where an earlier call was stopped.

    `takes` and `judge_data` are those of `composer evaluate`; a finished model that was measured otherwise is
    measured again. Gives the folder of the finished model, None when it was stopped. InvalidValue for an unknown
    name and for takes out of range; NotFound names the data set that is not below `data`.
    """
    chosen, counts = recipe(name), Counts.scaled(takes)
    if judge_data is not None and not judge_data.exists():
        raise NotFound("path_missing", path=str(judge_data))
    model = output / name / MODEL_FOLDER
    if not (model / CONFIG_FILE).is_file():
        start = build(chosen.start, data, output, say, takes, judge_data) if chosen.start else None
        if chosen.start and start is None:
            return None
        if not _train(chosen, data, output / name / RUN_FOLDER, start, say):
            return None
        export(chosen, output / name / RUN_FOLDER / "model", model)
    if not _is_measured(chosen, model, counts, judge_data):
        write_figures(chosen, data, model, counts, judge_data, say)
    return model


def _read(path: Path) -> dict[str, Any]:
    return cast(dict[str, Any], read_json(path))


def _is_measured(chosen: TrainingRecipe, model: Path, counts: Counts, judge_data: Path | None) -> bool:
    """True where the card holds the figures that are asked for, or the recipe asks for none."""
    if not chosen.evaluated:
        return True
    if not (model / CARD_FILE).is_file():
        return False
    found = reports_of(_read(model / EVALUATION_FILE))
    own: list[Mapping[str, Any]] = [found.get(instrument, {}) for instrument in chosen.evaluated]
    judged = judge_data is None or all("judged" in report.get("emotion", {}) for report in own)
    return judged and all(report.get("counts") == asdict(counts) for report in own)


def _train(chosen: TrainingRecipe, data: Path, run: Path, start: Path | None, say: Callable[[str], None]) -> bool:
    from composer_core.model.config import SHARED, TrainConfig, config_from_json

    started = {"start": str(start)} if start is not None else {}
    config = config_from_json(TrainConfig, {**chosen.fields, **started}, f"the recipe of {chosen.name}")
    learnt = None if chosen.instrument == SHARED else chosen.instrument
    read = partial(permitted_loops, data, learnt, say, chosen.sets)
    return train_run(run, config, data, say, read, until=chosen.until)


def export(chosen: TrainingRecipe, model: Path, folder: Path) -> None:
    """Store a trained model in half precision, which is how models are shipped."""
    from composer_core.model.composer.checkpoint import load_model, save_model

    loaded = load_model(model)
    facts: dict[str, Any] = dict(loaded.facts)
    facts["train"] = {**facts["train"], "start": Path(facts["train"].get("start", "")).parent.name}
    if chosen.sampling:
        facts["sampling"] = dict(chosen.sampling)
    save_model(folder, loaded.composer, loaded.vocabulary, facts, half=True)


def write_figures(
    chosen: TrainingRecipe,
    data: Path,
    folder: Path,
    counts: Counts,
    judge_data: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Evaluate a model on its held-out takes and write evaluation.json and the card beside its weights."""
    facts = _read(folder / "config.json")
    reports = {}
    for instrument in chosen.evaluated:
        say(f"evaluating {chosen.name} on {instrument}")
        info = ModelInfo(chosen.name, instrument, "run", folder, str(chosen.fields["size"]), facts.get("nll_per_note"))
        reports[instrument] = evaluate(info, evaluation_data(chosen, data), counts, judge_data=judge_data)
    write_card(chosen, folder, {"model": chosen.name, "reports": reports})


def write_card(chosen: TrainingRecipe, folder: Path, evaluation: Mapping[str, object]) -> None:
    """Write evaluation.json and the card made of it beside a model's weights."""
    write_json(folder / EVALUATION_FILE, evaluation)
    n_bytes = (folder / "model.safetensors").stat().st_size
    card = model_card(chosen, _read(folder / "config.json"), evaluation, n_bytes)
    write_bytes(folder / CARD_FILE, card.encode())


def update_card(name: str, reports: Sequence[Path], folder: Path) -> None:
    """Put the figures of finished evaluations (report.json files) into a model's evaluation.json and card.

    A report of some parts (`composer evaluate --only`) replaces those, the others keep their figures; so do
    instruments without a report. The rest of the card is written anew too. InvalidValue for a model without a
    recipe and for a report of another model or one that lacks a part; NotFound for a folder without a model.
    """
    chosen = recipe(name)
    if not (folder / CONFIG_FILE).is_file():
        raise NotFound("path_missing", path=str(folder / CONFIG_FILE))
    known = _read(folder / EVALUATION_FILE) if (folder / EVALUATION_FILE).is_file() else {"reports": {}}
    found = reports_of(known)
    for path in reports:
        report = _read(path)
        before: Mapping[str, Any] = found.get(report.get("instrument", ""), {})
        whole = {**before, **report, "counts": {**before.get("counts", {}), **_counted(report)}}
        lacking = [part for part in CARD_PARTS if part not in whole]
        if report.get("model") != name or lacking:
            expected = f"a report of {name}" + (f" with {', '.join(lacking)}" if lacking else "")
            raise InvalidValue("bad_format", name="report", value=str(path), expected=expected)
        found[report["instrument"]] = {**whole, "promises": promises(whole)}
    write_card(chosen, folder, {"model": name, "reports": found})


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


def evaluation_data(chosen: TrainingRecipe, data: Path) -> Path:
    """Where a model's held-out takes are: its one set, or the root of all."""
    return data / chosen.sets[0] if len(chosen.sets) == 1 else data
