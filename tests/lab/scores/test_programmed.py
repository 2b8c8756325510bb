"""The programmed profile: what it reads, where its loops come from, how its limits are found, what is kept of a run."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from composer_core.errors import InvalidValue, NotFound
from composer_core.estimate.scores.axes import AXES
from composer_core.estimate.scores.profiles import (
    LEFT_OUT_AXES,
    MIN_OFF_GRID_RATE,
    MIN_VELOCITIES,
    PERFORMED,
    PROGRAMMED,
)
from composer_core.lab.scores.calibration import sampled, usable_kinds
from composer_core.lab.scores.examples import Played, axis_metrics, examples_of, kind_axes, profile_metrics
from composer_core.lab.scores.known_profiles import MeasuredSet, limits_of, validate_profiles
from composer_core.lab.scores.sources import PROGRAMMED_SOURCES, SOURCES, Source, folder_of, source_of, takes_of
from composer_core.lab.scores.steps import Steps
from composer_core.metrics import METRICS, measure
from composer_core.music.loop import Loop
from composer_core.render.midi import loop_to_midi
from composer_core.rules.damage import DAMAGES, damage
from metric_loops import GROOVE_MIDI, groove_loops
from small_library import bass, rock

INSTRUMENTS = tuple(PROGRAMMED_SOURCES)


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_no_metric_of_the_programmed_profile_hears_velocities(instrument: str) -> None:
    # bars that come back, and would not with other velocities, are the hard case
    loops = [rock(4), *groove_loops(most_files=8)] if instrument == "drums" else [bass(), _tune(instrument)]
    rng = np.random.default_rng(0)
    names = profile_metrics(instrument, PROGRAMMED)
    assert names and set(names) < set(profile_metrics(instrument))
    for loop in loops[:6]:
        other = loop.with_notes(loop.notes.with_columns(velocity=rng.integers(1, 128, len(loop.notes))))
        before, after = measure(loop), measure(other)
        read = [name for name in names if name in before]
        np.testing.assert_array_equal([before[name] for name in read], [after[name] for name in read])


def _tune(instrument: str) -> Loop:
    """A scale up and down in 8ths with a chord on each bar."""
    from composer_core.music.loop import Notes

    rows = [(step * 240, 200, 60 + (0, 2, 4, 5, 7, 5, 4, 2)[step % 8], 80 + step % 3) for step in range(32)]
    rows += [(bar * 1920, 1800, pitch, 70) for bar in range(4) for pitch in (48, 52, 55)]
    return Loop(instrument, Notes.from_rows(rows), 4, 100.0)


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_kinds_that_touch_timing_or_velocity_alone_do_not_apply(instrument: str) -> None:
    kinds = usable_kinds(source_of(instrument, PROGRAMMED))
    alone = {kind for kind, axes in kind_axes(instrument).items() if set(axes) <= {"timing", "velocity"}}
    assert alone >= {"quantise", "jitter", "flat", "machine"} and not alone & set(kinds)
    assert {"scattered", "hits_moved", "seam_broken"} <= set(kinds)
    assert all(not set(axes) & set(LEFT_OUT_AXES[PROGRAMMED]) for axes in kinds.values())
    assert set(kinds) | alone == {name for name, kind in DAMAGES.items() if kind.applies_to(instrument)}


def test_axes_that_no_profile_leaves_out_are_read_by_both() -> None:
    for axis in AXES:
        if axis not in LEFT_OUT_AXES[PROGRAMMED]:
            assert axis_metrics("drums", (axis,), PROGRAMMED)[axis]
        assert axis_metrics("drums", (axis,))[axis]
    assert LEFT_OUT_AXES[PERFORMED] == ()
    assert axis_metrics("drums", AXES) == axis_metrics("drums", AXES, PERFORMED)


def test_a_source_is_asked_for_by_profile() -> None:
    assert source_of("piano") is SOURCES["piano"]
    with pytest.raises(InvalidValue, match="sketched"):
        source_of("piano", "sketched")
    with pytest.raises(InvalidValue, match="kazoo"):
        source_of("kazoo", PROGRAMMED)


def _write_piece(folder: Path, name: str) -> None:
    (folder / name).write_bytes(loop_to_midi(_tune("piano")))


def test_editions_of_a_piece_stay_on_one_side_and_unset_programs_play_the_folders_instrument(tmp_path: Path) -> None:
    folder = tmp_path / "pd" / "mutopia-guitar"
    folder.mkdir(parents=True)
    titles = [f"Study {number}" for number in range(12)]
    with (folder / "index.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["file", "title", "composer"])
        for number, title in enumerate(titles):
            for edition in "ab":
                writer.writerow([f"{number}{edition}.mid", title.upper() if edition == "b" else title, "Sor"])
                _write_piece(folder, f"{number}{edition}.mid")
    source = source_of("guitar", PROGRAMMED)
    seen, held = (takes_of(tmp_path, source, held_out=side) for side in (False, True))
    assert {loop.instrument for loop, _ in seen + held} == {"guitar"}
    groups = {group for _, group in seen}, {group for _, group in held}
    assert not groups[0] & groups[1] and len(groups[0] | groups[1]) == len(titles)
    assert len(seen) + len(held) == 2 * len(titles)
    assert {folder_of(source, group) for group in groups[0]} == {"pd/mutopia-guitar"}


def test_sets_are_drawn_as_evenly_as_they_can_be() -> None:
    source = Source("bass", ("a", "b", "c"), "", max_loops=12, profile=PROGRAMMED)
    played = [
        Played(bass(), f"{name}/{i}", f"{name}/{i}") for name, n in (("a", 2), ("b", 30), ("c", 9)) for i in range(n)
    ]
    drawn = [one.group[0] for one in sampled(played, source)]
    # two of a are all there are; five each of the others make twelve
    assert [drawn.count(name) for name in "abc"] == [2, 5, 5]
    assert sampled(played, source) == sampled(played, source)


def _set(name: str, profile: str, rates: list[float], counts: list[int]) -> MeasuredSet:
    n = len(rates)
    return MeasuredSet(name, profile, np.array(rates), np.array(counts, float), np.full(n, 40.0), np.ones(n, np.bool_))


def test_limits_lie_where_most_loops_are_told_right() -> None:
    performed = _set("p", PERFORMED, [0.5, 0.6, 0.41, 0.7], [20, 9, 12, 30])
    programmed = _set("q", PROGRAMMED, [0.0, 0.0, 0.21, 0.6], [1, 30, 20, 3])
    found = limits_of([performed, programmed])
    # 0.22 to 0.40 part them, 4 velocities are the first that leave the off-grid set out
    assert found["as_good"] == [0.22, 0.4] and found["min_off_grid_rate"] == pytest.approx(0.3)
    assert found["min_velocities"] == 4 and found["accuracy"] == pytest.approx(1.0)
    chosen = np.ones(4, np.bool_)
    assert programmed.accuracy(0.1, 1, chosen) == 0.5 and np.isnan(programmed.accuracy(0.1, 1, ~chosen))


def test_profiles_are_not_validated_by_one_kind_alone(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        validate_profiles(tmp_path)


def test_what_was_measured_is_kept_by_what_it_was_made_of(tmp_path: Path) -> None:
    played = [Played(damage(rock(4), "hits_dropped", 0.1, seed), f"t{seed}", f"g{seed}") for seed in range(6)]
    steps = Steps(tmp_path / "steps")
    first = examples_of(played, ("onset_density", "kick_share"), ["hits_moved"], steps=steps)
    files = sorted((tmp_path / "steps").iterdir())
    assert len(files) == 2  # human loops, and those damaged
    np.save(files[0], np.load(files[0]) + 1000.0)
    np.save(files[1], np.load(files[1]) + 1000.0)
    again = examples_of(played, ("onset_density", "kick_share"), ["hits_moved"], steps=steps)
    np.testing.assert_array_equal(again.human, first.human + 1000.0)
    np.testing.assert_array_equal(again.damaged, first.damaged + 1000.0)
    # other loops, and no folder, are measured
    other = examples_of(played[:5], ("onset_density", "kick_share"), ["hits_moved"], steps=steps)
    np.testing.assert_array_equal(other.human, first.human[:5])
    plain = examples_of(played, ("onset_density", "kick_share"), ["hits_moved"])
    np.testing.assert_array_equal(plain.human, first.human)


def test_every_metric_left_out_of_the_programmed_profile_is_there() -> None:
    left = {name for name in METRICS for instrument in INSTRUMENTS if name in profile_metrics(instrument)} - {
        name for instrument in INSTRUMENTS for name in profile_metrics(instrument, PROGRAMMED)
    }
    families = {METRICS[name].family for name in left}
    assert {"groove", "dynamics"} <= families and "groove_consistency" not in left


@pytest.mark.skipif(not GROOVE_MIDI.is_dir(), reason="../shared/data is not here")
def test_known_sets_are_told_right() -> None:
    from composer_core.lab.scores.known_profiles import _measured

    data = GROOVE_MIDI.parents[1]
    patterns = _measured(data / "mit/drum-machine-patterns", "patterns", PROGRAMMED)
    everyone = np.ones(len(patterns.off_grid), np.bool_)
    assert len(everyone) > 300 and patterns.accuracy(MIN_OFF_GRID_RATE, MIN_VELOCITIES, everyone) == 1.0
