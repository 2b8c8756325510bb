"""Archives read member by member from a stream; nothing is ever unpacked to disk.

Limits: 20,000 entries, 2 GiB in all, 256 MiB a member, 200 times the packed size (small
archives, up to 1 MiB unpacked, may exceed the ratio). An archive beyond its limits is
refused whole, by its own name. A member that points outside the archive, is no plain file,
has a name that some system reads as a device, is encrypted, damaged or itself an archive is
refused as ARCHIVE!member; the others are read. Members that are no MIDI by name are skipped.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, cast

from composer_core.errors import RefusedFile
from composer_core.ingest.scan import kind_of
from composer_core.ingest.texts import decode_text

MAX_ENTRIES = 20_000
MAX_TOTAL_BYTES = 2 * 1024**3
MAX_MEMBER_BYTES = 256 * 1024**2
MAX_RATIO = 200
TABLE_SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".txt", ".pickle", ".pkl")
RATIO_FREE_BYTES = 1024**2
_ENCRYPTED = 0x1
_UTF8_NAME = 0x800
_DEVICE_NAME = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.I)
_DRIVE = re.compile(r"[a-z]:", re.I)
_OPENERS: dict[bytes, Callable[[str, str], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZ": bz2.open,
    b"\xfd7": lzma.open,
}
_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError)
_DAMAGE_OF_VALUES = (NotImplementedError, ValueError, struct.error, OverflowError, RuntimeError)


@dataclass(frozen=True, slots=True)
class Member:
    """One entry: its number in the archive and ARCHIVE!member name, then bytes, a refusal, or neither (skipped)."""

    index: int
    name: str
    data: bytes | None = None
    refusal: RefusedFile | None = None


Wanted = Callable[[str], bool]
"""Whether a member of this name is read; the others are skipped."""


def is_midi_or_archive(name: str) -> bool:
    """What an import reads or has to refuse, by its name."""
    return kind_of(name) is not None


def is_table(name: str) -> bool:
    """What may hold a data set's facts, by its name."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1].lower()
    return base.endswith(TABLE_SUFFIXES) and not base.startswith("._")


def read_members(path: str, kind: str, first: int = 0, wanted: Wanted = is_midi_or_archive) -> Iterator[Member]:
    """The entries of a zip or tar from number `first` on; RefusedFile when the whole archive is refused."""
    try:
        yield from (_read_zip(path, first, wanted) if kind == "zip" else _read_tar(path, first, wanted))
    except PermissionError as error:
        raise RefusedFile("permission_denied", path=path) from error
    except (*_DAMAGE, *_DAMAGE_OF_VALUES) as error:
        raise RefusedFile("unreadable_archive", path=path, reason=_sentence(error)) from error


def _read_zip(path: str, first: int, wanted: Wanted) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        _check_totals(path, len(archive.infolist()), sum(e.file_size for e in entries), os.path.getsize(path))
        for index, entry in enumerate(entries[first:], first):
            inner = _zip_name(entry)
            name = f"{path}!{inner}"
            mode = entry.external_attr >> 16
            plain = stat.S_IFMT(mode) in (0, stat.S_IFREG)
            refusal = _refuse_member(name, inner, plain)
            if refusal is None and wanted(inner):
                refusal = _refuse_zip_entry(name, entry)
            if refusal is not None or not wanted(inner):
                yield Member(index, name, refusal=refusal)
            else:
                yield _read_zip_entry(archive, entry, index, name)


def _zip_name(entry: zipfile.ZipInfo) -> str:
    """The entry's name; without the UTF-8 flag the bytes are guessed, for Japanese Windows writes cp932."""
    if entry.flag_bits & _UTF8_NAME:
        return entry.orig_filename
    raw = entry.orig_filename.encode("cp437", errors="replace")
    return entry.orig_filename if raw.isascii() else decode_text(raw)


def _refuse_zip_entry(name: str, entry: zipfile.ZipInfo) -> RefusedFile | None:
    if entry.flag_bits & _ENCRYPTED:
        return RefusedFile("encrypted_member", path=name)
    if entry.file_size > MAX_MEMBER_BYTES:
        return RefusedFile("too_large", path=name, size=entry.file_size, limit=MAX_MEMBER_BYTES)
    if _too_dense(entry.file_size, entry.compress_size):
        reason = f"{entry.compress_size} bytes become {entry.file_size}"
        return RefusedFile("archive_bomb", path=name, reason=reason)
    return None


def _read_zip_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, index: int, name: str) -> Member:
    try:
        with archive.open(entry) as stream:
            # One byte more than promised, so that a lie about the size is noticed.
            data = stream.read(entry.file_size + 1)
    except (*_DAMAGE, *_DAMAGE_OF_VALUES) as error:
        refusal = RefusedFile("unreadable_archive", path=name, reason=_sentence(error))
        return Member(index, name, refusal=refusal)
    return Member(index, name, data)


def _read_tar(path: str, first: int, wanted: Wanted) -> Iterator[Member]:
    with open(path, "rb") as packed:
        magic = packed.read(2)
    opener = _OPENERS.get(magic, open)
    with cast(IO[bytes], opener(path, "rb")) as unpacked:
        stream = _Counting(unpacked, path, os.path.getsize(path))
        with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r|") as archive:
            number = 0
            for entry in archive:
                if number >= MAX_ENTRIES:
                    _check_totals(path, number + 1, 0, 1)
                if entry.isdir():
                    continue
                if number >= first:
                    yield _tar_member(archive, entry, number, f"{path}!{entry.name}", wanted)
                number += 1


def _tar_member(archive: tarfile.TarFile, entry: tarfile.TarInfo, index: int, name: str, wanted: Wanted) -> Member:
    refusal = _refuse_member(name, entry.name, entry.isreg())
    if refusal is None and entry.size > MAX_MEMBER_BYTES:
        refusal = RefusedFile("too_large", path=name, size=entry.size, limit=MAX_MEMBER_BYTES)
    if refusal is not None or not wanted(entry.name):
        return Member(index, name, refusal=refusal)
    stream = archive.extractfile(entry)
    return Member(index, name, stream.read() if stream is not None else b"")


class _Counting:
    """A stream that stops when it has given more than an archive of its size may hold."""

    def __init__(self, stream: IO[bytes], path: str, packed_bytes: int) -> None:
        self._stream, self._path, self._packed_bytes, self._given = stream, path, packed_bytes, 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes; RefusedFile archive_bomb once there were too many."""
        data = self._stream.read(size)
        self._given += len(data)
        _check_totals(self._path, 0, self._given, self._packed_bytes)
        return data


def _check_totals(path: str, n_entries: int, total_bytes: int, packed_bytes: int) -> None:
    reason = ""
    if n_entries > MAX_ENTRIES:
        reason = f"more than {MAX_ENTRIES} entries"
    elif total_bytes > MAX_TOTAL_BYTES:
        reason = f"more than {MAX_TOTAL_BYTES} bytes in all"
    elif _too_dense(total_bytes, packed_bytes):
        reason = f"{packed_bytes} bytes become {total_bytes} or more"
    if reason:
        raise RefusedFile("archive_bomb", path=path, reason=reason)


def _too_dense(unpacked_bytes: int, packed_bytes: int) -> bool:
    return unpacked_bytes > RATIO_FREE_BYTES and unpacked_bytes > MAX_RATIO * max(packed_bytes, 1)


def _refuse_member(name: str, inner: str, plain: bool) -> RefusedFile | None:
    """Refuse what is no plain file, points elsewhere or holds an archive; None when it may be read."""
    parts = inner.replace("\\", "/").split("/")
    outside = inner.startswith(("/", "\\")) or ".." in parts or _DRIVE.match(inner) or "\x00" in inner
    if outside or not plain or any(map(_DEVICE_NAME.fullmatch, parts)):
        return RefusedFile("unsafe_member", path=name)
    if kind_of(inner) in ("zip", "tar"):
        return RefusedFile("nested_archive", path=name)
    return None


def _sentence(error: BaseException) -> str:
    return str(error) or type(error).__name__
