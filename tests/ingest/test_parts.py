"""Who plays: tracks gathered into parts."""

from __future__ import annotations

import pytest

import smf
from composer_core.ingest.midi import read_song
from composer_core.ingest.song import UNKNOWN_CHANNEL


def parts_of(*tracks: bytes) -> list[tuple[str, str, int]]:
    """(instrument, name, notes) of each part."""
    return [(p.instrument, p.name, len(p.notes)) for p in read_song(smf.smf(*tracks), "x.mid").parts]


def named(name: str, *head: bytes, channel: int = 0) -> bytes:
    return smf.notes([(0, 100, 60), (480, 100, 62)], smf.name(name.encode()), *head, channel=channel)


def test_drum_tracks_are_one_kit() -> None:
    assert parts_of(named("Kick", channel=9), named("Bass", smf.program(33), channel=1), named("Hats", channel=9)) == [
        ("drums", "Kick", 4),
        ("bass", "Bass", 2),
    ]


@pytest.mark.parametrize(
    ("right", "left"),
    [
        ("Piano", "Piano"),
        ("Piano", "piano "),
        ("Piano right hand", "Piano left hand"),
        ("Piano (right)", "Piano (left)"),
        ("Piano R.H.", "Piano L.H."),
        ("Piano RH", "Piano LH"),
        ("ピアノ右手", "ピアノ左手"),
        ("Right Hand", "Left Hand"),
    ],
)
def test_piano_hands_are_one_part(right: str, left: str) -> None:
    assert len(parts_of(named(right), named(left))) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [("Violin 1", "Violin 2"), ("", ""), ("Piano", "Strings"), ("Bright", "Brighton"), ("Melody", "Harmony")],
)
def test_different_players_stay_apart(one: str, other: str) -> None:
    assert len(parts_of(named(one), named(other))) == 2


def test_the_same_name_with_another_program_is_another_part() -> None:
    assert parts_of(named("Lead", smf.program(25)), named("Lead", smf.program(40))) == [
        ("guitar", "Lead", 2),
        ("strings", "Lead", 2),
    ]


def test_channel_of_a_merged_part() -> None:
    song = read_song(smf.smf(named("Piano", channel=0), named("Piano", channel=3)), "x.mid")
    assert [part.channel for part in song.parts] == [UNKNOWN_CHANNEL]
    assert song.parts[0].notes.onset_tick.tolist() == [0, 0, 480, 480]
