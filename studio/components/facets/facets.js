// Filters with what each would leave: values with their counts, ranges over small histograms.
// A change is shown at once and goes to Python as the whole set of filters; Python answers with new counts.

const TYPING_MS = 350;

class Facets {
  constructor(root) {
    this.root = root;
    this.rail = root.querySelector(".rail");
    this.list = root.querySelector(".groups");
    this.search = root.querySelector(".search input");
    this.seq = 0;
    this.folds = new Map(); // what the person folded or unfolded
    this.search.oninput = (event) => !event.isComposing && this.soon();
    this.search.addEventListener("compositionend", () => this.soon());
    this.search.onkeydown = (event) => event.key === "Enter" && !event.isComposing && this.send();
    root.querySelector(".clear").onclick = () => this.clear();
  }

  show(data, commit) {
    this.data = data;
    this.commit = commit;
    if (data.seq < this.seq) return; // an answer to an earlier change: a newer one is under way
    const { words } = data;
    this.rail.setAttribute("aria-label", words.filters);
    this.search.placeholder = words.hint;
    this.search.setAttribute("aria-label", words.search);
    if (this.root.activeElement !== this.search || !this.typing) this.search.value = data.text;
    this.asked = { ...data.asked };
    const clear = this.root.querySelector(".clear");
    clear.textContent = words.clear;
    clear.hidden = !data.text && !Object.keys(this.asked).length;
    const focus = this.focused();
    const scrolls = new Map([...this.list.querySelectorAll(".options")].map((o) => [o.parentElement.dataset.id, o.scrollTop]));
    this.list.replaceChildren(...data.groups.map((group) => this.groupOf(group)));
    for (const [id, top] of scrolls) {
      const options = this.list.querySelector(`[data-id="${id}"] .options`);
      if (options) options.scrollTop = top;
    }
    if (focus) this.list.querySelector(focus)?.focus({ preventScroll: true });
  }

  focused() {
    const target = this.root.activeElement;
    return target && target.dataset && target.dataset.focus ? `[data-focus="${CSS.escape(target.dataset.focus)}"]` : null;
  }

  element(tag, classes, text) {
    const made = document.createElement(tag);
    if (classes) made.className = classes;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  groupOf(group) {
    const fold = this.element("details");
    fold.dataset.id = group.id;
    fold.open = this.folds.get(group.id) ?? group.open;
    const title = this.element("summary", "", group.title);
    const asked = this.element("span", group.kind === "range" ? "asked" : "asked list", this.askedText(group));
    title.append(asked);
    title.onclick = () => this.onFold(group, !fold.open);
    fold.append(title);
    if (!group.counted) fold.append(this.element("div", "waiting", "…"));
    else fold.append(group.kind === "range" ? this.rangeOf(group, asked) : this.optionsOf(group));
    return fold;
  }

  // A folded filter is not counted: unfolding one asks for its counts.
  onFold(group, open) {
    this.folds.set(group.id, open);
    this.send();
  }

  askedText(group) {
    const asked = this.asked[group.id];
    if (!asked) return "";
    if (group.kind === "range") return `${asked[0]} – ${asked[1]}`;
    return asked.map((code) => group.options.find((option) => option.code === code)?.name ?? code).join(this.data.words.comma);
  }

  optionsOf(group) {
    const list = this.element("div", "options");
    const most = Math.max(1, ...group.options.map((option) => option.count));
    for (const option of group.options) {
      const line = this.element("label", option.count ? "option" : "option none");
      line.style.setProperty("--part", option.count / most);
      const box = this.element("input");
      box.type = "checkbox";
      box.dataset.focus = `${group.id}:${option.code}`;
      box.checked = (this.asked[group.id] ?? []).includes(option.code);
      box.onchange = () => this.onOption(group.id, option.code, box.checked);
      const name = this.element("span", "name", option.name);
      name.title = option.name;
      line.append(box, name, this.element("span", "count", option.count.toLocaleString("en-US")));
      list.append(line);
    }
    return list;
  }

  onOption(id, code, on) {
    const rest = (this.asked[id] ?? []).filter((other) => other !== code);
    this.ask(id, on ? [...rest, code] : rest);
    this.send();
  }

  ask(id, value) {
    if (!value || !value.length) delete this.asked[id];
    else this.asked[id] = value;
  }

  rangeOf(group, asked) {
    const [low, high] = group.bounds;
    const place = this.element("div", "range");
    const bars = this.element("div", "bars");
    const most = Math.max(1, ...group.counts);
    bars.append(...group.counts.map((count) => {
      const bar = this.element("i");
      bar.style.height = `${count ? Math.max(6, (100 * count) / most) : 0}%`;
      return bar;
    }));
    const track = this.element("div", "track");
    const ends = this.element("div", "ends");
    const now = [...(this.asked[group.id] ?? [low, high])];
    const paint = () => {
      const width = (high - low) / group.counts.length;
      [...bars.children].forEach((bar, index) => {
        const middle = low + (index + 0.5) * width;
        bar.classList.toggle("in", middle >= now[0] && middle <= now[1]);
      });
      sliders.forEach((slider, side) => (slider.value = now[side]));
      fields.forEach((field, side) => this.root.activeElement !== field && (field.value = now[side]));
    };
    const settle = () => {
      const whole = now[0] <= low && now[1] >= high;
      this.ask(group.id, whole ? null : [...now]);
      asked.textContent = this.askedText(group);
      this.send();
    };
    const move = (side, value) => {
      now[side] = side ? Math.max(value, now[0]) : Math.min(value, now[1]);
      paint();
    };
    const input = (type, side) => {
      const made = this.element("input");
      Object.assign(made, { type, min: low, max: high, step: group.step });
      made.dataset.focus = `${group.id}:${type}:${side}`;
      made.setAttribute("aria-label", `${group.title}: ${side ? this.data.words.to : this.data.words.from}`);
      made.onchange = () => {
        const value = Number.parseFloat(made.value);
        if (Number.isFinite(value)) move(side, Math.min(high, Math.max(low, value)));
        made.value = now[side];
        settle();
      };
      return made;
    };
    const sliders = [0, 1].map((side) => input("range", side));
    sliders.forEach((slider, side) => (slider.oninput = () => move(side, Number(slider.value))));
    const fields = [0, 1].map((side) => input("number", side));
    track.append(...sliders);
    ends.append(fields[0], this.element("span", "unit", group.unit), fields[1]);
    place.append(bars, track, ends);
    paint();
    return place;
  }

  soon() {
    this.typing = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), TYPING_MS);
  }

  clear() {
    this.asked = {};
    this.search.value = "";
    this.send();
  }

  send() {
    clearTimeout(this.timer);
    this.typing = false;
    this.seq = Math.max(this.seq + 1, Date.now());
    const open = this.data.groups.filter((group) => this.folds.get(group.id) ?? group.open).map((group) => group.id);
    this.commit({ text: this.search.value, asked: this.asked, open, seq: this.seq });
  }
}

const rails = new WeakMap();

export default function facets({ data, parentElement, setStateValue }) {
  let rail = rails.get(parentElement);
  if (!rail || rail.rail !== parentElement.querySelector(".rail")) {
    rail = new Facets(parentElement);
    rails.set(parentElement, rail);
  }
  rail.show(data, (event) => setStateValue("asked", event));
}
