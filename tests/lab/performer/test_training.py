"""The performer from takes on disk to figures, on a few real takes and through the command."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from composer_core.cli import main
from composer_core.lab.performer.training import (
    EVALUATION_FILE,
    evaluate_performer,
    played_windows,
    shipped_performer,
    train_performer,
)
from composer_core.model.performer.network import Performer
from composer_core.pipeline.library.loops import loops_for_training
from composer_core.store.atomic import read_json

GROOVE = Path(__file__).parents[4] / "shared" / "data" / "cc-by" / "gmd"


@pytest.fixture(scope="module")
def takes(tmp_path_factory):
    """A folder of four training takes and a validation take with their info.csv."""
    if not GROOVE.is_dir():
        pytest.skip("needs the Groove MIDI Dataset in ../shared/data")
    folder = tmp_path_factory.mktemp("takes")
    with (GROOVE / "info.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    usable = [row for row in rows if 8 < float(row["duration"]) < 25]
    chosen = [r for r in usable if r["split"] == "train"][:4] + [r for r in usable if r["split"] == "validation"][:1]
    for row in chosen:
        target = folder / row["midi_filename"]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(GROOVE / row["midi_filename"], target)
    with (folder / "info.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(chosen)
    return folder


def test_windows_keep_the_split_and_pair_notes_with_what_was_played(takes):
    parts = played_windows(loops_for_training(takes, "drums"))
    assert len({window.take for window in parts["validation"]}) == 1
    assert not {w.take for w in parts["validation"]} & {w.take for w in parts["train"]}
    for window in parts["train"]:
        assert len(window.features) == len(window.velocity) == len(window.offset_ms)
        assert window.velocity.min() >= 1
        assert 0 <= window.features.step.min() < 12
        assert window.context[3] == 1.0  # arousal is measured on every window
    # drummers stay near the grid: nine in ten notes within 60 ms of it
    assert np.mean(np.abs(np.concatenate([w.offset_ms for w in parts["train"]])) < 60) > 0.9


def test_training_writes_a_performer_with_its_figures(takes, tmp_path):
    report = train_performer([takes], tmp_path / "run", epochs=0.5)
    assert report == read_json(tmp_path / "run" / EVALUATION_FILE)
    assert report["takes"] == 1
    assert {"sampled", "median"} < set(report["rows"])
    assert Performer.load(tmp_path / "run").facts["parts"]["train"]["takes"] <= 4
    assert evaluate_performer(tmp_path / "run", [takes]) == report


def test_the_command_prints_the_figures(takes, tmp_path, capsys):
    run = str(tmp_path / "run")
    assert main(["train-performer", "--data", str(takes), "-o", run, "--epochs", "0.5", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert main(["train-performer", "--data", str(takes), "-o", run, "--evaluate"]) == 0
    table = capsys.readouterr().out
    assert f"{report['nll_velocity']:.3f}" in table
    assert "mean of role and place" in table


def test_the_command_names_what_is_wrong(tmp_path, capsys):
    missing = ["train-performer", "--data", str(tmp_path / "nowhere"), "-o", str(tmp_path / "run")]
    assert main(missing) == 1
    assert "nowhere does not exist" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    empty = ["train-performer", "--data", str(tmp_path / "empty"), "-o", str(tmp_path / "run")]
    assert main(empty) == 1
    assert "no notes for drums" in capsys.readouterr().err
    assert main([*empty, "--epochs", "0"]) in (1, 2)
    assert not (tmp_path / "run").exists()


def test_the_shipped_performer_beats_its_baselines_on_held_out_takes():
    figures = read_json(shipped_performer("drums") / EVALUATION_FILE)["rows"]
    quantised, place = figures["quantised, mean velocity of the role"], figures["mean of role and place"]
    assert figures["median"]["offset_mae_ms"] < min(quantised["offset_mae_ms"], place["offset_mae_ms"])
    assert figures["median"]["velocity_mae"] < min(quantised["velocity_mae"], place["velocity_mae"])
    assert figures["sampled"]["offset_wasserstein_ms"] < 0.25 * place["offset_wasserstein_ms"]
    assert figures["sampled"]["velocity_wasserstein"] < 0.25 * place["velocity_wasserstein"]


@pytest.mark.parametrize("instrument", ["drums", "bass", "guitar", "piano", "strings"])
def test_the_model_card_shows_the_figures_of_the_evaluation(instrument):
    card = (shipped_performer(instrument) / "MODEL_CARD.md").read_text(encoding="utf-8")
    for figures in read_json(shipped_performer(instrument) / EVALUATION_FILE)["rows"].values():
        cells = ["-" if value is None else f"{value:.2f}" for value in figures.values()]
        assert " | ".join(cells) in card


def test_only_performers_of_recorded_players_know_timing():
    timing = {
        name: Performer.load(shipped_performer(name)).network.config.timing for name in ("drums", "bass", "piano")
    }
    assert timing == {"drums": True, "bass": False, "piano": True}
