"""The public interface for scripts: read, generate, measure, score, estimate, write and render loops.

Use `from composer_core import api`, or `import composer_core` and `composer_core.api`. The names listed in `__all__`
stay as described here until a release says otherwise; every other name of the package may change. Nothing is loaded
before it is needed, and no workspace is read or written. Every failure raises a `ComposerError`.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

from composer_core.errors import ComposerError
from composer_core.estimate.suggestion import Suggestion
from composer_core.music.chords import Chord
from composer_core.music.condition import Condition
from composer_core.music.key import Key
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import Meter

__all__ = [
    "Chord",
    "ComposerError",
    "Condition",
    "Key",
    "Loop",
    "Meter",
    "Notes",
    "Suggestion",
    "estimate",
    "generate",
    "measure",
    "midi",
    "read",
    "render",
    "score",
]


def read(path: Path | str, bars: int = 4) -> list[Loop]:
    """The loops of a MIDI file: each part cut into pieces of `bars` bars (1, 2, 4 or 8; 0: the whole part).

    The file is read in a process of its own, which a damaged file cannot hang. Raises RefusedFile, saying why,
    for a file that is none or is damaged, and InvalidValue for other bars.
    """
    from composer_core.errors import require_choice
    from composer_core.ingest.cut import WHOLE_SONG
    from composer_core.ingest.pool import read_all
    from composer_core.music.timing import BARS_CHOICES
    from composer_core.pipeline.library.measuring import READ_TASK, decode_loops

    require_choice("bars", bars, (WHOLE_SONG, *BARS_CHOICES))
    options = {"bars": bars, "instrument": None, "measure": False}
    (report,) = read_all([(str(path), "midi")], READ_TASK, options, jobs=1)
    (outcome,) = report.outcomes
    if outcome.refusal is not None:
        raise outcome.refusal
    return decode_loops(str(path), outcome.facts, outcome.payload)


def generate(condition: Condition, *, takes: int = 1, seed: int = 0, best_of: int = 1) -> list[Loop]:
    """Loops that a shipped model plays as the condition asks, 1 to 64 of them.

    The same condition, seed and `best_of` give the same loops on the same machine. With `best_of` N (1 to 32)
    each is the one out of N that fits the condition and scores best. Raises InvalidValue for a value out of range.
    """
    from composer_core.pipeline.generation import takes as generation

    made = generation.generate(condition, takes=takes, seed=seed, best_of=best_of)
    return [generation.render_take(take) for take in made]


def measure(loop: Loop) -> dict[str, float]:
    """Every metric of a loop by name, NaN where it is undefined; units and meanings are in docs/metrics.md."""
    from composer_core.metrics import measure as measure_metrics

    return measure_metrics(loop)


def score(loop: Loop) -> dict[str, float]:
    """The scores of a loop by axis and their total, 0 to 100, NaN where one does not apply; see docs/scores.md."""
    from composer_core.pipeline.scoring import score as score_loops

    return dict(score_loops([loop])[0].scores)


def estimate(loop: Loop) -> Mapping[str, Suggestion]:
    """What the studio believes of a loop: a value by field, with a confidence (0 to 1) and reasons.

    The fields are emotion_valence (-1 to 1), emotion_arousal (0 to 1), emotion, genre, key_root ("C" to "B"),
    key_mode, meter and technique. A field about which the notes say nothing is absent.
    """
    from composer_core.estimate import suggest
    from composer_core.metrics import measure as measure_metrics
    from composer_core.pipeline.vocabularies import vocabularies

    return suggest(loop, measure_metrics(loop), vocabularies())


def midi(loop: Loop) -> bytes:
    """A loop as a Standard MIDI File that ends exactly where the loop does."""
    from composer_core.render.midi import loop_to_midi

    return loop_to_midi(loop)


def render(loop: Loop, file_format: str = "flac", soundfont: Path | str | None = None) -> bytes:
    """A loop as the bytes of a stereo audio file ("flac" or "wav", 44.1 kHz) of exactly the loop's length.

    It repeats without a seam: its beginning holds what rings on from its end. `soundfont` is an SF2 or SF3 file;
    the first one found on this machine where none is given. Raises Unavailable without FluidSynth, NotFound for a
    SoundFont that is not there, RenderError for a loop without notes or one that is too long.
    """
    from composer_core.render.audio import mix_request
    from composer_core.render.client import shared_renderer
    from composer_core.render.soundfont import choose_soundfont

    font = choose_soundfont(None if soundfont is None else str(soundfont))
    stream = io.BytesIO()
    shared_renderer().render(mix_request([loop], font, file_format, padding_frames=0), stream.write)
    return stream.getvalue()
