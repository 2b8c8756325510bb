"""`composer estimate` shows, applies, trains and evaluates the estimators of labels."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from composer_core.cli import Subparsers
from composer_core.errors import InvalidValue, NotFound
from composer_core.music.instruments import INSTRUMENTS
from composer_core.workspace import Workspace, default_workspace

TRAINED = (
    *("emotion", "genre", "meter", "technique-strings", "technique-piano", "technique-bass", "technique-guitar"),
    "technique-rules",
    "key",
    "emotion-reference",
)
SECTIONS = ("emotion", "genre", "technique", "technique-rules", "meter", "key")
LIBRARY = "library"


def register(subparsers: Subparsers) -> None:
    """Add `estimate`, one command whose first word says what to do."""
    parser = subparsers.add_parser(
        "estimate",
        allow_abbrev=False,
        help="emotion, genre, key, metre and technique from notes: show, apply, train, evaluate",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    showing = actions.add_parser("show", allow_abbrev=False, help="estimate whole files and store nothing")
    showing.add_argument("files", metavar="FILE", nargs="+")
    applying = actions.add_parser("apply", allow_abbrev=False, help="store suggestions for the library's loops")
    applying.add_argument("--field", action="append", metavar="FIELD", help="only this field; may be given again")
    training = actions.add_parser("train", allow_abbrev=False, help="train one estimator on data named by path")
    training.add_argument("kind", choices=TRAINED)
    training.add_argument("--data", required=True, metavar="PATH", help="a data set, or library for approved labels")
    training.add_argument("--instrument", choices=INSTRUMENTS, default="piano", help="whose genre the library teaches")
    training.add_argument("-o", "--output", type=Path, metavar="OUT", help="where to (default: this workspace)")
    judging = actions.add_parser("evaluate", allow_abbrev=False, help="print how every estimator fares, with baselines")
    judging.add_argument("--data", required=True, metavar="PATH", type=Path, help="a folder that holds the data sets")
    judging.add_argument("--only", action="append", choices=SECTIONS, help="only this part; may be given again")
    for action, run in ((showing, show), (applying, apply), (training, train), (judging, evaluate)):
        action.add_argument("--workspace", type=Path, metavar="DIR", help="whose library and estimators")
        action.add_argument("--json", action="store_true", help="print one JSON object")
        action.set_defaults(run=run)


def _workspace(arguments: argparse.Namespace) -> Workspace:
    return Workspace(arguments.workspace) if arguments.workspace else default_workspace()


def _print_json(value: Any) -> None:
    # ASCII, so that any file name survives any terminal or pipe.
    print(json.dumps(value, indent=1, allow_nan=False))


def show(arguments: argparse.Namespace) -> int:
    """Estimate and print; 0 when any file could be read."""
    from composer_core.pipeline.labels import suggestions

    found: dict[str, Any] = suggestions.show(arguments.files, _workspace(arguments))
    if arguments.json:
        _print_json(found)
    else:
        for entry in found["files"]:
            _print_shown(entry, tuple(suggestions.SHOWN))
    return 0 if any(entry["error"] is None for entry in found["files"]) else 1


def _print_shown(entry: dict[str, Any], fields: tuple[str, ...]) -> None:
    if entry["error"] is not None:
        print(f"refused   {ascii(entry['error']['message'])[1:-1]}")
        return
    print(ascii(entry["path"])[1:-1])
    for name in fields:
        made = entry[name]
        value = "unknown" if made["value"] is None else json.dumps(made["value"])
        print(f"    {name:<10} {value:<32} {100 * made['confidence']:3.0f} %  {', '.join(made['reasons'])}")
    for name, said in entry["declared"].items():
        if said is not None:
            print(f"    declared {name} {said[name]}{', which its notes belie' if said['doubtful'] else ''}")


def apply(arguments: argparse.Namespace) -> int:
    """Store suggestions and say how many."""
    from composer_core.pipeline.labels import suggestions

    fields = tuple(arguments.field or suggestions.APPLIED_FIELDS)
    report: dict[str, Any] = suggestions.apply_estimates(_workspace(arguments), fields)
    if arguments.json:
        _print_json(report)
    else:
        stored = ", ".join(f"{count} {field}" for field, count in report["stored"].items()) or "nothing new"
        print(f"{report['loops']} loops: {stored}")
    return 0


def train(arguments: argparse.Namespace) -> int:
    """Train one estimator, write it, print its held-out figures."""
    from composer_core.lab.estimators import training as estimators_training

    workspace = _workspace(arguments)
    if arguments.kind == "key":
        return _train_key(Path(arguments.data), arguments.output)
    if arguments.data == LIBRARY:
        from composer_core.pipeline.labels.suggestions import train_library_genre

        if arguments.kind != "genre":
            raise NotFound("path_missing", path=arguments.data)
        out = arguments.output or workspace.estimators / f"genre-{arguments.instrument}.json"
        figures = train_library_genre(workspace, arguments.instrument, out)
    else:
        name = {"genre": "genre-drums.json", "emotion-reference": "emotion-reference.json"}
        name["technique-rules"] = "technique-rules.json"
        out = arguments.output or workspace.estimators / name.get(arguments.kind, arguments.kind)
        figures = estimators_training.train_and_save(arguments.kind, Path(arguments.data), out, _print_progress)
    _print_progress(f"written to {out}")
    _print_json(figures)
    return 0


def _train_key(data: Path, output: Path | None) -> int:
    """Train the key model on POP909 and print the held-out figures."""
    from composer_core.lab.estimators import key

    if output is None:
        raise InvalidValue("bad_format", name="--output", value="", expected="a file for the key model (JSON)")
    card: dict[str, Any] = key.train_key(data, output)
    print(f"{card['songs']} songs, exact accuracy of songs left out:")
    for name, row in card["exact_accuracy"].items():
        print(f"  {name:<12}" + "".join(f"  {kind} {share:.3f}" for kind, share in row.items()))
    print(f"written to {output}")
    return 0


def evaluate(arguments: argparse.Namespace) -> int:
    """Print every section's figures."""
    from composer_core.lab.estimators import evaluation

    found: dict[str, Any] = evaluation.evaluate(arguments.data, tuple(arguments.only or SECTIONS), _print_progress)
    if arguments.json:
        _print_json(found)
        return 0
    for name, section in found.items():
        print(f"== {name}")
        print("\n".join(_PRINTERS[name](section) if section else ["its data are not there"]))
    return 0


def _emotion_lines(section: dict[str, Any]) -> list[str]:
    lines = [
        f"{section['clips']} clips of {section['songs']} songs; {section['split']}",
        f"{'':<58}{'4 quadrants':>12}{'arousal':>9}{'valence':>9}{'ECE a':>8}{'ECE v':>8}",
    ]
    for name, row in section["methods"].items():
        error = row["calibration_error"]
        lines.append(
            f"{name:<58}{row['four_quadrants']:>12.3f}{row['arousal']:>9.3f}{row['valence']:>9.3f}"
            f"{error['arousal']:>8.3f}{error['valence']:>8.3f}"
        )
        if target := section["targets"].get(name):
            wanted = "".join(f"{target[part]:>{width}.3f}" for part, width in zip(target, (12, 9, 9), strict=True))
            lines.append(f"{'    asked for at least':<58}{wanted}")
    return lines


def _genre_row(name: str, row: dict[str, Any]) -> str:
    nearest = row.get("macro_f1_of_nearest_fingerprint")
    return (
        f"{name:<22}{row['takes']:>6}{row['macro_f1']:>10.3f}{row['macro_f1_of_commonest']:>10.3f}"
        f"{'-' if nearest is None else format(nearest, '.3f'):>10}{row['accuracy']:>10.3f}"
        f"{row['accuracy_of_commonest']:>10.3f}{row['calibration_error']:>8.3f}"
    )


def _genre_lines(section: dict[str, Any]) -> list[str]:
    head = (
        f"{'':<22}{'takes':>6}{'macro-F1':>10}{'majority':>10}{'nearest':>10}{'accuracy':>10}{'majority':>10}{'ECE':>8}"
    )
    lines = [f"drums, families {', '.join(section['classes'])}; left out in turn:", head]
    lines += [_genre_row(f"by {name}", row) for name, row in section["split"].items()]
    for name, row in section["split"].items():
        lines.append(f"  F1 by {name}: " + ", ".join(f"{family} {value:.2f}" for family, value in row["f1"].items()))
    lines += _substyle_lines(section["substyles"])
    if section["mma"]:
        lines += ["MMA loops, a test only: learnt from other styles of the same set", head]
        lines += [_genre_row(name, row) for name, row in section["mma"].items()]
    return lines


def _substyle_lines(rows: dict[str, dict[str, Any]]) -> list[str]:
    lines = [
        "sub-styles told from the rest of their family, by session; none is suggested:",
        f"{'':<24}{'takes':>6}{'of family':>11}{'sessions':>10}{'F1':>8}{'always':>8}{'ECE':>8}",
    ]
    for code, row in rows.items():
        figures = "".join(
            f"{'-' if row[name] is None else format(row[name], '.3f'):>8}"
            for name in ("f1", "always_yes_f1", "calibration_error")
        )
        lines.append(f"{code:<24}{row['takes']:>6}{row['family']:>11}{row['sessions']:>10}{figures}")
    return lines


def _technique_lines(section: dict[str, Any]) -> list[str]:
    head = f"{'':<24}{'windows':>8}{'share':>8}{'F1':>8}{'prec.':>8}{'recall':>8}{'always':>8}{'ECE':>8}  suggested"
    lines = [head]
    for instrument, rows in section.items():
        for code, row in rows.items():
            columns = ("prevalence", "f1", "precision", "recall", "always_yes_f1", "calibration_error")
            figures = "".join(f"{row[column]:>8.3f}" for column in columns)
            lines.append(
                f"{instrument + ' ' + code:<24}{row['windows']:>8}{figures}  {'yes' if row['suggested'] else 'no'}"
            )
    return lines


def _meter_lines(section: dict[str, Any]) -> list[str]:
    return [
        f"{section['windows']} windows: accuracy {section['accuracy']:.3f} "
        f"(majority {section['accuracy_of_commonest']:.3f}), "
        f"macro-F1 {section['macro_f1']:.3f} (majority {section['macro_f1_of_commonest']:.3f}), "
        f"ECE {section['calibration_error']:.3f}",
        "  F1: "
        + ", ".join(f"{name} {value:.2f} of {section['count'][name]}" for name, value in section["f1"].items()),
    ]


def _rule_lines(section: dict[str, Any]) -> list[str]:
    lines = [
        "rules, on techniques planted in held-out loops",
        f"{'':<24}{'loops':>8}{'F1':>8}{'prec.':>8}{'recall':>8}",
    ]
    for instrument, rows in section.items():
        for code, row in rows.items():
            figures = "".join(f"{row[column]:>8.3f}" for column in ("f1", "precision", "recall"))
            lines.append(f"{instrument + ' ' + code:<24}{row['loops']:>8}{figures}")
    return lines


def _key_lines(section: dict[str, Any]) -> list[str]:
    lines = [f"{section['songs']} songs of POP909, songs left out: exact root and mode"]
    for name, row in section["table"].items():
        lines.append(f"{name:<24}" + "".join(f"{kind:>10} {share:.3f}" for kind, share in row.items()))
    errors = ", ".join(f"{kind} {value:.3f}" for kind, value in section["calibration_error"].items())
    return [*lines, f"calibration error: {errors}"]


_PRINTERS = {
    "emotion": _emotion_lines,
    "genre": _genre_lines,
    "technique": _technique_lines,
    "technique-rules": _rule_lines,
    "meter": _meter_lines,
    "key": _key_lines,
}


def _print_progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
