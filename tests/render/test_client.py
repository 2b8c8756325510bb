"""The renderer process: killed, hung, given bad fonts; the next request always works."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from audio_probe import backbeat, four_kicks
from composer_core.errors import RenderError, Unavailable
from composer_core.render import client
from composer_core.render.audio import loop_request
from composer_core.render.client import Renderer
from composer_core.render.soundfont import choose_soundfont


@pytest.fixture
def renderer():
    instance = Renderer()
    yield instance
    instance.close()


def size_of(renderer: Renderer, loop) -> int:
    data = io.BytesIO()
    renderer.render(loop_request(loop, choose_soundfont()), data.write)
    return len(data.getvalue())


def long_loop():
    """Seconds of work: eight minutes of drums, played twice."""
    one = backbeat()
    rows = [(bar * 1920 + on, *rest) for bar in range(0, 240, 4) for on, *rest in one.notes.rows()]
    return backbeat().with_notes(type(one.notes).from_rows(rows), bars=240)


def gone(pid: int, within_sec: float = 10.0) -> bool:
    deadline = time.monotonic() + within_sec
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


def test_killed_while_idle_is_replaced_unnoticed(renderer):
    before = size_of(renderer, four_kicks())
    first = renderer.pid
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)  # all its threads are gone, its status not yet read
    assert size_of(renderer, four_kicks()) == before
    assert renderer.pid != first


def test_killed_at_work_is_named_and_the_next_request_works(renderer):
    size_of(renderer, four_kicks())
    request = loop_request(long_loop(), choose_soundfont())
    threading.Timer(0.3, os.kill, (renderer.pid, signal.SIGKILL)).start()
    with pytest.raises(RenderError, match="SIGKILL") as caught:
        renderer.render(request, len)
    assert caught.value.code == "renderer_died"
    assert size_of(renderer, four_kicks()) > 0


def test_a_renderer_that_hangs_is_stopped_at_the_limit(renderer):
    size_of(renderer, four_kicks())
    os.kill(renderer.pid, signal.SIGSTOP)
    with pytest.raises(RenderError) as caught:
        renderer.render(loop_request(four_kicks(), choose_soundfont()), len, limit_sec=0.3)
    assert caught.value.code == "render_timeout"
    assert size_of(renderer, four_kicks()) > 0


def test_an_error_in_the_receiver_does_not_leave_half_an_answer_behind(renderer):
    def full(piece):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        renderer.render(loop_request(backbeat(), choose_soundfont()), full)
    assert size_of(renderer, four_kicks()) > 0


@pytest.mark.parametrize("content", [b"", b"not a font", b"RIFF\x10\x00\x00\x00sfbkLIST\x04\x00\x00\x00INFO"])
def test_an_unreadable_soundfont_is_named_and_the_process_lives_on(renderer, tmp_path, content):
    path = tmp_path / "broken.sf2"
    path.write_bytes(content)
    size_of(renderer, four_kicks())
    pid = renderer.pid
    with pytest.raises(RenderError, match=r"broken\.sf2 is no SoundFont") as caught:
        renderer.render(loop_request(four_kicks(), choose_soundfont(str(path))), len)
    assert caught.value.code == "soundfont_unreadable"
    assert size_of(renderer, four_kicks()) > 0
    assert renderer.pid == pid


def test_a_soundfont_that_goes_away_between_two_sounds_is_named(renderer, tmp_path):
    path = tmp_path / "short-lived.sf2"
    path.write_bytes(choose_soundfont().path.read_bytes())
    request = loop_request(four_kicks(), choose_soundfont(str(path)))
    renderer.render(request, len)
    path.unlink()
    with pytest.raises(RenderError, match=r"short-lived\.sf2") as caught:
        for _ in range(2):  # once more it may play, with what was made ready before
            renderer.render(request, len)
    assert caught.value.code == "soundfont_unreadable"
    assert size_of(renderer, four_kicks()) > 0


def test_notes_without_a_sound_are_an_error(renderer):
    # The key is above what any kit of the font maps.
    silent = four_kicks().with_notes(four_kicks().notes.with_columns(pitch=[127] * 4))
    with pytest.raises(RenderError, match="has no sound for its notes"):
        size_of(renderer, silent)


def test_an_answer_too_large_is_refused(renderer, monkeypatch):
    monkeypatch.setattr(client, "MAX_FILE_BYTES", 1000)
    with pytest.raises(RenderError, match="the limit is 1000 bytes"):
        size_of(renderer, four_kicks())


def test_several_threads_share_one_process(renderer):
    sizes: list[int] = []
    threads = [threading.Thread(target=lambda: sizes.append(size_of(renderer, four_kicks()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(sizes)) == 1
    assert len(sizes) == 4


_PARENT = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from audio_probe import four_kicks, rendered
from composer_core.render.client import shared_renderer
rendered(four_kicks())
print(shared_renderer().pid, flush=True)
{ending}
"""


@pytest.mark.parametrize("ending", ["pass", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_it_ends_with_its_parent(ending):
    tests = str(Path(__file__).resolve().parents[1] / "support")
    script = _PARENT.format(tests=tests, ending=ending)
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == (0 if ending == "pass" else -signal.SIGKILL), result.stderr
    assert gone(int(result.stdout))


def test_a_forked_child_starts_its_own_and_leaves_its_parents_alone():
    tests = str(Path(__file__).resolve().parents[1] / "support")
    ending = """
pid = os.fork()
if pid == 0:
    rendered(four_kicks())
    own = shared_renderer().pid
    shared_renderer().close()
    os._exit(0 if own else 1)
assert os.waitpid(pid, 0)[1] == 0
before = shared_renderer().pid
rendered(four_kicks())
assert shared_renderer().pid == before
"""
    script = _PARENT.format(tests=tests, ending=ending)
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def run_renderer(code: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-c", code], input=b"", capture_output=True, check=False)


def test_whatever_a_library_prints_stays_out_of_the_answers():
    noisy = (
        "import os\nfrom composer_core.render import renderer\n"
        "renderer.serve = lambda requests, answers: os.write(1, b'fluidsynth: warning')\n"
        "raise SystemExit(renderer.main())"
    )
    result = run_renderer(noisy)
    assert result.stdout[4:].startswith(b'{"error": null, "fluidsynth": "')
    assert b"warning" not in result.stdout
    assert b"fluidsynth: warning" in result.stderr


def test_without_fluidsynth_the_cure_is_named(renderer, monkeypatch, tmp_path):
    # A process in which importing fluidsynth fails as it does without the library.
    (tmp_path / "fluidsynth.py").write_text('raise ImportError("Couldn\'t find the FluidSynth library.")\n')
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(Unavailable, match="Install it with") as caught:
        size_of(renderer, four_kicks())
    assert caught.value.code == "fluidsynth_missing"
    monkeypatch.delenv("PYTHONPATH")
    assert size_of(renderer, four_kicks()) > 0
