"""The order in which SoundFonts are looked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from composer_core.errors import NotFound, Unavailable
from composer_core.render import soundfont
from composer_core.render.soundfont import choose_soundfont, fluidsynth_cure, soundfont_cure, soundfonts_in


def font(folder: Path, name: str, size: int = 10) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(b"x" * size)
    return path


def test_setting_beats_assets_beats_system_beats_pretty_midi(tmp_path):
    own = font(tmp_path / "own", "own.sf2")
    asset = font(tmp_path / "assets", "asset.sf2")
    system = font(tmp_path / "system", "system.sf2", size=99)
    folders = {"assets": tmp_path / "assets", "system": [tmp_path / "system"]}
    assert choose_soundfont(str(own), **folders).path == own
    assert choose_soundfont(str(own), **folders).origin == "setting"
    assert choose_soundfont(None, **folders).path == asset
    asset.unlink()
    found = choose_soundfont(None, **folders)
    assert (found.path, found.origin, found.is_fallback) == (system, "system", False)
    system.unlink()
    found = choose_soundfont(None, **folders)
    assert (found.name, found.origin, found.is_fallback) == ("TimGM6mb.sf2", "pretty_midi", True)


def test_the_largest_of_several_wins_and_links_are_resolved(tmp_path):
    large = font(tmp_path / "fonts", "a-large.sf2", size=50)
    font(tmp_path / "fonts", "b-small.SF3", size=20)
    font(tmp_path / "fonts", "notes.txt", size=500)
    (tmp_path / "fonts" / "default-GM.sf2").symlink_to(large)
    assert choose_soundfont(None, assets=tmp_path / "fonts", system=[]).path == large
    assert len(soundfonts_in(tmp_path / "fonts")) == 3


def test_a_setting_that_names_no_file_is_an_error_not_a_hint(tmp_path):
    with pytest.raises(NotFound, match=r"gone\.sf2 does not exist"):
        choose_soundfont(str(tmp_path / "gone.sf2"))


def test_none_anywhere_names_the_places_and_the_cure(tmp_path, monkeypatch):
    monkeypatch.setattr(soundfont, "find_spec", lambda name: None)
    with pytest.raises(Unavailable) as caught:
        choose_soundfont(None, assets=tmp_path / "a", system=[tmp_path / "b"])
    assert str(tmp_path / "b") in str(caught.value)
    assert soundfont_cure() in str(caught.value)


def test_identity_follows_the_file(tmp_path):
    path = font(tmp_path, "a.sf2")
    choice = choose_soundfont(str(path))
    before = choice.identity
    path.write_bytes(b"longer than before")
    os.utime(path, ns=(1, 1))
    assert choice.identity != before
    path.unlink()
    with pytest.raises(NotFound):
        _ = choice.identity


@pytest.mark.parametrize(("platform", "tool"), [("linux", "apt-get"), ("darwin", "brew")])
def test_cures_fit_the_platform(monkeypatch, platform, tool):
    monkeypatch.setattr(soundfont.sys, "platform", platform)
    assert tool in fluidsynth_cure()
    assert soundfont_cure()


def test_homebrew_is_looked_at_where_it_lives(monkeypatch):
    monkeypatch.setenv("HOMEBREW_PREFIX", "/somewhere/brew")
    assert Path("/somewhere/brew/share/soundfonts") in soundfont.system_folders()
