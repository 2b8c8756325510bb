"""Recipes on real files: what a step promises, what is refused, and nothing lost on the way."""

from dataclasses import replace
from pathlib import Path

import mido
import pytest

from composer_core.cli import main
from composer_core.errors import InvalidValue, NotFound, RefusedFile
from composer_core.ingest.midi import read_song
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import Meter
from composer_core.pipeline.editing.recipes import (
    apply_recipe,
    find_recipe,
    keep_recipe,
    read_groove,
    read_recipe,
    recipe_of,
    save_groove,
    save_recipe,
    saved_recipes,
)
from composer_core.render.midi import loop_to_midi
from composer_core.rules.registry import REQUIRED, RULES
from composer_core.workspace import Workspace
from rule_loops import rock_loop

EXAMPLES = {
    "swing": {"percent": 60},
    "tempo": {"tempo_bpm": 90},
    "velocity_curve": {"exponent": 1.2},
    "accent": {"amount": 10},
    "transpose": {"semitones": 2},
    "change_key": {"source": "C:major", "target": "E:minor"},
    "snap_to_key": {"key": "C:major"},
    "substitute_chords": {"key": "C:major", "kind": "relative"},
    "technique": {"code": "ghost"},
    "groove": {
        "template": {"name": "g", "meter": "4/4", "grid": "8", "offset_tick": {"all": [0.0] * 8}, "velocity": {}}
    },
}


@pytest.mark.parametrize("name", sorted(RULES))
def test_every_rule_is_documented_and_runs_in_a_recipe(name):
    rule = RULES[name]
    assert rule.source
    assert rule.meaning.endswith(".")
    assert rule.apply.__doc__
    given = EXAMPLES.get(name, {})
    assert set(given) >= {p.name for p in rule.parameters if p.default is REQUIRED}
    recipe = recipe_of({"name": "one", "steps": [{"rule": name, **given}]}, "one")
    once = recipe.apply(rock_loop())
    assert once.bars == 4
    if rule.idempotent:
        assert recipe.apply(once).notes == once.notes


@pytest.mark.parametrize(
    "data",
    [
        [],
        {"steps": []},
        {"name": "x", "steps": [{"rule": "swing"}]},
        {"name": "x", "steps": [{"rule": "swing", "percent": 95}]},
        {"name": "x", "steps": [{"rule": "swing", "percent": "60"}]},
        {"name": "x", "steps": [{"rule": "swing", "percent": 60, "grids": 8}]},
        {"name": "x", "steps": [{"rule": "magic"}]},
        {"name": "x", "steps": [{"rule": "tempo", "tempo_bpm": 90, "only": ["drums"]}]},
        {"name": "x", "steps": [{"rule": "quantise", "only": ["kazoo"]}]},
        {"name": "x", "steps": [{"rule": "snap_to_key", "key": "H:dur"}]},
        {"name": "x", "author": "me", "steps": [{"rule": "quantise"}]},
    ],
)
def test_wrong_recipes_are_refused(data):
    with pytest.raises(InvalidValue):
        recipe_of(data, "recipe")


def test_a_saved_recipe_reads_back(tmp_path):
    recipe = recipe_of({"name": "夜", "steps": [{"rule": "swing", "percent": 62, "grid": 16, "only": ["drums"]}]}, "r")
    save_recipe(tmp_path / "r.yaml", recipe)
    assert read_recipe(tmp_path / "r.yaml") == recipe
    with pytest.raises(NotFound):
        read_recipe(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("steps: [", encoding="utf-8")
    with pytest.raises(InvalidValue):
        read_recipe(tmp_path / "bad.yaml")


def test_recipes_of_the_workspace_are_found_by_name(tmp_path):
    workspace = Workspace(tmp_path / "ws")
    assert saved_recipes(workspace) == {}
    recipe = recipe_of({"name": " 夜 late ", "steps": [{"rule": "swing", "percent": 62, "grid": 16}]}, "r")
    path = keep_recipe(workspace, recipe)
    assert saved_recipes(workspace) == {"夜 late": path}
    assert read_recipe(find_recipe(workspace, Path("夜 late"))).steps == recipe.steps
    assert find_recipe(workspace, path) == path
    with pytest.raises(NotFound, match="夜 late"):
        find_recipe(workspace, Path("early"))


@pytest.mark.parametrize("name", ["", "  ", "../up", "a/b", ".hidden", "a:b", "x" * 121, "夜" * 41, "a\nb"])
def test_names_that_no_file_can_have_are_refused(tmp_path, name):
    recipe = replace(recipe_of({"name": "x", "steps": [{"rule": "seal_seam"}]}, "r"), name=name)
    with pytest.raises(InvalidValue, match="name of the recipe"):
        keep_recipe(Workspace(tmp_path), recipe)
    assert saved_recipes(Workspace(tmp_path)) == {}


def song_file(path, meters=((0, 4, 4),), tempos=((0, 120),)):
    """Drums and a bass line with volume, a bend and a lyric, over as many metres and tempos as given."""
    song = mido.MidiFile(ticks_per_beat=480)
    head, drums, bass = mido.MidiTrack(), mido.MidiTrack(), mido.MidiTrack()
    events = [(tick, mido.MetaMessage("time_signature", numerator=n, denominator=d)) for tick, n, d in meters]
    events += [(tick, mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm))) for tick, bpm in tempos]
    events.append((960, mido.MetaMessage("lyrics", text="la")))
    now = 0
    for tick, message in sorted(events, key=lambda event: event[0]):
        head.append(message.copy(time=tick - now))
        now = tick
    bass += [
        mido.MetaMessage("track_name", name="Bass"),
        mido.Message("program_change", channel=2, program=33),
        mido.Message("control_change", channel=2, control=7, value=90),
        mido.Message("pitchwheel", channel=2, pitch=100),
    ]
    for step in range(16):
        drums += [
            mido.Message("note_on", channel=9, note=42, velocity=80),
            mido.Message("note_off", channel=9, note=42, time=240),
        ]
        bass += [
            mido.Message("note_on", channel=2, note=40 + step % 3, velocity=90),
            mido.Message("note_off", channel=2, note=40 + step % 3, time=240),
        ]
    song.tracks += [head, drums, bass]
    song.save(path)
    return path


def read(path):
    return read_song(path.read_bytes(), path.name)


def test_a_file_keeps_all_that_no_step_changes(tmp_path):
    source = song_file(tmp_path / "in.mid", ((0, 4, 4), (1920, 3, 4)), ((0, 120), (960, 90)))
    recipe = recipe_of({"name": "same", "steps": [{"rule": "quantise", "strength": 0.0}]}, "same")
    edited = apply_recipe(recipe, source, tmp_path / "out.mid")
    before, after = read(source), read(tmp_path / "out.mid")
    assert (edited.n_parts, edited.n_notes_before, edited.n_notes_after, edited.notices) == (2, 32, 32, ())
    assert (tmp_path / "out.mid").read_bytes() == source.read_bytes()
    assert [part.notes.rows() for part in after.parts] == [part.notes.rows() for part in before.parts]
    assert [(p.name, p.program, p.channel) for p in after.parts] == [
        (p.name, p.program, p.channel) for p in before.parts
    ]
    assert after.meters == before.meters
    assert after.tempo_tick.tolist() == before.tempo_tick.tolist()
    kept = [m for m in mido.MidiFile(tmp_path / "out.mid") if m.type in ("control_change", "pitchwheel")]
    assert [m.type for m in kept] == ["control_change", "pitchwheel"]


def test_only_limits_a_step_and_tempo_is_everybodys(tmp_path):
    source = song_file(tmp_path / "in.mid", tempos=((0, 120), (960, 90)))
    steps = [{"rule": "transpose", "semitones": 5, "only": ["bass"]}, {"rule": "tempo", "tempo_bpm": 100}]
    apply_recipe(recipe_of({"name": "r", "steps": steps}, "r"), source, tmp_path / "out.mid")
    song = read(tmp_path / "out.mid")
    drums, bass = song.parts
    assert set(drums.notes.pitch.tolist()) == {42}
    assert bass.notes.pitch[:3].tolist() == [45, 46, 47]
    assert song.tempo_bpm.tolist() == pytest.approx([100.0])


def test_no_file_is_left_where_the_source_is_none(tmp_path):
    (tmp_path / "in.mid").write_bytes(b"not midi at all")
    recipe = recipe_of({"name": "r", "steps": [{"rule": "quantise"}]}, "r")
    with pytest.raises(RefusedFile):
        apply_recipe(recipe, tmp_path / "in.mid", tmp_path / "out.mid")
    assert not (tmp_path / "out.mid").exists()


def test_grooves_from_the_command_line(tmp_path, capsys):
    late = Loop("drums", Notes.from_rows([(500, 40, 38, 100), (0, 40, 42, 60)]), 1, meter=Meter(4, 4))
    (tmp_path / "late.mid").write_bytes(loop_to_midi(late))
    assert main(["groove", str(tmp_path / "late.mid"), "-o", str(tmp_path / "late.json")]) == 0
    assert read_groove(tmp_path / "late.json").offset_tick["snare"][4] == 20.0
    (tmp_path / "r.yaml").write_text("name: late\nsteps:\n  - {rule: groove, template: late.json}\n", encoding="utf-8")
    source = song_file(tmp_path / "in.mid")
    assert main(["apply", str(tmp_path / "r.yaml"), str(source), "-o", str(tmp_path / "out.mid")]) == 0
    assert "32 notes before, 32 after" in capsys.readouterr().out
    assert [m.text for m in mido.MidiFile(tmp_path / "out.mid") if m.type == "lyrics"] == ["la"]
    # the hat on beat 2 (480) has no row of its own there and takes all notes': 20 ticks late
    assert 500 in read(tmp_path / "out.mid").parts[0].notes.onset_tick.tolist()


def test_broken_groove_files(tmp_path):
    with pytest.raises(NotFound):
        read_groove(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("[1]", encoding="utf-8")
    with pytest.raises(InvalidValue):
        read_groove(tmp_path / "bad.json")
    save_groove(tmp_path / "ok.json", [rock_loop()], "ok")
    assert read_groove(tmp_path / "ok.json").meter == Meter(4, 4)
