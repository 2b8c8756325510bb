"""FluidSynth behind one function. Runs only inside the renderer process: a native crash must not reach the studio."""

from __future__ import annotations

from ctypes import c_char_p, c_int, c_void_p
from typing import Any

import fluidsynth
import numpy as np

from composer_core.errors import RenderError
from composer_core.render.seam import StereoArray
from composer_core.render.timeline import (
    BEND,
    BLOCK_FRAMES,
    CONTROL,
    KEY_PRESSURE,
    NOTE_OFF,
    NOTE_ON,
    PRESSURE,
    RESET,
    SAMPLE_RATE,
    EventArray,
)

GAIN = 1.0
POLYPHONY = 512
CHANNELS = 256
DRUM_BANK = 128
RESET_ALL_CONTROLLERS = 121
_SCRATCH_FRAMES = 1 << 15
_LOG_LEVELS = 5

# pyfluidsynth wraps the 16-bit output only, which clips and dithers, and no pressure.
_write_float = fluidsynth.cfunc(
    "fluid_synth_write_float",
    c_int,
    ("synth", c_void_p, 1),
    ("len", c_int, 1),
    ("left", c_void_p, 1),
    ("left_offset", c_int, 1),
    ("left_step", c_int, 1),
    ("right", c_void_p, 1),
    ("right_offset", c_int, 1),
    ("right_step", c_int, 1),
)
_channel_pressure = fluidsynth.cfunc(
    "fluid_synth_channel_pressure", c_int, ("synth", c_void_p, 1), ("channel", c_int, 1), ("value", c_int, 1)
)
_key_pressure = fluidsynth.cfunc(
    "fluid_synth_key_pressure",
    c_int,
    ("synth", c_void_p, 1),
    ("channel", c_int, 1),
    ("key", c_int, 1),
    ("value", c_int, 1),
)
_version_text = fluidsynth.cfunc("fluid_version_str", c_char_p)
_set_log_function = fluidsynth.cfunc(
    "fluid_set_log_function", c_void_p, ("level", c_int, 1), ("function", c_void_p, 1), ("data", c_char_p, 1)
)


def silence_log() -> None:
    """Stop FluidSynth from printing; what matters is said by return values."""
    for level in range(_LOG_LEVELS):
        _set_log_function(level, None, None)


def library_version() -> str:
    """Version of the native library, such as 2.3.1."""
    text: bytes = _version_text()
    return text.decode()


class LoadedFont:
    """A SoundFont held in memory.

    FluidSynth shares the samples of a loaded file between synths, so a fresh synth for each
    request costs milliseconds and starts from the same state every time: the same request
    gives the same samples. (A reset synth does not: its reverb goes on where it was.)
    """

    def __init__(self, path: str) -> None:
        """Raises RenderError when FluidSynth cannot read the file."""
        self.path = path
        self._holder = self._fresh()
        self._spare: tuple[Any, int] | None = None

    def close(self) -> None:
        """Free the samples."""
        for synth, _ in filter(None, (self._spare, self._holder)):
            synth.delete()

    def prepare(self) -> None:
        """Make the next request's synth now, while nobody waits: large fonts take 0.1 s to lay out."""
        try:
            self._spare = self._spare or self._fresh()
        except RenderError:  # the file has gone meanwhile, which the next request is told
            self._spare = None

    def play(self, events: EventArray, keep: range) -> StereoArray:
        """Play events from frame 0; the frames in `keep` as float32 of shape (len(keep), 2).

        FluidSynth acts at block boundaries only, so each event goes to the nearest: at most
        32 frames (0.73 ms) off, less than a tick at 120 BPM.
        """
        kept = np.zeros((len(keep), 2), dtype=np.float32)
        synth, font_id = self._spare or self._fresh()
        self._spare = None
        try:
            player = _Player(synth, font_id, kept, keep)
            for frame, kind, channel, a, b in events.tolist():
                block = (frame + BLOCK_FRAMES // 2) // BLOCK_FRAMES * BLOCK_FRAMES
                if block >= keep.stop:
                    break
                player.advance(block)
                player.act(kind, channel, a, b)
            player.advance(keep.stop)
        finally:
            synth.delete()
        return kept

    def _fresh(self) -> tuple[Any, int]:
        synth = _new_synth()
        font_id = synth.sfload(self.path, 1)
        if font_id < 0:
            synth.delete()
            raise RenderError("soundfont_unreadable", path=self.path)
        return synth, font_id


class _Player:
    def __init__(self, synth: Any, font_id: int, kept: StereoArray, keep: range) -> None:
        self.synth, self.font_id, self.kept, self.keep = synth, font_id, kept, keep
        self.position = 0
        self.scratch = np.empty((_SCRATCH_FRAMES, 2), dtype=np.float32)

    def advance(self, frame: int) -> None:
        """Render up to `frame`, keeping what falls into the kept range."""
        while self.position < frame:
            n_frames = min(_SCRATCH_FRAMES, frame - self.position)
            address = self.scratch.ctypes.data
            if _write_float(self.synth.synth, n_frames, address, 0, 2, address, 1, 2) != fluidsynth.FLUID_OK:
                raise RenderError("render_short", what="audio", found=self.position / SAMPLE_RATE, expected=frame)
            low, high = max(self.position, self.keep.start), min(self.position + n_frames, self.keep.stop)
            if low < high:
                source = self.scratch[low - self.position : high - self.position]
                self.kept[low - self.keep.start : high - self.keep.start] = source
            self.position += n_frames

    def act(self, kind: int, channel: int, a: int, b: int) -> None:
        """Let one event happen now."""
        if kind == NOTE_ON:
            self.synth.noteon(channel, a, b)
        elif kind == NOTE_OFF:
            self.synth.noteoff(channel, a)
        elif kind == CONTROL:
            self.synth.cc(channel, a, b)
        elif kind == BEND:
            self.synth.pitch_bend(channel, a + 128 * b - 8192)
        elif kind == PRESSURE:
            _channel_pressure(self.synth.synth, channel, a)
        elif kind == KEY_PRESSURE:
            _key_pressure(self.synth.synth, channel, a, b)
        elif kind == RESET:
            self.synth.cc(channel, RESET_ALL_CONTROLLERS, 0)
        else:
            self._select(channel, a, is_drums=b == 1)

    def _select(self, channel: int, program: int, is_drums: bool) -> None:
        # General MIDI asks that a kit or sound the font lacks is replaced by its first.
        bank = DRUM_BANK if is_drums else 0
        for candidate in (program, 0):
            if self.synth.program_select(channel, self.font_id, bank, candidate) == fluidsynth.FLUID_OK:
                return


def _new_synth() -> Any:
    # The default chorus is loud, and its phase makes one pass differ from the next.
    options = {"synth.chorus.active": 0, "synth.polyphony": POLYPHONY, "synth.cpu-cores": 1}
    return fluidsynth.Synth(gain=GAIN, samplerate=float(SAMPLE_RATE), channels=CHANNELS, **options)
