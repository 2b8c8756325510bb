"""`composer ingest` and `composer measure`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from composer_core.cli import Subparsers
from composer_core.workspace import Workspace, default_workspace

_DEFAULT_BARS = 4
_PROGRESS_SEC = 0.2
_DRUM_MAP_HELP = (
    "the note map of the drums: auto (default; by names and notes), general_midi, gm2, roland_td, toontrack, "
    "addictive_drums, battery, alesis, yamaha_dtx"
)
"""Written out, for the maps would load numpy before a word of help; a test holds the names equal to the table's."""
_ISSUES_PRINTED = 20


def register(subparsers: Subparsers) -> None:
    """Add `ingest` and `measure`."""
    ingest_parser = subparsers.add_parser("ingest", help="import MIDI files, folders and archives as loops")
    ingest_parser.add_argument("paths", metavar="PATH", nargs="+", help="a MIDI file, a folder or a zip")
    ingest_parser.add_argument("--workspace", metavar="DIR", type=Path, help="where the library is kept")
    ingest_parser.add_argument("--bars", type=int, default=_DEFAULT_BARS, help="bars a loop: 1, 2, 4 (default) or 8")
    ingest_parser.add_argument("--jobs", type=int, metavar="N", help="reader processes (default: one a processor)")
    ingest_parser.add_argument(
        "--engine",
        metavar="NAME",
        default="local",
        help="what reads the files: local (default; processes of this machine) or ray (a Ray cluster)",
    )
    ingest_parser.add_argument(
        "--ray-address",
        metavar="HOST:PORT",
        help="with --engine ray: a cluster that runs already and finds the files under the same paths "
        "(default: one on this machine)",
    )
    ingest_parser.add_argument(
        "--dataset", metavar="NAME", help="read the files' labels as this data set has them (default: detected)"
    )
    ingest_parser.add_argument("--drum-map", metavar="NAME", default="auto", help=_DRUM_MAP_HELP)
    ingest_parser.add_argument("--json", action="store_true", help="print one JSON object")
    ingest_parser.set_defaults(run=ingest)

    measure_parser = subparsers.add_parser("measure", help="measure MIDI files and store nothing")
    measure_parser.add_argument("files", metavar="FILE", nargs="+", help="a MIDI file")
    measure_parser.add_argument(
        "--bars", type=int, default=_DEFAULT_BARS, help="bars a loop: 1, 2, 4 (default), 8, or 0 for the whole file"
    )
    measure_parser.add_argument("--drum-map", metavar="NAME", default="auto", help=_DRUM_MAP_HELP)
    measure_parser.add_argument("--json", action="store_true", help="print one JSON object")
    measure_parser.set_defaults(run=measure)


def ingest(arguments: argparse.Namespace) -> int:
    """Import and report; 0 when anything was accepted."""
    from composer_core.ingest.engine import engine_named
    from composer_core.pipeline.datasets.imports import ingest_with_facts

    workspace = Workspace(arguments.workspace) if arguments.workspace else default_workspace()
    progress = FileProgress() if sys.stderr.isatty() else None
    report = ingest_with_facts(
        arguments.paths,
        workspace,
        dataset=arguments.dataset,
        bars=arguments.bars,
        jobs=arguments.jobs,
        progress=progress,
        engine=engine_named(arguments.engine, arguments.ray_address),
        drum_map=arguments.drum_map,
    )
    if progress is not None:
        progress.end()
    if arguments.json:
        _print_json(report.to_json())
    else:
        _print_report(report.to_json(), workspace)
    return 0 if report.files_accepted or any(found["rows"] for found in report.datasets) else 1


def measure(arguments: argparse.Namespace) -> int:
    """Measure and print; 0 when any file could be measured."""
    from composer_core.pipeline.library.measured_files import measure_files

    result: dict[str, Any] = measure_files(
        arguments.files, arguments.bars, explained=arguments.json, drum_map=arguments.drum_map
    )
    if arguments.json:
        _print_json(result)
    else:
        for entry in result["files"]:
            _print_measured(entry)
    return 0 if any(entry["error"] is None for entry in result["files"]) else 1


class FileProgress:
    """One line on standard error, rewritten a few times a second."""

    def __init__(self) -> None:
        self._printed_at = 0.0

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._printed_at >= _PROGRESS_SEC or done == total:
            self._printed_at = now
            print(f"\r{done} of {total} files", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line."""
        if self._printed_at:
            print(file=sys.stderr)


def _print_json(value: dict[str, Any]) -> None:
    # ASCII, so that any file name (also one that is no UTF-8) survives any terminal or pipe.
    print(json.dumps(value, indent=1, allow_nan=False))


def _print_report(report: dict[str, Any], workspace: Workspace) -> None:
    for row in report["files_refused"]:
        print(f"refused   {shown(row['message'])}")
    for row in report["warnings"]:
        print(f"note      {shown(row['message'])}")
    print(
        f"{report['files_accepted']} of {report['files_seen']} files accepted, {report['files_skipped']} skipped; "
        f"{report['loops_added']} loops added to {shown(str(workspace.root))}, "
        f"{report['duplicates']['exact']} exact duplicates; {report['seconds']:.1f} s"
    )
    for path in report["improved"][:_ISSUES_PRINTED]:
        print(f"improved  {shown(path)}")
    if report["files_improved"]:
        print(
            f"{report['files_improved']} files are in the library by an earlier reading and are read better today; "
            "nothing of them was added. See what would change: composer reread --preview"
        )
    for found in report.get("datasets", []):
        _print_dataset(found)


def _print_dataset(found: dict[str, Any]) -> None:
    labels = found["labels"]
    how = "detected" if found["detected"] else "as asked"
    print(f"\n{shown(found['path'])}: {found['title']} ({found['name']}, {how})")
    print(
        f"  rows {found['rows']}, files matched {found['matched']}, unmatched {found['n_unmatched']}, "
        f"refused {found['n_refused']}"
    )
    print(
        f"  labels {labels['written']} written, {labels['unchanged']} unchanged, {labels['n_refused']} refused, "
        f"{labels['behind_people']} behind what a person said; {found['songs_changed']} song facts and "
        f"{found['progressions']} progressions"
    )
    if not found["changed"]:
        print("  nothing changed")
    for row in (found["refused"] + found["unmatched"])[:_ISSUES_PRINTED]:
        print(f"  {shown(row['message'])}")
    left = found["n_refused"] + found["n_unmatched"] - _ISSUES_PRINTED
    if left > 0:
        print(f"  and {left} more")
    if found["unknown_words"]:
        print(f"  unknown words: {shown(', '.join(found['unknown_words']))}")


def _print_measured(entry: dict[str, Any]) -> None:
    if entry["error"] is not None:
        print(f"refused   {shown(entry['error']['message'])}")
        return
    for row in entry["warnings"]:
        print(f"note      {shown(row['message'])}")
    print(f"{shown(entry['path'])}: {len(entry['loops'])} loops")
    for loop in entry["loops"]:
        print(
            f"  {loop['instrument']}, bars {loop['start_bar'] + 1} to {loop['start_bar'] + loop['bars']}, "
            f"{loop['meter']}, {loop['tempo_bpm']:.1f} BPM, {loop['n_notes']} notes; {_scores_line(loop['scores'])}"
        )
        for name, value in loop["metrics"].items():
            print(f"    {name:<24} {'undefined' if value is None else format(value, '.4g')}")


def _scores_line(scores: dict[str, float | None]) -> str:
    known = [f"{name} {value:.0f}" for name, value in scores.items() if value is not None]
    return "scores: " + (", ".join(known) or "none apply")


def shown(text: str) -> str:
    """Text safe to print: control characters (names are other people's text) and broken bytes shown escaped."""
    visible = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return visible.encode(sys.stdout.encoding or "utf-8", "backslashreplace").decode(sys.stdout.encoding or "utf-8")
