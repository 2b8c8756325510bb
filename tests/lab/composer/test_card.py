"""The composer's model card shows the figures of its evaluation."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from composer_core.cli import main
from composer_core.errors import InvalidValue
from composer_core.lab.composer.building import _counted, update_card
from composer_core.lab.composer.card import model_card, reports_of
from composer_core.lab.composer.recipes import RECIPES
from composer_core.pipeline.models import SHIPPED
from composer_core.store.atomic import read_json

DRUMS = SHIPPED / "composer-drums-tuned"
FOLDERS = sorted(path.parent for path in SHIPPED.glob("composer-*/config.json"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_card_shows_the_figures_of_the_evaluation(folder) -> None:  # type: ignore[no-untyped-def]
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    report = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    for one in reports_of(report).values():
        for name, value in one["likelihood"]["nats_per_note"].items():
            assert f"| {name.replace('_', ' ')} | {value:.3f} |" in card
        for field, rows in one["control"].items():
            for name, row in rows.items():
                assert f"| {field} | {name.replace('_', ' ')} | {row['auc']:.3f} |" in card
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert config["vocabulary_hash"] in card
    for word in ("Data:", "Split:", "Recipe:", "Licence"):
        assert word in card


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_shipped_composer_has_a_recipe_and_the_card_that_is_written_of_it(folder: Path) -> None:
    facts, evaluation = (read_json(folder / name) for name in ("config.json", "evaluation.json"))
    written = model_card(RECIPES[folder.name], facts, evaluation, (folder / "model.safetensors").stat().st_size)
    assert (folder / "MODEL_CARD.md").read_text(encoding="utf-8") == written


def test_a_card_names_the_sets_of_the_model_it_starts_from() -> None:
    card = (DRUMS / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "  - Groove MIDI Dataset 1.0 (Gillick et al. 2019), CC BY 4.0\n" in card
    assert "  - Freedoom music, BSD-3-Clause (only composer-first, its start)\n" in card
    left_out = read_json(DRUMS / "config.json")["near_held_out"]["left_out"]
    assert left_out > 0 and f" {left_out} more were left out: " in card


def test_fresh_figures_replace_old_ones_and_the_rest_of_the_card_stays(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(DRUMS, tmp_path / "model"))
    report = _a_report(folder)
    report["likelihood"] = {**report["likelihood"], "n_songs": 124, "n_notes": 77, "n_takes": 3}
    (tmp_path / "report.json").write_text(json.dumps(report), encoding="utf-8")
    before = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert main(["models", "card", DRUMS.name, str(tmp_path / "report.json"), "--folder", str(folder)]) == 0
    after = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "3 held-out parts of 124 songs, 77 notes" in after
    assert after.partition("## Figures")[0] == before.partition("## Figures")[0]
    assert after.partition("Model: 95 %")[2] == before.partition("Model: 95 %")[2]


def test_a_report_of_another_model_is_no_figure(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes((DRUMS / "config.json").read_bytes())
    (tmp_path / "report.json").write_text(json.dumps({**_a_report(DRUMS), "model": "other"}), encoding="utf-8")
    with pytest.raises(InvalidValue, match=r"report\.json"):
        update_card(DRUMS.name, [tmp_path / "report.json"], tmp_path)


def test_a_card_is_written_of_a_model_with_a_recipe_only(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes((DRUMS / "config.json").read_bytes())
    with pytest.raises(InvalidValue, match="composer-kazoo"):
        update_card("composer-kazoo", [], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def _a_report(folder: Path) -> dict[str, Any]:
    evaluation = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    return dict(next(iter(reports_of(evaluation).values())))


def test_a_count_changes_with_the_part_it_counts_only() -> None:
    asked = {"validity": 1000, "control": 500, "emotion": 500, "compared": 300, "best": 60, "speed": 20}
    assert _counted({"validity": {}, "counts": asked}) == {"validity": 1000}
    assert _counted({"scores": {}, "asked": {}, "counts": asked}) == {"control": 500, "compared": 300, "best": 60}
