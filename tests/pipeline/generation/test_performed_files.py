"""Files through the performers: what is kept, what is said, and that velocity and timing change."""

import json
from pathlib import Path

import numpy as np
import pytest

from composer_core.cli import main
from composer_core.errors import InvalidValue
from composer_core.ingest.midi import read_song
from composer_core.lab.performer.pop909 import is_pop909, played_piano
from composer_core.lab.performer.training import is_shaped, performed_takes
from composer_core.music.loop import Loop, Notes
from composer_core.pipeline.generation.performed_files import perform_file
from composer_core.render.midi import loops_to_midi
from rule_loops import rock_loop

DATA = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture
def song(tmp_path):
    """Eight bars of rock drums and a synth line, all at one velocity."""
    lead = Loop("other", Notes.from_rows([(480 * i, 400, 60 + i % 5, 80) for i in range(32)]), 8, program=80)
    path = tmp_path / "song.mid"
    path.write_bytes(loops_to_midi([rock_loop(8), lead]))
    return path


def read(path):
    return read_song(path.read_bytes(), path.name)


def test_drums_are_played_and_parts_without_a_performer_stay(song, tmp_path):
    played = perform_file(song, tmp_path / "out.mid", seed=3)
    before, after = read(song), read(tmp_path / "out.mid")
    drums, lead = after.parts
    assert len(np.unique(drums.notes.velocity)) > 5
    assert np.any(drums.notes.onset_tick % 120 != 0)
    assert sorted(drums.notes.pitch.tolist()) == sorted(before.parts[0].notes.pitch.tolist())
    assert lead.notes == before.parts[1].notes
    assert list(played.unplayed) == ["other"]
    assert any("no performer" in line for line in played.sentences())


def test_the_same_seed_gives_the_same_bytes(song, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        perform_file(song, tmp_path / f"{name}.mid", seed=seed)
    a, b, c = ((tmp_path / f"{name}.mid").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_without_humanise_the_grid_stays(song, tmp_path):
    perform_file(song, tmp_path / "out.mid", humanise_percent=0.0)
    assert not np.any(read(tmp_path / "out.mid").parts[0].notes.onset_tick % 120)


def test_the_command_says_what_it_did_and_refuses_half_a_request(song, tmp_path, capsys):
    out = str(tmp_path / "out.mid")
    assert main(["perform", str(song), "-o", out, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["unplayed"] == ["other"]
    assert main(["perform", str(song)]) == 2
    assert main(["perform", str(song), "-o", out, "--humanise", "120"]) == 2
    with pytest.raises(InvalidValue):
        perform_file(song, tmp_path / "out.mid", humanise_percent=-1.0)


def test_what_nobody_shaped_teaches_nothing():
    flat = Loop("bass", Notes.from_rows([(480 * i, 400, 40, 100) for i in range(8)]), 2)
    shaped = flat.with_notes(flat.notes.with_columns(velocity=[60, 70, 80, 90, 60, 70, 80, 90]))
    assert not is_shaped(flat)
    assert is_shaped(shaped)


def test_pop909_gives_played_and_straightened_takes():
    root = DATA / "mit" / "pop909"
    if not root.is_dir():
        pytest.skip("POP909 is not in ../shared/data")
    assert is_pop909(root)
    takes = played_piano(root)
    assert len(takes) > 400
    timed = [take for take in takes if take.extra["timed"]]
    assert 20 < len(timed) < len(takes) / 2
    assert all(take.notes.onset_tick.min() >= 0 and take.bars >= 4 for take in takes)
    assert performed_takes([root], "bass") == []
