"""The bounded folder of audio."""

from __future__ import annotations

import os

import pytest

from composer_core.errors import NotFound, StoreError
from composer_core.render.audio import AudioCache

NAMES = [f"{digit}" * 40 + ".flac" for digit in "abcdef"]


def put(cache, name, size, used_at):
    cache.put(name, lambda stream: stream.write(b"x" * size))
    os.utime(cache.folder / name, (used_at, used_at))


def test_the_least_recently_used_goes_first(tmp_path):
    cache = AudioCache(tmp_path / "audio", limit_bytes=100)
    put(cache, NAMES[0], 40, used_at=1_000)
    put(cache, NAMES[1], 40, used_at=2_000)
    assert cache.find(NAMES[0]) == tmp_path / "audio" / NAMES[0]  # used now: 1 becomes the oldest
    put(cache, NAMES[2], 40, used_at=3_000)
    assert sorted(path.name for path in cache.folder.iterdir()) == [NAMES[0], NAMES[2]]


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
