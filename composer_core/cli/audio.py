"""`composer render` renders a MIDI file to audio."""

from __future__ import annotations

import argparse
from pathlib import Path

from composer_core.cli import Subparsers
from composer_core.workspace import Workspace, default_workspace


def register(subparsers: Subparsers) -> None:
    """Add `render`."""
    parser = subparsers.add_parser("render", allow_abbrev=False, help="render a MIDI file to a .wav or .flac file")
    parser.add_argument("file", metavar="FILE", type=Path, help="a MIDI file")
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, required=True, help="OUT.wav or OUT.flac")
    parser.add_argument("--loop", action="store_true", help="whole bars that repeat without a seam")
    parser.add_argument("--soundfont", metavar="SF2", help="the SoundFont to use instead of the workspace's")
    parser.add_argument("--workspace", metavar="DIR", type=Path, help="whose settings count")
    parser.set_defaults(run=render)


def render(arguments: argparse.Namespace) -> int:
    """Render and say what was written."""
    from composer_core.pipeline.generation.song_audio import render_file

    workspace = Workspace(arguments.workspace) if arguments.workspace else default_workspace()
    audio = render_file(
        arguments.file, arguments.output, arguments.loop, soundfont=arguments.soundfont, workspace=workspace
    )
    length = f"{audio.seconds:.2f} s" if audio.loop_sec is None else f"repeats at {audio.loop_sec:.6f} s"
    print(f"{audio.path}: {length}, SoundFont {audio.soundfont.name} ({audio.soundfont.origin})")
    if not audio.has_controllers:
        print("A track of this file holds bytes that are no events; some pedal, volume or pan may not sound.")
    return 0
