"""Make the saved copies that tests/test_saved_workspaces.py opens: a workspace, two training runs, and loose files.

    git worktree add BEFORE ce9a0bc
    python tests/saved/make_saved.py BEFORE -o tests/saved

BEFORE is a checkout of the commit whose files are to be kept. Only its code makes them: through its command line and
its pages, as a person would, with its shipped models. All paths inside are relative to one folder, so that the copies
can be unpacked anywhere. An archive is packed the same whenever its content is; the content has times of the day in it,
so that making it again gives other bytes. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import json
import lzma
import os
import re
import secrets
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

# Before torch is imported: small tensors on several threads only wait for each other.
os.environ["OMP_NUM_THREADS"] = "1"

WORKSPACE, FILES = Path("workspace"), Path("files")
SOURCES = {
    "gmd/drummer1/1_funk_104_beat_4-4.mid": "drums --genre funk --tempo 104 --swing 58 --swing-grid 16 --seed 1",
    "gmd/drummer1/2_rock_120_beat_4-4.mid": "drums --genre rock --tempo 120 --seed 2",
    "gmd/drummer1/3_jazz_140_beat_4-4.mid": "drums --genre jazz --tempo 140 --swing 64 --seed 3",
    "gmd/drummer1/4_rock_96_fill_4-4.mid": "drums --genre rock --tempo 96 --bars 2 --seed 4",
    "own/七拍子.mid": "drums --meter 7/8 --tempo 150 --seed 5",
    "own/bass =one=.mid": "bass --key E:minor --tempo 96 --seed 6",
    "own/bass two.mid": "bass --key C:major --tempo 110 --arousal 0.8 --seed 7",
    "own/guitar.mid": "guitar --key A:minor --tempo 92 --seed 8",
    "own/piano.mid": "piano --meter 3/4 --tempo 84 --valence -0.5 --arousal 0.2 --seed 9",
    "own/strings.mid": "strings --tempo 72 --bars 2 --seed 10",
}
"""Files to import, each made by `composer generate`."""
NEAR = ("own/bass two.mid", "own/bass two again.mid")
"""The second is the first with one note softer: a near-duplicate."""
INFO = """\
drummer,session,id,style,bpm,beat_type,time_signature,midi_filename,duration,split
drummer1,drummer1/session1,1,funk,104,beat,4-4,drummer1/1_funk_104_beat_4-4.mid,9,train
drummer1,drummer1/session1,2,rock,120,beat,4-4,drummer1/2_rock_120_beat_4-4.mid,8,train
drummer1,drummer1/session2,3,jazz,140,beat,4-4,drummer1/3_jazz_140_beat_4-4.mid,7,train
drummer1,drummer1/session2,4,rock,96,fill,4-4,drummer1/4_rock_96_fill_4-4.mid,5,validation
"""
PROGRESSIONS = "mode\tprogression\tmood_tags\nmajor\tI V vi IV\thappy\nminor\ti VI III VII\tsad\n"
VOCABULARY = "tags:\n  section:\n    vamp: {en: Vamp, ja: ヴァンプ, synonyms: [round and round]}\n"
TAKES = "--instrument drums --bars 2 --genre funk --tempo 104 --swing 58 --seed 5 --takes 2 --valence 0.4 --arousal 0.7"
ENSEMBLE = "--instrument drums,bass,piano --bars 2 --seed 3 --valence 0.8 --arousal 0.7"
"""Its chords are the learnt progression: with this seed they are drawn from it."""
EDIT_SEED = 4321
DECISIONS = (("aki", ("approve", "reject", "skip", "approve")), ("ben", ("approve", "approve")), ("aki", ("draft",)))
"""Who decides what on the Label page, one session after the other."""
RECIPE = """\
name: late-night
steps:
- rule: swing
  percent: 62
  grid: 16
- rule: tempo
  tempo_bpm: 97
- rule: velocity_curve
  exponent: 1.2
  only: [bass, piano]
- rule: groove
  template: late-night.groove.json
  only: [drums]
"""
TRAINING = """\
instrument: drums
size: tiny
steps: 12
batch: 8
learning_rate: 0.003
warm_up: 2
validate_every: 5
checkpoint_every: 5
merges: 8
seed: 1
device: cpu
threads: 1
"""
ADAPTER = TRAINING.replace("steps: 12", "steps: 8").replace("validate_every: 5", "validate_every: 8") + (
    "start: workspace/runs/base/model\nadapter: true\nadapter_rank: 2\n"
)
ADDRESSES = {
    "generate": "instruments=bass&genres=funk,rock&bars=8&metre=6/8&key=E&mode=minor&chords=i+VI+III+VII&tempo=96"
    "&swing=58.5&grid=16&humanise=40&transpose=2&takes=2&best=8&seed=77&valence=-0.25&arousal=free",
    "library": "instrument=drums,bass&origin=imported&tempo_bpm=100..150&not=genre:jazz&sort=-tempo_bpm&hide=excluded",
}
"""Of each page the address of a view that somebody may have kept."""
STOPS = {"base": 10, "adapted": 5}
"""The step each run is stopped after: two and three are left."""
TRIES = 20
WAYS = ("metrics", "fingerprint")
PACKED_AT = 1_700_000_000
"""The time the oldest file of an archive carries; each later one is a second younger, for lists go by it."""


def composer(*arguments: str | Path) -> str:
    """Run a command of the checkout in this process and give what it printed."""
    from composer_core.cli import main

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        status = main([str(argument) for argument in arguments])
    if status:
        raise SystemExit(f"composer {shlex.join(map(str, arguments))}: status {status}\n{printed.getvalue()}")
    return printed.getvalue()


def make_sources() -> None:
    """The files to import, and the tables of the two data sets."""
    import mido

    for name, options in SOURCES.items():
        composer("generate", "--instrument", *options.split(), "-o", "made")
        (FILES / name).parent.mkdir(parents=True, exist_ok=True)
        Path("made/take-01.mid").replace(FILES / name)
    song = mido.MidiFile(FILES / NEAR[0])
    note = next(message for track in song.tracks for message in track if message.type == "note_on" and message.velocity)
    note.velocity -= 1
    song.save(FILES / NEAR[1])
    (FILES / "gmd" / "info.csv").write_text(INFO, encoding="utf-8")
    (FILES / "chords").mkdir()
    (FILES / "chords" / "progressions.tsv").write_text(PROGRESSIONS, encoding="utf-8")


def make_library() -> None:
    """Loops, a data set's labels, suggestions, captions, a learnt progression, an exclusion, own words, the indices."""
    (WORKSPACE / "vocabularies").mkdir(parents=True)
    (WORKSPACE / "vocabularies" / "tags.yaml").write_text(VOCABULARY, encoding="utf-8")
    for folder, dataset in (("gmd", "gmd"), ("own", ""), ("chords", "free-midi-chords")):
        composer("ingest", FILES / folder, "--jobs", "1", *(["--dataset", dataset] if dataset else []))
    composer("estimate", "apply")
    composer("dedupe", "--json")
    composer("captions")


def opened(checkout: Path, page: str = "generate", address: str = "", **state: Any) -> Any:
    """A page of the studio as a browser would open it at an address."""
    from urllib.parse import parse_qsl

    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(str(checkout / "studio" / "shell.py"), default_timeout=120)
    if page == "generate":  # which opens first
        app.query_params.update(dict(parse_qsl(address)))
        app.run()
    else:
        app.run()
        for key, value in state.items():
            app.session_state[key.replace("__", ".")] = value
        app.query_params.update(dict(parse_qsl(address)))
        app.switch_page(str(checkout / "pages" / f"{page}.py")).run()
    return checked(app)


def checked(app: Any) -> Any:
    """The page, which must not have failed."""
    if app.exception or app.error:
        raise SystemExit(f"the page failed: {[element.value for element in (*app.exception, *app.error)]}")
    return app


def press(app: Any, key: str) -> Any:
    """Click the first button whose key begins so."""
    next(button for button in app.button if str(button.key).startswith(key)).click().run()
    return checked(app)


def make_settings(checkout: Path) -> None:
    """English and a pass mark, as the pages keep them."""
    app = opened(checkout, "library")
    for language in ("ja", "en"):
        app.segmented_control(key="shell.language").set_value(language).run()
    app.slider(key="retry.mark").set_value(64.0).run()
    press(app, "retry.save")


def make_decisions(checkout: Path) -> None:
    """Two raters on the Label page: approved, rejected, draft and skipped, each with a note."""
    for rater, actions in DECISIONS:
        app = opened(checkout, "label", label__autoplay=False, label__order="newest")
        app.text_input(key="label.new_rater").set_value(rater)
        next(button for button in app.button if button.form_id == "label.rater_form").click().run()
        for number, action in enumerate(actions):
            press(checked(app), "label.mood.fear" if rater == "ben" else "label.mood.happy")
            app.text_area(key="label.note").set_value(f"{rater} says {action}: {number}").run()
            press(app, f"label.{action}")


def make_takes(checkout: Path) -> None:
    """Two takes, an ensemble and a variation by the Generate page; one approved, one kept; how they sound as files."""
    downloads = watch_downloads()
    app = opened(checkout, "generate", "bars=2&genres=funk&tempo=104&swing=58&seed=5&takes=2&best=1")
    press(app, "generate.generate")
    keep_downloads(downloads, {f"drums-104bpm-seed5-take{number}.mid": f"take-{number}.mid" for number in (1, 2)})
    press(app, "icon.approve.")
    press(app, "generate.vary")
    keep_downloads(downloads, {f"drums-104bpm-seed{EDIT_SEED}-take1-edit1.mid": "edited.mid"})
    asked = "instruments=drums,bass,piano&bars=2&seed=3&valence=0.8&arousal=0.7&takes=1&best=1"
    app = opened(checkout, "generate", asked)
    press(app, "generate.generate")
    keep_downloads(downloads, {"drums+bass+piano-110bpm-seed3-take1.mid": "ensemble.mid"})
    press(app, "icon.keep.")
    app.slider(key="generate.swing").set_value(61.0)
    app.text_input(key="generate.recipe_name").set_value("my swing").run()
    press(app, "generate.recipe_save")


def watch_downloads() -> dict[str, Callable[[], bytes]]:
    """What the pages offer to download from now on, by the file's name."""
    import streamlit as st

    offered: dict[str, Callable[[], bytes]] = {}
    plain = st.download_button

    def noted(label: str, data: Any, *arguments: Any, **options: Any) -> Any:
        """The button itself, its data remembered."""
        offered[str(options.get("file_name"))] = data
        return plain(label, data, *arguments, **options)

    st.download_button = noted
    return offered


def keep_downloads(offered: dict[str, Callable[[], bytes]], wanted: dict[str, str]) -> None:
    """Write what the buttons give."""
    for offered_name, name in wanted.items():
        (Path("loose") / name).write_bytes(offered[offered_name]())


def make_runs(checkout: Path) -> None:
    """A tiny model of the library's drums, and low-rank adapters on it, each stopped by SIGTERM after a chosen step."""
    for name, config in (("base", TRAINING), ("adapted", ADAPTER)):
        path = Path("loose") / ("training.yaml" if name == "base" else "adapter.yaml")
        path.write_text(config, encoding="utf-8")
        line = ["train", "--instrument", "drums", "--data", "library", "--config", str(path)]
        for _ in range(TRIES):
            if stopped_at(checkout, line, WORKSPACE / "runs" / name) == STOPS[name]:
                break
            shutil.rmtree(WORKSPACE / "runs" / name)
        else:
            raise SystemExit(f"{name} never stopped after step {STOPS[name]}")


def stopped_at(checkout: Path, line: Sequence[str], run: Path) -> int:
    """Train until the wanted step is in the curve, stop, and give the step that the run stopped after."""
    command = [sys.executable, "-m", "composer_core.cli", *line, "-o", str(run)]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(checkout)}, stderr=subprocess.DEVNULL)
    curve = run / "metrics.jsonl"
    while process.poll() is None:
        if curve.is_file() and curve.read_bytes().count(b"\n") >= STOPS[run.name]:
            process.send_signal(signal.SIGTERM)
            process.wait()
        time.sleep(0.0005)
    return json.loads((run / "state.json").read_text(encoding="utf-8"))["step"]


def make_loose(checkout: Path) -> None:
    """Files that people keep beside a workspace: a recipe, exports, an address; and what each of them leads to."""
    loose = Path("loose")
    (loose / "late-night.yaml").write_text(RECIPE, encoding="utf-8")
    lines = [f"{page}?{query}\n" for page, query in ADDRESSES.items()]
    (loose / "addresses.txt").write_text("".join(lines), encoding="utf-8")
    label_page = opened(checkout, "label", label__autoplay=False)
    composer("groove", FILES / "gmd" / "drummer1" / "1_funk_104_beat_4-4.mid", "-o", loose / "late-night.groove.json")
    composer("apply", loose / "late-night.yaml", loose / "ensemble.mid", "-o", loose / "applied.mid")
    composer("vary", loose / "take-1.mid", "--strength", "0.5", "--seed", "20", "-o", loose / "varied.mid")
    for form in ("csv", "jsonl"):
        composer("labels", "export", loose / f"labels.{form}", "--format", form)
    composer("backup", loose / "labels.backup")
    composer("loops", "--format", "csv", "-o", loose / "loops.csv")
    with (loose / "loops.csv").open(encoding="utf-8-sig", newline="") as stream:
        loop_ids = [row["loop_id"] for row in csv.DictReader(stream)]
    similar = {way: json.loads(composer("similar", loop_ids[0], "--by", way, "-k", "3", "--json")) for way in WAYS}
    master = json.loads(composer("master", "-o", "made/master", "--json"))
    made = {
        name: json.loads(composer("generate", *options.split(), "--json", "-o", f"made/{name}"))["takes"]
        for name, options in (("take", TAKES), ("ensemble", ENSEMBLE))
    }
    for row, name in zip((*made["take"], *made["ensemble"]), ("take-1", "take-2", "ensemble"), strict=True):
        if Path(row["file"]).read_bytes() != (loose / f"{name}.mid").read_bytes():
            raise SystemExit(f"the page's {name}.mid is not what the command makes")
    if made["ensemble"][0]["chords_from"] != "free-midi-chords":
        raise SystemExit("the ensemble's chords are not those of the learnt progression")
    expected = {
        "take_options": TAKES,
        "take_ids": [row["take_id"] for row in made["take"]],
        "ensemble_options": ENSEMBLE,
        "ensemble_take_ids": [part["take_id"] for part in made["ensemble"][0]["parts"]],
        "similar_to": loop_ids[0],
        "similar": similar,
        "library_count": count_shown(opened(checkout, "library", ADDRESSES["library"])),
        "label_progress": [element.proto.text for element in label_page.get("progress")],
        "master": {name: master[name] for name in ("loops", "songs")},
    }
    (loose / "expected.json").write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")


def count_shown(app: Any) -> str:
    """How many loops the Library page says it shows."""
    return next(found[0] for element in app.markdown if (found := re.search(r"\d+ of \d+ loops", str(element.value))))


def close_databases() -> None:
    """Put what SQLite holds beside its files into them."""
    for path in WORKSPACE.rglob("*.sqlite"):
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def pack(archive: Path, paths: Sequence[Path]) -> None:
    """Pack files in the order of their names; owner and mode say nothing, times keep their order only."""
    chosen = [path for path in paths if path.is_file() and not path.name.endswith((".lock", "-wal", "-shm"))]
    by_age = sorted(chosen, key=lambda path: (path.stat().st_mtime_ns, path.as_posix()))
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(chosen, key=lambda path: path.as_posix()):
            entry = tarfile.TarInfo(path.as_posix())
            entry.size, entry.mode, entry.mtime = path.stat().st_size, 0o644, PACKED_AT + by_age.index(path)
            tar.addfile(entry, io.BytesIO(path.read_bytes()))
    archive.write_bytes(lzma.compress(packed.getvalue(), preset=9 | lzma.PRESET_EXTREME))


def refuse_paths(paths: Sequence[Path], words: Sequence[str]) -> None:
    """SystemExit where a file names a place of this machine."""
    for path in paths:
        data = content_of(path) if path.is_file() else b""
        found = [word for word in words if word.encode() in data]
        if found:
            raise SystemExit(f"{path} names {', '.join(found)}")


def content_of(path: Path) -> bytes:
    """A file's bytes and, where they are packed, what is in them."""
    import numpy as np
    import pyarrow.parquet as pq

    data = path.read_bytes()
    if path.suffix == ".parquet":
        return data + repr(pq.read_table(path).to_pylist()).encode()
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            return data + "".join(str(array.tolist()) for array in arrays.values() if array.dtype.kind == "U").encode()
    return data


def main() -> int:
    """Make everything in a new folder and pack it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", metavar="BEFORE", type=Path, help="a checkout of the commit to keep files of")
    parser.add_argument("-o", "--output", metavar="DIR", type=Path, required=True, help="where the archives go")
    arguments = parser.parse_args()
    checkout, output = arguments.checkout.resolve(), arguments.output.resolve()
    sys.path.insert(0, str(checkout))
    secrets.randbelow = lambda below: EDIT_SEED % below
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        os.environ["COMPOSER_WORKSPACE"] = str(WORKSPACE)
        Path("loose").mkdir()
        make_sources()
        make_library()
        make_settings(checkout)
        make_decisions(checkout)
        make_takes(checkout)
        make_loose(checkout)
        make_runs(checkout)
        close_databases()
        everything = [path for path in (*WORKSPACE.rglob("*"), *Path("loose").rglob("*")) if "cache" not in path.parts]
        refuse_paths(everything, (work, str(checkout), str(Path.home()), sys.prefix, "/tmp/"))
        runs = [path for path in everything if path.is_relative_to(WORKSPACE / "runs")]
        loose = [path for path in everything if path.is_relative_to("loose")]
        rest = [path for path in everything if path not in {*runs, *loose}]
        for name, paths in (("workspace", rest), ("runs", runs), ("loose", loose)):
            pack(output / f"{name}.tar.xz", paths)
            print(f"{name}.tar.xz: {(output / f'{name}.tar.xz').stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
