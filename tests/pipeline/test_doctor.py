"""Each check in each state it can be in."""

from __future__ import annotations

import pytest

from composer_core.errors import RenderError, StoreError, Unavailable
from composer_core.pipeline import doctor
from composer_core.pipeline.doctor import STATES, Finding, diagnose, nothing_missing
from composer_core.pipeline.settings import Settings, save_settings
from composer_core.render.soundfont import SoundFontChoice, choose_soundfont
from composer_core.workspace import Workspace


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "space")


def finding(workspace, name) -> Finding:
    (found,) = [check for check in diagnose(workspace) if check.name == name]
    return found


def test_this_machine_is_looked_at_in_a_fixed_order_and_nothing_is_left_behind(workspace, tmp_path):
    findings = diagnose(workspace)
    assert [check.name for check in findings] == ["python", "fluidsynth", "soundfont", "gpu", "workspace", "models"]
    assert {check.state for check in findings} <= set(STATES)
    assert all(check.cure for check in findings if check.state == "missing")
    assert list(tmp_path.iterdir()) == []


def test_only_what_is_missing_fails():
    fine, worse, gone = Finding("a", "ok", ""), Finding("b", "degraded", ""), Finding("c", "missing", "", "cure")
    assert nothing_missing([fine, worse])
    assert not nothing_missing([fine, gone])


@pytest.mark.parametrize(
    ("version", "state"), [((3, 10), "missing"), ((3, 11), "ok"), ((3, 14), "ok"), ((3, 15), "missing")]
)
def test_python(workspace, monkeypatch, version, state):
    monkeypatch.setattr(doctor.sys, "version_info", (*version, 0, "final", 0))
    assert finding(workspace, "python").state == state


class Broken:
    """A renderer on a machine without the library."""

    def version(self):
        raise Unavailable("fluidsynth_missing", cure="sudo apt-get install libfluidsynth3")

    def render(self, *arguments):
        self.version()


def test_without_fluidsynth(workspace, monkeypatch):
    monkeypatch.setattr(doctor, "shared_renderer", Broken)
    missing = finding(workspace, "fluidsynth")
    assert missing.state == "missing"
    assert missing.cure
    assert finding(workspace, "soundfont").state == "degraded"


def test_a_test_note_is_really_played(workspace):
    assert "a test note sounds" in finding(workspace, "soundfont").detail


def test_soundfont_of_the_settings_gone_or_broken(workspace, tmp_path):
    save_settings(workspace, Settings(soundfont=str(tmp_path / "gone.sf2")))
    gone = finding(workspace, "soundfont")
    assert gone.state == "missing"
    assert "gone.sf2 does not exist" in gone.detail
    (tmp_path / "gone.sf2").write_text("text")
    assert "is no SoundFont" in finding(workspace, "soundfont").detail


def test_soundfont_nowhere_or_only_the_small_one(workspace, monkeypatch):
    def nowhere(setting):
        raise Unavailable("soundfont_missing", places="everywhere", cure="buy one")

    monkeypatch.setattr(doctor, "choose_soundfont", nowhere)
    assert finding(workspace, "soundfont").state == "missing"
    small = SoundFontChoice(choose_soundfont().path, "pretty_midi")
    monkeypatch.setattr(doctor, "choose_soundfont", lambda setting: small)
    found = finding(workspace, "soundfont")
    assert found.state == "degraded"
    assert found.cure


@pytest.mark.parametrize(
    ("present", "codes", "state", "says"),
    [
        (False, [], "degraded", "CPU"),
        (True, ["cuda", "cpu"], "ok", "cuda device"),
        (True, ["cpu"], "degraded", "this PyTorch cannot use it"),
    ],
)
def test_gpu(workspace, monkeypatch, present, codes, state, says):
    from composer_core.model import device

    monkeypatch.setattr(doctor, "_has_nvidia_device", lambda: present)
    monkeypatch.setattr(device, "devices", lambda: [device.Device(code, f"{code} device") for code in codes])
    found = finding(workspace, "gpu")
    assert (found.state, says in found.detail) == (state, True)


def test_workspace_states(workspace, tmp_path):
    assert "made when first used" in finding(workspace, "workspace").detail
    workspace.create()
    assert finding(workspace, "workspace") == Finding("workspace", "ok", str(workspace.root))
    workspace.settings.write_text("{")
    damaged = finding(workspace, "workspace")
    assert (damaged.state, damaged.cure) == ("missing", "composer repair")
    (tmp_path / "file").write_text("")
    blocked = finding(Workspace(tmp_path / "file" / "space"), "workspace")
    assert blocked.state == "missing"
    assert "COMPOSER_WORKSPACE" in blocked.cure


def test_models_missing_or_damaged(workspace, monkeypatch):
    monkeypatch.setattr(doctor, "models", lambda workspace: [])
    missing = finding(workspace, "models")
    assert (missing.state, missing.cure.split()[:2]) == ("missing", ["composer", "train"])

    def damaged(workspace):
        raise StoreError("damaged_store", path="config.json", reason="cut off")

    monkeypatch.setattr(doctor, "models", damaged)
    assert "config.json is damaged" in finding(workspace, "models").detail


def test_a_renderer_that_dies_is_reported_not_raised(workspace, monkeypatch):
    class Dying(Broken):
        def version(self):
            raise RenderError("renderer_died", what="a note", reason="SIGSEGV")

    monkeypatch.setattr(doctor, "shared_renderer", Dying)
    assert "SIGSEGV" in finding(workspace, "fluidsynth").detail
    assert finding(workspace, "soundfont").state == "missing"
