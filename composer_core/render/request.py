"""What is asked of the renderer process, and how it travels: one framed message each way."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from composer_core.render.timeline import EVENT, EventArray

FORMATS = ("flac", "wav")
SOUND_VERSION = 1
"""Part of every cache name; raise it when the same request shall sound different."""
MAX_HEADER_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """Audio to make: play `events` for `total_frames`, keep those from `start_frame` on, `length_frames` at least.

    `crossfade_frames` > 0 makes the kept part loop: its end fades into what preceded its
    start, and `padding_frames` of its own beginning follow it. `trim_tail` instead drops
    silence at the end beyond `length_frames`. `what` names it in messages.
    """

    what: str
    soundfont: tuple[str, int, int]
    events: EventArray
    start_frame: int
    length_frames: int
    total_frames: int
    crossfade_frames: int = 0
    padding_frames: int = 0
    trim_tail: bool = False
    file_format: str = "flac"

    def header(self) -> dict[str, object]:
        """Everything but the events, as JSON values."""
        return {key: value for key, value in _plain(self).items() if key != "events"} | {"n_events": len(self.events)}

    def content_name(self) -> str:
        """File name made of what determines the sound: the same sound has the same name."""
        parts = {key: value for key, value in self.header().items() if key != "what"}
        digest = hashlib.sha256(json.dumps([SOUND_VERSION, parts], sort_keys=True).encode())
        digest.update(self.events.tobytes())
        return f"{digest.hexdigest()[:40]}.{self.file_format}"

    @property
    def result_frames(self) -> int:
        """Frames of the finished file (at least, with `trim_tail`)."""
        return self.length_frames + self.padding_frames


def _plain(request: RenderRequest) -> dict[str, Any]:
    return {key: getattr(request, key) for key in request.__dataclass_fields__}


def write_request(stream: IO[bytes], request: RenderRequest) -> None:
    """Send a request: header, then the events."""
    write_header(stream, request.header())
    stream.write(request.events.tobytes())
    stream.flush()


def read_request(stream: IO[bytes]) -> RenderRequest | None:
    """The next request; None at the end of the stream."""
    header: dict[str, Any] | None = read_header(stream)
    if header is None:
        return None
    data = _read_exactly(stream, header.pop("n_events") * EVENT.itemsize)
    header["soundfont"] = tuple(header["soundfont"])
    return RenderRequest(events=np.frombuffer(data, dtype=EVENT), **header)


def write_header(stream: IO[bytes], header: Mapping[str, object]) -> None:
    """Send a JSON object, its length first."""
    data = json.dumps(header).encode()
    stream.write(struct.pack(">I", len(data)) + data)


def read_header(stream: IO[bytes]) -> dict[str, object] | None:
    """The next JSON object; None at the end of the stream, EOFError in the middle of one."""
    prefix = stream.read(4)
    if not prefix:
        return None
    (size,) = struct.unpack(">I", prefix) if len(prefix) == 4 else (0,)
    if not 0 < size <= MAX_HEADER_BYTES:
        raise EOFError("broken header")
    header: dict[str, Any] = json.loads(_read_exactly(stream, size))
    return header


def read_payload(stream: IO[bytes], size: int) -> Iterator[bytes]:
    """`size` bytes in pieces; EOFError when the stream ends before."""
    while size:
        piece = stream.read(min(size, _CHUNK_BYTES))
        if not piece:
            raise EOFError("the stream ended in the middle of the audio")
        size -= len(piece)
        yield piece


def _read_exactly(stream: IO[bytes], size: int) -> bytes:
    return b"".join(read_payload(stream, size))
