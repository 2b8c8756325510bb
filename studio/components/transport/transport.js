// The view of the transport: it draws what the engine (transport_engine.js) plays and hands over clicks.

const ROW_PX = 11; // a row of the drawing that still holds a readable name
const LOW_PX = 72;
const HIGH_PX = 110;

class View {
  constructor(engine, root) {
    this.engine = engine;
    this.root = root;
    this.bar = root.querySelector(".bar");
    this.canvas = root.querySelector(".notes");
    this.words = {};
    this.still = null; // the drawing without the playhead
    root.querySelector(".play").onclick = () => engine.toggle();
    root.querySelector(".loop").onclick = () => engine.setLooping(!engine.looping);
    root.querySelector(".match").onclick = () => engine.setMatching(!engine.matching);
    this.sideButtons = [...root.querySelectorAll(".side")];
    this.sideButtons.forEach((button, side) => (button.onclick = () => engine.hear(side)));
    const volume = root.querySelector(".volume input");
    volume.value = engine.volume;
    volume.oninput = () => engine.setVolume(Number(volume.value));
    this.canvas.onclick = null;
    this.observer = new ResizeObserver(() => this.redraw());
    this.observer.observe(this.canvas);
    this.frame = () => {
      this.drawPlayhead();
      this.request = requestAnimationFrame(this.frame);
    };
    this.request = requestAnimationFrame(this.frame);
    engine.views.add(this);
  }

  close() {
    cancelAnimationFrame(this.request);
    this.observer.disconnect();
    this.engine.views.delete(this);
  }

  refresh() {
    const { engine, bar, root, words } = this;
    const data = engine.heard();
    const button = root.querySelector(".play");
    bar.dataset.empty = String(!data);
    bar.dataset.playing = String(engine.voice !== null);
    bar.dataset.notice = String(engine.notice === "queued" || engine.notice === "click");
    bar.dataset.failed = String(engine.notice === "failed");
    bar.setAttribute("aria-label", words.region);
    button.disabled = !data;
    button.title = engine.voice ? words.stop : words.play;
    button.setAttribute("aria-label", button.title);
    const loop = root.querySelector(".loop");
    loop.setAttribute("aria-pressed", String(engine.looping));
    loop.title = words.loop;
    loop.setAttribute("aria-label", words.loop);
    const match = root.querySelector(".match");
    match.setAttribute("aria-pressed", String(engine.matching));
    match.title = words.matchHelp;
    match.setAttribute("aria-label", words.match);
    root.querySelector(".sides").hidden = !(engine.data && engine.data.other);
    this.sideButtons.forEach((button, side) => {
      button.setAttribute("aria-pressed", String(engine.side === side));
      button.title = words[side ? "sideB" : "sideA"];
      button.setAttribute("aria-label", button.title);
    });
    this.refreshStems(data);
    root.querySelector(".volume").title = words.volume;
    root.querySelector(".volume input").setAttribute("aria-label", words.volume);
    const title = root.querySelector(".title");
    title.textContent = data ? data.title : words.empty;
    title.title = data ? data.title : ""; // a long one is cut
    root.querySelector(".meta").textContent = data ? (engine.notice && words[engine.notice]) || data.meta : "";
    this.canvas.setAttribute("aria-label", words.drawing);
    this.redraw();
  }

  // One row a part beside its lane of the drawing: its name, mute and solo.
  refreshStems(data) {
    const { engine, root } = this;
    const box = root.querySelector(".stems");
    const stems = (data && data.stems) || [];
    box.hidden = !stems.length;
    const names = JSON.stringify(stems);
    if (box.dataset.names !== names) {
      box.dataset.names = names;
      box.replaceChildren(...stems.map((stem) => this.stemRow(stem)));
    }
    stems.forEach(({ name }, index) => {
      const row = box.children[index];
      row.dataset.heard = String(engine.isHeard(name));
      row.querySelector(".mute").setAttribute("aria-pressed", String(engine.muted.has(name)));
      row.querySelector(".solo").setAttribute("aria-pressed", String(engine.soloed.has(name)));
    });
  }

  stemRow({ name, label, mute, solo }) {
    const row = document.createElement("div");
    row.className = "stem";
    row.append(Object.assign(document.createElement("span"), { textContent: label }));
    for (const [kind, letter, words] of [["mute", "M", mute], ["solo", "S", solo]]) {
      const button = Object.assign(document.createElement("button"), { type: "button", className: kind, textContent: letter });
      button.title = words;
      button.setAttribute("aria-label", words);
      button.onclick = () => this.engine.toggleStem(kind, name);
      row.append(button);
    }
    return row;
  }

  colours() {
    const style = getComputedStyle(this.bar);
    const read = (name) => style.getPropertyValue(name).trim();
    return {
      accent: read("--st-primary-color"),
      text: read("--st-text-color"),
      line: read("--st-border-color"),
      ground: read("--st-background-color"),
    };
  }

  redraw() {
    const data = this.engine.heard();
    if (!data) return;
    this.canvas.style.height = `${Math.min(HIGH_PX, Math.max(LOW_PX, data.rowCount * ROW_PX))}px`;
    const { width, height } = this.canvas.getBoundingClientRect();
    if (!width) return;
    const scale = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * scale);
    this.canvas.height = Math.round(height * scale);
    this.still = document.createElement("canvas");
    this.still.width = this.canvas.width;
    this.still.height = this.canvas.height;
    const pen = this.still.getContext("2d");
    pen.scale(scale, scale);
    this.palette = this.colours();
    this.gutter = data.rows ? 64 : 6;
    this.drawGrid(pen, data, width, height);
    this.drawNotes(pen, data, width, height);
    this.drawPlayhead();
  }

  drawGrid(pen, data, width, height) {
    const rowCount = data.rowCount;
    const rowHeight = height / rowCount;
    pen.font = `${Math.min(10, rowHeight)}px ${getComputedStyle(this.bar).fontFamily}`;
    pen.textBaseline = "middle";
    pen.fillStyle = this.palette.text;
    for (let row = 0; row < rowCount; row += 1) {
      if (row % 2) {
        pen.globalAlpha = 0.035;
        pen.fillRect(this.gutter, row * rowHeight, width - this.gutter, rowHeight);
      }
      if (data.rows) {
        pen.globalAlpha = 0.7;
        pen.fillText(data.rows[row], 7, (row + 0.54) * rowHeight, this.gutter - 12);
      }
    }
    for (let lane = 1; lane < (data.stems || []).length; lane += 1) {
      pen.globalAlpha = 1;
      pen.fillStyle = this.palette.line;
      pen.fillRect(this.gutter, Math.round((lane * height) / data.stems.length), width - this.gutter, 1);
    }
    const beats = data.bars * data.beatsPerBar;
    for (let beat = 0; beat <= beats; beat += 1) {
      const x = this.gutter + ((width - this.gutter) * beat) / beats;
      pen.globalAlpha = beat % data.beatsPerBar ? 0.35 : 1;
      pen.fillStyle = this.palette.line;
      pen.fillRect(Math.round(x), 0, 1, height);
    }
    pen.globalAlpha = 1;
  }

  drawNotes(pen, data, width, height) {
    const rowHeight = height / data.rowCount;
    const span = width - this.gutter;
    pen.fillStyle = this.palette.accent;
    const heard = (data.stems || []).map(({ name }) => this.engine.isHeard(name));
    for (const [start, length, row, velocity, stem] of data.notes) {
      const x = this.gutter + start * span;
      const long = data.rows ? Math.min(Math.max(3, span / (data.bars * 34)), 9) : Math.max(2, length * span - 1);
      pen.globalAlpha = (0.3 + (0.7 * velocity) / 127) * (heard[stem] === false ? 0.2 : 1);
      pen.beginPath();
      pen.roundRect(x, row * rowHeight + rowHeight * 0.14, long, Math.max(1.5, rowHeight * 0.72), 1.5);
      pen.fill();
    }
    pen.globalAlpha = 1;
  }

  drawPlayhead() {
    if (!this.still) return;
    const pen = this.canvas.getContext("2d");
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    pen.drawImage(this.still, 0, 0);
    const voice = this.engine.voice;
    const position = this.engine.position();
    if (position === null || voice.data.token !== this.engine.data.token) return;
    const scale = window.devicePixelRatio || 1;
    const gutter = this.gutter * scale;
    const x = gutter + ((this.canvas.width - gutter) * position) / this.engine.heard().loopSec;
    pen.fillStyle = this.palette.accent;
    pen.globalAlpha = 0.16;
    pen.fillRect(gutter, 0, x - gutter, this.canvas.height);
    pen.globalAlpha = 1;
    pen.fillStyle = this.palette.text;
    pen.fillRect(x, 0, 2 * scale, this.canvas.height);
  }
}

const views = new WeakMap();

export default function transport({ data, parentElement }) {
  if (!window.composerTransport || window.composerTransport.edition !== ENGINE_EDITION) {
    window.composerTransport = new Engine();
  }
  const engine = window.composerTransport;
  let view = views.get(parentElement);
  if (!view || view.bar !== parentElement.querySelector(".bar")) {
    if (view) view.close();
    view = new View(engine, parentElement);
    views.set(parentElement, view);
  }
  view.words = data.words;
  if (data.loop) engine.request(data.loop);
  view.refresh();
  return () => {
    view.close();
    views.delete(parentElement);
  };
}
