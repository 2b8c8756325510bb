"""The bounded folder of audio."""

from __future__ import annotations

import os

import numpy as np
import pytest
import soundfile

from composer_core.errors import NotFound, StoreError
from composer_core.render import audio
from composer_core.render.audio import AudioCache

NAMES = [f"{digit}" * 40 + ".flac" for digit in "abcdef"]


def put(cache, name, size, used_at):
    cache.put(name, lambda stream: stream.write(b"x" * size))
    os.utime(cache.folder / name, (used_at, used_at))


def put_sound(cache, name, used_at):
    """Put a second of silence, which can be decoded; gives its size in bytes."""
    path = cache.put(name, lambda stream: soundfile.write(stream, np.zeros(44_100), 44_100, format="FLAC"))
    os.utime(path, (used_at, used_at))
    return path.stat().st_size


def test_the_least_recently_used_goes_first(tmp_path):
    cache = AudioCache(tmp_path / "audio", limit_bytes=10**6)
    size = put_sound(cache, NAMES[0], used_at=1_000)
    cache.limit_bytes = 5 * size // 2
    put_sound(cache, NAMES[1], used_at=2_000)
    assert cache.find(NAMES[0]) == tmp_path / "audio" / NAMES[0]  # used now: 1 becomes the oldest
    put_sound(cache, NAMES[2], used_at=3_000)
    assert sorted(path.name for path in cache.folder.iterdir()) == [NAMES[0], NAMES[2]]


def test_a_file_is_decoded_once_however_often_it_is_found(tmp_path, monkeypatch):
    decoded = []
    check = audio.check_audio
    monkeypatch.setattr(audio, "check_audio", lambda path: (decoded.append(path), check(path)))
    cache = AudioCache(tmp_path, limit_bytes=10**6)
    put_sound(cache, NAMES[0], used_at=1_000)  # another stamp than it was put with
    for _ in range(3):
        assert cache.find(NAMES[0]) is not None
    assert decoded == [tmp_path / NAMES[0]]


def test_the_file_just_made_stays_even_when_it_alone_is_too_large(tmp_path):
    cache = AudioCache(tmp_path, limit_bytes=10)
    put(cache, NAMES[0], 8, used_at=1_000)
    cache.put(NAMES[1], lambda stream: stream.write(b"x" * 50))
    assert [path.name for path in tmp_path.iterdir()] == [NAMES[1]]


def test_a_failed_write_leaves_nothing(tmp_path):
    cache = AudioCache(tmp_path, limit_bytes=10)

    def fail(stream):
        stream.write(b"half")
        raise NotFound("path_missing", path="x")

    with pytest.raises(NotFound):
        cache.put(NAMES[0], fail)
    assert list(tmp_path.iterdir()) == []
    assert cache.find(NAMES[0]) is None


def test_remains_of_a_killed_write_are_swept_after_an_hour_and_strangers_are_left(tmp_path):
    cache = AudioCache(tmp_path, limit_bytes=1)
    for name in (f".{NAMES[0]}.abc", f".{NAMES[1]}.def", "readme.txt"):
        (tmp_path / name).write_bytes(b"half")
    os.utime(tmp_path / f".{NAMES[0]}.abc", (1_000, 1_000))
    cache.make_room()
    assert sorted(path.name for path in tmp_path.iterdir()) == [f".{NAMES[1]}.def", "readme.txt"]


@pytest.mark.parametrize(
    "name", ["../settings.json", "a.flac", "A" * 40 + ".flac", "a" * 40 + ".mp3", "", NAMES[0] + "\n"]
)
def test_only_content_hash_names_are_answered(tmp_path, name):
    with pytest.raises(NotFound):
        AudioCache(tmp_path, 10).find(name)


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        AudioCache(tmp_path / "file" / "audio", 10).put(NAMES[0], lambda stream: stream.write(b"x"))
