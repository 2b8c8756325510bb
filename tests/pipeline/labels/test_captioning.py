"""Captions of the library: by a template, or by a model behind an address, whose every failure is told."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

import small_library
from caption_server import GOOD, CaptionServer, caption_server, completion, says, sends
from composer_core.cli import main
from composer_core.errors import EndpointError, InvalidValue, NotFound, Unavailable
from composer_core.pipeline.exports.master import build_master
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.labels.caption_endpoint import MAX_ANSWER_BYTES, Endpoint, ask, endpoint_of
from composer_core.pipeline.labels.captioning import MAX_FAILURES, caption_loops
from composer_core.pipeline.labels.imports import LabelRow, import_labels
from composer_core.pipeline.library import loops
from composer_core.store.labels.store import open_labels
from composer_core.store.master import read_master
from composer_core.workspace import Workspace

KEY = "sk-secret-0123456789"
FACTS = {"instrument": "drums", "sentences": {"caption_en": "A drum loop at 119.6 BPM.", "caption_ja": "16分"}}
N_CAPTIONS = 2 * small_library.N_LOOPS


@pytest.fixture
def server() -> Iterator[CaptionServer]:
    with caption_server() as made:
        yield made


@pytest.fixture(autouse=True)
def no_endpoint_of_the_person_testing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URL", "MODEL", "KEY"):
        monkeypatch.delenv(f"COMPOSER_CAPTION_{name}", raising=False)


# The template


def test_the_template_captions_every_loop_once(workspace: Workspace) -> None:
    report = caption_loops(workspace)
    assert (report.source, report.written, report.unchanged, report.failed) == ("rule:template", N_CAPTIONS, 0, [])
    again = caption_loops(workspace)
    assert (again.written, again.unchanged) == (0, N_CAPTIONS)
    first = loops.table(workspace)["loop_id"][0]
    import_labels(
        workspace, [LabelRow(first, "emotion", "happy"), LabelRow(first, "section", "verse", 0.1)], "import:a"
    )
    assert caption_loops(workspace).written == 2
    # What is likely enough is told, with tempo, metre and swing as measured; the section is not.
    caption = decisions.current(workspace, first).fields["caption_en"]
    assert (caption.value, caption.source) == (
        "A happy drum loop at 92 BPM in 4/4, medium, swung eighths.", "rule:template",
    )  # fmt: skip


def test_what_a_person_wrote_stays(workspace: Workspace) -> None:
    first = loops.table(workspace)["loop_id"][0]
    values = {"caption_en": "My favourite beat.", "caption_ja": "お気に入りのビート。"}
    decisions.decide(workspace, first, rater="aki", action="approve", values=values, seen={})
    report = caption_loops(workspace)
    assert (report.written, report.by_people) == (N_CAPTIONS - 2, 2)
    assert decisions.current(workspace, first).values == values


def test_the_master_data_set_words_what_has_no_caption(workspace: Workspace, tmp_path: Path) -> None:
    first = loops.table(workspace)["loop_id"][0]
    decisions.decide(workspace, first, rater="aki", action="approve", values={"caption_en": "Mine."}, seen={})
    build_master(workspace, tmp_path / "plain")
    assert {row.get("labels.caption_ja") for row in read_master(tmp_path / "plain").loops.rows} == {None}
    build_master(workspace, tmp_path / "told", with_captions=True)
    rows = {row["loop_id"]: row for row in read_master(tmp_path / "told").loops.rows}
    assert (rows[first]["labels.caption_en"], rows[first]["labels.caption_en.source"]) == ("Mine.", "human:aki")
    assert rows[first]["labels.caption_ja.source"] == "rule:template"
    assert all(row["labels.caption_ja"].endswith("。") for row in rows.values())


# A model behind an address


def test_a_models_captions_carry_its_name(workspace: Workspace, server: CaptionServer) -> None:
    endpoint = Endpoint(server.url, "tiny-1", KEY)
    report = caption_loops(workspace, endpoint)
    assert (report.written, report.failed, report.stopped) == (N_CAPTIONS, [], False)
    first = loops.table(workspace)["loop_id"][0]
    current = decisions.current(workspace, first).fields["caption_ja"]
    assert (current.value, current.source, current.confidence) == (GOOD["caption_ja"], "model:tiny-1@127.0.0.1", None)
    path, headers, body = server.requests[0]
    assert (path, body["model"], headers["Authorization"]) == ("/v1/chat/completions", "tiny-1", f"Bearer {KEY}")
    sent = json.dumps(body, ensure_ascii=False)
    assert "drum loop at 92 BPM" in sent and "shuffle" not in sent and str(workspace.root) not in sent
    # A second run asks for nothing, unless it is told to.
    assert caption_loops(workspace, endpoint).unchanged == N_CAPTIONS and len(server.requests) == small_library.N_LOOPS
    assert caption_loops(workspace, endpoint, again=True, limit=2).unchanged == 4
    assert len(server.requests) == small_library.N_LOOPS + 2


def test_nothing_is_asked_unless_the_user_says_so(
    workspace: Workspace, server: CaptionServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COMPOSER_CAPTION_URL", server.url)
    monkeypatch.setenv("COMPOSER_CAPTION_MODEL", "tiny-1")
    place = ["--workspace", str(workspace.root)]
    assert main(["captions", *place]) == 0
    assert server.requests == []
    assert main(["captions", "--model", "other", *place]) == 2
    assert main(["captions", "--ask", "--limit", "1", "--json", *place]) == 0
    assert len(server.requests) == 1
    assert json.loads(capsys.readouterr().out.split("\n", 1)[1])["source"] == "model:tiny-1@127.0.0.1"
    monkeypatch.delenv("COMPOSER_CAPTION_MODEL")
    assert main(["captions", "--ask", *place]) == 1
    assert "COMPOSER_CAPTION_MODEL" in capsys.readouterr().err


def hangs(server: CaptionServer) -> Callable[[BaseHTTPRequestHandler], None]:
    return lambda handler: server.closing.wait() and None


def trickles(server: CaptionServer) -> Callable[[BaseHTTPRequestHandler], None]:
    """A byte whenever the client's patience with a single read has nearly ended, for ever."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not server.closing.wait(0.05):
            handler.wfile.write(b" ")
            handler.wfile.flush()

    return answer


def hangs_up(server: CaptionServer) -> Callable[[BaseHTTPRequestHandler], None]:
    return lambda handler: handler.connection.close()


def _says(**changes: object) -> Callable[[CaptionServer], Callable[[BaseHTTPRequestHandler], None]]:
    return lambda server: says(json.dumps(GOOD | changes))


FAILURES: dict[str, tuple[str, str, Callable[[CaptionServer], Callable[[BaseHTTPRequestHandler], None]]]] = {
    "server error": ("endpoint_refused", "status 500", lambda server: sends(500, b"<html>oops</html>")),
    "wrong key, which it repeats": (
        "endpoint_refused", "bad key ***",
        lambda server: sends(401, json.dumps({"error": {"message": f"bad key {KEY}\n"}}).encode()),
    ),
    "redirect": ("endpoint_refused", "status 302", lambda server: sends(302, b"", Location=server.url + "/elsewhere")),
    "silence": ("endpoint_slow", "0.4 seconds", hangs),
    "trickle": ("endpoint_slow", "0.4 seconds", trickles),
    "hangs up": ("endpoint_unreachable", "cannot be reached", hangs_up),
    "no JSON": ("endpoint_answer", "no chat completion", lambda server: sends(200, b"not json")),
    "deep JSON": ("endpoint_answer", "no chat completion", lambda server: sends(200, b"[" * 60_000)),
    "other JSON": ("endpoint_answer", "no chat completion", lambda server: sends(200, b'{"choices": []}')),
    "no text": ("endpoint_answer", "holds no text", lambda server: sends(200, completion(None))),
    "prose": ("endpoint_answer", "no JSON object", lambda server: says("Sure! Here is a caption.")),
    "a list": ("endpoint_answer", "no JSON object", lambda server: says("[1]")),
    "too large": ("endpoint_answer", "longer than", lambda server: sends(200, b" " * (MAX_ANSWER_BYTES + 1))),
    "no Japanese": ("endpoint_answer", "not Japanese", _says(caption_ja="A drum loop.")),
    "one missing": ("endpoint_answer", "caption_ja is no sentence", _says(caption_ja=None)),
    "too long": ("endpoint_answer", "caption_en is no sentence", _says(caption_en="la " * 200)),
    "two lines": ("endpoint_answer", "caption_en is no sentence", _says(caption_en="one\ntwo")),
    "invented": ("endpoint_answer", "says 140", _says(caption_en="A drum loop at 140 BPM.")),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
def test_every_failure_is_told(server: CaptionServer, name: str, caplog: pytest.LogCaptureFixture) -> None:
    code, said, answer = FAILURES[name]
    server.answer = answer(server)
    with caplog.at_level(logging.DEBUG), pytest.raises(EndpointError) as failed:
        ask(Endpoint(server.url, "tiny-1", KEY, timeout_sec=0.4 if code == "endpoint_slow" else 30.0), FACTS)
    assert failed.value.code == code and said in str(failed.value)
    assert KEY not in str(failed.value) + repr(failed.value) + caplog.text
    assert len(server.requests) == 1


def test_a_fenced_answer_and_a_rounded_number_are_understood(server: CaptionServer) -> None:
    server.answer = says("```json\n" + json.dumps(GOOD | {"caption_en": "A drum loop at 120 BPM in 16ths."}) + "\n```")
    assert ask(Endpoint(server.url, "tiny-1"), FACTS)["caption_en"].endswith("16ths.")


def test_nobody_listening_is_told(server: CaptionServer) -> None:
    with caption_server() as gone:
        url = gone.url
    with pytest.raises(EndpointError) as failed:
        ask(Endpoint(url, "tiny-1"), FACTS)
    assert failed.value.code == "endpoint_unreachable"


def test_one_failure_costs_one_loop_and_several_end_the_run(
    workspace: Workspace, server: CaptionServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = server.answer, sends(500, b"")

    def fails_once_in_two(handler: BaseHTTPRequestHandler) -> None:
        answer = bad if len(server.requests) % 2 else good
        answer(handler)

    server.answer = fails_once_in_two
    report = caption_loops(workspace, Endpoint(server.url, "tiny-1"))
    n_failed = (small_library.N_LOOPS + 1) // 2
    assert len(report.failed) == n_failed and report.written == 2 * (small_library.N_LOOPS - n_failed)
    assert not report.stopped
    # No caption stands in for one that failed.
    captioned = {loop_id for loop_id, labels in open_labels(workspace).view().items() if "caption_en" in labels}
    assert captioned.isdisjoint(loop_id for loop_id, _ in report.failed)
    server.answer = bad
    monkeypatch.setenv("COMPOSER_CAPTION_KEY", KEY)
    asked = ["captions", "--ask", "--endpoint", server.url, "--model", "other", "--workspace", str(workspace.root)]
    assert main(asked) == 1
    told = capsys.readouterr()
    assert told.out.count("failed    ") == MAX_FAILURES and "stopped" in told.out
    assert KEY not in told.out + told.err


def test_the_key_is_nowhere_in_the_workspace(workspace: Workspace, server: CaptionServer) -> None:
    endpoint = Endpoint(server.url, "tiny-1", KEY)
    caption_loops(workspace, endpoint)
    assert KEY not in repr(endpoint)
    with sqlite3.connect(workspace.labels) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for path in workspace.root.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path


@pytest.mark.parametrize(
    "url",
    ["", "localhost:11434/v1", "ftp://host/v1", "http://", "http://host:port/", "http://a b/", "http://host\n/",
     "http://me:pass@host/v1", "ftp://me:pass@host/v1", "http://host/v1?key=1"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        Endpoint(url, "tiny-1")
    assert "pass@" not in str(refused.value)


def test_the_key_never_goes_unencrypted_to_another_machine() -> None:
    with pytest.raises(InvalidValue) as refused:
        Endpoint("http://models.example/v1", "tiny-1", KEY)
    assert KEY not in str(refused.value)
    assert Endpoint("http://models.example/v1", "tiny-1").source == "model:tiny-1@models.example"
    assert Endpoint("https://models.example/v1", "tiny-1", KEY).source == "model:tiny-1@models.example"
    with pytest.raises(InvalidValue) as refused:
        Endpoint("https://models.example/v1", "tiny-1", "sk\nX-Other: 1")
    assert "X-Other" not in str(refused.value)


def test_options_come_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unavailable):
        endpoint_of()
    monkeypatch.setenv("COMPOSER_CAPTION_URL", "http://localhost:1/v1")
    monkeypatch.setenv("COMPOSER_CAPTION_MODEL", "of-the-environment")
    assert endpoint_of().model == "of-the-environment"
    assert endpoint_of("http://localhost:2/v1", "given", 5.0) == Endpoint("http://localhost:2/v1", "given", "", 5.0)


def test_an_unknown_loop_is_named(workspace: Workspace) -> None:
    with pytest.raises(NotFound):
        caption_loops(workspace, loop_ids=["nowhere"])
