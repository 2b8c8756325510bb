"""Write the card of a shipped composer from its configuration and its evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from composer_core.lab.composer.recipes import RECIPES, TrainingRecipe
from composer_core.lab.composer.text import markdown, sections
from composer_core.model.composer.notices import RARE_SHARE
from composer_core.pipeline.models import ALL
from composer_core.pipeline.training.permitted_sets import PERMITTED_SETS, PermittedSet

EVALUATION_FILE = "evaluation.json"
CARD_PARTS = ("likelihood", "memorisation", "control", "density_spearman")
"""Parts of a report no card is without."""


def reports_of(evaluation: Mapping[str, object]) -> dict[str, Mapping[str, object]]:
    """Reports by instrument of an evaluation.json: of one instrument, or of a model of all."""
    if "reports" in evaluation:
        return dict(cast(Mapping[str, Mapping[str, object]], evaluation["reports"]))
    return {str(evaluation.get("instrument", "drums")): evaluation}


def model_card(
    recipe: TrainingRecipe, facts: Mapping[str, object], evaluation: Mapping[str, object], n_bytes: int
) -> str:
    """The card as Markdown, with a section of figures for each instrument."""
    figures = [
        "\n".join([f"## Figures: {instrument}", "", *_figures(report)])
        for instrument, report in reports_of(evaluation).items()
    ]
    return "\n".join([_head(recipe, facts, n_bytes), *figures, _limits(facts)])


def _left_out(facts: Mapping[str, Any]) -> str:
    count = facts.get("near_held_out", {}).get("left_out", 0)
    return f" {count} more were left out: a passage of theirs nearly repeats a held-out one." if count else ""


def _head(recipe: TrainingRecipe, facts: Mapping[str, Any], n_bytes: int) -> str:
    takes, train = facts["takes"], facts["train"]
    learnt = list(facts["windows"])
    named = "\n".join(_data_lines(recipe))
    windows = ", ".join(f"{count} of {instrument}" for instrument, count in facts["windows"].items())
    fields = ", ".join(name for name in facts["model"]["conditions"] if name not in ("instrument", "place"))
    return f"""# {recipe.name}

Writes the notes of a loop for {", ".join(learnt)} on a straight 12-step grid, pitches as if the tonic were C,
from any subset of: tempo, metre, bars, swing, {fields}.
It gives no velocities and no micro-timing; the performer does. Weights in half precision, {n_bytes / 1e6:.1f} MB.

- Data: changed by taking swing and each part's median offset out, snapping to 16ths, triplets or sextuplets by beat and
  cutting into windows of 1, 2, 4 and 8 bars; only the metres 4/4 (2/2), 3/4, 6/8, 5/4 and 7/8.
{named}
- Split: by song. {takes["train"]} parts trained it, {takes["dev"]} chose the best step, {takes["validation"]} were only
  measured on.{_left_out(facts)}
- Training: {recipe.story}
  {facts["step"]} steps, windows {windows}; batch {train["batch"]}, AdamW at {train["learning_rate"]},
  dropout {train["dropout"]}, heads for emotion, genre and quality at weights {train["emotion"]}, {train["genre"]}
  and {train["quality"]}.
- Labels: valence, arousal, techniques, keys and chords of the training windows are this software's own estimates on
  the notes, not listeners' ratings; genre is the data set's.
- Tokens: miditok's REMI without velocity, {facts["model"]["n_tokens"]} tokens with merges inside bars only
  (vocabulary {facts["vocabulary_hash"]}; data digest {facts["data_digest"][:16]}).
- Recipe: `composer models build {recipe.name} --data PATH_TO_ALL_SETS -o DIR`
  (`composer_core/lab/composer/recipes.py`), with `--judge-data PATH_TO_EMOPIA` for the figures of the judge.
- Licence of the weights: MIT, with the attributions above.
"""


def _data_lines(recipe: TrainingRecipe) -> list[str]:
    """A line for each set the weights learnt from; last those that only the model it starts from was trained on."""
    own = _sets_of(recipe)
    lines = [f"  - {chosen.title}, {chosen.licence}" for chosen in own]
    if recipe.start:
        earlier = [chosen for chosen in _sets_of(RECIPES[recipe.start]) if chosen not in own]
        lines += [f"  - {chosen.title}, {chosen.licence} (only {recipe.start}, its start)" for chosen in earlier]
    return lines


def _sets_of(recipe: TrainingRecipe) -> list[PermittedSet]:
    fitting = [chosen for chosen in PERMITTED_SETS if recipe.instrument in (ALL, *chosen.instruments)]
    return [chosen for chosen in fitting if not recipe.sets or chosen.folder in recipe.sets]


_OWN_TABLES = ("likelihood", "memorisation", "control")


def _figures(report: Mapping[str, Any]) -> list[str]:
    """The tables of a report; those without a form of their own as the evaluation prints them."""
    others = [markdown(section) for section in sections(report) if section.key not in _OWN_TABLES and section.rows]
    return [_likelihood(report), _memorisation(report), _control(report), *others]


def _likelihood(report: Mapping[str, Any]) -> str:
    found = report["likelihood"]
    low, high = found["model_interval"]
    songs = f" of {found['n_songs']} songs" if "n_songs" in found else ""
    lines = [
        f"`composer evaluate {report['model']} --instrument {report['instrument']} --data PATH` prints them; "
        "`evaluation.json` beside this card holds them.",
        "",
        f"{found['n_takes']} held-out parts{songs}, {found['n_notes']} notes, in windows",
        "of four bars side by side, all tokens counted; the n-grams read the same bars on the same tonic,",
        "are told where the loop ends, and were tuned on the dev parts.",
        f"Model: 95 % interval over songs {low:.3f} to {high:.3f}.",
        "",
        "| nats a note | | saved by the model (95 % interval, paired over songs) |",
        "|---|---|---|",
    ]
    for name, value in found["nats_per_note"].items():
        gain = found["gain_over"].get(name)
        saved = "" if gain is None else f"{gain['gain']:.1%} ({gain['interval'][0]:.1%} to {gain['interval'][1]:.1%})"
        lines.append(f"| {name.replace('_', ' ')} | {value:.3f} | {saved} |")
    return "\n".join([*lines, ""])


def _memorisation(report: Mapping[str, Any]) -> str:
    memory = report["memorisation"]
    lines = [
        "Memorisation: loops generated for the conditions of held-out windows, beside those windows. A bar is seen",
        "when exactly its notes stand in training; distance is the mean Jaccard distance of a loop's bars to the",
        "nearest training bar, median over loops.",
        "",
        "| | generated | validation |",
        "|---|---|---|",
    ]
    for name, value in memory["generated"].items():
        lines.append(f"| {name.replace('_', ' ')} | {_cell(value)} | {_cell(memory['validation'][name])} |")
    return "\n".join([*lines, ""])


def _control(report: Mapping[str, Any]) -> str:
    lines = [
        "What emotion moves: takes of low against takes of high arousal and valence, nothing else given, 110 BPM. AUC",
        "is the chance that a take of the high side measures more.",
        "",
        "| asked | measured | AUC | mean low | mean high |",
        "|---|---|---|---|---|",
    ]
    for asked, rows in report["control"].items():
        for name, row in rows.items():
            cells = " | ".join(_cell(row[column]) for column in ("auc", "low_mean", "high_mean"))
            lines.append(f"| {asked} | {name.replace('_', ' ')} | {cells} |")
    followed = f"Density asked against measured: Spearman {_cell(report['density_spearman'])}."
    return "\n".join([*lines, "", followed, ""])


def _limits(facts: Mapping[str, Any]) -> str:
    lines = ["## Limits", ""]
    for instrument, meters in facts["meters"].items():
        total = sum(meters.values())
        shares = [f"{meter} {n / total:.1%}" for meter, n in sorted(meters.items(), key=lambda pair: -pair[1])]
        lines.append(f"- Metres of the training windows, {instrument}: {', '.join(shares)}.")
    lines += [
        f"- A metre under {RARE_SHARE:.0%} is played with a warning.",
        "- What it knows of feeling is what the estimator measures; the estimator that labelled the training windows",
        "  also judges the control table.",
    ]
    return "\n".join([*lines, ""])


def _cell(value: float | int | None) -> str:
    return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
