"""The composer's model card shows the figures of its evaluation."""

from __future__ import annotations

import json

import pytest

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
