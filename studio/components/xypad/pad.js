// Valence (left to right, -1 to 1) and arousal (bottom to top, 0 to 1) on one pad.
// Dragging is local; letting go commits one value to Python, which sends it back as data.

const KEY_STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const KEY_COMMIT_MS = 250; // a held arrow key commits once, after the last step
const round = (value) => Math.round(value * 100) / 100;
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

class Pad {
  constructor(root) {
    this.frame = root.querySelector(".frame");
    this.pad = root.querySelector(".pad");
    this.root = root;
    this.seq = 0;
    this.dragging = false;
    this.pad.onpointerdown = (event) => this.grab(event);
    this.pad.onpointermove = (event) => this.dragging && this.follow(event);
    this.pad.onpointerup = () => this.letGo();
    this.pad.onpointercancel = () => this.letGo();
    this.pad.onkeydown = (event) => this.onKey(event);
    for (const axis of ["valence", "arousal"]) {
      root.querySelector(`.fields .${axis}`).onchange = (event) => this.onField(axis, event.target);
    }
  }

  // Data of Python win, except while the pointer is down or a key is waiting to be committed, and those
  // of a run that has not seen the last commit yet: they would put the dot back to the one before.
  show(data, commit) {
    this.commit = commit;
    this.data = data;
    const isLate = data.seq < this.seq;
    if (!this.dragging && !this.timer && !isLate) this.value = { valence: data.valence, arousal: data.arousal };
    this.label(data);
    this.draw();
  }

  // Let go of what is under way: the next value belongs to something else.
  rest() {
    clearTimeout(this.timer);
    this.timer = null;
    this.dragging = false;
  }

  label({ language, words, moods, used, suggested }) {
    const { root, pad, frame } = this;
    const put = (selector, text) => (root.querySelector(selector).textContent = text);
    [1, 2, 3, 4].forEach((number) => put(`.q${number}`, words[`quadrant${number}`]));
    put(".axis-x .name", words.valence);
    put(".axis-x .low", words.valenceLow);
    put(".axis-x .high", words.valenceHigh);
    put(".axis-y .name", words.arousal);
    put(".axis-y .low", words.arousalLow);
    put(".axis-y .high", words.arousalHigh);
    put(".valence-name", words.valence);
    put(".arousal-name", words.arousal);
    frame.dataset.language = language;
    frame.dataset.valence = used[0] ? "on" : "off";
    frame.dataset.arousal = used[1] ? "on" : "off";
    root.querySelector(".fields .valence").disabled = !used[0];
    root.querySelector(".fields .arousal").disabled = !used[1];
    pad.setAttribute("aria-label", words.pad);
    pad.title = words.hint;
    const mark = root.querySelector(".suggested");
    mark.style.display = suggested ? "" : "none";
    if (suggested) this.place(mark, ...suggested);
    mark.title = words.suggested;
    root.querySelector(".anchors").replaceChildren(
      ...moods.map(({ name, valence, arousal }) => {
        const anchor = document.createElement("span");
        anchor.textContent = name;
        this.place(anchor, clamp(valence, -0.86, 0.86), clamp(arousal, 0.06, 0.94));
        return anchor;
      }),
    );
  }

  place(element, valence, arousal) {
    element.style.left = `${(valence + 1) * 50}%`;
    element.style.top = `${(1 - arousal) * 100}%`;
  }

  draw() {
    const { valence, arousal } = this.value;
    const { root, pad, data } = this;
    this.place(root.querySelector(".dot"), valence, arousal);
    this.place(root.querySelector(".cross-x"), valence, 1);
    this.place(root.querySelector(".cross-y"), -1, arousal);
    for (const axis of ["valence", "arousal"]) {
      const field = root.querySelector(`.fields .${axis}`);
      if (root.activeElement !== field) field.value = round(this.value[axis]).toFixed(2);
    }
    const distance = (mood) => (mood.valence - valence) ** 2 + (2 * (mood.arousal - arousal)) ** 2;
    const nearest = data.moods.reduce((best, mood) => (!best || distance(mood) < distance(best) ? mood : best), null);
    const both = data.used[0] && data.used[1];
    [...root.querySelector(".anchors").children].forEach((anchor, index) => {
      anchor.classList.toggle("near", both && data.moods[index] === nearest);
    });
    const near = nearest && both ? `, ${nearest.name}` : "";
    pad.setAttribute("aria-valuenow", String(round(valence)));
    pad.setAttribute(
      "aria-valuetext",
      `${data.words.valence} ${round(valence)}, ${data.words.arousal} ${round(arousal)}${near}`,
    );
  }

  move(valence, arousal) {
    const [useValence, useArousal] = this.data.used;
    this.value = {
      valence: useValence ? round(clamp(valence, -1, 1)) : this.value.valence,
      arousal: useArousal ? round(clamp(arousal, 0, 1)) : this.value.arousal,
    };
    this.draw();
  }

  grab(event) {
    if (event.button) return;
    this.pad.setPointerCapture(event.pointerId);
    this.dragging = true;
    this.follow(event);
  }

  follow(event) {
    const box = this.pad.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width;
    const y = (event.clientY - box.top) / box.height;
    this.move(2 * x - 1, 1 - y);
  }

  letGo() {
    if (!this.dragging) return;
    this.dragging = false;
    this.send();
  }

  onKey(event) {
    const step = KEY_STEPS[event.key];
    if (!step || event.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
    const size = event.shiftKey ? 0.01 : 0.05;
    this.move(this.value.valence + 2 * size * step[0], this.value.arousal + size * step[1]);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = null;
      this.send();
    }, KEY_COMMIT_MS);
  }

  onField(axis, field) {
    const number = Number.parseFloat(field.value);
    if (Number.isFinite(number)) {
      this.move(...(axis === "valence" ? [number, this.value.arousal] : [this.value.valence, number]));
    }
    field.value = this.value[axis].toFixed(2);
    this.send();
  }

  send() {
    this.seq = Math.max(this.seq, this.data.seq) + 1;
    this.commit({ ...this.value, seq: this.seq });
  }
}
