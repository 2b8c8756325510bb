// What is seen of the desk: the loop on screen, its form, what is known of it, and the buttons with their keys.

const CHIP_KEYS = "1234567890ABCDEF";
const ACTIONS = [
  ["approve", "Enter"],
  ["reject", "⌫"],
  ["skip", "S"],
  ["draft", "D"],
  ["undo", "U"],
];
const ARMED_BY = { genre: "G", technique: "T", quality: "Q" };
const TICK_KEYS = { affect: "⇧V", emotion: "⇧E", genre: "⇧G", technique: "⇧T", quality: "" };
const SIDES = ["why", "guide", "history", "queue"];
const MOST_FOUND = 8;
const STARS = [1, 2, 3, 4, 5];

function element(tag, classes = "", text = undefined) {
  const made = document.createElement(tag);
  if (classes) made.className = classes;
  if (text !== undefined) made.textContent = text;
  return made;
}

function button(text, key, act, { pressed = undefined, classes = "", help = "" } = {}) {
  const made = element("button", classes);
  made.type = "button";
  made.append(element("span", "", text));
  if (key) made.append(element("kbd", "", key));
  if (pressed !== undefined) made.setAttribute("aria-pressed", String(pressed));
  if (help) made.title = help;
  made.onclick = act;
  return made;
}

class DeskView {
  constructor(desk, root) {
    this.desk = desk;
    this.root = root;
    this.side = "why";
    this.pad = new Pad(root.querySelector(".pad-root"));
    this.at = (name) => root.querySelector(name);
    this.note = this.at(".note");
    this.note.oninput = () => desk.form && (desk.form.note = this.note.value);
    this.note.onkeydown = (event) => {
      if (event.key === "Escape" && !event.isComposing) this.note.blur(); // the keys are the desk's again
    };
    this.find = this.at(".genre-find");
    this.find.oninput = () => this.drawFound();
    this.find.onkeydown = (event) => this.onFindKey(event);
    this.at(".play").onclick = () => desk.togglePlay();
  }

  alive() {
    return this.root.isConnected && this.at(".desk") !== null;
  }

  // Everything anew. `isNew`: another loop came on screen.
  draw(isNew) {
    const { desk } = this;
    const { words } = desk.data;
    const hand = desk.hand;
    this.at(".desk").dataset.empty = String(!hand);
    this.at(".desk").dataset.loop = hand ? hand.id : "";
    this.at(".done").textContent = !hand && desk.data.done ? words.done : "";
    this.at(".coming").textContent = !hand && !desk.data.done ? words.coming : "";
    this.drawConflicts();
    this.drawMessages();
    this.drawFoot();
    this.drawVotes();
    this.drawArrived();
    if (!hand) return;
    if (isNew) this.openForm();
    this.drawLoop(hand, words);
    this.drawForm();
    this.drawAside();
  }

  openForm() {
    const { form } = this.desk;
    this.note.value = form.note;
    this.find.value = "";
    this.at(".found").replaceChildren();
    this.pad.rest();
    this.weighed = null;
  }

  drawLoop(hand, words) {
    this.at(".title").textContent = hand.title;
    const meta = this.at(".meta");
    meta.replaceChildren(element("span", "", hand.meta), element("span", "badge", hand.status));
    this.at(".why").textContent = hand.why;
    this.at(".declared").textContent = hand.declared;
    this.at(".problem").textContent = hand.problem;
    this.at(".suggested-words").textContent = hand.suggestedWords;
    this.drawPlay(words);
    this.drawPad(hand);
  }

  drawPlay(words) {
    const sounds = this.desk.isSounding();
    const play = this.at(".play");
    play.textContent = sounds ? "■" : "▶";
    play.title = sounds ? words.stop : words.play;
    play.setAttribute("aria-label", play.title);
  }

  drawPad(hand) {
    const { data, form } = this.desk;
    this.pad.show(
      {
        valence: form.valence,
        arousal: form.arousal,
        seq: this.pad.seq,
        suggested: hand.suggested,
        used: [true, true],
        language: data.language,
        moods: data.moods,
        words: data.padWords,
      },
      (value) => this.desk.change(() => form.setAffect(value.valence, value.arousal)),
    );
  }

  // The pad shows a move before it tells of it: a decision reads where the dot is.
  readPad() {
    const { form } = this.desk;
    const { valence, arousal } = this.pad.value || {};
    const moved = this.pad.dragging || this.pad.timer;
    if (moved && (valence !== form.valence || arousal !== form.arousal)) form.setAffect(valence, arousal);
    this.pad.rest();
  }

  drawForm() {
    const { desk } = this;
    const { data, form, hand } = desk;
    const { words, moods } = data;
    this.root.querySelectorAll(".part-head").forEach((head) => this.drawHead(head, hand, form));
    this.at(".emotions").replaceChildren(
      ...moods.map(({ code, name }, index) =>
        button(name, String(index + 1), () => desk.change(() => form.setEmotion(code)), { pressed: form.emotion === code }),
      ),
      button(words.noEmotion, "0", () => desk.change(() => form.setEmotion(null)), { classes: "quiet", pressed: form.emotion === null }),
    );
    this.at(".contradiction").textContent = form.contradicts(moods) ? words.contradiction : "";
    this.drawChips(".genres", "genre", desk.genreChips());
    this.drawChips(".techniques", "technique", desk.techniqueChips());
    if (!desk.techniqueChips().length) this.at(".techniques").append(element("span", "hint", words.noTechniques));
    this.drawChips(".stars", "quality", STARS.map((stars) => ({ code: stars, name: `${stars} ★`, on: form.quality === stars })));
    this.drawWeights();
    this.find.placeholder = words.findGenre;
    this.find.setAttribute("aria-label", words.findGenre);
    this.at(".note-label span").textContent = words.note;
    this.note.placeholder = words.noteHint;
  }

  drawHead(head, hand, form) {
    const { words } = this.desk.data;
    const part = head.dataset.part;
    const sure = hand.sure[part];
    const name = element("span", "part-name", words.parts[part]);
    if (sure && !form.touched.has(part)) name.append(element("small", "", sure));
    const goes = form.partGoes(part);
    const tick = button(goes ? words.goes : words.staysOut, TICK_KEYS[part], () => this.desk.change(() => form.toggleTick(part)), {
      pressed: goes,
      classes: "tick",
      help: words.tickHelp,
    });
    const fields = PARTS[part].filter((field) => hand.unsure.includes(field));
    head.classList.toggle("unsure", fields.length > 0 && !goes);
    head.replaceChildren(name, ...(part === "quality" ? [] : [tick]));
    if (ARMED_BY[part]) name.append(element("kbd", "", ARMED_BY[part]));
  }

  drawChips(place, part, chips) {
    const { desk } = this;
    const box = this.at(place);
    box.dataset.armed = String(desk.armed === part);
    box.replaceChildren(
      ...chips.map(({ code, name, on }, index) =>
        button(name, CHIP_KEYS[index] || "", () => desk.change(() => desk.choose(part, code)), { pressed: on }),
      ),
    );
  }

  drawWeights() {
    const { desk } = this;
    const { form } = desk;
    const codes = [...form.genre.keys()];
    const box = this.at(".weights");
    const drawn = codes.length < 2 ? "" : codes.join(" ");
    if (this.weighed !== drawn) {
      this.weighed = drawn;
      box.replaceChildren(
        ...(drawn ? codes : []).map((code) => {
          const row = element("label", "weight");
          const slider = element("input");
          Object.assign(slider, { type: "range", min: WEIGHT_STEP, max: 100, step: WEIGHT_STEP });
          slider.oninput = () => desk.change(() => form.setWeight(code, Number(slider.value)));
          row.append(element("span"), slider);
          row.dataset.code = code;
          return row;
        }),
      );
    }
    const shares = form.shares() || {};
    for (const row of box.children) {
      const code = row.dataset.code;
      row.firstChild.textContent = `${desk.genreName(code)} ${Math.round(100 * shares[code])} %`;
      row.lastChild.value = form.genre.get(code);
    }
  }

  drawFound() {
    const found = this.desk.findGenres(this.find.value).slice(0, MOST_FOUND);
    this.at(".found").replaceChildren(
      ...found.map(({ code, name }) => button(name, "", () => this.pick(code), { pressed: this.desk.form.genre.has(code) })),
    );
    return found;
  }

  pick(code) {
    this.desk.change(() => this.desk.choose("genre", code));
    this.leaveFind();
  }

  leaveFind() {
    this.find.value = "";
    this.find.blur();
    this.drawFound();
  }

  onFindKey(event) {
    if (event.isComposing) return;
    if (event.key === "Escape") this.leaveFind();
    if (event.key !== "Enter") return;
    event.preventDefault();
    const [first] = this.drawFound();
    if (first && this.find.value.trim()) this.pick(first.code);
    else this.leaveFind();
  }

  drawAside() {
    const { desk } = this;
    const { words } = desk.data;
    this.at(".tabs").replaceChildren(
      ...SIDES.map((side) => {
        const tab = button(words.sides[side], "", () => ((this.side = side), this.drawAside()));
        tab.setAttribute("role", "tab");
        tab.setAttribute("aria-selected", String(side === this.side));
        return tab;
      }),
    );
    const lines = {
      why: desk.hand.reasons,
      guide: desk.data.guide,
      history: desk.hand.history,
      queue: desk.coming().map((hand) => ({ head: hand.title, text: "", more: hand.why })),
    }[this.side];
    const intro = { why: words.why, history: desk.hand.historyWords, queue: words.queueNext, guide: "" }[this.side];
    const none = { why: words.noSuggestions, queue: words.queueEmpty, history: words.noHistory, guide: "" }[this.side];
    this.at(".side").replaceChildren(
      element("p", "hint", lines.length ? intro : none),
      ...lines.map(({ head, text, more }) => {
        const line = element("div", "line");
        line.append(element("strong", "", head), element("span", "", text), element("small", "", more));
        return line;
      }),
    );
  }

  drawFoot() {
    const { desk } = this;
    const { words, progress } = desk.data;
    const row = this.at(".actions");
    row.replaceChildren(
      ...ACTIONS.map(([kind, key]) => {
        const made = button(words.actions[kind], key, () => desk.press(kind), {
          classes: kind === "approve" ? "primary" : "",
          help: words.actionHelp[kind],
        });
        made.dataset.action = kind;
        made.disabled = !desk.hand && kind !== "undo";
        return made;
      }),
    );
    this.at(".bar i").style.width = `${100 * progress.share}%`;
    this.at(".progress-words").textContent = progress.text;
    const waiting = desk.queue.waiting.length;
    this.at(".sending").textContent = waiting ? words.sending.replace("{n}", waiting) : "";
    this.at(".desk").dataset.waiting = String(waiting);
  }

  drawMessages() {
    this.at(".messages").replaceChildren(...this.desk.messages.map(({ text, kind }) => element("p", kind, text)));
  }

  table(titles, rows) {
    const table = element("table");
    const line = (cells, tag) => {
      const row = element("tr");
      row.append(...cells.map((cell) => element(tag, "", cell)));
      return row;
    };
    table.append(line(titles, "th"), ...rows.map((cells) => line(cells, "td")));
    return table;
  }

  drawConflicts() {
    const { desk } = this;
    const { words } = desk.data;
    this.at(".conflicts").replaceChildren(
      ...desk.refused.map((one, index) => {
        const box = element("div", "card conflict");
        box.append(element("p", "", words.conflict), element("strong", "", one.answer.title));
        const { field, theirs, by, yours } = words.columns;
        box.append(this.table([field, theirs, by, yours], one.answer.rows));
        const keep = button(words.keepTheirs, index ? "" : "K", () => desk.keepTheirs(one), { classes: "keep-theirs" });
        const store = button(words.storeMine, index ? "" : "M", () => desk.storeMine(one), { classes: "primary store-mine" });
        const row = element("div", "row");
        row.append(keep, store);
        box.append(row);
        return box;
      }),
    );
  }

  drawVotes() {
    const { desk } = this;
    const { hand, data } = desk;
    const box = this.at(".votes");
    box.replaceChildren();
    if (!hand || !hand.votes.length) return;
    const card = element("div", "card");
    card.append(element("strong", "", data.words.votes), element("small", "", hand.votesRule));
    for (const { field, title, said } of hand.votes) {
      const row = element("div", "row");
      row.append(element("span", "", title));
      row.append(
        ...said.map(({ text, value, help }) =>
          button(text, "", () => desk.change(() => desk.form.put(field, value)), { help, classes: "vote" }),
        ),
      );
      card.append(row);
    }
    box.append(card);
  }

  // What another person has written on the loop on screen meanwhile, beside what the form holds.
  drawArrived() {
    const { desk } = this;
    const { arrived, words } = desk.data;
    const box = this.at(".arrived");
    box.replaceChildren();
    if (!desk.hand || arrived.id !== desk.hand.id || !arrived.rows.length) return;
    const card = element("div", "card");
    const { field, theirs, by, inForm } = words.columns;
    const rows = arrived.rows.map((row) => [row.title, row.theirs, row.by, desk.inWords(row.field)]);
    card.append(element("strong", "", words.arrived), this.table([field, theirs, by, inForm], rows));
    box.append(card);
  }
}
