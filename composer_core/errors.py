"""The one family of errors a person can meet, with the closed list of their codes.

Every error has a code from MESSAGES and the values its sentence needs. The command line
prints the English sentence, and the studio shows the same one in Japanese.
"""

from __future__ import annotations

import reprlib
from typing import Any

MESSAGES: dict[str, str] = {
    # refused files (RefusedFile)
    "not_midi": "{path}: no MIDI file (it begins with {found}). Was it renamed, or is it an audio file?",
    "empty_file": "{path}: the file is empty.",
    "truncated": "{path}: the file ends in the middle of {what}. Was the copy or download cut off?",
    "unreadable_midi": "{path}: the MIDI data are damaged ({reason}).",
    "bad_resolution": "{path}: a resolution of {value} ticks a quarter is impossible (1 to 32767).",
    "bad_meter": "{path}: the metre {value} is impossible (denominator 1 to 64, numerator 1 to 255).",
    "too_long": "{path}: {minutes:.0f} minutes long; the limit is {limit} minutes.",
    "too_many_events": "{path}: {count} events; the limit is {limit}.",
    "too_large": "{path}: {size} bytes; the limit is {limit} bytes.",
    "bad_value": "{path}: {what} holds {value}, which no instrument can play.",
    "timeout": "{path}: reading took longer than {limit} seconds and was stopped.",
    "out_of_memory": "{path}: reading needed more than {limit} MiB and was stopped.",
    "worker_died": "{path}: the reader process died on this file ({reason}); the import went on.",
    "unreadable_archive": "{path}: the archive cannot be read ({reason}).",
    "archive_bomb": "{path}: the archive unpacks to far more than it holds ({reason}).",
    "unsafe_member": "{path}: this archive member points outside the archive, is no plain file or has a forbidden name.",
    "nested_archive": "{path}: an archive inside an archive is not opened; unpack it first.",
    "encrypted_member": "{path}: this archive member is encrypted; unpack it first.",
    "permission_denied": "{path}: no permission to read it.",
    "source_missing": "{path}: the file is not there any more. Put it back, or upload it again.",
    "source_changed": "{path}: the file is no longer the one that the loops were cut from.",
    "unreadable_data": "{path}: the data cannot be read ({reason}).",
    "unsafe_pickle": "{path}: the file asks for {what} while it is read; only plain containers, numbers and paths are allowed.",
    "smpte_resolution": "{path}: time in SMPTE frames ({value}) cannot be placed on a beat.",
    # values (InvalidValue)
    "value_out_of_range": "{name} is {value}; it must lie between {low} and {high}{unit}.",
    "unknown_choice": "{name} is {value!r}; the choices are {choices}.",
    "unknown_option": "unknown option {name!r} in {where}; known are {choices}.",
    "contradiction": "{first} and {second} cannot be asked together: {reason}.",
    "bad_weights": "{name}: the weights {value} do not add up to 1.",
    "too_few_labels": "too few labels of {field} to learn from: found {found}; at least {least} of each of two values are needed.",
    "bad_format": "{name} is {value!r}; expected {expected}.",
    "bad_text": "{path}, line {line}: {reason}.",
    "bad_password": "the password is too short or too long; {least} to {most} characters are needed.",
    # things that are not there (NotFound)
    "path_missing": "{path} does not exist. Is the name spelt as on disk?",
    "loop_missing": "no loop {loop_id!r} in the library at {path}. Was the library built anew?",
    "import_missing": "no import {import_id!r} in {path}. List them with: composer imports",
    "import_without_loops": "import {import_id!r} has no loop in the library at {path}, so there is nothing to delete.",
    "import_not_deleted": "import {import_id!r} cannot be brought back: it is not deleted, or the {days} days are over.",
    "run_missing": "no training run {run!r} in {path}.",
    "no_model": "no model for {instrument}. Train one with: composer train --instrument {instrument} --data PATH -o RUN",
    "no_notes": "{path} holds no notes for {instrument}, so there is nothing to {purpose}.",
    "account_missing": "no account {name!r} in {path}.",
    # what belongs to another role, or is closed to a network (NotPermitted)
    "not_permitted": "this needs the role of {needed}; you are here as {role}.",
    "no_accounts": "nobody could sign in, so the studio is not shared. Make an account first: composer account set NAME --role owner",
    "not_shared": "the studio would listen on {address} without asking for a password. Share it with: scripts/studio --share",
    "not_through_doors": "this server runs without the studio's doors, so it shows nothing. Start the studio with: scripts/studio",
    # things this machine lacks (Unavailable)
    "fluidsynth_missing": "FluidSynth is not installed, so nothing can sound. Install it with: {cure}",
    "soundfont_missing": "no SoundFont was found (looked in {places}). Install one with: {cure}",
    "reader_unavailable": "the reader process cannot start ({reason}). Is the installation complete? composer doctor tells more.",
    "postgres_missing": "the labels are to be kept in PostgreSQL, but its driver is not installed. Install it with: {cure}",
    "ray_missing": "the engine ray needs the package ray, which is not installed. Install it with: {cure}",
    "ray_unreachable": "no Ray cluster can be used at {address} ({reason}).",
    "ray_failed": "the Ray cluster at {address} gave up ({reason}). What was stored stays; the same import, run again, completes it.",
    "ray_mismatch": "the Ray cluster at {address} has release {found} of this software, here is {expected}; install the same there.",
    "ray_file_missing": "{path} is here, but not on the Ray cluster at {address}: its machines must find the files under the same paths.",
    "authlib_missing": "signing in is set up, but the package it needs is not installed. Install it with: {cure}",
    "device_missing": "the device {device!r} is not available here; found: {found}.",
    "endpoint_unset": "no model for captions is named. Give --endpoint URL and --model NAME, or set {url_variable} and {model_variable}.",
    # a model behind an address (EndpointError)
    "endpoint_unreachable": "{url} cannot be reached ({reason}). Is the server running, and the address right?",
    "endpoint_refused": "{url} refused with status {status} ({reason}).",
    "endpoint_slow": "{url} did not answer within {limit:g} seconds.",
    "endpoint_answer": "{url} answered, but not with a caption: {reason}.",
    # storage (StoreError)
    "cannot_write": "{path} cannot be written ({reason}). Check its permissions and the free space.",
    "damaged_store": "{path} is damaged ({reason}).",
    "database_busy": "the labels in {path} are busy ({reason}); nothing was stored. Try again in a moment.",
    "database_unreachable": "the labels in {path} cannot be reached ({reason}). Is the database server running? The last change may not be stored.",
    "labels_lost": "{path} is missing or empty, though the library knew of {count} label events. Put a backup back with: composer restore FILE. To begin without labels: composer repair --without-labels",
    "studio_running": "a studio (process {pid}, {address}) works on {path}. Stop it, and do this again.",
    "library_changed": "{path} was changed meanwhile ({part}); nothing was replaced. Try again.",
    "exchange_built_on": "what was replaced at {at} cannot be brought back: what was put in was changed at {later}. Take that back first.",
    "bad_vocabulary": "{path}, line {line}: {reason}.",
    "bad_backup": "{path} is no backup of labels, or it is damaged ({reason}).",
    "conflict": "{field} of loop {loop_id} was changed by {rater} to {theirs} after you saw it; your {yours} was not stored.",
    # models and training (ModelError)
    "vocabulary_mismatch": "the model {path} speaks another token language (vocabulary {found}, here {expected}); train it again.",
    "damaged_model": "the model {path} cannot be used: {reason}.",
    "damaged_checkpoint": "the checkpoint {path} cannot be resumed: {reason}.",
    "training_diverged": "the loss became {value} at step {step}; training stopped. Lower the learning rate.",
    "run_active": "the run {run} is already training (process {pid}).",
    # audio (RenderError)
    "soundfont_unreadable": "{path} is no SoundFont that FluidSynth can read. Was it cut off, or is it another format?",
    "render_too_long": "{what} would last {seconds:.0f} s; the limit is {limit:.0f} s.",
    "render_silent": "{what} came out silent: {reason}.",
    "render_short": "{what} came out {found:.2f} s long instead of {expected:.2f} s.",
    "renderer_died": "the renderer stopped while it rendered {what} ({reason}); the next sound starts a new one.",
    "render_too_large": "{what} would make a file of {size} bytes; the limit is {limit} bytes.",
    "render_timeout": "rendering {what} took longer than {limit:.0f} s and was stopped.",
}


_MOST_CHARACTERS = 2000
"""Of one value in a sentence; of a longer one the beginning is shown."""
_MOST_OF_A_LIST = 400
_MOST_BITS = 4096


class ComposerError(Exception):
    """Anything the software refuses or cannot do, said in one sentence.

    `code` is a key of MESSAGES, `values` fill its sentence. An unknown code is a
    programming mistake and raises KeyError at once.
    """

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(MESSAGES[code].format(**{name: sayable(value) for name, value in values.items()}))
        self.code = code
        self.values = values

    def __reduce__(self) -> tuple[object, ...]:
        # Workers hand errors over a pipe; the default pickling drops keyword arguments.
        return _rebuild, (type(self), self.code, self.values)


def _rebuild(kind: type[ComposerError], code: str, values: dict[str, Any]) -> ComposerError:
    return kind(code, **values)


class RefusedFile(ComposerError):
    """A file that is not imported; the message names the file and the reason."""


class InvalidValue(ComposerError):
    """A value outside what was promised: an option, a condition, a configuration field."""


class NotFound(ComposerError):
    """A path, loop, run or model that is not there."""


class NotPermitted(ComposerError):
    """What does not belong to the role of whoever asks, or what would open the studio without a password."""


class Unavailable(ComposerError):
    """Something this machine lacks, with the command that cures it."""


class EndpointError(ComposerError):
    """A model behind an address that failed, or that answered something else than was asked."""


class StoreError(ComposerError):
    """Storage that cannot be written or read, or a write that met another's."""


class ModelError(ComposerError):
    """A model, checkpoint or training run that cannot be used."""


class RenderError(ComposerError):
    """Audio that could not be made as asked."""


def sayable(value: object) -> object:
    """A value as a sentence can hold it: what is long is cut, what no terminal or browser can show is written out.

    Values come from files by others, and showing one must neither fail nor take long.
    """
    if isinstance(value, bool | float) or value is None:
        return value
    if isinstance(value, int):
        return value if value.bit_length() <= _MOST_BITS else f"a number of {value.bit_length()} bits"
    if isinstance(value, str):
        cut = value if len(value) <= _MOST_CHARACTERS else f"{value[:_MOST_CHARACTERS]}..."
        return cut.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict | list | tuple | set | frozenset):
        # A repr of its own: the built-in one follows references as often as they are made.
        text = _SHORT_REPR.repr(value)
        return _Shown(text if len(text) <= _MOST_OF_A_LIST else f"{text[:_MOST_OF_A_LIST]}...")
    return value


class _Shown(str):
    """A text that is shown as it is, also where a sentence asks for the repr."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class _ShortRepr(reprlib.Repr):
    """Beginnings of lists and mappings, some levels deep."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxdict, self.maxlist, self.maxtuple, self.maxstring, self.maxother = 3, 8, 8, 8, 80, 80

    def repr_int(self, x: int, level: int) -> str:  # noqa: ARG002 - as the base class calls it
        """A number; of one with thousands of digits, how long it is."""
        return repr(x) if x.bit_length() <= _MOST_BITS else f"a number of {x.bit_length()} bits"


_SHORT_REPR = _ShortRepr()


def require_range(name: str, value: float, low: float, high: float, unit: str = "") -> None:
    """Refuse a value outside [low, high], NaN included, naming it."""
    if not low <= value <= high:
        raise InvalidValue("value_out_of_range", name=name, value=value, low=low, high=high, unit=unit)


def require_choice(name: str, value: object, choices: tuple[object, ...] | list[object]) -> None:
    """Refuse a value that is none of the choices, listing them."""
    if value not in choices:
        raise InvalidValue("unknown_choice", name=name, value=value, choices=", ".join(str(c) for c in choices))
