"""The note composer: sampling sees what training saw, loops keep their bars, locked bars stay, runs resume."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
import torch

from composer_core.model.notes import features as f
from composer_core.model.notes import sampling
from composer_core.model.notes.features import Request, Written
from composer_core.model.notes.network import NoteComposer, NotesConfig, build, losses
from composer_core.model.notes.sampling import LockedNotes, NoteSampling, sample
from composer_core.model.notes.training import LAST, NotesRun, NotesTrainingPlan
from composer_core.model.notes.windows import NoteWindows, Takes
from composer_core.music.instruments import GENERATED_INSTRUMENTS, PITCH_RANGE, POLYPHONY

TRUNKS = ("gru", "attention")


def composer(trunk: str = "gru") -> NoteComposer:
    torch.manual_seed(4)
    return build(NotesConfig(32, 2, 4, trunk, 0.1)).eval()


def request(instrument: str, n: int, bar_steps: int = 48, bars: int = 4) -> Request:
    def filled(value: int) -> torch.Tensor:
        return torch.full((n,), value)

    open_for_drums = -1 if instrument == "drums" else 1
    return Request(
        instrument=filled(GENERATED_INSTRUMENTS.index(instrument)),
        meter=filled(0),
        bar_steps=filled(bar_steps),
        bars=filled(bars),
        tonic=filled(2 * open_for_drums if open_for_drums > 0 else -1),
        minor=filled(open_for_drums),
        tempo=filled(6),
        density=filled(8),
        register=filled(15 if open_for_drums > 0 else -1),
        genre=filled(-1),
        chords=torch.zeros(n, f.MAX_BARS, dtype=torch.long),
        feel=torch.full((n, len(f.FEEL)), -1),
        technique=torch.zeros(n, 0),
        thickness=filled(1),
        reach=filled(3),
        plan=torch.ones(n, f.MAX_BARS, dtype=torch.long),
    )


def rows_of(written: Written, row: int) -> list[tuple[int, int, int]]:
    n = int(written.count[row])
    columns = (written.onset, written.pitch, written.length)
    return list(zip(*(column[row, :n].tolist() for column in columns), strict=True))


@pytest.mark.parametrize("trunk", TRUNKS)
@pytest.mark.parametrize("instrument", ["guitar", "drums"])
def test_a_sample_is_as_likely_read_whole_as_it_was_written(
    trunk: str, instrument: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[torch.Tensor] = []
    plain = sampling.draw

    def noting(logits: torch.Tensor, uniform: torch.Tensor, temperature: float, top_p: float) -> torch.Tensor:
        chosen = plain(logits, uniform, temperature, top_p)
        drawn.append(logits.double().log_softmax(-1).gather(1, chosen.unsqueeze(1))[:, 0])
        return chosen

    monkeypatch.setattr(sampling, "draw", noting)
    monkeypatch.setattr(sampling, "_range_mask", lambda request: torch.zeros(len(request.bars), 1))
    model, asked = composer(trunk), request(instrument, 4)
    written = sample(model, asked, range(4))
    with torch.no_grad():
        found = losses(model, written, asked)
    pitch = torch.stack(drawn[1::3], 1)
    for row, n in enumerate(written.count.tolist()):
        assert n > 4
        assert float(-pitch[row, :n].sum()) == pytest.approx(float(found["pitch"][row]), rel=1e-4)


@pytest.mark.parametrize(("instrument", "bar_steps", "bars"), [("piano", 48, 4), ("bass", 36, 2), ("drums", 42, 8)])
def test_a_loop_fills_its_bars_and_stays_in_its_range(instrument: str, bar_steps: int, bars: int) -> None:
    written = sample(composer(), request(instrument, 6, bar_steps, bars), range(6))
    for row in range(6):
        notes = rows_of(written, row)
        assert notes == sorted(notes)
        assert {onset // bar_steps for onset, _, _ in notes} == set(range(bars))
        assert len({note[:2] for note in notes}) == len(notes)
        if instrument in PITCH_RANGE:
            low, high = PITCH_RANGE[instrument]
            assert all(low <= pitch <= high for _, pitch, _ in notes)
            together = max(sum(note[0] == onset for note in notes) for onset, _, _ in notes)
            assert together <= POLYPHONY[instrument]


def test_a_seed_gives_one_loop_whatever_is_written_beside_it() -> None:
    model = composer()
    together = sample(model, request("guitar", 3), [7, 8, 9])
    alone = sample(model, request("guitar", 1), [8])
    assert rows_of(together, 1) == rows_of(alone, 0)
    assert rows_of(together, 0) != rows_of(together, 2)


@pytest.mark.parametrize("bars", [{0}, {1, 2}, {3}, {0, 2}])
def test_locked_bars_stay_as_they_are(bars: set[int]) -> None:
    model, asked = composer(), request("piano", 4)
    first = sample(model, asked, range(4))
    kept = [[note for note in rows_of(first, row) if note[0] // 48 in bars] for row in range(4)]
    locked = [LockedNotes(frozenset(bars), tuple(notes)) for notes in kept]
    again = sample(model, asked, range(20, 24), NoteSampling(), locked)
    for row in range(4):
        notes = rows_of(again, row)
        assert [note for note in notes if note[0] // 48 in bars] == kept[row]
        assert {onset // 48 for onset, _, _ in notes} == {0, 1, 2, 3}
        assert notes != rows_of(first, row)


def small_set() -> NoteWindows:
    rng = np.random.default_rng(0)
    onset = np.arange(0, 48 * 8, 6, dtype=np.int32)
    n = len(onset)
    arrays = {
        "onset": np.tile(onset, 2), "length": np.full(2 * n, 6, np.uint16),
        "pitch": rng.integers(50, 70, 2 * n).astype(np.uint8), "first": np.array([0, n, 2 * n]),
        "bars": np.array([8, 8]), "bar_steps": np.array([48, 48]), "meter": np.array(["4/4", "4/4"]),
        "tempo_bpm": np.array([100.0, 120.0], np.float32), "song": np.array(["a", "b"]), "genre": np.array(["", ""]),
        "part": np.array(["train", "train"]), "first_bar": np.array([0, 8, 16]), "root": np.zeros(16, np.int8),
        "minor": np.zeros(16, np.int8), "chord": np.ones(16, np.int16),
    }  # fmt: skip
    takes = Takes("piano", arrays)
    return NoteWindows(takes, takes.windows(4, 1, "train"), ())


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    data = {"piano": small_set()}
    config = NotesConfig(16, 1, 2, "gru", 0.1)
    whole = NotesRun(tmp_path / "whole", config, NotesTrainingPlan(steps=4, every=2, batch_notes=200, warm_up=2))
    whole.train(data, data)
    for _ in range(2):
        run = NotesRun(tmp_path / "parts", config, NotesTrainingPlan(steps=4, every=2, batch_notes=200, warm_up=2))
        _train_until(run, data, run.state["step"] + 2)
    first, second = ((tmp_path / name / LAST).read_bytes() for name in ("whole", "parts"))
    assert first == second


class Stopped(Exception):
    """A person stopped the run."""


def _train_until(run: NotesRun, data: dict[str, NoteWindows], step: int) -> None:
    """Train, stopped after a step as a person would stop it."""

    def stop(_: str) -> None:
        if run.state["step"] == step:
            run.save()
            raise Stopped

    with contextlib.suppress(Stopped):
        run.train(data, data, stop)
