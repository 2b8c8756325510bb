"""Measure a run: held-out nats a note and the two-sample test of plain samples; one row of the log.

`python -m benchmarks.notes.test NAME strings --idea "..."`; `--floor` measures human against human.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.notes.plans import borrowed, drawn_chords
from benchmarks.notes.train import RUNS, say, windows_of
from benchmarks.notes.two_sample import Window, figures, two_sample
from composer_core.model.notes.features import Request, Written, length_steps
from composer_core.model.notes.network import NoteComposer
from composer_core.model.notes.sampling import NoteSampling, sample
from composer_core.model.notes.training import BEST, CONFIG, PLANNED, STATE, load_composer, nats_a_note
from composer_core.model.notes.windows import NoteWindows

ROWS = Path("runs") / "notes" / "rows.jsonl"
METERS = ("4/4", "2/2", "3/4", "6/8", "5/4", "7/8")
LIKELIHOOD_WINDOWS = 400
BORROWED = {
    "borrowed": ("chords", "thickness", "reach", "plan"),
    "borrowed_texture": ("thickness", "reach"),
    "borrowed_plan": ("thickness", "reach", "plan"),
    "texture_chords": ("thickness", "reach"),
}
"""What is taken from a training window that was asked alike; `texture_chords` draws a chord line beside it."""


def human_windows(windows: NoteWindows, most: int, seed: int = 5) -> np.ndarray:
    """Indices of up to `most` windows in metres that may be asked for, songs taking turns."""
    meter = windows.takes.arrays["meter"][windows.windows[:, 0]]
    rng = np.random.default_rng(seed)
    own = np.flatnonzero(np.isin(meter, METERS))
    turn = np.zeros(len(own), np.int64)
    song = windows.song[own]
    for name in np.unique(song):
        rows = np.flatnonzero(song == name)
        turn[rows] = rng.permutation(len(rows))
    return own[np.lexsort((rng.random(len(own)), turn))][:most]


def as_windows(windows: NoteWindows, index: np.ndarray, notes: Written) -> list[Window]:
    """Notes written for (or of) some windows, as the test reads them."""
    arrays, found = windows.takes.arrays, []
    for row, chosen in enumerate(index):
        take, _, bars = windows.windows[chosen]
        n = int(notes.count[row])
        onset, pitch = notes.onset[row, :n].numpy(), notes.pitch[row, :n].numpy()
        length = length_steps(notes.length[row, :n]).numpy()
        found.append(Window(onset, pitch, length, int(arrays["bar_steps"][take]), int(bars), str(arrays["meter"][take]),
                            windows.takes.instrument == "drums", str(arrays["song"][take])))  # fmt: skip
    return found


def humans(windows: NoteWindows, index: np.ndarray) -> list[Window]:
    """Human windows as the test reads them; their lengths are put into the same classes."""
    return as_windows(windows, index, windows.written(index, np.zeros(len(index), np.int64)))


def request_of(windows: NoteWindows, index: np.ndarray, fields: str = "all") -> Request:
    """What the written windows are asked for: all of the human window's request but its chords, or less."""
    request = windows.request(index, np.zeros(len(index), np.int64))
    given = {"all": (), "chords": ("chords",), "plan": ("plan",), "texture": ("thickness", "reach"), "feel": ("feel",)}
    if fields == "drawn":
        return drawn_chords(windows, request).without(tuple(name for name in PLANNED if name != "chords"))
    if fields in BORROWED:
        kept = BORROWED[fields]
        request = borrowed(windows, request).without(tuple(name for name in PLANNED if name not in kept))
        return request if fields != "texture_chords" else drawn_chords(windows, request)
    if fields == "tempo_density":
        return request.without((*PLANNED, "register", "genre"))
    if fields == "everything":
        return request
    return request.without(tuple(name for name in PLANNED if name not in given[fields]))


def write(model: NoteComposer, request: Request, settings: NoteSampling, seed: int) -> Written:
    """One loop for each request, some at a time."""
    parts = []
    for first in range(0, len(request.bars), 75):
        index = torch.arange(first, min(first + 75, len(request.bars)))
        parts.append(sample(model, request.rows(index), [seed * 100_003 + int(i) for i in index], settings))
    slots = max(part.onset.shape[1] for part in parts)

    def joined(name: str, value: int) -> torch.Tensor:
        pads = [torch.nn.functional.pad(getattr(p, name), (0, slots - p.onset.shape[1]), value=value) for p in parts]
        return torch.cat(pads)

    return Written(
        joined("onset", 1 << 20), joined("pitch", 0), joined("length", 0), torch.cat([p.count for p in parts])
    )


def floor(instrument: str, most: int) -> dict[str, object]:
    """Human windows of some songs against those of others, all parts of the data pooled."""
    rows = []
    for part in ("validation", "dev", "train"):
        windows = windows_of(instrument, part, 4000)
        rows += humans(windows, human_windows(windows, most))
    songs = np.unique([window.song for window in rows])
    rng = np.random.default_rng(3)
    first = set(rng.permutation(songs)[: len(songs) // 2].tolist())
    a = [window for window in rows if window.song in first]
    b = [window for window in rows if window.song not in first]
    n = min(most, len(a), len(b))
    return two_sample([a[i] for i in rng.permutation(len(a))[:n]], [b[i] for i in rng.permutation(len(b))[:n]])


def floors(instrument: str, most: int) -> dict[str, object]:
    """The floor, and held-out human windows against human windows of training songs."""
    held, train = windows_of(instrument, "validation", 2000), windows_of(instrument, "train", 2000)
    a = humans(held, human_windows(held, most))
    b = humans(train, human_windows(train, most))
    return {"human halves": floor(instrument, most), "training songs for held-out": two_sample(a, b)}


def main() -> None:
    """Measure as the command line says and add a row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("instruments", nargs="+")
    parser.add_argument("--idea", default="")
    parser.add_argument("--part", default="validation")
    parser.add_argument("--most", type=int, default=150)
    parser.add_argument("--temperatures", type=float, nargs="+", default=[1.0, 0.9])
    parser.add_argument("--pitch-temperature", type=float)
    parser.add_argument("--fields", default="all")
    parser.add_argument("--weights", default=BEST)
    parser.add_argument("--floor", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    for instrument in given.instruments:
        if given.floor:
            add_row({"run": "floor", "instrument": instrument, **floors(instrument, given.most)})
        else:
            measure(given, instrument)


def measure(given: argparse.Namespace, instrument: str) -> None:
    """One row: likelihood and two-sample test of one run on one instrument."""
    folder = RUNS / given.name
    model = load_composer(folder, given.weights)
    state, config = json.loads((folder / STATE).read_text()), json.loads((folder / CONFIG).read_text())
    windows = windows_of(instrument, given.part, 2000)
    index = human_windows(windows, given.most)
    likelihood = windows_of(instrument, given.part, LIKELIHOOD_WINDOWS)
    row: dict[str, object] = {
        "run": given.name, "instrument": instrument, "idea": given.idea, "part": given.part, "fields": given.fields,
        "weights": sum(p.numel() for p in model.parameters()), "step": state["step"],
        "minutes_cpu": round(state["sec"] / 60, 1), "model": config["model"]["trunk"],
        "width": config["model"]["width"],
        "nats": {k: round(v, 3) for k, v in nats_a_note(model, likelihood).items()},
        "nats_open": round(nats_a_note(model, likelihood, given=False)["all"], 3),
    }  # fmt: skip
    human = humans(windows, index)
    row["human"] = figures(human)
    for temperature in given.temperatures:
        began = time.process_time()
        settings = NoteSampling(temperature, pitch_temperature=given.pitch_temperature)
        written = as_windows(windows, index, write(model, request_of(windows, index, given.fields), settings, 1))
        written = [w for w in written if len(w.onset) >= 4]
        sec = (time.process_time() - began) / len(index)
        row[f"T{temperature:g}"] = {**two_sample(human, written), **figures(written), "sec_a_take": round(sec, 3)}
    add_row(row)


def add_row(row: dict[str, object]) -> None:
    """Append to the log and say the main figures."""
    row = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **row}
    with ROWS.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(row) + "\n")
    say(json.dumps(row))


if __name__ == "__main__":
    main()
