"""`composer render` and `composer doctor` as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

from audio_probe import backbeat, decoded, four_kicks, played_in_a_loop, rms
from composer_core.cli import main
from composer_core.music.loop import Loop, Notes
from composer_core.pipeline import doctor as doctor_room
from composer_core.pipeline.doctor import Finding
from composer_core.render.midi import loop_to_midi, loops_to_midi

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"


@pytest.fixture(autouse=True)
def own_workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("COMPOSER_WORKSPACE", str(tmp_path / "space"))


@pytest.fixture
def midi(tmp_path):
    path = tmp_path / "ループ.mid"
    path.write_bytes(loop_to_midi(backbeat(tempo_bpm=97.0)))
    return path


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".WAV"])
def test_a_file_is_rendered_from_start_to_end_with_its_release(midi, tmp_path, capsys, suffix):
    out = tmp_path / f"out{suffix}"
    assert main(["render", str(midi), "-o", str(out)]) == 0
    assert soundfile.info(out).format == suffix[1:].upper()
    samples = decoded(out.read_bytes())
    # 16 quarters at 97 BPM, then at most 4 s in which the last notes ring out.
    music = 16 * 60 / 97
    assert music < len(samples) / 44_100 < music + 4
    assert rms(samples) > 0.01
    assert rms(samples[-441:]) < 0.01
    assert str(out) in capsys.readouterr().out


def test_a_loop_is_rendered_without_a_seam(midi, tmp_path, capsys):
    out = tmp_path / "loop.wav"
    assert main(["render", str(midi), "-o", str(out), "--loop"]) == 0
    # 97 BPM in a MIDI file is 618,557 microseconds a quarter: 16 of them last 9.896912 s.
    loop_sec = 16 * 0.618557
    assert "repeats at 9.896912 s" in capsys.readouterr().out
    samples = decoded(out.read_bytes())
    assert len(samples) == round(loop_sec * 44_100) + 2205
    steps = np.abs(np.diff(played_in_a_loop(samples, loop_sec, 44_100, 2.1 * loop_sec), axis=0)).max(axis=1)
    seam = round(loop_sec * 44_100)
    assert steps[seam - 2 : seam + 2].max() <= np.percentile(steps, 99)


def test_bars_of_rest_at_the_end_belong_to_the_loop(tmp_path):
    path, out = tmp_path / "a.mid", tmp_path / "a.wav"
    path.write_bytes(loop_to_midi(four_kicks(bars=2)))
    assert main(["render", str(path), "-o", str(out), "--loop"]) == 0
    assert len(decoded(out.read_bytes())) == 4 * 44_100 + 2205


def test_a_wrapped_early_note_adds_no_bar(tmp_path):
    rows = [*four_kicks().notes.rows(), (-30, 20, 38, 100)]
    path, out = tmp_path / "a.mid", tmp_path / "a.wav"
    path.write_bytes(loop_to_midi(Loop("drums", Notes.from_rows(rows), bars=1)))
    assert main(["render", str(path), "-o", str(out), "--loop"]) == 0
    assert len(decoded(out.read_bytes())) == 2 * 44_100 + 2205


def test_all_parts_are_mixed(tmp_path):
    bass = Loop("bass", Notes.from_rows([(0, 1900, 28, 120)]), bars=1, program=33)
    levels = []
    for name, loops in (("drums", [four_kicks()]), ("both", [four_kicks(), bass])):
        (tmp_path / f"{name}.mid").write_bytes(loops_to_midi(loops))
        assert main(["render", str(tmp_path / f"{name}.mid"), "-o", str(tmp_path / f"{name}.wav")]) == 0
        samples = decoded((tmp_path / f"{name}.wav").read_bytes())
        levels.append(rms(samples[70_000:85_000]))
    assert levels[1] > 3 * levels[0]


def test_the_pedal_and_the_volume_are_heard(tmp_path):
    def file(*controls):
        song = mido.MidiFile(ticks_per_beat=480)
        track = mido.MidiTrack()
        song.tracks.append(track)
        for number, value in controls:
            track.append(mido.Message("control_change", control=number, value=value))
        track += [mido.Message("note_on", note=60, velocity=100), mido.Message("note_off", note=60, time=480)]
        track.append(mido.MetaMessage("end_of_track", time=1440))
        song.save(tmp_path / "piano.mid")
        assert main(["render", str(tmp_path / "piano.mid"), "-o", str(tmp_path / "piano.wav")]) == 0
        return decoded((tmp_path / "piano.wav").read_bytes())

    plain, pedal, soft = file(), file((64, 127)), file((7, 30))
    held = slice(50_000, 80_000)  # a quarter at 120 ends at 22,050
    assert rms(pedal[held]) > 5 * rms(plain[held])
    assert rms(plain[:20_000]) > 3 * rms(soft[:20_000])


def test_a_real_take_with_its_electronic_hi_hat(tmp_path):
    takes = sorted((DATA / "cc-by" / "gmd" / "drummer1" / "session1").glob("*_fill_*.mid"))
    if not takes:
        pytest.skip("the Groove MIDI Dataset is not beside the repository")
    assert main(["render", str(takes[0]), "-o", str(tmp_path / "take.flac")]) == 0
    assert rms(decoded((tmp_path / "take.flac").read_bytes())) > 0.005


def refusal(capsys, *arguments) -> tuple[int, str]:
    status = main(["render", *map(str, arguments)])
    captured = capsys.readouterr()
    assert captured.out == ""
    return status, captured.err


def test_wrong_output_suffix_is_wrong_usage(midi, tmp_path, capsys):
    status, message = refusal(capsys, midi, "-o", tmp_path / "out.mp3")
    assert (status, ".wav, .flac" in message) == (2, True)


def test_input_that_cannot_be_rendered_is_named_and_nothing_is_written(midi, tmp_path, capsys):
    (tmp_path / "text.mid").write_text("hello")
    (tmp_path / "cut.mid").write_bytes(midi.read_bytes()[:60])
    (tmp_path / "silent.mid").write_bytes(loop_to_midi(Loop("bass", Notes.from_rows([]), bars=1)))
    for name, says in (
        ("absent.mid", "does not exist"),
        ("text.mid", "no MIDI file"),
        ("cut.mid", "cut.mid"),
        ("silent.mid", "holds no notes"),
    ):
        status, message = refusal(capsys, tmp_path / name, "-o", tmp_path / "out" / "a.wav", "--loop")
        assert status == 1
        assert says in message
    assert not list((tmp_path / "out").glob("*"))


def test_years_of_silence_are_refused_before_they_are_rendered(tmp_path, capsys):
    path = tmp_path / "long.mid"
    path.write_bytes(loop_to_midi(four_kicks(bars=400)))
    status, message = refusal(capsys, path, "-o", tmp_path / "long.wav")
    assert (status, "the limit is 600 s" in message) == (1, True)


def test_a_soundfont_that_is_not_there_is_named(midi, tmp_path, capsys):
    status, message = refusal(capsys, midi, "-o", tmp_path / "a.wav", "--soundfont", tmp_path / "gone.sf2")
    assert (status, "gone.sf2 does not exist" in message) == (1, True)


def test_an_output_that_cannot_be_written_is_named(midi, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    status, message = refusal(capsys, midi, "-o", tmp_path / "file" / "a.wav")
    assert (status, "cannot be written" in message) == (1, True)


def test_unknown_options_are_wrong_usage(midi, tmp_path):
    with pytest.raises(SystemExit) as stopped:
        main(["render", str(midi), "-o", str(tmp_path / "a.wav"), "--lop"])
    assert stopped.value.code == 2


@pytest.mark.parametrize(("state", "status"), [("ok", 0), ("degraded", 0), ("missing", 1)])
def test_doctor(monkeypatch, tmp_path, capsys, state, status):
    finding = Finding("models", state, "詳細", "composer train")
    monkeypatch.setattr(doctor_room, "diagnose", lambda workspace: [finding])
    assert main(["doctor", "--json", "--workspace", str(tmp_path)]) == status
    found = json.loads(capsys.readouterr().out)
    check = {"name": "models", "state": state, "detail": "詳細", "cure": "composer train"}
    assert found == {"checks": [check], "damaged": [], "ok": status == 0}
    assert main(["doctor"]) == status
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [state, "models", "詳細"]
    assert lines[1].strip() == "cure: composer train"


def test_doctor_looks_at_this_machine(capsys):
    main(["doctor", "--json"])
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert checks["fluidsynth"]["state"] == checks["python"]["state"] == "ok"
