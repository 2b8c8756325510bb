"""Keys as written anywhere, and tempo classes by the beat of the metre."""

import pytest

from composer_core.errors import InvalidValue
from composer_core.music.label_codes import KEY_MODES, KEY_ROOTS, parse_key, parse_root, tempo_bucket
from composer_core.music.timing import Meter


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("C", ("C", "major")),
        ("Gb:maj", ("F#", "major")),
        ("F# minor", ("F#", "minor")),
        ("Am", ("A", "minor")),
        ("c major", ("C", "major")),
        ("D dorian", ("D", "dorian")),
        ("B♭ Mixolydian", ("A#", "mixolydian")),
        ("Cb:min", ("B", "minor")),
        ("aminor", ("A", "minor")),
    ],
)
def test_keys_are_read_however_they_are_written(text: str, key: tuple[str, str]) -> None:
    assert parse_key(text) == key


@pytest.mark.parametrize("text", ["", "H", "C sharp", "A hungarian", "Cmaj7"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        parse_key(text)


def test_every_key_reads_back() -> None:
    for root in KEY_ROOTS:
        assert parse_root(root) == root
        for mode in KEY_MODES:
            assert parse_key(f"{root} {mode}") == (root, mode)


@pytest.mark.parametrize(
    ("tempo_bpm", "meter", "bucket"),
    [
        (89.9, Meter(4, 4), "slow"),
        (90.0, Meter(4, 4), "medium"),
        (130.0, Meter(3, 4), "medium"),
        (130.1, Meter(7, 8), "fast"),
        # 6/8 beats in dotted quarters: 120 quarters a minute are 80 beats, 210 are 140.
        (120.0, Meter(6, 8), "slow"),
        (210.0, Meter(12, 8), "fast"),
    ],
)
def test_tempo_classes_count_beats(tempo_bpm: float, meter: Meter, bucket: str) -> None:
    assert tempo_bucket(tempo_bpm, meter) == bucket
