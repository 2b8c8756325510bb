// The desk of the Label page. The browser holds the loop on screen and the next ones, and moves on at once; what was
// pressed goes to the server in order (desk_queue.js). A key acts on the loop on which it was pressed, at any speed.

const DESK_EDITION = 1;
const MOST_HISTORY = 50;
const MESSAGE_MS = 8000;
const SOUND_MS = 400;
const TYPING = "input:not([type=checkbox]):not([type=radio]):not([type=range]), textarea, select, [contenteditable=true]";
const ELSEWHERE = "[role=dialog], [role=listbox], [role=menu], [data-baseweb=popover]";
const TICKED_BY = { KeyV: "affect", KeyE: "emotion", KeyG: "genre", KeyT: "technique" };

class Desk {
  constructor(place) {
    this.edition = DESK_EDITION;
    this.place = place;
    this.queue = new PressQueue(place);
    this.deck = []; // what lies on the desk, the loop on screen first
    this.forms = new Map(); // by loop
    this.fronts = []; // loops that were taken back here, the newest first: they come before the server's
    this.history = []; // what was decided here and can be taken back
    this.refused = []; // presses that somebody else was faster than
    this.messages = [];
    this.armed = null; // the part that the next digit belongs to
    this.heard = ""; // the loop last put into the transport from here
    this.lookedAt = Date.now();
    this.data = null;
    document.addEventListener("keydown", (event) => this.onKey(event), true);
    window.addEventListener("pagehide", () => this.queue.abandon());
    setInterval(() => this.tick(), TICK_MS);
  }

  get hand() {
    return this.deck[0] || null;
  }

  get form() {
    return this.hand ? this.forms.get(this.hand.id) : null;
  }

  isOpen() {
    return this.view && this.view.alive() && this.data !== null;
  }

  coming() {
    return this.deck.slice(1);
  }

  show(view, data, commit) {
    this.view = view;
    this.data = data;
    this.queue.commit = (presses) => commit("queue", { ...presses, ...this.whereabouts() });
    this.commitLook = () => commit("look", this.whereabouts());
    this.lookedAt = Date.now();
    for (const [press, answer] of this.queue.take(data.answers)) this.onAnswer(press, answer);
    if (!this.begun) this.begun = this.queue.adopt() || true;
    this.deal();
  }

  whereabouts() {
    return { screen: this.hand ? this.hand.id : "", at: Date.now() };
  }

  // Which loops lie on the desk now: those taken back here, then the server's, without those decided here.
  deal() {
    const before = this.hand && this.hand.id;
    const decided = this.queue.decided();
    const refused = new Set(this.refused.map(({ press }) => press.loop));
    const fronts = new Set(this.fronts.map(({ id }) => id));
    const served = this.data.hands.filter(({ id }) => !decided.has(id) && !fronts.has(id) && !refused.has(id));
    this.deck = [...this.fronts, ...served];
    for (const hand of served) {
      const known = this.forms.get(hand.id);
      const isFresh = !known || (known.hand.edition !== hand.edition && known.isUntouched());
      if (isFresh) this.forms.set(hand.id, new Form(hand));
    }
    const lying = new Set(this.deck.map(({ id }) => id));
    for (const id of this.forms.keys()) if (!lying.has(id)) this.forms.delete(id);
    const isNew = !this.hand || this.hand.id !== before || this.drawnForm !== this.form;
    const wasDecided = decided.has(before) || refused.has(before);
    if (before && !wasDecided && this.hand && this.hand.id !== before) this.say(this.data.words.replaced, "info");
    if (isNew) this.armed = null;
    this.drawnForm = this.form;
    this.view.draw(isNew);
    if (this.hand && this.data.autoplay && this.heard !== this.hand.id) this.play();
    if (isNew && this.lacksSound()) setTimeout(() => this.askForSound(), SOUND_MS);
  }

  lacksSound() {
    return Boolean(this.hand && !this.hand.sound && !this.hand.problem);
  }

  // The loop came without its sound, because rendering is slow here: ask for it when nothing was pressed for a moment.
  askForSound() {
    if (!this.isOpen() || !this.lacksSound() || this.queue.waiting.length || Date.now() - this.lookedAt < SOUND_MS) return;
    this.lookedAt = Date.now();
    this.commitLook();
  }

  // Change the form of the loop on screen and show it.
  change(act) {
    if (!this.hand) return;
    act();
    this.view.draw(false);
  }

  say(text, kind = "info") {
    if (!text) return;
    const message = { text, kind };
    this.messages.push(message);
    setTimeout(() => {
      this.messages = this.messages.filter((one) => one !== message);
      if (this.isOpen()) this.view.drawMessages();
    }, MESSAGE_MS);
    if (this.isOpen()) this.view.drawMessages();
  }

  // ---- decisions

  press(kind) {
    if (kind === "undo") return this.undo();
    const { hand, form, data } = this;
    if (!hand) return;
    this.view.readPad();
    const given = { reject: () => form.all(), skip: () => ({}) }[kind];
    const values = given ? given() : form.given();
    if (!given && !Object.keys(values).length) return this.say(data.words.nothingToApprove, "warning");
    const press = this.queue.add({ kind, loop: hand.id, rater: data.rater, values, seen: form.hand.seen, note: form.note });
    this.history.push({ press, hand, form });
    if (this.history.length > MOST_HISTORY) this.history.shift();
    this.fronts = this.fronts.filter(({ id }) => id !== hand.id);
    this.deal();
    this.queue.send();
  }

  undo() {
    const last = this.history.pop();
    if (!last) {
      this.queue.add({ kind: "undo", loop: "", rater: this.data.rater, target: null });
      this.queue.send();
      this.view.drawFoot();
      return;
    }
    const { press, hand, form } = last;
    const wasRefused = this.refused.some((one) => one.press === press);
    this.refused = this.refused.filter((one) => one.press !== press);
    this.queue.keep(this.refused.map((one) => one.press));
    this.putBack(hand, form);
    if (!wasRefused) {
      const target = { client: press.client, press: press.press };
      this.queue.add({ kind: "undo", loop: press.loop, rater: press.rater, target });
    }
    this.say(this.data.words.undone[press.kind], "info");
    this.heard = "";
    this.deal();
    this.queue.send();
  }

  putBack(hand, form) {
    this.fronts = [{ ...hand, why: this.data.words.backAgain }, ...this.fronts.filter(({ id }) => id !== hand.id)];
    this.forms.set(hand.id, form);
  }

  onAnswer(press, answer) {
    if (answer.outcome === "conflict") {
      this.refused.push({ press, answer });
      this.queue.keep(this.refused.map((one) => one.press));
    } else if (answer.outcome === "failed") {
      const kept = this.history.find((one) => one.press === press);
      this.history = this.history.filter((one) => one !== kept);
      if (kept) this.putBack(kept.hand, kept.form);
    }
    if (answer.text && !(press.kind === "undo" && press.target)) {
      this.say(answer.text, { failed: "error", gone: "warning" }[answer.outcome] || "info");
    }
  }

  keepTheirs(one) {
    this.refused = this.refused.filter((other) => other !== one);
    this.history = this.history.filter(({ press }) => press !== one.press);
    this.queue.keep(this.refused.map((other) => other.press));
    this.deal();
  }

  storeMine(one) {
    this.refused = this.refused.filter((other) => other !== one);
    const { kind, loop, rater, values, seen, note } = one.press;
    const press = this.queue.add({ kind, loop, rater, values, note, seen: { ...seen, ...one.answer.seen } });
    for (const done of this.history) if (done.press === one.press) done.press = press;
    this.queue.keep(this.refused.map((other) => other.press));
    this.deal();
    this.queue.send();
  }

  // ---- choices

  genreName(code) {
    const found = this.data.genres.find((genre) => genre.code === code);
    return found ? found.name : code;
  }

  genreChips() {
    const families = this.data.genres.filter(({ family }) => family);
    const others = [...this.form.genre.keys()].filter((code) => !families.some((family) => family.code === code));
    const all = [...families, ...others.map((code) => ({ code, name: this.genreName(code) }))];
    return all.map(({ code, name }) => ({ code, name, on: this.form.genre.has(code) }));
  }

  techniqueChips() {
    const known = this.data.techniques[this.hand.instrument] || [];
    return known.map(({ code, name }) => ({ code, name, on: this.form.technique.includes(code) }));
  }

  findGenres(text) {
    const wanted = text.trim().toLowerCase();
    if (!wanted) return [];
    return this.data.genres.filter(({ code, name, also }) => [code, name, ...also].some((word) => word.toLowerCase().includes(wanted)));
  }

  choose(part, code) {
    const { form } = this;
    if (part === "technique") form.toggleTechnique(code);
    else if (part === "quality") form.setQuality(form.quality === code ? null : code);
    else if (!form.toggleGenre(code)) this.say(this.data.words.mostGenres, "warning");
  }

  inWords(field) {
    const { data, form } = this;
    const names = (codes) => codes.join(data.language === "ja" ? "、" : ", ") || data.words.none;
    const value = form.value(field);
    if (field === "genre") {
      return names(Object.entries(value || {}).map(([code, share]) => `${this.genreName(code)} ${Math.round(100 * share)} %`));
    }
    if (field === "technique") return names(this.techniqueChips().filter(({ on }) => on).map(({ name }) => name));
    if (field === "emotion") return (data.moods.find(({ code }) => code === value) || { name: data.words.none }).name;
    if (value === null || value === undefined) return data.words.none;
    return field.startsWith("emotion_") ? value.toFixed(2) : String(value);
  }

  // ---- keys

  onKey(event) {
    if (!this.isOpen() || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.composedPath()[0];
    if (target instanceof Element) {
      if (target.closest(TYPING) || event.target.closest(ELSEWHERE)) return;
      // A control that was reached by keyboard keeps the keys that work it.
      const engine = window.composerTransport;
      const walking = engine && engine.walking;
      if (walking && event.key === "Enter" && target.closest("button, a, summary, [role=button], [role=radio], [role=tab]")) return;
    }
    if (!this.onPlainKey(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  // True for a key of the desk. A key that is held down acts once.
  onPlainKey(event) {
    const act = event.shiftKey ? this.shiftAct(event) : this.actOf(event);
    if (!act) return false;
    if (!event.repeat) act();
    return true;
  }

  shiftAct(event) {
    const part = TICKED_BY[event.code];
    return part && this.hand ? () => this.change(() => this.form.toggleTick(part)) : null;
  }

  actOf(event) {
    const key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
    const chip = this.armed && this.hand ? this.armedAct(key) : null;
    if (chip) return chip;
    const kind = { Enter: "approve", Backspace: "reject", S: "skip", D: "draft", U: "undo" }[key];
    if (kind) return () => this.press(kind);
    const [refused] = this.refused;
    if (refused && key === "K") return () => this.keepTheirs(refused);
    if (refused && key === "M") return () => this.storeMine(refused);
    if (!this.hand) return null;
    if (/^[0-8]$/.test(key)) {
      const mood = this.data.moods[Number(key) - 1];
      return key === "0" || mood ? () => this.change(() => this.form.setEmotion(mood ? mood.code : null)) : null;
    }
    const part = Object.keys(ARMED_BY).find((name) => ARMED_BY[name] === key);
    if (part) return () => this.arm(part);
    if (key === "V") return () => this.view.pad.pad.focus();
    return key === "N" ? () => this.view.note.focus() : null;
  }

  // G and a digit: a genre; G twice: find one by its name. T and Q work the same.
  armedAct(key) {
    const part = this.armed;
    if (key === "Escape") return () => this.arm(null);
    if (key === "G" && part === "genre") {
      return () => {
        this.arm(null);
        this.view.find.focus();
      };
    }
    const chips = { genre: () => this.genreChips(), technique: () => this.techniqueChips(), quality: () => STARS.map((code) => ({ code })) };
    const index = CHIP_KEYS.indexOf(key);
    const chip = key.length === 1 && index >= 0 ? chips[part]()[index] : null;
    this.armed = null;
    if (chip) return () => this.change(() => this.choose(part, chip.code));
    // A digit without a chip is no emotion: it was meant for the chips.
    return /^[0-9]$/.test(key) ? () => this.view.draw(false) : null;
  }

  arm(part) {
    this.armed = part;
    this.view.draw(false);
  }

  // ---- sound

  isSounding() {
    const engine = window.composerTransport;
    return Boolean(engine && engine.voice && this.hand && engine.data && engine.data.loopId === this.hand.id);
  }

  play() {
    const { hand } = this;
    const engine = window.composerTransport;
    if (!hand || !hand.sound || !engine) return;
    this.heard = hand.id;
    engine.request(hand.sound);
  }

  togglePlay() {
    const engine = window.composerTransport;
    if (this.isSounding()) engine.stop();
    else if (this.hand && this.hand.sound) {
      this.heard = this.hand.id;
      if (engine.data && engine.data.token === this.hand.sound.token) engine.play();
      else engine.request({ ...this.hand.sound, token: `${this.hand.sound.token}-${Date.now()}` });
    }
    setTimeout(() => this.isOpen() && this.hand && this.view.drawPlay(this.data.words), 200);
  }

  tick() {
    if (!this.isOpen()) return;
    this.queue.tick(this.refused.map((one) => one.press));
    if (this.queue.adopt()) this.view.drawFoot();
    if (this.hand) this.view.drawPlay(this.data.words);
    if (this.hand && this.data.autoplay && this.heard !== this.hand.id) this.play();
    this.askForSound();
    const isIdle = !this.queue.waiting.length && document.visibilityState === "visible";
    if (isIdle && Date.now() - this.lookedAt > LOOK_MS) {
      this.lookedAt = Date.now();
      this.commitLook();
    }
  }
}

const deskViews = new WeakMap();

export default function labelDesk({ data, parentElement, setStateValue }) {
  const standing = window.composerDesk;
  if (!standing || standing.edition !== DESK_EDITION || standing.place !== data.place) {
    if (standing) standing.view = null; // its listeners stay and find nothing open
    window.composerDesk = new Desk(data.place);
  }
  const desk = window.composerDesk;
  let view = deskViews.get(parentElement);
  if (!view || view.at(".desk") !== parentElement.querySelector(".desk") || view.desk !== desk) {
    view = new DeskView(desk, parentElement);
    deskViews.set(parentElement, view);
    desk.drawnForm = null;
  }
  desk.show(view, data, (name, value) => setStateValue(name, value));
  return () => {
    desk.queue.commit = null;
  };
}
