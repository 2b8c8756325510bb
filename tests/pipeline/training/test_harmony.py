"""Keys and chords of songs, windows of takes, and the training data made of them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from composer_core.errors import InvalidValue, NotFound
from composer_core.lab.composer.building import build
from composer_core.lab.composer.recipes import RECIPES
from composer_core.model.config import TrainConfig, config_from_json
from composer_core.music.chords import Chord
from composer_core.music.key import Key
from composer_core.music.key_finding import keys_of_bars
from composer_core.music.loop import Loop, Notes
from composer_core.pipeline.training.permitted_sets import PERMITTED_SETS, permitted_loops
from composer_core.pipeline.training.sources import (
    harmonies,
    limited_windows,
    measured_condition,
    prepare_takes,
    spread,
)
from composer_core.pipeline.training.windows import build_training_data
from composer_core.tokens.vocab import mix_up

PROGRESSION = ((4, 7, 11), (0, 4, 7), (7, 11, 2), (2, 6, 9))
"""Em C G D as pitch classes."""


def song(name: str = "song.mid", repeats: int = 2, move: int = 0) -> list[Loop]:
    """Em C G D on a piano in block chords with the roots on a bass, a bar each, `move` semitones higher."""
    bars = PROGRESSION * repeats
    chords = [
        (b * 1920 + half * 960, 900, 60 + move + tone, 80) for b, c in enumerate(bars) for half in (0, 1) for tone in c
    ]
    roots = [(b * 1920 + beat * 480, 400, 36 + move + c[0], 90) for b, c in enumerate(bars) for beat in range(4)]
    shared = {"bars": len(bars), "source": name}
    return [Loop("piano", Notes.from_rows(chords), **shared), Loop("bass", Notes.from_rows(roots), **shared)]


def test_parts_of_a_song_share_key_and_chords() -> None:
    found = harmonies(song())[("song.mid", 0, "4/4")]
    assert set(found.keys) <= {Key(4, "minor"), Key(7, "major")}
    assert [str(chord) for chord in found.chords[:4]] == ["Em", "C", "G", "D"]


def test_a_change_of_key_is_found_at_its_bar() -> None:
    # Eight bars of C major triads on I IV V I, then eight bars the same a tritone higher.
    rows = [[0, 4, 7], [5, 9, 0], [7, 11, 2], [0, 4, 7]] * 2
    weight = np.zeros((16, 12))
    for bar in range(16):
        weight[bar, [(tone + (6 if bar >= 8 else 0)) % 12 for tone in rows[bar % 8]]] = 1.0
    keys = keys_of_bars(weight)
    assert keys == [Key(0, "major")] * 8 + [Key(6, "major")] * 8


def test_a_window_is_written_on_c_whatever_its_key() -> None:
    written = []
    for move in (0, 3, -5):
        bass = next(take for take in prepare_takes(song(move=move)) if take.instrument == "bass")
        written.append(bass.window(0, 4))
        asked = measured_condition(bass, 0, 4)
        assert asked.key is not None
        roots = [chord.root for chord in asked.chords if chord is not None]
        assert [(root - asked.key.root) % 12 for root in roots] in ([0, 8, 3, 10], [9, 5, 0, 7])
    # Octaves may differ (a tonic of F# goes down to C, one of F up), pitch classes may not.
    classes = [[[int(t.split("_")[1]) % 12 for t in bar if t.startswith("Pitch")] for bar in bars] for bars in written]
    assert classes[0] == classes[1] == classes[2]


def test_long_songs_give_first() -> None:
    assert spread([100, 10, 10], 40) == 20
    assert spread([5, 5], 100) == 5
    takes = prepare_takes([*song("long.mid", 16), *song("short.mid", 2)], ["bass"])
    counts = [len(windows) for windows in limited_windows(takes, True, 40)]
    assert counts[1] == len(limited_windows(takes, True, 0)[1]) or counts[0] == counts[1]
    assert sum(counts) <= 40


def test_the_parts_of_one_song_stay_together() -> None:
    takes = prepare_takes([loop for i in range(40) for loop in song(f"{i}.mid")])
    parts: dict[str, set[str]] = {}
    for take in takes:
        parts.setdefault(take.name, set()).add(take.part)
    assert all(len(part) == 1 for part in parts.values())
    assert len({next(iter(part)) for part in parts.values()}) > 1


def test_training_data_of_all_instruments_hold_their_conditions() -> None:
    config = config_from_json(TrainConfig, {"instrument": "all", "size": "tiny", "merges": 20, "damaged": 0.2}, "here")
    data = build_training_data([loop for i in range(12) for loop in song(f"{i}.mid", move=i % 5)], config)
    assert data.vocabulary.kind == "shared"
    assert set(data.facts["windows"]) == {"piano", "bass"}
    conditions = data.train.conditions
    assert (conditions.mode > 0).all()
    assert (conditions.chords[:, 0] > 0).all()
    n_spoilt = int(data.train.spoilt.sum())
    assert n_spoilt == round(0.2 * (len(data.train) - n_spoilt))


def test_mixed_up_music_keeps_its_rhythm_and_its_notes() -> None:
    bars = prepare_takes(song(), ["bass"])[0].window(0, 4)
    mixed = mix_up(bars, np.random.default_rng(1))
    kept = [[token for token in bar if token.startswith("Position")] for bar in bars]
    assert [[token for token in bar if token.startswith("Position")] for bar in mixed] == kept
    pitches = [Counter(t for bar in version for t in bar if t.startswith("Pitch")) for version in (bars, mixed)]
    assert pitches[0] == pitches[1]
    assert mixed != bars


def test_a_missing_set_is_named(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NotFound, match="freedoom"):
        permitted_loops(tmp_path, "bass")


def test_an_unknown_recipe_is_refused(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InvalidValue, match="composer-kazoo"):
        build("composer-kazoo", tmp_path, tmp_path)


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_recipe_is_a_training(name: str) -> None:
    recipe = RECIPES[name]
    config_from_json(TrainConfig, {**recipe.fields, "start": "somewhere" if recipe.start else ""}, name)
    assert {"cc-by/gmd", *recipe.sets} <= {chosen.folder for chosen in PERMITTED_SETS}
    assert not recipe.start or recipe.start in RECIPES


def test_silence_keeps_the_key_before_it() -> None:
    weight = np.zeros((4, 12))
    weight[0, [0, 4, 7]] = 1.0
    assert len(set(keys_of_bars(weight))) == 1
    assert Chord(0, "maj").pitch_classes == (0, 4, 7)
