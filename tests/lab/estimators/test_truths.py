"""Techniques planted in a small data set: what a rule sees is counted, and only measured rules speak."""

import json
from pathlib import Path

import pytest

from composer_core.errors import StoreError
from composer_core.estimate.technique import rules
from composer_core.estimate.technique.rules import MIN_F1, RULES, measured_rules
from composer_core.lab.estimators.truths import planted_figures
from composer_core.render.midi import loop_to_midi
from rule_loops import rock_loop


def test_flams_planted_in_plain_rock_are_all_seen(tmp_path):
    folder = tmp_path / "gmd"
    folder.mkdir()
    # eight backbeats in four bars, loud enough to carry a flam
    loop = rock_loop()
    loud = loop.with_notes(loop.notes.with_columns(velocity=loop.notes.velocity + 10))
    (folder / "one.mid").write_bytes(loop_to_midi(loud))
    header = "drummer,session,id,style,bpm,beat_type,time_signature,midi_filename,audio_filename,duration,split"
    row = "drummer1,s1,1,rock,120,beat,4-4,one.mid,,8.0,validation"
    (folder / "info.csv").write_text(f"{header}\n{row}\n", encoding="utf-8")
    figures = planted_figures(tmp_path)["drums"]
    assert figures["flam"] == {"loops": 1, "f1": 1.0, "precision": 1.0, "recall": 1.0}
    assert "busy" not in figures  # no rule plants it
    assert planted_figures(tmp_path / "gmd" / "nothing-here") == {}


def test_only_rules_with_figures_are_shown():
    data = json.loads(rules.FIGURES.read_text(encoding="utf-8"))["figures"]
    for instrument in RULES:
        shown = measured_rules(instrument)
        assert shown
        assert all(data[instrument][code]["f1"] >= MIN_F1 for code in shown)
    assert "busy" not in measured_rules("drums")
    assert "strum" not in measured_rules("guitar")


def test_damaged_figures_are_named(tmp_path, monkeypatch):
    path = Path(tmp_path / "figures.json")
    path.write_text("{", encoding="utf-8")
    monkeypatch.setattr(rules, "FIGURES", path)
    measured_rules.cache_clear()
    with pytest.raises(StoreError, match=r"figures\.json"):
        measured_rules("drums")
    measured_rules.cache_clear()
