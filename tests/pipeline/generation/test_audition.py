"""Loops made audible through the cache of a workspace."""

from __future__ import annotations

import os

import numpy as np
import pytest

from audio_probe import decoded, four_kicks, held_strings
from composer_core.errors import NotFound, RenderError, StoreError
from composer_core.music.loop import NO_NOTES, Loop
from composer_core.pipeline.generation.audition import audio_path, audition, loop_wav, soundfont_choice
from composer_core.pipeline.settings import Settings, save_settings
from composer_core.render.client import shared_renderer
from composer_core.workspace import Workspace


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "space")


def test_audio_is_described_and_lies_in_the_cache(workspace):
    audio = audition(four_kicks(tempo_bpm=97.0), workspace)
    assert audio.loop_sec == 4 * 60 / 97
    choice = soundfont_choice(workspace)
    assert (audio.soundfont, audio.soundfont_origin) == (choice.name, choice.origin)
    assert audio.is_fallback == (choice.origin == "pretty_midi")
    path = audio_path(workspace, audio.name)
    assert path.parent == workspace.audio
    samples = decoded(path.read_bytes())
    assert len(samples) == round(audio.loop_sec * audio.sample_rate) + round(0.05 * audio.sample_rate)
    assert np.abs(samples).max() > 0.05


def test_the_second_time_nothing_is_rendered(workspace, monkeypatch):
    first = audition(four_kicks(), workspace)
    monkeypatch.setattr(shared_renderer(), "render", None)
    assert audition(four_kicks(), workspace) == first


def test_a_file_that_was_evicted_is_made_again(workspace):
    name = audition(four_kicks(), workspace).name
    audio_path(workspace, name).unlink()
    with pytest.raises(NotFound):
        audio_path(workspace, name)
    assert audition(four_kicks(), workspace).name == name
    assert audio_path(workspace, name).exists()


def test_the_cache_is_bounded_by_the_setting(workspace):
    workspace.audio.mkdir(parents=True)
    old = workspace.audio / ("a" * 40 + ".flac")
    old.write_bytes(bytes(16_000_000))
    os.utime(old, (1_000, 1_000))
    save_settings(workspace, Settings(audio_cache_mb=16))
    audition(four_kicks(), workspace)
    assert not old.exists()


def test_the_soundfont_of_the_settings_sounds(workspace, tmp_path):
    own = tmp_path / "mine.sf2"
    own.write_bytes(soundfont_choice(workspace).path.read_bytes())
    default = audition(held_strings(), workspace)
    save_settings(workspace, Settings(soundfont=str(own)))
    audio = audition(held_strings(), workspace)
    assert (audio.soundfont, audio.soundfont_origin, audio.is_fallback) == ("mine.sf2", "setting", False)
    assert audio.name != default.name


def test_a_soundfont_setting_that_is_gone_or_unreadable_is_named(workspace, tmp_path):
    save_settings(workspace, Settings(soundfont=str(tmp_path / "gone.sf2")))
    with pytest.raises(NotFound, match=r"gone\.sf2"):
        audition(four_kicks(), workspace)
    (tmp_path / "text.sf2").write_text("no font")
    save_settings(workspace, Settings(soundfont=str(tmp_path / "text.sf2")))
    with pytest.raises(RenderError, match=r"text\.sf2 is no SoundFont"):
        audition(four_kicks(), workspace)
    assert list(workspace.audio.iterdir()) == []


def test_an_empty_loop_is_an_error(workspace):
    with pytest.raises(RenderError, match="holds no notes"):
        audition(Loop("bass", NO_NOTES, bars=1), workspace)


def test_a_workspace_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        audition(four_kicks(), Workspace(tmp_path / "file"))


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "a" * 40, "settings.json"])
def test_names_from_outside_are_checked(workspace, name):
    with pytest.raises(NotFound):
        audio_path(workspace, name)


def test_a_wav_of_several_parts_is_exactly_the_loop_and_repeats_without_a_seam(workspace):
    drums, strings = four_kicks(tempo_bpm=97.0), held_strings(tempo_bpm=97.0)
    samples = decoded(loop_wav([drums, strings], workspace))
    assert len(samples) == round(4 * 60 / 97 * 44_100)
    alone = decoded(loop_wav([drums], workspace)) + decoded(loop_wav([strings], workspace))
    assert np.abs(samples - alone).max() < 0.01  # both sound, each at its own level
    inside = np.abs(np.diff(samples, axis=0)).max()
    assert np.abs(samples[0] - samples[-1]).max() <= inside
