"""Edited takes: what is not edited stays to the tick; with models of random weights."""

from dataclasses import replace

import numpy as np
import pytest

from composer_core.cli import main
from composer_core.cli.varying import parse_bars
from composer_core.errors import InvalidValue, NotFound
from composer_core.ingest.cut import WHOLE_SONG, cut
from composer_core.ingest.midi import read_song
from composer_core.music.condition import Condition
from composer_core.music.loop import Loop, Notes
from composer_core.pipeline.generation import takes, variation
from composer_core.pipeline.generation.takes import generate, list_takes, render_take, save_takes, take_midi
from composer_core.pipeline.generation.variation import continue_take, regenerate_bars, vary
from composer_core.pipeline.models import find_model
from composer_core.render.midi import loops_to_midi
from composer_core.workspace import Workspace
from untrained_model import add_untrained_model

BAR = 1920


@pytest.fixture(scope="module", params=["drums", "bass"])
def made(request, tmp_path_factory):
    """A workspace with a model of random weights, and a take of four bars."""
    workspace = Workspace(tmp_path_factory.mktemp("vary")).create()
    name = add_untrained_model(workspace, request.param)
    take = generate(Condition(request.param, 4), seed=3, model=name, workspace=workspace)[0]
    return workspace, take, name


def rows_outside(take, bars):
    """Notes with their micro-timing in the bars that were not edited."""
    both = zip(take.grid.notes.rows(), take.offset_ms.tolist(), strict=True)
    return [(row, offset) for row, offset in both if row[0] // BAR not in bars]


def test_chosen_bars_change_and_the_rest_stays(made):
    workspace, take, name = made
    edited = regenerate_bars(take, [1, 3], seed=8, model=name, workspace=workspace)
    assert rows_outside(edited, {1, 3}) == rows_outside(take, {1, 3})
    assert edited.grid.notes != take.grid.notes
    assert edited.parent == take.take_id
    assert edited.edit == "bars 2,4"
    again = regenerate_bars(take, [3, 1], seed=8, model=name, workspace=workspace)
    assert take_midi(again) == take_midi(edited)
    assert again.take_id == edited.take_id


@pytest.mark.parametrize("swing_percent", [50.0, 60.0])
def test_what_is_not_edited_sounds_as_before(made, swing_percent):
    """8ths whose off-beats come 20 ms late in two bars and in time in the others: what they lose of it (the median,
    10 ms) is not read anew when a bar changes. At the bar line a new neighbour may hold a note back, so bar 3 tells."""
    workspace, take, name = made
    pitch = 42 if take.grid.is_drums else 40
    eighths = take.grid.with_notes(Notes.from_rows((240 * i, 40, pitch, 90) for i in range(32)))
    late_ms = np.array([20.0 if i % 2 and i < 16 else 0.0 for i in range(32)])
    take = replace(take, grid=eighths, offset_ms=late_ms)
    condition = take.condition.changed(swing_percent=swing_percent)
    edited = regenerate_bars(take, [0], seed=8, model=name, workspace=workspace)
    again = read_back(workspace, regenerate_bars(edited, [0], seed=9, model=name, workspace=workspace))
    before, *after = (
        [row for row in render_take(one, condition).notes.rows() if 2 * BAR <= row[0] < 3 * BAR]
        for one in (take, edited, again)
    )
    assert after == [before, before] and before


def read_back(workspace, take):
    save_takes(workspace, [take])
    return next(one for one in list_takes(workspace) if one.take_id == take.take_id)


def test_new_bars_are_played_by_the_seed_of_the_others(made, monkeypatch):
    workspace, take, name = made
    seeds = []
    real = takes.perform_grid
    monkeypatch.setattr(variation, "perform_grid", lambda *given: (seeds.append(given[2]), real(*given))[1])
    once = regenerate_bars(take, [1], seed=8, model=name, workspace=workspace)
    save_takes(workspace, [once])
    stored = next(one for one in list_takes(workspace) if one.take_id == once.take_id)
    continue_take(stored, 4, seed=9, model=name, workspace=workspace)
    vary(replace(take, played_seed=None), 0.5, seed=10, model=name, workspace=workspace)  # of an earlier release
    assert seeds == [3, 3, 3]


def test_continuing_keeps_all_there_is(made):
    workspace, take, name = made
    longer = continue_take(take, 4, seed=1, model=name, workspace=workspace)
    assert longer.grid.bars == longer.condition.bars == 8
    assert rows_outside(longer, range(4, 8)) == rows_outside(take, ())
    assert (longer.grid.notes.onset_tick >= 4 * BAR).any()
    with pytest.raises(InvalidValue, match="4"):
        continue_take(take, 3, seed=1, model=name, workspace=workspace)


def test_a_take_outlives_the_model_that_made_it(made):
    workspace, take, name = made
    orphan = replace(take, model="retired")
    edited = regenerate_bars(orphan, [1], seed=8, workspace=workspace)
    assert edited.model == find_model(take.condition.instrument, None, workspace).name
    assert "model_gone" in edited.notices
    assert rows_outside(edited, {1}) == rows_outside(take, {1})
    kept = regenerate_bars(take, [1], seed=8, workspace=workspace)
    assert kept.model == name
    assert "model_gone" not in kept.notices
    with pytest.raises(NotFound, match="retired"):
        regenerate_bars(orphan, [1], seed=8, model="retired", workspace=workspace)


@pytest.mark.parametrize(("strength", "expected"), [(0.1, 1), (0.5, 2), (1.0, 4)])
def test_strength_is_the_share_of_bars(made, strength, expected):
    workspace, take, name = made
    varied = vary(take, strength, seed=2, model=name, workspace=workspace)
    tick = take.grid.meter.bar_tick
    kept = [
        bar
        for bar in range(4)
        if [r for r in take.grid.notes.rows() if r[0] // tick == bar]
        == [r for r in varied.grid.notes.rows() if r[0] // tick == bar]
    ]
    assert 4 - len(kept) == expected
    if expected < 4:
        assert 0 in kept


def test_bars_that_are_not_there(made):
    workspace, take, name = made
    for bars in ([], [4], [-1]):
        with pytest.raises(InvalidValue):
            regenerate_bars(take, bars, seed=0, model=name, workspace=workspace)
    with pytest.raises(InvalidValue):
        vary(take, 0.0, seed=0, model=name, workspace=workspace)


def test_a_file_keeps_its_own_notes_outside_the_edit(made, tmp_path, capsys):
    workspace, take, name = made
    source = tmp_path / "loop.mid"
    source.write_bytes(take_midi(take))
    line = ["vary", str(source), "--bars", "3", "--model", name, "--workspace", str(workspace.root)]
    assert main([*line, "-o", str(tmp_path / "out.mid")]) == 0
    assert "bars 3" in capsys.readouterr().out
    before, after = (cut(read_song(p.read_bytes(), "x"), WHOLE_SONG)[0] for p in (source, tmp_path / "out.mid"))
    assert after.bars == before.bars == render_take(take).bars

    def outside(loop):
        bar = np.maximum((loop.notes.onset_tick + 60) // BAR, 0)
        return [row for row, own in zip(loop.notes.rows(), bar.tolist(), strict=True) if own != 2]

    kept_onsets = [row[::2] for row in outside(before)]
    assert [row[::2] for row in outside(after)] == kept_onsets
    assert main([*line[:3], "9", *line[4:], "-o", str(tmp_path / "out.mid")]) == 2


def test_other_parts_of_a_file_stay_as_they_are(made, tmp_path, capsys):
    """Two parts: the take, and 17 notes of strings with a program and a name of their own, early and past the bars."""
    workspace, take, name = made
    rows = [(240 * i - 30, 200 + i, 60 + i % 5, 50 + i) for i in range(17)]
    strings = Loop("strings", Notes.from_rows(rows), 4, 110.0, program=45, track_name="pizz")
    source, out = tmp_path / "two.mid", tmp_path / "out.mid"
    source.write_bytes(loops_to_midi([strings, render_take(take)]))
    instrument = take.condition.instrument
    line = ["vary", str(source), "--strength", "1", "--model", name, "--workspace", str(workspace.root), "-o", str(out)]
    assert main([*line, "--instrument", instrument]) == 0
    before, after = (cut(read_song(p.read_bytes(), "x"), WHOLE_SONG) for p in (source, out))
    assert [loop.instrument for loop in after] == ["strings", instrument]
    assert (after[0].notes, after[0].program, after[0].track_name) == (before[0].notes, 45, "pizz")
    assert after[1].notes != before[1].notes
    assert main(line) == 2
    assert "choose it with --instrument" in capsys.readouterr().err


def test_a_loop_of_eight_bars_is_not_continued(made):
    workspace, take, name = made
    longer = continue_take(take, 4, seed=1, model=name, workspace=workspace)
    with pytest.raises(InvalidValue, match="a loop of 8 bars and bars to continue cannot be asked together"):
        continue_take(longer, 4, seed=1, model=name, workspace=workspace)


def test_bars_as_people_write_them():
    assert parse_bars("3-4") == [2, 3]
    assert parse_bars("1, 4") == [0, 3]
    for text in ("a", "3-", "-"):
        with pytest.raises(InvalidValue):
            parse_bars(text)
