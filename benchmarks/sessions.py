"""How the studio serves many sessions at once: one server process, WebSocket clients that speak its protocol.

    python -m benchmarks.sessions [--loops 5000] [--sessions 20] [--minutes 5] [--work DIR]

A library of 5,000 loops is made (from invented grooves, once a DIR). One session alone clicks first: its median is
the measure. Then all sessions are open, each with a click every 3 s for 5 minutes: loops and pages of the Library,
like a person who looks through it. Printed are the time from a click to the drawn page, errors, and the server's
memory minute by minute. Last, several sessions ask for takes at the same moment: who was served when, and whether
each saw its place in the queue.

Prints a table, then one JSON object; the exit status is 1 when the 95th percentile is over 4 times the single
session's median of the same run, when there was an error, when memory grew over the second half by more than
64 MB, or when a session was not told its place.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import psutil

from benchmarks.big_library import build
from benchmarks.session_client import Session, open_session
from composer_core.music.loop import Loop, Notes
from composer_core.render.midi import loop_to_midi
from composer_core.workspace import Workspace

ROOT = Path(__file__).resolve().parents[1]
EVERY_SEC = 3.0
MOST_TIMES = 4.0
MOST_GROWTH_MB = 64.0
ALONE_CLICKS = 40
START_SEC = 120.0
N_GENERATING, TAKES_EACH = 4, 2
_FILES, _SEED = 80, 7


def grooves(folder: Path) -> Path:
    """Invented drum grooves of eight bars, two loops each."""
    folder.mkdir(parents=True, exist_ok=True)
    random = Random(_SEED)
    for index in range(_FILES):
        rows = [(step * 240, 60, 42, random.randint(50, 110)) for step in range(64) if random.random() < 0.9]
        rows += [(beat * 480, 60, 38 if beat % 2 else 36, random.randint(80, 120)) for beat in range(32)]
        rows += [(step * 120, 60, 36, random.randint(60, 100)) for step in range(128) if random.random() < 0.08]
        loop = Loop("drums", Notes.from_rows(sorted(set(rows))), 8, 90.0 + index)
        (folder / f"groove{index:03d}.mid").write_bytes(loop_to_midi(loop))
    return folder


@contextlib.contextmanager
def server(workspace: Path, port: int, *more: str) -> Iterator[psutil.Process]:
    """The studio over a workspace, ready to answer; stopped at the end."""
    line = [sys.executable, "-m", "studio.server", "--server.port", str(port), "--server.headless", "true", *more]
    environment = {**os.environ, "COMPOSER_WORKSPACE": str(workspace), "PYTHONPATH": str(ROOT)}
    with (workspace / "benchmark-server.log").open("ab") as log:
        process = subprocess.Popen(line, cwd=ROOT, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        until = time.monotonic() + START_SEC
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health"):
                break
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit("the server did not start")
            time.sleep(0.3)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


async def click(session: Session, random: Random) -> float:
    """Look at another loop of the page, or turn the page; seconds until it is drawn."""
    data = session.data("library.table")
    if random.random() < 0.2 and data["page"]["count"] > 1:
        event: dict[str, object] = {"kind": "page", "page": random.randrange(data["page"]["count"])}
    else:
        event = {"kind": "choose", "id": random.choice(data["rows"])["id"]}
    return await session.event("library.table", "event", event)


async def visitor(session: Session, seed: int, until: float, times: list[float]) -> None:
    """Click every EVERY_SEC, from a moment of its own within the first, until the end."""
    random = Random(seed)
    due = time.monotonic() + random.random() * EVERY_SEC
    while due < until:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        times.append(await click(session, random))
        due += EVERY_SEC


async def watch_memory(process: psutil.Process, until: float, seen: list[float]) -> None:
    """The server's own memory in MB, ten times a minute."""
    while time.monotonic() < until:
        seen.append(process.memory_info().rss / 2**20)
        await asyncio.sleep(6.0)


async def generating(port: int) -> list[dict[str, Any]]:
    """Several sessions ask for takes at once: when each was done (seconds), and the places it was told."""
    sessions = [await open_session(port) for _ in range(N_GENERATING)]
    started = time.perf_counter()

    async def ask(number: int, session: Session) -> dict[str, Any]:
        session.texts.clear()
        await session.run(session.button("generate.generate"))
        places = [text for text in dict.fromkeys(session.texts) if text.startswith("Waiting")]
        return {
            "session": number,
            "done_sec": time.perf_counter() - started,
            "places": places,
            "errors": session.errors,
        }

    found = await asyncio.gather(*(ask(number, session) for number, session in enumerate(sessions)))
    for session in sessions:
        await session.socket.close()
    return list(found)


async def measure(process: psutil.Process, port: int, n_sessions: int, minutes: float) -> dict[str, Any]:
    """All figures of one run."""
    alone: list[float] = []
    first = await open_session(port, "library")
    random = Random(0)
    for _ in range(5):
        await click(first, random)  # what is loaded once is not the measure
    for _ in range(ALONE_CLICKS):
        alone.append(await click(first, random))
    sessions = [first, *[await open_session(port, "library") for _ in range(n_sessions - 1)]]
    until = time.monotonic() + minutes * 60
    times: list[list[float]] = [[] for _ in sessions]
    memory: list[float] = []
    await asyncio.gather(
        watch_memory(process, until, memory),
        *(visitor(session, seed, until, times[seed]) for seed, session in enumerate(sessions)),
    )
    errors = [error for session in sessions for error in session.errors]
    for session in sessions:
        await session.socket.close()
    clicks = np.array([sec for one in times for sec in one])
    half = len(memory) // 2
    return {
        "alone_ms": {"median": 1e3 * float(np.median(alone)), "p95": 1e3 * float(np.percentile(alone, 95))},
        "together_ms": {"median": 1e3 * float(np.median(clicks)), "p95": 1e3 * float(np.percentile(clicks, 95))},
        "clicks": len(clicks),
        "errors": dict(Counter(errors)),
        "memory_mb": [round(value) for value in memory],
        "growth_mb": float(np.median(memory[-5:]) - np.median(memory[half : half + 5])),
        "generating": await generating(port),
    }


def told_places(rows: list[dict[str, Any]]) -> bool:
    """Whether all but the first served session were told how many are before them."""
    return sum(bool(row["places"]) for row in rows) >= len(rows) - 1


def main() -> int:
    """Measure and print; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loops", type=int, default=5000)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--work", type=Path, help="where the library is made, and found again")
    parser.add_argument("--port", type=int, default=8731)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        work = arguments.work or Path(made)
        workspace = Workspace(work / f"workspace-{arguments.loops}").create()
        build(grooves(work / "grooves"), workspace, arguments.loops)
        with server(workspace.root, arguments.port) as process:
            found = asyncio.run(measure(process, arguments.port, arguments.sessions, arguments.minutes))
    ratio = found["together_ms"]["p95"] / found["alone_ms"]["median"]
    ok = ratio <= MOST_TIMES and not found["errors"] and found["growth_mb"] <= MOST_GROWTH_MB
    ok = ok and told_places(found["generating"]) and not any(row["errors"] for row in found["generating"])
    for name in ("alone_ms", "together_ms"):
        print(f"{name:<12} median {found[name]['median']:7.0f}   p95 {found[name]['p95']:7.0f}")
    print(f"p95 together is {ratio:.2f} times the median alone (at most {MOST_TIMES:g})")
    print(
        f"{found['clicks']} clicks, {sum(found['errors'].values())} errors, memory grew by {found['growth_mb']:.0f} MB"
    )
    for row in found["generating"]:
        print(
            f"session {row['session']}: done after {row['done_sec']:.1f} s, was told: {'; '.join(row['places']) or '-'}"
        )
    print(json.dumps({"machine": platform.machine(), "processors": os.cpu_count(), "ratio": ratio, **found}))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
