"""Make the saved workspace of tests/pipeline/library/test_reread_saved.py: files that its commit misread, with labels.

    git worktree add BEFORE ce9a0bc
    PYTHONPATH=BEFORE:tests/support python tests/saved/make_misread.py -o tests/saved/misread.tar.xz

The files are made here by the tests' own helpers; everything else is the checkout's, through the functions its commands
and pages call. One file is an upload, one is in an archive, one is deleted after its import.
"""

from __future__ import annotations

import argparse
import io
import lzma
import os
import sqlite3
import sys
import tarfile
import tempfile
import zipfile
from contextlib import closing
from pathlib import Path

import smf
from wild_songs import BAR, KICK, XG_ON, control, ends_at, exclusive, kit, line, song

PACKED_AT = 1_700_000_000
FILES = Path("files")


def sources() -> dict[str, bytes]:
    """Files by name, each with what the commit made of it."""
    setup = smf.track((0, smf.program(33, 0)), (0, smf.program(48, 1)))
    held = [(0, 8 * BAR, 48), (0, 8 * BAR, 60), *((bar * BAR, 400, 67) for bar in range(8))]
    xg = smf.track((0, exclusive(*XG_ON)), (0, control(0, 127, 10)), (0, smf.program(0, 10)))
    key = smf.meta(0x59, bytes((254, 0)))
    return {
        "rest at end.mid": song(ends_at(line(bars=3), 4 * BAR, smf.program(33, 0))),  # two bars and a lost one
        "setup track.mid": song(setup, smf.notes(line(low=28)), smf.notes(line(low=60), channel=1)),  # two pianos
        "xg kit.mid": song(xg, smf.notes(kit(), channel=10)),  # a piano
        "held.mid": song(smf.notes(held, smf.program(48, 0))),  # a second loop without the held notes
        "declared.mid": song(smf.notes(line(low=46), smf.program(33, 0), key)),  # without its key
        "plain.mid": smf.smf(smf.notes(kit(), smf.tempo(110), channel=9)),  # as it is
        "gone.mid": song(ends_at(line(bars=3, low=36), 4 * BAR, smf.program(33, 0))),
    }


def label(workspace: object) -> None:
    """Approve, draft and reject on the loops, as raters on the Label page do; suggestions beside them."""
    from composer_core.pipeline.estimating import apply_estimates  # type: ignore[import-not-found]

    from composer_core.pipeline import labelling, library  # type: ignore[attr-defined]

    apply_estimates(workspace)
    table = library.table(workspace)
    for number, row in enumerate(table.to_dict("records")):
        values = {"emotion": "happy", "genre": {"funk": 1.0}}
        if row["instrument"] == "piano":
            values["technique"] = ["staccato"]
        for rater, action in (("aki", "approve"), ("ben", ("draft", "reject", "approve")[number % 3])):
            seen = labelling.current(workspace, row["loop_id"]).seen
            labelling.decide(workspace, row["loop_id"], rater=rater, action=action, values=values, seen=seen,
                             note=f"{rater} {number}")  # fmt: skip


def main() -> int:
    """Make everything in a new folder and pack it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, required=True)
    output = parser.parse_args().output.resolve()

    from composer_core.pipeline.importing import ingest  # type: ignore[import-not-found]
    from composer_core.pipeline.uploads import keep_upload  # type: ignore[import-not-found]

    from composer_core.workspace import Workspace

    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        FILES.mkdir()
        made = sources()
        workspace = Workspace(Path("workspace")).create()
        for name, data in made.items():
            (FILES / name).write_bytes(data)
        with zipfile.ZipFile(FILES / "packed.zip", "w") as archive:
            archive.writestr("in/rest.mid", song(ends_at(line(bars=3, low=33), 4 * BAR, smf.program(33, 0))))
        ingest([str(FILES)], workspace, jobs=1)
        upload = song(ends_at([(n * BAR, 200, KICK) for n in range(3)], 4 * BAR, channel=9))
        ingest([str(keep_upload(workspace, "上がり.mid", upload))], workspace, jobs=1)
        ingest([str(FILES / "rest at end.mid")], workspace, bars=1, jobs=1)
        label(workspace)
        (FILES / "gone.mid").unlink()
        with closing(sqlite3.connect(workspace.labels)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            for path in sorted(path for folder in ("workspace", "files") for path in Path(folder).rglob("*")):
                if path.is_file() and not path.name.endswith(("-wal", "-shm")):
                    entry = tarfile.TarInfo(f"misread/{path.as_posix()}")
                    entry.size, entry.mtime, entry.mode = path.stat().st_size, PACKED_AT, 0o644
                    tar.addfile(entry, io.BytesIO(path.read_bytes()))
        output.write_bytes(lzma.compress(packed.getvalue(), preset=9 | lzma.PRESET_EXTREME))
        print(f"{output.name}: {output.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
