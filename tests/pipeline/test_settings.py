"""Settings: stored and read back, refused when wrong."""

from __future__ import annotations

import json

import pytest

from composer_core.errors import InvalidValue, StoreError
from composer_core.pipeline.settings import Settings, load_settings, save_settings
from composer_core.workspace import Workspace


def test_defaults_before_anything_is_stored_and_nothing_is_written(tmp_path):
    workspace = Workspace(tmp_path / "absent")
    assert load_settings(workspace) == Settings(None, "auto", 512, "")
    assert not workspace.root.exists()


def test_round_trip(tmp_path):
    stored = Settings("~/fonts/山.sf2", "ja", 64, "花子")
    save_settings(Workspace(tmp_path), stored)
    assert load_settings(Workspace(tmp_path)) == stored


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"sondfont": "x"}, "unknown option 'sondfont'.*known are soundfont, language"),
        ({"language": "fr"}, "choices are auto, ja, en"),
        ({"audio_cache_mb": 1}, "between 16 and"),
        ({"audio_cache_mb": "512"}, "whole number"),
        ({"audio_cache_mb": True}, "whole number"),
        ({"soundfont": ""}, "a path or null"),
        ({"soundfont": 3}, "a path or null"),
        ({"rater": None}, "a name"),
    ],
)
def test_unknown_fields_and_bad_values_are_errors(tmp_path, fields, message):
    workspace = Workspace(tmp_path)
    workspace.settings.write_text(json.dumps(fields))
    with pytest.raises(InvalidValue, match=message):
        load_settings(workspace)


def test_damaged_files_are_named(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.settings.write_text("{")
    with pytest.raises(StoreError, match=r"settings\.json is damaged"):
        load_settings(workspace)
    workspace.settings.write_text("[]")
    with pytest.raises(InvalidValue, match="a JSON object"):
        load_settings(workspace)
