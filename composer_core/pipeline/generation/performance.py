"""How takes are played: the cheap controls over the same notes. Nothing is sampled when one of them moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from composer_core.music.condition import Condition
from composer_core.music.instruments import INSTRUMENTS
from composer_core.music.key import Key
from composer_core.music.loop import Loop
from composer_core.music.timing import MIN_SWING_PERCENT
from composer_core.pipeline.editing.recipes import Recipe, Step
from composer_core.pipeline.generation.takes import markings_of, perform_take
from composer_core.render.midi import loop_to_midi, loops_to_midi
from composer_core.rules import fit_range, render_technique, transpose
from composer_core.rules.perform import Performed
from composer_core.store.takes import Take


@dataclass(frozen=True, slots=True)
class Playing:
    """Tempo, swing (DAW percentage on a grid) and humanise of every part; transposition of the pitched ones.

    `techniques` holds (instrument, code) of techniques a rule renders; the recipe's rules come last.
    """

    tempo_bpm: float
    swing_percent: float
    swing_grid: int
    humanise_percent: float
    semitones: int = 0
    techniques: tuple[tuple[str, str], ...] = ()
    recipe: Recipe | None = None

    def condition(self, asked: Condition) -> Condition:
        """What a take was asked for, as it is played now: this tempo, swing and humanise, key and chords moved."""
        key = asked.key
        if key is not None:
            key = Key((key.root + self.semitones) % 12, key.mode)
        return asked.changed(
            tempo_bpm=self.tempo_bpm,
            swing_percent=self.swing_percent,
            swing_grid=self.swing_grid,
            humanise_percent=self.humanise_percent,
            key=key,
            chords=tuple(chord.transposed(self.semitones) for chord in asked.chords),
        )


def as_recipe(playing: Playing, name: str) -> Recipe:
    """How takes are played as rules in a row, for any other MIDI: tempo, swing, transposition, techniques, the recipe.

    Humanise is not among them: it is the share of a take's own deviations, which other notes lack.
    """
    steps = [Step("tempo", {"tempo_bpm": playing.tempo_bpm})]
    if playing.swing_percent > MIN_SWING_PERCENT:
        steps.append(Step("swing", {"percent": playing.swing_percent, "grid": playing.swing_grid}))
    if playing.semitones:
        pitched = tuple(name for name in INSTRUMENTS if name != "drums")
        steps += [Step("transpose", {"semitones": playing.semitones}, pitched), Step("fit_range", {}, pitched)]
    steps += [Step("technique", {"code": code}, (instrument,)) for instrument, code in playing.techniques]
    return Recipe(name, (*steps, *(playing.recipe.steps if playing.recipe is not None else ())))


def play_take(take: Take, playing: Playing) -> Performed:
    """A take as it sounds: performed, transposed (what leaves the instrument's range is folded in by octaves),
    played with the techniques of its instrument, and put through the recipe. InvalidValue where a rule refuses."""
    performed = perform_take(take, playing.condition(take.condition))
    loop = performed.loop
    if playing.semitones and not loop.is_drums:
        loop = fit_range(transpose(loop, playing.semitones))
    for instrument, code in playing.techniques:
        if instrument == loop.instrument and code not in take.condition.technique:  # what was asked sounds already
            loop = render_technique(loop, code)
    if playing.recipe is not None:
        loop = playing.recipe.apply(loop)
    return replace(performed, loop=loop)


def played_midi(takes: Sequence[Take], playing: Playing) -> bytes:
    """The takes as one MIDI file that ends with the loop: a track a part."""
    loops: list[Loop] = [play_take(take, playing).loop for take in takes]
    markings = markings_of(takes, [playing.condition(take.condition) for take in takes], loops)
    return loop_to_midi(loops[0], markings=markings) if len(loops) == 1 else loops_to_midi(loops, markings=markings)
