"""How fast a loop becomes audio: at least 30 times real time, the three passes included.

Each loop is rendered by the renderer process as the studio does it (three passes back to
back of which the middle is kept, seam, FLAC; no cache) and timed from the request to the
last byte. The limit is judged on the drums, which the studio generates; other instruments,
heard when they are imported, are printed beside it. Prints a table, then one JSON object;
exit status 1 when the median of the drums misses the limit.
"""

from __future__ import annotations

import argparse
import io
import json
import platform
import statistics
import sys
import time

from composer_core.music.loop import Loop, Notes
from composer_core.render.audio import PASSES, loop_request
from composer_core.render.client import Renderer
from composer_core.render.soundfont import SoundFontChoice, choose_soundfont

JUDGED = "drums"
LIMIT = 30.0
"""Times real time: seconds of loop heard for each second of work."""
BARS = 4
PAUSE_SEC = 0.3
"""Between two requests, as between two clicks: the process makes its next synth ready meanwhile."""


def loops() -> dict[str, Loop]:
    """Four bars each: a busy kit, walking bass, five-note piano chords in eighths, strings in four held parts."""
    bars = range(BARS)
    drums = [(bar * 1920 + 120 * i, 60, 42, 60 + i % 4 * 15) for bar in bars for i in range(16)]
    drums += [(bar * 1920 + tick, 100, 36, 110) for bar in bars for tick in (0, 600, 960, 1320)]
    drums += [(bar * 1920 + tick, 100, 38, 100) for bar in bars for tick in (480, 1440, 1680)]
    bass = [(bar * 1920 + 240 * i, 220, 33 + i % 5, 95) for bar in bars for i in range(8)]
    chord = [48, 55, 60, 64, 67]
    piano = [(bar * 1920 + 240 * i, 230, pitch, 80) for bar in bars for i in range(8) for pitch in chord]
    strings = [(bar * 1920, 1920, pitch, 85) for bar in bars for pitch in (43, 55, 59, 62)]
    kinds = {"drums": (drums, 0), "bass": (bass, 33), "piano": (piano, 0), "strings": (strings, 48)}
    return {name: Loop(name, Notes.from_rows(rows), BARS, 104.0, program=p) for name, (rows, p) in kinds.items()}


def measure(renderer: Renderer, loop: Loop, font: SoundFontChoice, repeats: int) -> dict[str, float]:
    """Times real time: median and worst of the repeats."""
    seconds = []
    for _ in range(repeats):
        data = io.BytesIO()
        time.sleep(PAUSE_SEC)
        start = time.perf_counter()
        renderer.render(loop_request(loop, font), data.write)
        seconds.append(time.perf_counter() - start)
    return {
        "loop_sec": loop.length_sec,
        "median_sec": statistics.median(seconds),
        "times_real_time": loop.length_sec / statistics.median(seconds),
        "worst_times_real_time": loop.length_sec / max(seconds),
        "kilobytes": len(data.getvalue()) / 1000,
    }


def main() -> int:
    """Run, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--soundfont", metavar="SF2")
    arguments = parser.parse_args()
    font, renderer = choose_soundfont(arguments.soundfont), Renderer()
    start = time.perf_counter()
    renderer.version()
    start_sec = time.perf_counter() - start
    start = time.perf_counter()
    renderer.render(loop_request(loops()["drums"], font), len)
    first_sec = time.perf_counter() - start
    rows = {name: measure(renderer, loop, font, arguments.repeats) for name, loop in loops().items()}
    renderer.close()
    print(f"{BARS} bars at 104 BPM, {PASSES} passes each, {font.name} ({font.path.stat().st_size / 1e6:.1f} MB)")
    print(f"process start {start_sec:.2f} s, first sound {first_sec:.2f} s")
    print(f"{'loop':<9}{'seconds':>9}{'x real time':>13}{'worst':>8}{'kB':>7}")
    for name, row in rows.items():
        print(
            f"{name:<9}{row['median_sec']:>9.3f}{row['times_real_time']:>13.0f}"
            f"{row['worst_times_real_time']:>8.0f}{row['kilobytes']:>7.0f}"
        )
    passed = rows[JUDGED]["times_real_time"] >= LIMIT
    print(f"limit {LIMIT:.0f} x real time for {JUDGED}: {'kept' if passed else 'MISSED'}")
    context = {"python": platform.python_version(), "soundfont": font.name, "repeats": arguments.repeats}
    report = {
        "limit": LIMIT,
        "judged": JUDGED,
        "passed": passed,
        "start_sec": start_sec,
        "first_sec": first_sec,
        "loops": rows,
    }
    print(json.dumps({"benchmark": "render", **context, **report}))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
