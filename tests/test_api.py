"""The public interface: the page that shows it runs, promises what is there, and costs nothing before it is used."""

from __future__ import annotations

import doctest
import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

import composer_core
import small_library
from composer_core import api
from composer_core.errors import InvalidValue, NotFound, RefusedFile

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "api.md"


def test_the_page_runs_as_it_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert (result.failed, result.attempted > 12) == (0, True)


def test_the_script_of_the_page_has_at_most_ten_lines():
    first = PAGE.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    assert 0 < first.count(">>>") <= 10 and "..." not in first


def test_the_page_names_all_that_is_promised_with_its_parameters():
    page = PAGE.read_text(encoding="utf-8").split("## What there is")[1]
    cells = [line.split(" | ")[0].strip("| ") for line in page.splitlines() if line.startswith("| `")]
    named = {}
    for cell in cells:
        for text in re.findall(r"`([^`]+)`", cell):
            name, _, parameters = text.rstrip(")").partition("(")
            named[name] = parameters
    assert set(named) == set(api.__all__)
    for name, told in named.items():
        thing = getattr(api, name)
        if inspect.isfunction(thing):
            parameters = inspect.signature(thing).parameters.values()
            shown = [p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in parameters]
            assert [text.replace("'", '"') for text in shown] == told.split(", ")


def test_every_function_of_it_is_documented_and_typed():
    functions = [getattr(api, name) for name in api.__all__ if inspect.isfunction(getattr(api, name))]
    assert len(functions) == 7
    for function in functions:
        assert inspect.getdoc(function)
        assert "return" in inspect.get_annotations(function)


def test_importing_the_package_loads_nothing_and_the_interface_no_torch():
    script = (
        "import sys; before = set(sys.modules); import composer_core; "
        "print(sorted(set(sys.modules) - before)); composer_core.api.Loop; "
        "print([name for name in ('torch', 'pandas', 'streamlit', 'fluidsynth', 'duckdb') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["['composer_core']", "[]"]


def test_another_name_is_still_an_error():
    with pytest.raises(AttributeError, match="no attribute 'apy'"):
        composer_core.apy  # noqa: B018


def test_types_are_shipped():
    assert (ROOT / "composer_core" / "py.typed").is_file()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "py.typed" in project["tool"]["setuptools"]["package-data"]["*"]


def test_what_is_written_is_read_back(tmp_path):
    loop = small_library.rock(4)
    (tmp_path / "rock.mid").write_bytes(api.midi(loop))
    (read,) = api.read(tmp_path / "rock.mid")
    assert (read.instrument, read.bars, read.tempo_bpm) == ("drums", 4, 120.0)
    assert np.array_equal(read.notes.onset_tick, loop.notes.onset_tick)
    assert [part.bars for part in api.read(tmp_path / "rock.mid", bars=2)] == [2, 2]


def test_what_cannot_be_done_is_named(tmp_path):
    (tmp_path / "noise.mid").write_bytes(b"no MIDI")
    with pytest.raises(RefusedFile, match="no MIDI file"):
        api.read(tmp_path / "noise.mid")
    with pytest.raises(InvalidValue, match="bars is 3"):
        api.read(tmp_path / "noise.mid", bars=3)
    with pytest.raises(InvalidValue, match="format is 'mp3'"):
        api.render(small_library.rock(1), "mp3")
    with pytest.raises(NotFound, match="does not exist"):
        api.render(small_library.rock(1), soundfont=tmp_path / "absent.sf2")


@pytest.mark.parametrize("file_format", ["flac", "wav"])
def test_audio_is_exactly_as_long_as_the_loop(file_format):
    import io

    import soundfile

    data = api.render(small_library.rock(2), file_format)
    info = soundfile.info(io.BytesIO(data))
    assert (info.frames, info.samplerate, info.channels) == (4 * 44_100, 44_100, 2)
