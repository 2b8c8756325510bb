"""The composer's model card shows the figures of its evaluation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from composer_core.cli import main
from composer_core.errors import InvalidValue
from composer_core.pipeline.building import _counted, update_card
from composer_core.pipeline.model_card import reports_of
from composer_core.pipeline.models import SHIPPED

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


def test_fresh_figures_replace_old_ones_and_the_rest_of_the_card_stays(tmp_path: Path) -> None:
    shipped = SHIPPED / "composer-drums-small"
    for name in ("config.json", "evaluation.json", "MODEL_CARD.md"):
        (tmp_path / name).write_bytes((shipped / name).read_bytes())
    report = {**_a_report(shipped), "model": "composer-drums-small", "instrument": "drums"}
    report["likelihood"] = {**report["likelihood"], "n_songs": 124, "n_notes": 77, "n_takes": 3}
    (tmp_path / "report.json").write_text(json.dumps(report), encoding="utf-8")
    before = (tmp_path / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert (
        main(["models", "card", "composer-drums-small", str(tmp_path / "report.json"), "--folder", str(tmp_path)]) == 0
    )
    after = (tmp_path / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "3 held-out parts of 124 songs, 77 notes" in after
    for text in (before, after):
        assert text.count("## Limits") == 1
    assert after.partition("## Figures")[0].strip() == before.partition("## Figures")[0].strip()
    assert after.partition("## Limits")[2] == before.partition("## Limits")[2]


def test_a_report_of_another_model_is_no_figure(tmp_path: Path) -> None:
    shipped = SHIPPED / "composer-drums-small"
    (tmp_path / "config.json").write_bytes((shipped / "config.json").read_bytes())
    (tmp_path / "report.json").write_text(json.dumps({**_a_report(shipped), "model": "other"}), encoding="utf-8")
    with pytest.raises(InvalidValue, match=r"report\.json"):
        update_card("composer-drums-small", [tmp_path / "report.json"], tmp_path)


def _a_report(folder: Path) -> dict[str, Any]:
    evaluation = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    return dict(next(iter(reports_of(evaluation).values())))


def test_a_count_changes_with_the_part_it_counts_only() -> None:
    asked = {"validity": 1000, "control": 500, "emotion": 500, "compared": 300, "best": 60, "speed": 20}
    assert _counted({"validity": {}, "counts": asked}) == {"validity": 1000}
    assert _counted({"scores": {}, "asked": {}, "counts": asked}) == {"control": 500, "compared": 300, "best": 60}
