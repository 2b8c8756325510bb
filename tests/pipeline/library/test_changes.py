"""Loops of two readings of a file compared: which stay, which replace which, and how they differ."""

from __future__ import annotations

from typing import Any

import pytest

from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import Meter
from composer_core.pipeline.library.changes import CLASSES, FileChange, compare, start_tick

BAR = 1920
Rows = list[tuple[int, int, int, int]]


def rows(n: int, pitch: int = 60) -> Rows:
    """So many quarters from the start, each a semitone higher."""
    return [(480 * index, 400, pitch + index % 12, 90) for index in range(n)]


def loop(notes: Rows, bars: int = 2, *, at_bar: int = 0, instrument: str = "piano", **changes: Any) -> Loop:
    extra = {"part": 0, "start_tick": at_bar * BAR, **changes.pop("extra", {})}
    return Loop(instrument, Notes.from_rows(notes), bars, start_bar=at_bar, extra=extra, **changes)


def one(old: Loop, new: Loop) -> FileChange:
    return compare({"old": old}, [new])


def test_the_same_notes_are_the_same_loop() -> None:
    found = one(loop(rows(8)), loop(rows(8)))
    assert (found.same, found.replaces, found.gone, found.classes) == ({0: "old"}, {}, (), {})
    assert found.is_empty


@pytest.mark.parametrize(
    ("changes", "ways"),
    [
        ({"instrument": "guitar"}, {"instrument"}),
        ({"meter": Meter(8, 4), "bars": 1}, {"meter"}),
        ({"tempo_bpm": 121.0}, {"tempo"}),
        ({"tempo_events": ((0, 119.0), (BAR, 121.0))}, {"tempo"}),
        ({"bars": 4}, {"longer"}),
        ({"bars": 1}, {"shorter"}),
    ],
)
def test_what_is_heard_makes_another_loop(changes: dict[str, Any], ways: set[str]) -> None:
    found = one(loop(rows(8)), loop(rows(8), **changes))
    assert found.replaces == {0: ("old",)} and not found.same and set(found.classes) == ways


def test_names_and_declarations_leave_the_loop_what_it_is() -> None:
    named = one(loop(rows(8)), loop(rows(8), track_name="Bass", program=33))
    assert named.same == {0: "old"} and named.classes == {"names": 1} and not named.is_empty
    said = one(loop(rows(8)), loop(rows(8), extra={"declared_key": {"key": "C:major"}}))
    assert said.same == {0: "old"} and said.classes == {"declared": 1}
    numbered = one(loop(rows(8)), loop(rows(8), extra={"part": 3}))
    assert numbered.same == {0: "old"} and numbered.classes == {"names": 1}


def test_a_drum_map_is_heard_but_changes_no_note() -> None:
    found = one(
        loop(rows(8, 36), instrument="drums"), loop(rows(8, 36), instrument="drums", extra={"drum_map": "battery"})
    )
    assert found.replaces == {0: ("old",)} and found.classes == {"drum_map": 1}


def test_notes_held_into_the_loop() -> None:
    old = loop(rows(8), at_bar=2)
    held = loop([(0, 960, 40, 90), *rows(8)], at_bar=2)
    assert one(old, held).classes == {"held": 1}
    # The same at another note is just another note; of drums nothing is held.
    assert one(old, loop([(480, 960, 40, 90), *rows(8)], at_bar=2)).classes == {"notes": 1}
    drums = (loop(rows(8, 36), instrument="drums"), loop([(0, 9, 50, 90), *rows(8, 36)], instrument="drums"))
    assert one(*drums).classes == {"notes": 1}


def test_two_loops_become_one_and_the_nearer_comes_first() -> None:
    """A file of 4 bars read as loops of 2 and 1: 8 and 4 of the new loop's 12 notes."""
    old = {"last": loop([(0, 400, 68, 90), (480, 400, 69, 90), (960, 400, 70, 90), (1440, 400, 71, 90)], 1, at_bar=2),
           "first": loop(rows(8), 2)}  # fmt: skip
    found = compare(old, [loop(rows(12), 4)])
    assert found.replaces == {0: ("first", "last")} and found.gone == () and found.classes == {"longer": 1}


def test_half_of_the_smaller_loop_is_enough_and_less_is_not() -> None:
    old = loop(rows(8))
    half = loop([*rows(4), *((480 * n, 400, 100 + n, 90) for n in range(4, 8))])
    less = loop([*rows(3), *((480 * n, 400, 100 + n, 90) for n in range(3, 8))])
    assert one(old, half).replaces == {0: ("old",)}
    found = one(old, less)
    assert (found.replaces, found.gone, found.classes) == ({0: ()}, ("old",), {"new": 1, "gone": 1})


def test_windows_that_move_are_told_by_their_place() -> None:
    """Bars 1 to 4 after a set-up bar, where bars 0 to 3 were: three bars of four are in both."""
    long = rows(20)
    old = loop([row for row in long if row[0] < 4 * BAR], 4)
    new = loop([(tick - BAR, *rest) for tick, *rest in long if BAR <= tick < 5 * BAR], 4, at_bar=1)  # type: ignore[misc]
    assert one(old, new).classes == {"place": 1, "names": 1}


def test_loops_stored_without_their_tick_begin_at_their_bar() -> None:
    old = Loop("piano", Notes.from_rows(rows(6)), 2, meter=Meter(3, 4), start_bar=4)
    assert start_tick(old) == 4 * 1440
    assert start_tick(loop(rows(1), at_bar=3)) == 3 * BAR


def test_a_song_put_on_other_beats_is_compared_by_its_seconds() -> None:
    """8 quarters at 120 in 1/4, from second 2 on, and the same sounds as eighths at 60 in 4/4, from second 1 on."""
    old = Loop("piano", Notes.from_rows(rows(8)), 8, 120.0, Meter(1, 4), start_bar=4, extra={"start_sec": 2.0})
    eighths = [(480 + 240 * n, 200, pitch, 90) for n, (_, _, pitch, _) in enumerate(rows(8))]
    new = Loop("piano", Notes.from_rows(eighths), 2, 60.0, extra={"start_tick": 0, "start_sec": 1.0})
    found = one(old, new)
    assert found.replaces == {0: ("old",)} and {"meter", "tempo"} <= set(found.classes)
    # A twentieth of a second away no note is the same, and with a change of tempo inside every second counts.
    late = Loop("piano", Notes.from_rows(eighths), 2, 60.0, extra={"start_tick": 0, "start_sec": 1.05})
    assert one(old, late).replaces == {0: ()}
    halves = [(0, 9, 60, 90), (480, 9, 61, 90), (960, 9, 62, 90), (1200, 9, 63, 90)]
    bends = {"tempo_bpm": 90.0, "tempo_events": ((0, 120.0), (960, 60.0)), "extra": {"start_sec": 2.0}}
    assert one(old, Loop("piano", Notes.from_rows(halves), 1, start_bar=9, **bends)).replaces == {0: ("old",)}  # type: ignore[arg-type]


def test_nothing_and_everything() -> None:
    assert compare({}, []).is_empty
    assert compare({}, [loop(rows(4))]).classes == {"new": 1}
    found = compare({"old": loop(rows(4))}, [])
    assert (found.gone, found.classes) == (("old",), {"gone": 1}) and not found.is_empty


def test_every_way_is_a_class() -> None:
    every = compare(
        {"a": loop(rows(8)), "b": loop(rows(8, 90), at_bar=8)},
        [
            loop([(0, 9, 20, 9), *rows(8)], 4, instrument="bass", tempo_bpm=90.0, extra={"declared_key": 1}, program=3),
            loop(rows(3, 30)),
        ],
    )
    assert set(every.classes) <= set(CLASSES) and len(every.classes) == 8
