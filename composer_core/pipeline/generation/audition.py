"""Render a loop for listening: a cached audio file that the browser repeats without a gap."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from composer_core.errors import NotFound
from composer_core.music.loop import Loop
from composer_core.pipeline.settings import settings_or_defaults
from composer_core.render.audio import AudioCache, loop_request, mix_request
from composer_core.render.client import shared_renderer
from composer_core.render.soundfont import SoundFontChoice, choose_soundfont
from composer_core.render.timeline import SAMPLE_RATE, loop_seconds
from composer_core.workspace import Workspace

_BYTES_PER_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Audio:
    """A rendered loop: `name` is its file in the cache, `loop_sec` where exactly it repeats.

    The file is a little longer than `loop_sec`: it goes on with its own beginning.
    `soundfont_origin` is setting, assets, system or pretty_midi (then `is_fallback`).
    """

    name: str
    loop_sec: float
    sample_rate: int
    soundfont: str
    soundfont_origin: str
    is_fallback: bool


def audition(loop: Loop, workspace: Workspace) -> Audio:
    """Audio of a loop, rendered unless the cache has it.

    Raises RenderError for a loop that is empty, too long or comes out silent, Unavailable
    without FluidSynth, NotFound when the SoundFont of the settings is gone.
    """
    settings = settings_or_defaults(workspace)
    font = choose_soundfont(settings.soundfont)
    request = loop_request(loop, font)
    cache = AudioCache(workspace.audio, settings.audio_cache_mb * _BYTES_PER_MB)
    name = request.content_name()
    if cache.find(name) is None:
        cache.put(name, lambda stream: shared_renderer().render(request, stream.write))
    return Audio(name, loop_seconds(loop), SAMPLE_RATE, font.name, font.origin, font.is_fallback)


def loop_wav(loops: Sequence[Loop], workspace: Workspace) -> bytes:
    """Parts of one tempo and length mixed to a WAV file of exactly the loop's length, to lay end to end in a DAW.

    It repeats without a seam: its beginning holds what rings on from its end. Levels are what the velocities give,
    turned down as a whole where they would clip. Raises as `audition` does.
    """
    font = choose_soundfont(settings_or_defaults(workspace).soundfont)
    sounding = [loop for loop in loops if len(loop.notes)] or list(loops)
    stream = io.BytesIO()
    shared_renderer().render(mix_request(sounding, font, "wav", padding_frames=0), stream.write)
    return stream.getvalue()


def audio_path(workspace: Workspace, name: str) -> Path:
    """The cached file of this name; NotFound for any other name and when it is no longer there."""
    path = AudioCache(workspace.audio, 0).find(name)
    if path is None:
        raise NotFound("path_missing", path=name)
    return path


def soundfont_choice(workspace: Workspace) -> SoundFontChoice:
    """The SoundFont that would sound now; raises as `audition` does."""
    return choose_soundfont(settings_or_defaults(workspace).soundfont)
