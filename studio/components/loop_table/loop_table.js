// One page of loops: a click shows a loop, ▶ plays it, ↑ and ↓ go on, a tick puts it into the selection.
// Every act goes to Python as one event; Python answers with the rows to draw.

const PLAY = '<svg viewBox="0 0 24 24" aria-hidden="true"><path class="icon-play" d="M8 5.2v13.6c0 .8.9 1.3 1.6.8l10-6.8c.6-.4.6-1.2 0-1.6l-10-6.8c-.7-.5-1.6 0-1.6.8z"/><rect class="icon-stop" x="6.5" y="6.5" width="11" height="11" rx="1.5"/></svg>';

class LoopTable {
  constructor(root) {
    this.root = root;
    this.frame = root.querySelector(".frame");
    this.seq = 0;
    this.marker = null; // the row a run of ticks with Shift starts from
    this.head = root.querySelector("thead tr");
    this.body = root.querySelector("tbody");
    this.body.onclick = (event) => this.onClick(event);
    this.body.onkeydown = (event) => this.onKey(event);
    for (const [name, page] of Object.entries({ first: () => 0, back: (p) => p.index - 1, on: (p) => p.index + 1, last: (p) => p.count - 1 })) {
      root.querySelector(`.${name}`).onclick = () => this.send("page", { page: page(this.data.page) });
    }
    this.jump = root.querySelector(".jump input");
    this.jump.onchange = () => this.onJump();
    this.timer = setInterval(() => this.followSound(), 250);
  }

  show(data, commit) {
    const moved = !this.data || this.data.page.index !== data.page.index || this.data.signature !== data.signature;
    this.data = data;
    this.commit = commit;
    this.marked = new Set(data.marked);
    this.drawHead();
    const focused = this.root.activeElement?.closest("tbody tr")?.dataset.id;
    this.body.replaceChildren(...data.rows.map((row) => this.rowOf(row)));
    if (focused) this.rowNamed(focused)?.focus({ preventScroll: true });
    if (moved) this.root.querySelector(".scroll").scrollTop = 0;
    this.drawPages();
    this.sounding = undefined;
    this.followSound();
  }

  element(tag, classes, text) {
    const made = document.createElement(tag);
    if (classes) made.className = classes;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  drawHead() {
    const { columns, sort, words, rows } = this.data;
    const all = this.element("input");
    all.type = "checkbox";
    all.checked = rows.length > 0 && rows.every((row) => this.marked.has(row.id));
    all.title = words.markAll;
    all.setAttribute("aria-label", words.markAll);
    all.onchange = () => this.send("mark", { ids: rows.map((row) => row.id), on: all.checked });
    const mark = this.element("th", "mark-cell");
    mark.append(all);
    const titles = columns.map((column) => {
      const cell = this.element("th", `${column.kind === "number" ? "number" : ""} p${column.priority}`);
      if (column.help) cell.title = column.help;
      if (!column.sort) {
        cell.append(this.element("span", "", column.title));
        return cell;
      }
      const button = this.element("button", "", column.title);
      button.type = "button";
      const mine = sort.by === column.sort;
      if (mine) cell.setAttribute("aria-sort", sort.descending ? "descending" : "ascending");
      button.onclick = () => this.send("sort", { by: column.sort, descending: mine ? !sort.descending : column.kind !== "text" });
      cell.append(button);
      return cell;
    });
    this.head.replaceChildren(this.element("th"), mark, ...titles);
  }

  rowOf(row) {
    const { columns, words, chosen } = this.data;
    const line = this.element("tr");
    line.dataset.id = row.id;
    line.tabIndex = 0;
    line.setAttribute("aria-selected", String(row.id === chosen));
    const play = this.element("td", "play-cell");
    play.innerHTML = `<button class="play" type="button" tabindex="-1">${PLAY}</button>`;
    play.firstChild.title = words.play;
    play.firstChild.setAttribute("aria-label", `${words.play}: ${row.title}`);
    const mark = this.element("td", "mark-cell");
    const box = this.element("input");
    box.type = "checkbox";
    box.checked = this.marked.has(row.id);
    box.tabIndex = -1;
    box.setAttribute("aria-label", `${words.mark}: ${row.title}`);
    mark.append(box);
    line.append(play, mark, ...columns.map((column) => this.cellOf(row, column)));
    return line;
  }

  cellOf(row, column) {
    const cell = this.element("td", `p${column.priority}`);
    const value = row.cells[column.id];
    if (column.kind === "name") {
      cell.classList.add("name-cell");
      cell.append(this.element("div", "title", row.title), this.element("div", "sub", row.sub));
      cell.title = row.hover;
    } else if (column.kind === "score" && value !== null) {
      const score = this.element("span", value < this.data.passMark ? "score below" : "score", String(Math.round(value)));
      const bar = this.element("i");
      bar.style.setProperty("--part", `${value}%`);
      score.append(bar);
      cell.append(score);
    } else if (column.kind === "chip") {
      cell.append(this.element("span", `chip ${value.code}`, value.name));
    } else {
      if (column.kind === "number") cell.classList.add("number");
      cell.textContent = value ?? "–";
    }
    return cell;
  }

  drawPages() {
    const { page, words } = this.data;
    const put = (name, text, off) => {
      const button = this.root.querySelector(`.${name}`);
      button.title = text;
      button.setAttribute("aria-label", text);
      button.disabled = off;
    };
    put("first", words.firstPage, page.index === 0);
    put("back", words.previousPage, page.index === 0);
    put("on", words.nextPage, page.index >= page.count - 1);
    put("last", words.lastPage, page.index >= page.count - 1);
    this.root.querySelector(".span").textContent = page.text;
    this.root.querySelector(".jump span").textContent = words.page;
    this.root.querySelector(".jump .of").textContent = `/ ${page.count.toLocaleString("en-US")}`;
    this.root.querySelector(".jump").hidden = page.count < 2;
    this.jump.setAttribute("aria-label", words.page);
    if (this.root.activeElement !== this.jump) this.jump.value = String(page.index + 1);
    this.root.querySelector(".hint").textContent = words.hint;
  }

  rowNamed(id) {
    return [...this.body.children].find((line) => line.dataset.id === id);
  }

  // The transport says what sounds; its engine is asked, for it plays on without Python.
  followSound() {
    if (!this.frame.isConnected) return clearInterval(this.timer);
    const engine = window.composerTransport;
    const sounding = engine && engine.voice && engine.heard ? engine.heard().loopId : "";
    if (sounding === this.sounding) return;
    this.sounding = sounding;
    for (const line of this.body.children) line.classList.toggle("sounding", Boolean(sounding) && line.dataset.id === sounding);
  }

  onClick(event) {
    const line = event.target.closest("tr");
    if (!line) return;
    if (event.target.closest(".play")) return this.play(line);
    if (event.target.closest(".mark-cell")) return this.onMark(event, line);
    this.choose(line, "choose");
  }

  play(line) {
    if (line.classList.contains("sounding")) return window.composerTransport.stop();
    this.choose(line, "play");
  }

  choose(line, kind) {
    for (const other of this.body.children) other.setAttribute("aria-selected", String(other === line));
    line.focus({ preventScroll: true });
    line.scrollIntoView({ block: "nearest" });
    this.send(kind, { id: line.dataset.id });
  }

  onMark(event, line) {
    const lines = [...this.body.children];
    const box = line.querySelector(".mark-cell input");
    if (event.target !== box) box.checked = !box.checked;
    const from = event.shiftKey && this.marker ? lines.findIndex((other) => other.dataset.id === this.marker) : -1;
    const to = lines.indexOf(line);
    const run = from < 0 ? [line] : lines.slice(Math.min(from, to), Math.max(from, to) + 1);
    for (const other of run) other.querySelector(".mark-cell input").checked = box.checked;
    this.marker = line.dataset.id;
    this.send("mark", { ids: run.map((other) => other.dataset.id), on: box.checked });
  }

  onKey(event) {
    const line = event.target.closest("tr");
    if (!line || event.target.matches("input")) return;
    const next = { ArrowDown: line.nextElementSibling, ArrowUp: line.previousElementSibling }[event.key];
    if (next) {
      const sounds = window.composerTransport && window.composerTransport.voice;
      this.choose(next, sounds ? "play" : "choose");
    } else if (event.key === "Enter") {
      this.play(line);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  onJump() {
    const { count, index } = this.data.page;
    const wanted = Number.parseInt(this.jump.value, 10);
    if (!Number.isFinite(wanted)) this.jump.value = String(index + 1);
    else this.send("page", { page: Math.min(count, Math.max(1, wanted)) - 1 });
  }

  send(kind, values) {
    this.seq = Math.max(this.seq + 1, Date.now());
    this.commit({ kind, ...values, seq: this.seq });
  }
}

const tables = new WeakMap();

export default function loopTable({ data, parentElement, setStateValue }) {
  let table = tables.get(parentElement);
  if (!table || table.frame !== parentElement.querySelector(".frame")) {
    table = new LoopTable(parentElement);
    tables.set(parentElement, table);
  }
  table.frame.style.setProperty("--height", data.height);
  table.show(data, (event) => setStateValue("event", event));
}
