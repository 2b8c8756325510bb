"""Whether the desk of the Label page stores what the hand did, and how long it lets a person wait.

    python benchmarks/desk.py DATA WORKSPACE [--loops 20000] [--decisions 500] [--busy 2]

WORKSPACE is a library as `benchmarks/big_library.py` makes it out of the MIDI files in DATA; it is made when it is not
there. A studio runs on it, and a keyboard in a headless Chromium labels: for each loop a digit (an emotion) and Enter,
0 to 120 ms apart, while `--busy` processes compute. It looks at the screen as a person does: it waits where no loop
is there, and for nothing else. A witness in the page notes on which loop each key fell; afterwards the event log has
to say the same, one approved emotion and one approval for each loop. Then come decisions at a steady pace, which show
how fast the next loop is there, and the opening of a queue over a library that nobody has estimated yet.
Prints a table, then one JSON object; exit status 1 when a label is wrong, missing or doubled or a limit is missed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import big_library
import numpy as np
from playwright.sync_api import sync_playwright

from composer_core.pipeline.labels import queue
from composer_core.pipeline.labels.kept_suggestions import suggest_missing
from composer_core.pipeline.labels.prepared import prepare_loops
from composer_core.pipeline.library.imports import ingest
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.workspace import Workspace

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))
from studio_server import CHROMIUM_FLAGS, chromium, studio_server

MOODS = tuple(vocabularies().moods)
RATER = "hand"
GAP_SEC = 0.12
PACE_SEC, PACED = 1.0, 40
PATIENCE_SEC = 300.0
LABELS_A_MINUTE, NEXT_MS, OPEN_SEC = 60.0, 300.0, 3.0
_OPENED_LOOPS, _AHEAD = 300, 6
WITNESS = """
window.witness = {keys: [], shown: [], before: "", troubles: []};
window.listen = () => {
  const heed = composerDesk.onAnswer.bind(composerDesk);
  composerDesk.onAnswer = (press, answer) => {
    if (answer.outcome !== "stored") witness.troubles.push(answer);
    heed(press, answer);
  };
};
window.onScreen = () => {
  const view = window.composerDesk && window.composerDesk.view;
  const desk = view && view.root.querySelector(".desk");
  return desk ? desk.dataset.loop : "";
};
window.addEventListener("keydown", ({key}) => witness.keys.push([key, onScreen(), performance.now()]), true);
const watch = () => {
  const loop = onScreen();
  if (loop !== witness.before) {
    witness.before = loop;
    if (loop) witness.shown.push([loop, performance.now()]);
  }
  requestAnimationFrame(watch);
};
requestAnimationFrame(watch);
"""


def compute() -> None:
    """Keep one core busy for ever."""
    while True:
        sum(number * number for number in range(10_000))


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many processes compute meanwhile."""
    processes = [multiprocessing.get_context("spawn").Process(target=compute, daemon=True) for _ in range(count)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
            process.join()


def wait_until(page: Any, expression: str) -> None:
    """Ask until the expression is true. The studio's pages let no code be made out of text, as Playwright's own waiting
    would."""
    deadline = time.monotonic() + PATIENCE_SEC
    while not page.evaluate(f"Boolean({expression})"):
        if time.monotonic() > deadline:
            raise TimeoutError(expression)
        time.sleep(0.02)


def wait_for_loop(page: Any) -> float:
    """Wait until a loop is on screen; seconds it took."""
    if page.evaluate("onScreen()"):
        return 0.0
    started = time.monotonic()
    wait_until(page, "onScreen()")
    return time.monotonic() - started


def decide(page: Any, count: int, gap_sec: tuple[float, float], rng: random.Random) -> dict[str, float]:
    """Press a digit and Enter for so many loops; how long it took, and how much of that no loop was there."""
    started, waited = time.monotonic(), 0.0
    for _ in range(count):
        waited += wait_for_loop(page)
        page.keyboard.press(str(rng.randint(1, len(MOODS))))
        time.sleep(rng.uniform(*gap_sec))
        page.keyboard.press("Enter")
        time.sleep(rng.uniform(*gap_sec))
    seconds = time.monotonic() - started
    wait_until(page, "composerDesk.queue.waiting.length === 0")
    all_stored = time.monotonic() - started
    return {"seconds": seconds, "waited_sec": waited, "stored_after_sec": all_stored}


def next_shown_ms(page: Any, first_key: int) -> list[float]:
    """For each Enter from the given key on, the time until another loop was on screen."""
    witness = page.evaluate("witness")
    enters = [at for key, _, at in witness["keys"][first_key:] if key == "Enter"]
    shown = [at for _, at in witness["shown"]]
    return [min(at for at in shown if at >= enter) - enter for enter in enters if shown[-1] >= enter]


def judge(workspace: Workspace, keys: list[tuple[str, str, float]]) -> dict[str, int]:
    """What the event log says against what the witness saw."""
    chosen: dict[str, str] = {}
    pressed: dict[str, str] = {}
    unseen = 0
    for key, loop, _ in keys:
        if not loop:
            unseen += 1
        elif key == "Enter":
            pressed[loop] = chosen[loop]
        else:
            chosen[loop] = MOODS[int(key) - 1]
    with sqlite3.connect(workspace.labels) as connection:
        query = "SELECT loop_id, value FROM label_events WHERE source = ? AND field = 'emotion' AND status = 'approved'"
        rows = connection.execute(query, (f"human:{RATER}",)).fetchall()
        acts = connection.execute("SELECT loop_id, kind FROM label_actions WHERE rater = ?", (RATER,)).fetchall()
    stored = Counter(loop for loop, _ in rows)
    return {
        "decisions": len(pressed),
        "wrong": sum(json.loads(value) != pressed.get(loop) for loop, value in rows),
        "missing": sum(loop not in stored for loop in pressed),
        "doubled": sum(count > 1 for count in stored.values()) + len(acts) - len({loop for loop, _ in acts}),
        "not_pressed": len(set(stored) - set(pressed)),
        "keys_without_a_loop": unseen,
    }


def labelled(arguments: argparse.Namespace, workspace: Workspace, folder: Path) -> dict[str, Any]:
    """The keyboard at the desk: fast, then at a steady pace."""
    rng = random.Random(arguments.seed)
    with busy(arguments.busy), studio_server(workspace.root) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
        page.set_default_timeout(1000 * PATIENCE_SEC)
        page.add_init_script(WITNESS + f"localStorage.setItem('composer.rater', '{RATER}');")
        started = time.monotonic()
        page.goto(f"{address}/label")
        wait_until(page, "window.onScreen && onScreen()")
        opened_sec = time.monotonic() - started
        page.evaluate("listen()")
        load = os.getloadavg()[0]
        fast = decide(page, arguments.decisions, (0.0, GAP_SEC), rng)
        n_keys = page.evaluate("witness.keys.length")
        fast_next = next_shown_ms(page, 0)
        wait_for_loop(page)
        decide(page, PACED, (PACE_SEC / 2, PACE_SEC / 2), rng)
        paced_next = next_shown_ms(page, n_keys)
        keys = page.evaluate("witness.keys")
        for trouble in page.evaluate("witness.troubles"):
            print("not stored:", trouble)
        page.screenshot(path=str(folder / "desk.png"))
        browser.close()
    percentiles = {
        f"{name}_next_{which}_ms": float(np.percentile(found, share))
        for name, found in (("fast", fast_next), ("paced", paced_next))
        for which, share in (("p50", 50), ("p95", 95), ("max", 100))
    }
    rate = 60 * arguments.decisions / fast["stored_after_sec"]
    return {
        **judge(workspace, keys),
        **fast,
        **percentiles,
        "labels_a_minute": rate,
        "page_opened_sec": opened_sec,
        "load": load,
    }


def opened(data: Path, folder: Path) -> dict[str, float]:
    """Opening the queue of a library that nobody has estimated: seconds and seconds of processor time, at first and
    again; what the estimators need for as many loops as they are asked about at most comes last."""
    workspace = Workspace(folder / "fresh").create()
    ingest([str(data)], workspace, jobs=2)
    found: dict[str, float] = {}
    for name in ("first", "again"):
        wall, cpu = time.perf_counter(), time.process_time()
        suggest_missing(workspace, _OPENED_LOOPS, seconds=1.0)
        items = queue.queue(workspace, rater=RATER, order="uncertainty")
        prepare_loops(workspace, [item.loop_id for item in items[:_AHEAD]])
        found[f"open_{name}_sec"] = time.perf_counter() - wall
        found[f"open_{name}_cpu_sec"] = time.process_time() - cpu
    cpu = time.process_time()
    found["suggested_later"] = suggest_missing(workspace, _OPENED_LOOPS)
    found["suggested_later_cpu_sec"] = time.process_time() - cpu
    return found


def main() -> int:
    """Run, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--loops", type=int, default=20_000)
    parser.add_argument("--decisions", type=int, default=500)
    parser.add_argument("--busy", type=int, default=2, help="processes that compute meanwhile")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    workspace = Workspace(arguments.workspace).create()
    big_library.build(arguments.data, workspace, arguments.loops)
    with tempfile.TemporaryDirectory() as name:
        result: dict[str, Any] = {**labelled(arguments, workspace, Path(name)), **opened(arguments.data, Path(name))}
    for key, value in result.items():
        print(f"  {key:<28}{value:>12,.2f}" if isinstance(value, float) else f"  {key:<28}{value:>12,}")
    faults = ("wrong", "missing", "doubled", "not_pressed")
    missed = [key for key in faults if result[key]]
    missed += ["decisions"] if result["decisions"] != arguments.decisions + PACED else []
    missed += ["labels_a_minute"] if result["labels_a_minute"] < LABELS_A_MINUTE else []
    missed += ["paced_next_p95_ms"] if result["paced_next_p95_ms"] > NEXT_MS else []
    missed += ["open_first_cpu_sec"] if result["open_first_cpu_sec"] > OPEN_SEC else []
    print(json.dumps({"loops": arguments.loops, "result": result, "missed": missed}))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
