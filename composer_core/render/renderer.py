"""The renderer process: reads requests from standard input until it ends, answers on standard output.

Started by client.py as `python -m composer_core.render.renderer`. When its parent dies,
however it dies, standard input ends and so does this process.
"""

from __future__ import annotations

import io
import os
import sys
from collections import OrderedDict
from typing import IO, TYPE_CHECKING

import numpy as np

from composer_core.errors import ComposerError, RenderError, Unavailable
from composer_core.render.request import RenderRequest, read_request, write_header
from composer_core.render.seam import SILENCE, StereoArray, peak_of, seamless, turned_down, without_silent_tail
from composer_core.render.soundfont import fluidsynth_cure
from composer_core.render.timeline import SAMPLE_RATE

if TYPE_CHECKING:
    from composer_core.render.synth import LoadedFont

MAX_LOADED_FONTS = 2
FULL_SCALE = 32_767


class Fonts:
    """The SoundFonts in memory, the least recently used given up first."""

    def __init__(self) -> None:
        self._fonts: OrderedDict[tuple[str, int, int], LoadedFont] = OrderedDict()

    def prepare(self) -> None:
        """Make ready what the next request will most likely need."""
        for font in self._fonts.values():
            font.prepare()

    def get(self, identity: tuple[str, int, int]) -> LoadedFont:
        """The font of this path, size and time; loads it when it is not in memory."""
        from composer_core.render.synth import LoadedFont

        if identity not in self._fonts:
            self._fonts[identity] = LoadedFont(identity[0])
            if len(self._fonts) > MAX_LOADED_FONTS:
                self._fonts.popitem(last=False)[1].close()
        self._fonts.move_to_end(identity)
        return self._fonts[identity]


def render(request: RenderRequest, fonts: Fonts) -> tuple[StereoArray, float]:
    """The finished audio and its peak; RenderError when it came out silent."""
    lead = min(request.crossfade_frames, request.start_frame)
    keep = range(request.start_frame - lead, request.total_frames)
    audio = fonts.get(request.soundfont).play(request.events, keep)
    if request.trim_tail:
        audio = without_silent_tail(audio, request.length_frames)
    if request.crossfade_frames:
        audio = seamless(audio[:lead], audio[lead:], request.padding_frames)
    peak = peak_of(audio)
    if peak < SILENCE:
        name = os.path.basename(request.soundfont[0])
        raise RenderError("render_silent", what=request.what, reason=f"the SoundFont {name} has no sound for its notes")
    return turned_down(audio), peak


def encode(audio: StereoArray, file_format: str) -> bytes:
    """A 16-bit FLAC or WAV file."""
    import soundfile

    buffer = io.BytesIO()
    # Rounded here, because libsndfile rounds differently for the two formats.
    samples = np.rint(audio * FULL_SCALE).astype(np.int16)
    soundfile.write(buffer, samples, SAMPLE_RATE, format=file_format.upper(), subtype="PCM_16")
    return buffer.getvalue()


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer requests until they end."""
    fonts = Fonts()
    while (request := read_request(requests)) is not None:
        try:
            audio, peak = render(request, fonts)
            data = encode(audio, request.file_format)
            write_header(answers, {"error": None, "n_frames": len(audio), "peak": peak, "n_bytes": len(data)})
            answers.write(data)
        except ComposerError as error:
            write_header(answers, {"error": [type(error).__name__, error.code, error.values]})
        answers.flush()
        fonts.prepare()


def main() -> int:
    """Keep standard output for answers alone: whatever a C library prints goes to standard error."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        from composer_core.render.synth import library_version, silence_log
    except ImportError:
        missing = Unavailable("fluidsynth_missing", cure=fluidsynth_cure())
        write_header(answers, {"error": [type(missing).__name__, missing.code, missing.values]})
        answers.flush()
        return 1
    silence_log()
    write_header(answers, {"error": None, "fluidsynth": library_version()})
    answers.flush()
    serve(sys.stdin.buffer, answers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
