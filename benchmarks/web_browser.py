"""The parts of `benchmarks.web` that need Chromium: a rebound name, another site's page, and strings on every page."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks.web_strings import STRINGS
from composer_core.music.loop import Loop, Notes
from composer_core.pipeline.generation.takes import generate
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.library.imports import ingest
from composer_core.pipeline.library.loops import table
from composer_core.render.midi import loop_to_midi
from composer_core.workspace import Workspace

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
REBOUND = "rebound.example.org"
SETTLED = "[data-testid='stApp'][data-test-script-state='notRunning']"
PATIENCE_MS = 120_000
_ATTACK = """<!doctype html><title>foreign</title><script>
const target = "http://127.0.0.1:PORT", done = {};
const note = (name, value) => { done[name] = value; };
fetch(target + "/_stcore/health")
  .then((a) => note("fetch", "read " + a.status), () => note("fetch", "refused"));
fetch(target + "/_stcore/upload_file/a/b", {method: "PUT", body: "x"})
  .then((a) => note("put", "read " + a.status), () => note("put", "refused"));
const socket = new WebSocket(target.replace("http", "ws") + "/_stcore/stream", ["streamlit"]);
socket.onopen = () => note("socket", "open"); socket.onerror = () => note("socket", "refused");
const script = document.createElement("script"); script.src = target + "/static/js/x.js";
script.onload = () => note("script", "loaded"); script.onerror = () => note("script", "refused");
document.head.append(script);
addEventListener("DOMContentLoaded", () => {
  const frame = document.createElement("iframe"); frame.src = target + "/"; document.body.append(frame);
});
window.done = done;
</script><body></body>"""


def chromium() -> str | None:
    """Where a Chromium is installed, None without one."""
    return next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )


@contextmanager
def browser(*more: str) -> Iterator[Any]:
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=[*FLAGS, *more])
        yield opened
        opened.close()


def rebinding(port: int) -> dict[str, str]:
    """What a page finds under a name that its owner has bound to this machine: by opening it, and by WebSocket."""
    with browser(f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1") as opened:
        page = opened.new_page()
        answer = page.goto(f"http://{REBOUND}:{port}/")
        ask = """(port) => new Promise((done) => {
            const socket = new WebSocket(`ws://REBOUND:${port}/_stcore/stream`, ["streamlit"]);
            socket.onopen = () => done("open"); socket.onerror = () => done("refused"); })""".replace(
            "REBOUND", REBOUND
        )
        return {
            "page": str(answer.status),
            "socket": page.evaluate(ask, port),
            "drawn": str(page.locator("#root").count()),
        }


def foreign_page(port: int) -> dict[str, str]:
    """What a page of another local port gets out of the studio: fetch, upload, WebSocket, script, frame."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(_ATTACK.replace("PORT", str(port)).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    site = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    try:
        with browser() as opened:
            page = opened.new_page()
            framed: list[int] = []
            page.on(
                "response", lambda answer: framed.append(answer.status) if answer.url.endswith(f":{port}/") else None
            )
            page.goto(f"http://127.0.0.1:{site.server_port}/")
            page.wait_for_function("() => ['fetch', 'put', 'socket', 'script'].every((name) => name in window.done)")
            page.wait_for_timeout(1000)
            return {**page.evaluate("window.done"), "frame": ",".join(map(str, framed))}
    finally:
        site.shutdown()


def hostile_workspace(root: Path, strings: Sequence[str] = STRINGS, with_takes: bool = True) -> Workspace:
    """A library whose files, folders, track names, raters, notes of labels and recipes are the strings."""
    folder = root / "files"
    folder.mkdir(parents=True)
    workspace = Workspace(root / "workspace").create()
    for number, text in enumerate(strings):
        rows = [(step * 240, 60, 42, 60 + (step * 7 + number) % 50) for step in range(32)]
        rows += [(beat * 480, 60, 36 + number % 3, 90) for beat in range(16)]
        name = text.replace("/", "\u2215")  # no file system takes it
        (folder / f"{name}.mid").write_bytes(
            loop_to_midi(Loop("drums", Notes.from_rows(sorted(rows)), 4, 80.0 + number))
        )
    report = ingest([str(folder)], workspace, jobs=1)
    if report.files_accepted != len(strings):
        raise SystemExit(f"only {report.files_accepted} of {len(strings)} files were imported")
    loop_ids = list(table(workspace)["loop_id"])
    for number, text in enumerate(strings):
        for rater in (text if text.isprintable() else "kim", "aki"):
            loop_id = loop_ids[number % len(loop_ids)]
            seen = decisions.current(workspace, loop_id).seen
            values = {"emotion_valence": 0.5 if rater == "aki" else -0.5}
            decisions.decide(workspace, loop_id, rater=rater, action="approve", values=values, seen=seen, note=text)
    workspace.recipes.mkdir(parents=True, exist_ok=True)
    for text in strings:
        name = text.replace("/", "\u2215")
        (workspace.recipes / f"{name}.yaml").write_text(_RECIPE, encoding="utf-8")
    if with_takes:
        from composer_core.music.condition import Condition
        from composer_core.pipeline.generation.takes import save_takes

        save_takes(workspace, generate(Condition("drums", bars=1), seed=1, workspace=workspace))
    return workspace


_BAD = (
    "[onerror],[onload],[onmouseover],[onfocus],[ontoggle],a[href^='javascript:'],a[href*='run('],img[src='x'],"
    "iframe,base,meta[http-equiv=refresh],img[src*='x.example']"
)
"""What only a string that broke out can have made."""
_WATCH = "window.ran = []; window.run = (n) => window.ran.push(n);"
_RECIPE = "name: x\nsteps:\n- rule: swing\n  percent: 60\n"
_BROKEN_OUT = """(strings) => {
  // A word joiner, which nobody sees, keeps an address or an icon's name from being read as one.
  const plain = (text) => text.replace(/\\u2060/g, "").replace(/\\s+/g, " ").trim();
  const broken = new Set(), seen = new Set();
  const roots = [document.body];
  document.querySelectorAll("*").forEach((one) => { if (one.shadowRoot) roots.push(one.shadowRoot); });
  for (const root of roots) {
    const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let node = walk.nextNode(); node; node = walk.nextNode()) {
      for (const [mark, ...readings] of strings) {
        if (!node.data.includes(mark) || ["STYLE", "SCRIPT"].includes(node.parentElement?.tagName)) continue;
        seen.add(mark);
        let at = node.parentElement, found = false;
        for (let up = 0; at && up < 4 && !found; up++, at = at.parentElement)
          found = readings.some((whole) => plain(at.textContent).includes(plain(whole)));
        if (!found) broken.add(mark + ": " + plain(node.parentElement.parentElement?.innerHTML || "").slice(0, 200));
      }
    }
    for (const bad of root.querySelectorAll(BAD))
      broken.add("element " + bad.outerHTML.slice(0, 120));
  }
  return [[...broken], [...seen]];
}""".replace("BAD", repr(_BAD))


def injections(address: str, strings: Sequence[str] = STRINGS) -> dict[str, Any]:
    """Open every page and section; which strings ran as a script, which were read as markup, how many were seen."""
    # A file's name is shown without a slash, a note or rater with one: both readings are right.
    marked = [[text[:4], text, text.replace("/", "\u2215")] for text in strings]
    ran: list[Any] = []
    broken: set[str] = set()
    shown: set[str] = set()
    outside: list[str] = []
    dialogs: list[str] = []

    def look(page: Any) -> None:
        page.locator(SETTLED).wait_for()
        page.wait_for_timeout(700)
        found, seen = page.evaluate(_BROKEN_OUT, marked)
        broken.update(found)
        shown.update(seen)
        ran.extend(page.evaluate("window.ran"))

    with browser() as opened:
        page = opened.new_context(viewport={"width": 1500, "height": 1000}).new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.add_init_script(_WATCH)
        page.on("dialog", lambda one: (dialogs.append(one.message), one.dismiss()))
        page.on(
            "request",
            lambda one: (
                outside.append(one.url)
                if not one.url.startswith((address, "data:", "blob:", address.replace("http", "ws")))
                else None
            ),
        )
        for visit in (_library, _label, _generate, _train):
            visit(page, address, look)
    return {"ran": ran, "dialogs": dialogs, "broken": sorted(broken), "outside": outside, "shown": len(shown)}


def _library(page: Any, address: str, look: Any) -> None:
    page.goto(f"{address}/library")
    look(page)
    rows = page.locator("[data-loop-id], .row")
    for number in range(min(5, rows.count())):
        rows.nth(number).click()
        look(page)


def _label(page: Any, address: str, look: Any) -> None:
    page.goto(f"{address}/label")
    look(page)
    sections = page.locator("[data-testid='stMain'] [data-testid='stButtonGroup'] button")
    for number in range(min(5, sections.count())):
        page.locator(SETTLED).wait_for()
        sections.nth(number).click()
        look(page)
    buttons = page.get_by_test_id("stPopover")
    if buttons.count():
        buttons.first.click()
        look(page)


def _generate(page: Any, address: str, look: Any) -> None:
    page.goto(f"{address}/generate")
    look(page)
    for name in ("stExpander", "stSelectbox"):
        for number in range(page.get_by_test_id(name).count()):
            one = page.get_by_test_id(name).nth(number)
            if one.is_visible():
                (one.locator("summary") if name == "stExpander" else one.locator("input")).first.click()
                look(page)
                page.keyboard.press("Escape")


def _train(page: Any, address: str, look: Any) -> None:
    page.goto(f"{address}/train")
    look(page)
    time.sleep(0.5)
