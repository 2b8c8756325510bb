"""The kinds of damage that only widen what scores learn from do what they say."""

import numpy as np
import pytest

from composer_core.music.loop import Loop, Notes
from composer_core.rules.damage import DAMAGES, damage
from metric_loops import beat

ROCK = beat(bars=4, kick=4 * "x.......x.......", snare=4 * "....X.......X...", hat=4 * "x.o.x.o.x.o.x.o.")
BAR = 1920
SHIFT = np.random.default_rng(0).integers(-20, 21, len(ROCK.notes))
LOOSE = ROCK.with_notes(ROCK.notes.with_columns(onset_tick=np.maximum(ROCK.notes.onset_tick + SHIFT, 0)))


def many(velocity: int = 64) -> Loop:
    n_notes = 4000
    notes = Notes.of(np.full(n_notes, 3840), np.full(n_notes, 40), np.full(n_notes, 42), np.full(n_notes, velocity))
    return Loop("drums", notes, 4)


def offsets(loop: Loop) -> np.ndarray:
    return (loop.notes.onset_tick + 60) % 120 - 60


def by_pitch(loop: Loop) -> dict[int, list[int]]:
    return {int(pitch): sorted(loop.notes.onset_tick[loop.notes.pitch == pitch].tolist()) for pitch in (36, 38, 42)}


def unchanged_voices(loop: Loop, other: Loop) -> int:
    before, after = by_pitch(loop), by_pitch(other)
    return sum(before[pitch] == after[pitch] for pitch in before)


def test_they_widen_and_the_others_do_not():
    wide = [row.name for row in DAMAGES.values() if row.widens]
    assert len(wide) == 19 and "role_late" not in wide and "wavering" in wide


def test_shuffled_offsets_stay_the_same_offsets():
    shuffled = damage(LOOSE, "offsets_shuffled", 1.0, 0)
    assert sorted(offsets(shuffled)) == sorted(offsets(LOOSE))
    assert shuffled.notes != LOOSE.notes


def test_widened_offsets_grow_by_their_share():
    # 7 ticks and 1.2 times 7 more: 15.4
    late = ROCK.with_notes(ROCK.notes.with_columns(onset_tick=ROCK.notes.onset_tick + 7))
    assert set(offsets(damage(late, "offsets_widened", 1.2, 0)).tolist()) == {15}


def test_wavering_reaches_both_ways_and_no_further():
    # 45 ms at 120 BPM are 43.2 ticks; eighths sample the two bars' sine closely
    moved = offsets(damage(ROCK, "wavering", 45.0, 0))
    assert np.abs(moved).max() <= 43 and moved.max() > 40 and moved.min() < -40


def test_stumbling_moves_whole_beats():
    # 5 of 16 beats, each by 40 ms: 38.4 ticks
    stumbled = damage(ROCK, "stumbling", 0.3, 1)
    moved = offsets(stumbled)
    assert set(np.abs(moved).tolist()) == {0, 38}
    assert len({int(round(tick / 120) * 120 // 480) for tick in stumbled.notes.onset_tick[moved != 0]}) == 5


def test_one_voice_alone_is_loose_or_tight():
    assert unchanged_voices(ROCK, damage(ROCK, "voice_loose", 45.0, 0)) == 2
    tight = damage(LOOSE, "voice_tight", 1.0, 0)
    assert unchanged_voices(LOOSE, tight) == 2
    assert [pitch for pitch, onset in by_pitch(tight).items() if not np.mod(onset, 120).any()]


def test_a_mirrored_voice_is_late_where_it_was_early():
    mirrored = damage(LOOSE, "voice_mirrored", 1.0, 0)
    assert unchanged_voices(LOOSE, mirrored) == 2
    before, after = by_pitch(LOOSE), by_pitch(mirrored)
    pitch = next(pitch for pitch in before if before[pitch] != after[pitch])
    loose, turned = (sorted(offsets(loop)[loop.notes.pitch == pitch].tolist()) for loop in (LOOSE, mirrored))
    assert turned == [-offset for offset in reversed(loose)]


def test_overdriven_velocities_are_cut_off():
    # 100 and 30 by 1.6: cut off at 127, and 48
    velocity = damage(ROCK, "overdriven", 0.6, 0).notes.velocity
    assert set(velocity[ROCK.notes.velocity == 30].tolist()) == {48}
    assert set(velocity[ROCK.notes.velocity >= 100].tolist()) == {127}


def test_turned_accents_are_those_of_the_note_before():
    notes = ROCK.notes
    turned = damage(ROCK, "accents_turned", 1.0, 0).notes.velocity
    order = np.argsort(notes.onset_tick, kind="stable")
    assert turned[order].tolist() == np.roll(notes.velocity[order], 1).tolist()


def test_fading_takes_its_share_at_the_soft_end():
    flat = ROCK.with_notes(ROCK.notes.with_columns(velocity=np.full(len(ROCK.notes), 100)))
    velocity = damage(flat, "fading", 0.6, 0).notes.velocity
    # the last eighth starts at 31/32 of the loop: 100 (1 - 0.6 * 31/32) = 41.9
    assert {int(velocity.max()), int(velocity.min())} <= {100, 98, 42, 40}
    assert velocity.max() - velocity.min() >= 55


def test_uneven_beats_have_one_level_each():
    flat = ROCK.with_notes(ROCK.notes.with_columns(velocity=np.full(len(ROCK.notes), 64)))
    uneven = damage(flat, "beats_uneven", 0.4, 0).notes
    levels = {beat: set(uneven.velocity[uneven.onset_tick // 480 == beat].tolist()) for beat in range(16)}
    assert all(len(found) == 1 for found in levels.values()) and len({min(found) for found in levels.values()}) > 8


def test_noise_has_the_spread_it_names():
    assert damage(many(), "velocity_noise", 10.0, 0).notes.velocity.std() == pytest.approx(10.0, rel=0.05)


def test_a_displaced_voice_is_three_16ths_late():
    late = damage(ROCK, "voice_displaced", 3.0, 0)
    assert unchanged_voices(ROCK, late) == 2
    moved = [pitch for pitch, onset in by_pitch(late).items() if onset != by_pitch(ROCK)[pitch]]
    expected = sorted((np.array(by_pitch(ROCK)[moved[0]]) + 360) % (4 * BAR))
    assert by_pitch(late)[moved[0]] == expected


def test_hits_are_added_on_16ths():
    more = damage(ROCK, "hits_added", 0.25, 0)
    assert len(more.notes) == len(ROCK.notes) + round(len(ROCK.notes) / 4)
    assert not (more.notes.onset_tick % 120).any()


def test_bars_run_backwards_or_begin_with_their_last_beat():
    place = ROCK.notes.onset_tick % BAR
    mirrored = damage(ROCK, "bars_mirrored", 1.0, 0).notes.onset_tick % BAR
    assert sorted(mirrored) == sorted(1800 - place)
    turned = damage(ROCK, "bars_turned", 1.0, 0).notes.onset_tick % BAR
    assert sorted(turned) == sorted((place + 480) % BAR)


def test_half_bars_are_thinned_displaced_or_recoloured_alone():
    def changed_halves(other: Loop) -> set[int]:
        columns = ((loop.notes.onset_tick.tolist(), loop.notes.pitch.tolist()) for loop in (ROCK, other))
        before, after = (set(zip(*pair, strict=True)) for pair in columns)
        return {tick // 960 for tick, _ in before ^ after}

    # 4 of 8 half bars; a displaced half may reach 16ths of its neighbours
    assert len(changed_halves(damage(ROCK, "halves_thinned", 0.5, 0))) <= 4
    assert len(changed_halves(damage(ROCK, "halves_recoloured", 0.5, 0))) == 4
    displaced = damage(ROCK, "halves_displaced", 0.5, 0)
    assert len(displaced.notes) == len(ROCK.notes)
    off_eighths = displaced.notes.onset_tick[displaced.notes.onset_tick % 240 != 0]
    assert {int(tick) % 240 for tick in off_eighths} == {120}
    assert len(off_eighths) == len(ROCK.notes) // 2
