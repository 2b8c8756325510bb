"""The corpus of malformed and hostile files through the real import, against its manifest."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from composer_core.errors import MESSAGES
from composer_core.ingest.pool import JobReport, read_all
from composer_core.ingest.scan import kind_of
from composer_core.ingest.warnings import WARNINGS
from composer_core.music.loop import check_loop
from composer_core.music.timing import MAX_TEMPO_BPM, MIN_TEMPO_BPM
from composer_core.pipeline.library.measuring import READ_TASK, decode_records

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "data" / "malformed"
OTHER_FAMILIES = ("pickle", "yaml", "checkpoint", "csv_json")


def manifest() -> list[dict[str, Any]]:
    if not CORPUS.is_dir():
        return []
    return [json.loads(line) for line in (CORPUS / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]


ROWS = manifest()
pytestmark = pytest.mark.skipif(not ROWS, reason=f"{CORPUS} is not there")


@dataclass
class Corpus:
    """The unpacked files in a folder of their own, and what the import said of each candidate."""

    folder: Path
    reports: dict[str, JobReport]


def unpacked(stored: str) -> str:
    return stored.removesuffix(".packed.gz")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory, canaries: Path) -> Corpus:
    folder = tmp_path_factory.mktemp("malformed")
    for row in ROWS:
        target = folder / unpacked(row["stored"])
        target.parent.mkdir(parents=True, exist_ok=True)
        data = (CORPUS / row["stored"]).read_bytes()
        target.write_bytes(gzip.decompress(data) if row["stored"].endswith(".packed.gz") else data)
    names = [unpacked(row["stored"]) for row in ROWS]
    files = [(str(folder / name), kind) for name in names if (kind := kind_of(name)) is not None]
    options = {"bars": 4, "instrument": None, "measure": True}
    # Generous, for what counts here is the verdict and the machine may be busy.
    reports = list(read_all(files, READ_TASK, options, jobs=2, limit_sec=60))
    by_name = {str(Path(path).relative_to(folder)): report for (path, _), report in zip(files, reports, strict=True)}
    return Corpus(folder, by_name)


@pytest.mark.parametrize("row", ROWS, ids=[row["stored"] for row in ROWS])
def test_every_file_gets_what_the_manifest_expects(corpus: Corpus, row: dict[str, Any]) -> None:
    name = unpacked(row["stored"])
    report = corpus.reports.get(name)
    if report is None:
        # No MIDI and no archive by name: skipped, so never imported.
        assert row["expect"] in ("reject", "either") or row["family"] in OTHER_FAMILIES
        return
    refused = [outcome.refusal for outcome in report.outcomes if outcome.refusal is not None]
    accepted = [outcome for outcome in report.outcomes if outcome.refusal is None]
    if row["expect"] == "accept":
        assert accepted and not refused
    elif row["expect"] == "reject":
        assert not accepted
    elif row["expect"] == "partial":
        assert accepted and refused
    for refusal in refused:
        assert refusal.code in MESSAGES and refusal.code != "worker_died"
        assert Path(name).name in str(refusal)


@pytest.mark.parametrize("row", ROWS, ids=[row["stored"] for row in ROWS])
def test_nothing_impossible_would_be_stored(corpus: Corpus, row: dict[str, Any]) -> None:
    report = corpus.reports.get(unpacked(row["stored"]))
    for outcome in report.outcomes if report else []:
        if outcome.refusal is None:
            assert all(code in WARNINGS for code, _ in outcome.facts["warnings"])
            for record in decode_records(outcome.name, "", outcome.facts, outcome.payload):
                check_loop(record.loop)
                assert MIN_TEMPO_BPM <= record.loop.tempo_bpm <= MAX_TEMPO_BPM
                assert record.grid_onset_tick.min() >= 0


def test_no_hostile_file_did_anything(corpus: Corpus, canaries: Path) -> None:
    assert list(canaries.iterdir()) == []


SPECIFIC = {
    "midi/division__div0.mid": "bad_resolution",
    "midi/meta__timesig_den_2pow255.mid": "bad_meter",
    "midi/bomb__render_bomb_24h.mid": "too_long",
    "midi/vlq__delta_sum_over_uint32.mid": "too_long",
    "jazz/test-empty-file.mid": "empty_file",
    "jazz/test-not-a-midi-file.mid": "not_midi",
    "midi/chunklen__truncated_mid_track.mid": "truncated",
    "archive/zip_bomb_20x50MB.zip": "archive_bomb",
    "archive/zip_bomb_ratio1000_200MB.zip": "archive_bomb",
    "archive/zip_encrypted_flag.zip": "encrypted_member",
    "archive/zip_size_lies_small.zip": "unreadable_archive",
}
WARNED = {
    "midi/meta__tempo_0.mid": "tempo_repaired",
    "jazz/test-silence-all-notes-off.mid": "no_notes",
    "midi/notes__note_on_no_off.mid": "notes_closed",
    "midi/container__ntrks0_but_one_track.mid": "track_count",
    "midi/status__cc_value_168.mid": "lenient_reader",
}


@pytest.mark.parametrize("name", SPECIFIC)
def test_refused_for_the_right_reason(corpus: Corpus, name: str) -> None:
    refusal = corpus.reports[name].outcomes[0].refusal
    assert refusal is not None and refusal.code == SPECIFIC[name]


@pytest.mark.parametrize("name", WARNED)
def test_accepted_with_the_right_warning(corpus: Corpus, name: str) -> None:
    outcome = corpus.reports[name].outcomes[0]
    assert outcome.refusal is None
    assert WARNED[name] in [code for code, _ in outcome.facts["warnings"]]


NAMES = {
    "midi/text__trackname_sjis_trackname.mid": "cp932",
    "midi/text__trackname_eucjp_trackname.mid": "euc_jp",
    "midi/text__trackname_iso2022jp_trackname.mid": "iso2022_jp",
    "midi/text__trackname_utf8_trackname.mid": "utf-8",
    "midi/text__trackname_sjis_halfwidth_kana.mid": "cp932",
    "midi/text__trackname_latin1_umlaut.mid": "latin-1",
}


@pytest.mark.parametrize("name", NAMES)
def test_track_names_survive(corpus: Corpus, name: str) -> None:
    data = (corpus.folder / name).read_bytes()
    at = data.index(b"\xff\x03")
    raw = data[at + 3 : at + 3 + data[at + 2]]
    outcome = corpus.reports[name].outcomes[0]
    assert outcome.facts["loops"][0]["track_name"] == raw.decode(NAMES[name]).strip()
