"""Ensembles: shared plan, order of parts, one file, parts replaced; with models of random weights."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from composer_core.cli import main
from composer_core.errors import InvalidValue, NotFound
from composer_core.ingest.midi import read_song
from composer_core.music.chords import parse_progression
from composer_core.music.condition import Condition
from composer_core.music.key import Key
from composer_core.pipeline.datasets.progressions import keep_progressions
from composer_core.pipeline.generation.chord_lines import shipped_lines
from composer_core.pipeline.generation.ensembles import (
    generate_ensemble,
    parse_instruments,
    plan,
    replace_in,
)
from composer_core.pipeline.models import find_model
from composer_core.workspace import Workspace
from untrained_model import add_untrained_model

MODELS = {name: f"random-{name}" for name in ("drums", "bass", "piano")}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    place = Workspace(tmp_path_factory.mktemp("ensemble")).create()
    for instrument, name in MODELS.items():
        add_untrained_model(place, instrument, name)
    return place


def make(workspace, **changes):
    condition = Condition("piano", 2, tempo_bpm=96.0, swing_percent=58.0, key=Key(4, "minor"))
    options = {"seed": 5, "models": MODELS, "workspace": workspace, **changes}
    return generate_ensemble(["piano", "drums", "bass"], condition, **options)


def test_parts_share_what_an_ensemble_shares(workspace):
    ensemble = make(workspace)
    conditions = [take.condition for take in ensemble.takes]
    assert [one.instrument for one in conditions] == ["drums", "bass", "piano"]
    for field in ("tempo_bpm", "swing_percent", "bars"):
        assert len({getattr(one, field) for one in conditions}) == 1
    assert conditions[1].chords == conditions[2].chords == ensemble.chords
    assert conditions[1].key == conditions[2].key == Key(4, "minor")
    assert ensemble.drawn
    assert len(ensemble.chords) == 2
    assert {take.ensemble for take in ensemble.takes} == {ensemble.name}


def test_what_is_asked_of_one_part_alone_reaches_it_only(workspace):
    ensemble = make(workspace, alone={"bass": {"technique": ("slap",)}})
    assert [take.condition.technique for take in ensemble.takes] == [(), ("slap",), ()]
    assert ensemble.name != make(workspace).name
    with pytest.raises(InvalidValue, match="palm_mute"):
        make(workspace, alone={"bass": {"technique": ("palm_mute",)}})


def test_drawn_chords_are_told_by_the_takes_that_follow_them(workspace):
    assert ["chords_drawn" in take.notices for take in make(workspace).takes] == [False, True, True]
    asked = Condition("piano", 2, key=Key(4, "minor"), chords=parse_progression("i VI", Key(4, "minor")))
    ensemble = generate_ensemble(["piano", "drums"], asked, seed=5, models=MODELS, workspace=workspace)
    assert not any("chords_drawn" in take.notices for take in ensemble.takes)


def test_one_file_with_a_track_a_part_that_ends_with_the_loop(workspace, tmp_path):
    data = make(workspace).midi()
    song = read_song(data, "ensemble.mid")
    assert [part.instrument for part in song.parts] == ["drums", "bass", "piano"]
    assert song.end_tick == 2 * 1920
    assert data == make(workspace).midi()
    assert data != make(workspace, seed=6).midi()


def test_cheap_controls_reach_all_parts(workspace):
    ensemble = make(workspace)
    assert {loop.tempo_bpm for loop in ensemble.loops({"tempo_bpm": 120.0})} == {120.0}


def test_a_part_is_made_anew_beside_the_others(workspace):
    before = make(workspace)
    fresh = replace_in(before.takes, "bass", seed=99, model=MODELS["bass"], workspace=workspace)
    assert (fresh.condition.instrument, fresh.ensemble) == ("bass", before.name)
    assert (fresh.parent, fresh.edit) == (before.takes[1].take_id, "replace")
    assert fresh.grid.notes != before.takes[1].grid.notes
    with pytest.raises(InvalidValue):
        replace_in(before.takes, "guitar", seed=1, workspace=workspace)


def test_a_part_whose_model_is_no_more_is_made_anew_by_the_shipped_one(workspace):
    takes = [replace(take, model="retired") for take in make(workspace).takes]
    fresh = replace_in(takes, "bass", seed=99, workspace=workspace)
    assert fresh.model == find_model("bass", None, workspace).name == "composer-base"
    assert "model_gone" in fresh.notices


def test_asked_chords_are_kept_and_drawn_ones_follow_the_mood():
    key = Key(0)
    asked = Condition("bass", 4, key=key, chords=parse_progression("C F G C", key))
    assert plan(asked, 0)[0].chords == asked.chords
    assert plan(asked, 0)[1:] == (False, "asked")
    sad, drawn, source = plan(Condition("bass", 4, valence=-0.8, arousal=0.2), 3)
    assert drawn
    assert source == "shipped"
    assert sad.key == Key(9, "minor")
    happy = plan(Condition("bass", 4, valence=0.8, arousal=0.8), 3)[0]
    assert happy.key == Key(0)
    assert happy.chords[0].triad.quality == "maj"
    assert plan(Condition("bass", 4, valence=0.8), 3) == plan(Condition("bass", 4, valence=0.8), 3)


def test_learnt_progressions_are_drawn_too(tmp_path):
    workspace = Workspace(tmp_path).create()
    rows = [{"mode": "major", "numerals": ["I", "II", "IV", "I"], "moods": ["happy"]}]
    assert keep_progressions(workspace, "mine", rows) == 1
    sources = {plan(Condition("bass", 4, valence=0.7, arousal=0.7), seed, workspace)[2] for seed in range(24)}
    assert sources == {"mine", "shipped"}


def test_every_shipped_line_is_four_readable_chords_in_its_place():
    assert {line.mode for line in shipped_lines()} == {"major", "minor"}
    for line in shipped_lines():
        assert len(line.numerals) == 4
        assert -1 <= line.valence <= 1
        assert 0 <= line.arousal <= 1


@pytest.mark.parametrize("text", ["", "drums,drums", "drums,kazoo"])
def test_instruments_that_are_refused(text):
    with pytest.raises(InvalidValue):
        parse_instruments(text)


def test_an_instrument_without_a_model_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("composer_core.pipeline.models.SHIPPED", Path(tmp_path))
    with pytest.raises(NotFound, match="drums"):
        generate_ensemble(["drums", "bass"], Condition("bass"), workspace=Workspace(tmp_path))


def test_the_command_writes_one_file_a_take(workspace, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("composer_core.pipeline.models.SHIPPED", Path(tmp_path / "none"))
    line = ["generate", "--instrument", "bass,drums", "--bars", "2", "--chords", "i VI", "--takes", "2"]
    line += ["--workspace", str(workspace.root), "-o", str(tmp_path / "out"), "--json", "--best-of", "2"]
    assert main(line) == 0
    rows = json.loads(capsys.readouterr().out)["takes"]
    assert [row["chords"] for row in rows] == ["Cm Ab", "Cm Ab"]
    assert [part["condition"]["instrument"] for part in rows[0]["parts"]] == ["drums", "bass"]
    assert {part["candidates"] for row in rows for part in row["parts"]} == {2}
    assert (tmp_path / "out" / "take-02.mid").is_file()
    assert main([*line, "--model", "x"]) == 2
