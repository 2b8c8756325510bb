"""The fields of a condition, each declared once; everything else reads the declaration.

`Condition` has one attribute for each field here. The declaration holds the check of its range, the option of
`composer generate`, the control of the Generate page and its part of the address, the metric that measures it in
training windows and in takes, the weight of a misfit when candidates are compared, and its number in a model's encoder.
To add a field, declare it at the end of FIELDS, add the attribute to `Condition`, and add its text to the studio.
"""

from __future__ import annotations

import math

from composer_core.music.condition_field import (
    CHOICE,
    CHORDS,
    CODES,
    KEY,
    NUMBER,
    WEIGHTS,
    CommandOption,
    ConditionField,
    EncoderSlot,
    LoopMeasure,
    PageControl,
    linear,
    octaves,
)
from composer_core.music.genre import parse_genre
from composer_core.music.instruments import PITCH_RANGE
from composer_core.music.key import Key
from composer_core.music.technique import parse_techniques
from composer_core.music.timing import (
    ASK_MAX_TEMPO_BPM,
    ASK_MIN_TEMPO_BPM,
    BARS_CHOICES,
    MAX_SWING_PERCENT,
    MIN_SWING_PERCENT,
    Meter,
)

ASK_METERS = ("4/4", "3/4", "6/8", "5/4", "7/8")
SWING_GRIDS = (8, 16)
DEFAULT_TEMPO_BPM = 110.0
DEFAULT_HUMANISE_PERCENT = 100.0
"""As the performer plays. Half of it costs 27 points of the total on Groove MIDI's held-out requests, because the
timing is then nearer to the grid than any player's (see docs/decisions/0022-humanise-at-full-strength.md)."""
DENSITY_RANGE = (0.25, 12.0)


def _swing_scale(ratio: float) -> float:
    return min(ratio - 1.0, 2.0) - 1.0


def _syncopation_scale(levels: float) -> float:
    return math.log2(1.0 + max(levels, 0.0)) / 2.0 - 1.0


def _read_key(text: str | None) -> Key | None:
    return Key.parse(text) if text else None


FIELDS: tuple[ConditionField, ...] = (
    ConditionField(
        "bars",
        CHOICE,
        CommandOption("bars", "1, 2, 4 or 8", int, 4),
        unit="bars",
        choices=BARS_CHOICES,
        optional=False,
        row="bars",
        always_compared=True,
        address="bars",
        control=PageControl("bars", first=4),
    ),
    ConditionField(
        "tempo_bpm",
        NUMBER,
        CommandOption("tempo", "quarters a minute", default=DEFAULT_TEMPO_BPM),
        label="tempo",
        unit="BPM",
        limits=(ASK_MIN_TEMPO_BPM, ASK_MAX_TEMPO_BPM),
        optional=False,
        row="tempo",
        always_compared=True,
        address="tempo",
        control=PageControl("tempo", int(ASK_MIN_TEMPO_BPM), int(ASK_MAX_TEMPO_BPM), first=round(DEFAULT_TEMPO_BPM)),
        slots=(EncoderSlot(0, "tempo_bpm", octaves(110.0, 1.5)),),
    ),
    ConditionField(
        "meter",
        CHOICE,
        CommandOption("meter", "4/4, 3/4, 6/8, 5/4 or 7/8", str, "4/4", Meter.parse),
        label="metre",
        choices=ASK_METERS,
        optional=False,
        address="metre",
        control=PageControl("meter"),
    ),
    ConditionField(
        "swing_percent",
        NUMBER,
        CommandOption("swing", "DAW percentage: 50 straight, 66.7 triplet", default=MIN_SWING_PERCENT),
        label="swing",
        unit="%",
        limits=(MIN_SWING_PERCENT, MAX_SWING_PERCENT),
        optional=False,
        row="swing",
        always_compared=True,
        address="swing",
        control=PageControl("swing", MIN_SWING_PERCENT, MAX_SWING_PERCENT, 0.1, MIN_SWING_PERCENT),
        slots=(EncoderSlot(4, "swing_8", _swing_scale), EncoderSlot(5, "swing_16", _swing_scale)),
    ),
    ConditionField(
        "swing_grid",
        CHOICE,
        CommandOption("swing-grid", "8 or 16", int, 8),
        label="swing grid",
        unit="notes a 4/4 bar",
        choices=SWING_GRIDS,
        optional=False,
        address="grid",
        control=PageControl("swing_grid", first=8),
    ),
    ConditionField(
        "humanise_percent",
        NUMBER,
        CommandOption("humanise", "0 to 100 %% of the performer's timing", default=DEFAULT_HUMANISE_PERCENT),
        label="humanise",
        unit="%",
        limits=(0.0, 100.0),
        optional=False,
        address="humanise",
        control=PageControl("humanise", 0, 100, first=round(DEFAULT_HUMANISE_PERCENT)),
    ),
    ConditionField(
        "valence",
        NUMBER,
        CommandOption("valence", "-1 to 1; left out: not given"),
        limits=(-1.0, 1.0),
        usual=(-1.0, 1.0),
        row="valence",
        always_compared=True,
        address="valence",
        control=PageControl("valence", -1.0, 1.0, first=0.4),
        measure=LoopMeasure("valence", miss=1.0),
        slots=(EncoderSlot(2, "valence", linear(0.0, 1.0)),),
    ),
    ConditionField(
        "arousal",
        NUMBER,
        CommandOption("arousal", "0 to 1; left out: not given"),
        limits=(0.0, 1.0),
        usual=(0.0, 1.0),
        row="arousal",
        always_compared=True,
        address="arousal",
        control=PageControl("arousal", 0.0, 1.0, first=0.7),
        measure=LoopMeasure("arousal", miss=0.5),
        slots=(EncoderSlot(3, "arousal", linear(0.5, 0.5)),),
    ),
    ConditionField(
        "density",
        NUMBER,
        CommandOption("density", "onsets a quarter; left out: not given"),
        unit="onsets a quarter",
        limits=DENSITY_RANGE,
        usual=(0.5, 4.0),
        row="density",
        always_compared=True,
        control=PageControl("density", 0.5, 8.0, 0.25, 3.0, folded=True),
        measure=LoopMeasure("onset_density", miss=1.0, in_octaves=True, least=0.05),
        slots=(EncoderSlot(1, "density", octaves(2.5, 2.0, least=0.1)),),
    ),
    ConditionField(
        "genre",
        WEIGHTS,
        CommandOption("genre", "a genre, or weights such as funk=0.7,jazz=0.3", str, "", parse_genre),
        unit="weights that add up to 1",
        address="genres",
        control=PageControl("genre"),
    ),
    ConditionField(
        "key",
        KEY,
        CommandOption(
            "key",
            "such as E:minor, Bb:major or D:dorian; left out: not given, written on C",
            str,
            read=_read_key,
        ),
        pitched=True,
        row="key",
        always_compared=True,
        address="key",
        control=PageControl("root"),
    ),
    ConditionField(
        "syncopation",
        NUMBER,
        CommandOption("syncopation", "levels a bar, as composer measure prints it"),
        unit="levels a bar",
        limits=(0.0, 40.0),
        usual=(0.0, 8.0),
        row="syncopation",
        digits=1,
        control=PageControl("syncopation", 0.0, 20.0, 0.5, 4.0, folded=True),
        measure=LoopMeasure("syncopation", miss=6.0),
        slots=(EncoderSlot(6, "syncopation", _syncopation_scale),),
    ),
    ConditionField(
        "register",
        NUMBER,
        CommandOption("register", "mean pitch as a MIDI note number"),
        unit="(MIDI note number)",
        limits_of=PITCH_RANGE,
        pitched=True,
        stands_alone=True,
        follows_key=True,
        row="register",
        control=PageControl("register"),
        measure=LoopMeasure("register", miss=12.0),
        slots=(EncoderSlot(7, "register", linear(60.0, 24.0)),),
    ),
    ConditionField(
        "complexity",
        NUMBER,
        CommandOption("complexity", "0 to 1: rhythmic variety, syncopation and change between bars"),
        limits=(0.0, 1.0),
        usual=(0.0, 1.0),
        row="complexity",
        control=PageControl("complexity", 0.0, 1.0, 0.05, 0.5, folded=True),
        measure=LoopMeasure("complexity"),
        slots=(EncoderSlot(8, "complexity", linear(0.5, 0.5)),),
    ),
    ConditionField(
        "technique",
        CODES,
        CommandOption(
            "technique", "one or more such as ghost,ride (assets/techniques.yaml)", str, "", parse_techniques
        ),
        stands_alone=True,
        row="technique",
        control=PageControl("technique"),
    ),
    ConditionField(
        "chords",
        CHORDS,
        CommandOption("chords", 'one chord a bar, as "i VI III VII" or "Em C G D"', str, ""),
        pitched=True,
        row="chords",
        address="chords",
        control=PageControl("chords"),
    ),
)
"""Every field but the instrument, in the order of the options of `composer generate`."""
FIELD: dict[str, ConditionField] = {field.name: field for field in FIELDS}
PITCHED_FIELDS = tuple(field.name for field in FIELDS if field.pitched)
"""The fields that do not apply to a drum kit."""
MEASURES: dict[str, LoopMeasure] = {field.name: field.measure for field in FIELDS if field.measure is not None}
"""The measure of each field that can be measured on any loop, by field."""
FOLDED: dict[str, PageControl] = {
    field.name: field.control for field in FIELDS if field.control is not None and field.control.folded
}
"""The page controls of the folded measures, by field."""
SLOTS: tuple[EncoderSlot, ...] = tuple(
    sorted((slot for field in FIELDS for slot in field.slots), key=lambda slot: slot.index)
)
"""The encoder's numbers, in their order."""


def control_of(name: str) -> PageControl:
    """The page control of a field; KeyError for a name that is not one of FIELDS, or a field without a control."""
    control = FIELD[name].control
    if control is None:
        raise KeyError(name)
    return control
