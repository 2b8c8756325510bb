// The engine of the transport: one object on `window` that outlives reruns and page switches and keeps sounding
// while no view of it is mounted. transport.js, which this text is put in front of, holds the view.

const RAMP_SEC = 0.01; // fade of a start, stop or swap: short enough to feel instant, long enough not to click
const LEAD_SEC = 0.03; // a start is scheduled this far ahead, so that it is exact
const SIDE_RAMP_SEC = 0.004; // from one side of a comparison to the other
const STEM_GAIN = 0.7; // parts that sound together add up
const BUFFERS_KEPT = 48;
const ENGINE_EDITION = 5;

class Engine {
  constructor() {
    this.edition = ENGINE_EDITION;
    this.context = null;
    this.buffers = new Map(); // address -> decoded audio, least recently used first
    this.voice = null; // what sounds
    this.next = null; // what sounds from the next bar line on
    this.data = null; // what is loaded, sounding or not
    this.obeyed = new Set(); // tokens of the requests that were obeyed: a run that was late repeats an older one
    this.notice = null; // "loading", "queued", "failed", "click" or null
    this.side = 0; // which of the two loops of a comparison is heard; 0 where there is only one
    this.muted = new Set(); // names of parts; they stay as they are from one ensemble to the next
    this.soloed = new Set();
    this.loudness = new Loudness();
    this.matching = localStorage.getItem("composer.match") !== "off";
    this.starts = 0;
    this.views = new Set();
    this.looping = localStorage.getItem("composer.loop") !== "off";
    this.volume = Number(localStorage.getItem("composer.volume") ?? 0.9);
    this.walking = false; // whether the focus was moved by keyboard: Space then belongs to what is focused
    document.addEventListener("pointerdown", () => this.onPointer(), true);
    document.addEventListener("keydown", (event) => this.onKey(event), true);
    document.addEventListener("keyup", (event) => this.onKeyUp(event), true);
  }

  // A browser lets sound begin only after a click or key: every one of them creates or resumes the context.
  wake() {
    if (!this.context) {
      this.context = new AudioContext({ latencyHint: "interactive" });
      this.master = this.context.createGain();
      this.master.gain.value = this.volume ** 2;
      this.analyser = this.context.createAnalyser();
      this.analyser.fftSize = 2048;
      this.master.connect(this.analyser).connect(this.context.destination);
    }
    if (this.context.state === "suspended") this.context.resume();
  }

  async load(address) {
    const known = this.buffers.get(address);
    if (known) {
      this.buffers.delete(address);
      this.buffers.set(address, known);
      return known;
    }
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
    const buffer = await this.context.decodeAudioData(await answer.arrayBuffer());
    this.buffers.set(address, buffer);
    if (this.buffers.size > BUFFERS_KEPT) this.buffers.delete(this.buffers.keys().next().value);
    return buffer;
  }

  // Obey a request once, whether it comes from the server or from a part of the page that plays by itself: "start"
  // sounds in any case, "swap" only takes the place of what sounds.
  async request(data) {
    if (this.obeyed.has(data.token)) {
      if (this.data && this.data.token === data.token) this.data = data; // the same loop in another language
      return;
    }
    this.obeyed.add(data.token);
    const audible = this.voice !== null;
    this.data = data;
    this.side = 0;
    if (data.mode === "swap" && !audible) return this.changed();
    await this.play(data);
  }

  async play(data = this.data) {
    if (!data) return;
    this.wake();
    this.notice = this.context.state === "running" ? "loading" : "click";
    this.changed();
    try {
      const buffers = await Promise.all(this.sources(data).map((part) => this.load(part.src)));
      const levels = await this.levelsOf(data, buffers);
      await this.context.resume();
      if (data === this.data || data.token === this.data.token) this.start(data, buffers, levels);
    } catch (error) {
      this.notice = "failed";
      console.warn("transport:", error.message);
      this.changed();
    }
  }

  // The loops of a request: one, or the two that are compared.
  sides(data) {
    return data.other ? [data, data.other] : [data];
  }

  // Everything that has to run for a request: each side of a comparison, or each part of an ensemble.
  sources(data) {
    if (data.stems) return data.stems.map(({ name, src }) => ({ src, loopSec: data.loopSec, side: 0, stem: name }));
    return this.sides(data).map(({ src, loopSec }, side) => ({ src, loopSec, side, stem: null }));
  }

  // The gain of each side that brings it to the common loudness. What plays already keeps its gain in a new form, as
  // long as that does not clip: a softer way of playing is heard to be softer.
  async levelsOf(data, buffers) {
    const sources = this.sources(data).map((part, index) => ({ ...part, buffer: buffers[index] }));
    const before = data.mode === "swap" && this.voice && this.voice.data.key === data.key ? this.voice.levels : null;
    const gain = data.stems ? STEM_GAIN : 1;
    return Promise.all(
      this.sides(data).map(async ({ loopSec }, side) => {
        const parts = sources.filter((part) => part.side === side).map((part) => ({ ...part, gain }));
        const measured = await this.loudness.of(parts, loopSec);
        return before ? Math.min(before[side], CEILING / measured.peak) : matchingGain(measured);
      }),
    );
  }

  setMatching(on) {
    this.matching = on;
    localStorage.setItem("composer.match", on ? "on" : "off");
    this.applyGains();
  }

  // A part is heard unless it is muted; where parts are soloed, only those are.
  isHeard(stem, data = this.data) {
    const soloed = (data.stems || []).some(({ name }) => this.soloed.has(name));
    return soloed ? this.soloed.has(stem) : !this.muted.has(stem);
  }

  gainOf({ side, stem }, data) {
    if (side !== this.side) return 0;
    if (stem === null) return 1;
    return this.isHeard(stem, data) ? STEM_GAIN : 0;
  }

  // Mute or solo a part, or take that back; every part runs on, so it comes back in its place.
  toggleStem(kind, name) {
    const names = kind === "mute" ? this.muted : this.soloed;
    if (!names.delete(name)) names.add(name);
    this.applyGains();
  }

  // The loop that is heard (or would be): what the title and the drawing show.
  heard() {
    return this.data ? this.sides(this.data)[this.side] : null;
  }

  // The new loop begins at the next bar line of the old one; a new form of the same loop keeps its place.
  start(data, buffers, levels) {
    const context = this.context;
    let when = context.currentTime + LEAD_SEC;
    let offset = 0;
    if (this.next && this.next.startedAt <= when) this.arrive(this.next); // too late to take that change back
    const old = this.voice;
    if (old) {
      const bar = old.data.barSec;
      const played = when - old.startedAt + old.offset;
      when += Math.ceil(played / bar - 1e-6) * bar - played;
      if (old.data.key === data.key) {
        const barIndex = Math.round((when - old.startedAt + old.offset) / bar) % old.data.bars;
        offset = (barIndex % data.bars) * data.barSec;
      }
    }
    if (this.next) this.silence(this.next, context.currentTime);
    const voice = this.voiceOf(data, buffers, levels, when, offset);
    if (!old) {
      this.voice = voice;
      this.notice = null;
      return this.changed();
    }
    this.silence(old, when);
    this.next = voice;
    this.notice = "queued";
    this.changed();
    setTimeout(() => this.arrive(voice), Math.max(0, (when - context.currentTime) * 1000));
  }

  arrive(voice) {
    if (this.next !== voice) return;
    this.voice = voice;
    this.next = null;
    this.notice = null;
    this.changed();
  }

  // All sides and parts start at the same sample and run on; only the gains of those that are heard are open.
  voiceOf(data, buffers, levels, when, offset) {
    const output = this.context.createGain();
    output.gain.setValueAtTime(0, when);
    output.gain.linearRampToValueAtTime(1, when + RAMP_SEC);
    output.connect(this.master);
    const parts = this.sources(data).map((part, index) => {
      const source = this.context.createBufferSource();
      const gain = this.context.createGain();
      source.buffer = buffers[index];
      source.loop = true;
      source.loopEnd = part.loopSec;
      gain.gain.value = this.gainOf(part, data);
      const trim = this.context.createGain(); // the same for all parts of a loop
      trim.gain.value = this.matching ? levels[part.side] : 1;
      source.connect(trim).connect(gain).connect(output);
      source.start(when, offset % part.loopSec);
      return { source, trim, gain, part };
    });
    const voice = { id: ++this.starts, data, parts, levels, output, startedAt: when, offset, ending: false };
    parts[0].source.onended = () => this.ended(voice);
    if (!this.looping) this.endAfterRound(voice);
    return voice;
  }

  // Hear the other side of a comparison at the same place: both are running, so only their gains change.
  hear(side) {
    if (!this.data || !this.data.other || side === this.side) return;
    this.side = side;
    this.applyGains();
  }

  applyGains() {
    for (const voice of [this.voice, this.next]) {
      if (!voice) continue;
      const now = this.context.currentTime;
      for (const { trim, gain, part } of voice.parts) {
        this.glide(gain.gain, this.gainOf(part, voice.data), now);
        this.glide(trim.gain, this.matching ? voice.levels[part.side] : 1, now);
      }
    }
    this.changed();
  }

  glide(gain, value, now) {
    gain.cancelScheduledValues(now);
    gain.setValueAtTime(gain.value, now);
    gain.linearRampToValueAtTime(value, now + SIDE_RAMP_SEC);
  }

  silence(voice, when) {
    const from = Math.max(when, this.context.currentTime);
    voice.output.gain.cancelScheduledValues(from);
    voice.output.gain.setValueAtTime(1, from);
    voice.output.gain.linearRampToValueAtTime(0, from + RAMP_SEC);
    this.stopAt(voice, from + RAMP_SEC);
  }

  stopAt(voice, when) {
    for (const { source } of voice.parts) source.stop(when);
  }

  // With the loop button off the sound ends at the loop's own end, not in the wrap padding behind it.
  endAfterRound(voice) {
    const round = Math.max(...this.sides(voice.data).map((part) => part.loopSec));
    const played = Math.max(0, this.context.currentTime - voice.startedAt) + voice.offset;
    const end = voice.startedAt - voice.offset + (Math.floor(played / round) + 1) * round;
    voice.ending = true;
    voice.output.gain.setValueAtTime(1, Math.max(this.context.currentTime, end - RAMP_SEC));
    voice.output.gain.linearRampToValueAtTime(0, end);
    this.stopAt(voice, end);
  }

  ended(voice) {
    for (const { source, trim, gain } of voice.parts) {
      source.disconnect();
      trim.disconnect();
      gain.disconnect();
    }
    voice.output.disconnect();
    if (this.voice === voice && !this.next) {
      this.voice = null;
      this.changed();
    }
  }

  stop() {
    for (const voice of [this.voice, this.next]) if (voice) this.silence(voice, this.context.currentTime);
    this.voice = null;
    this.next = null;
    this.notice = null;
    this.changed();
  }

  toggle() {
    if (this.voice) this.stop();
    else this.play();
  }

  setLooping(on) {
    this.looping = on;
    localStorage.setItem("composer.loop", on ? "on" : "off");
    for (const voice of [this.voice, this.next]) {
      if (!voice) continue;
      if (!on) this.endAfterRound(voice);
      else if (voice.ending) {
        voice.ending = false;
        voice.output.gain.cancelScheduledValues(this.context.currentTime);
        voice.output.gain.setValueAtTime(1, this.context.currentTime);
        this.stopAt(voice, this.context.currentTime + 86400); // the last call counts: moved out of reach
      }
    }
    this.changed();
  }

  setVolume(volume) {
    this.volume = volume;
    localStorage.setItem("composer.volume", String(volume));
    if (this.context) this.master.gain.setTargetAtTime(volume ** 2, this.context.currentTime, RAMP_SEC);
  }

  // Seconds into the loop of what is heard now, null when nothing sounds.
  position() {
    if (!this.voice) return null;
    const heard = this.context.currentTime - (this.context.outputLatency || 0) - this.voice.startedAt;
    const sides = this.sides(this.voice.data);
    const { loopSec } = sides[Math.min(this.side, sides.length - 1)];
    return (Math.max(0, heard) + this.voice.offset) % loopSec;
  }

  level() {
    if (!this.context) return 0;
    const samples = new Float32Array(this.analyser.fftSize);
    this.analyser.getFloatTimeDomainData(samples);
    return Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);
  }

  // A key pressed for itself: without modifiers, and not while typing.
  isPlainKey(event) {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return false;
    const target = event.composedPath()[0];
    const typing = "input:not([type=checkbox]):not([type=radio]):not([type=range]), textarea, select, [contenteditable=true]";
    return !(target instanceof Element && target.closest(typing));
  }

  // Space plays and stops, except while typing and on a control that was reached by keyboard.
  isForTransport(event) {
    if (event.code !== "Space" || !this.isPlainKey(event)) return false;
    const target = event.composedPath()[0];
    if (!(target instanceof Element)) return true;
    if (target.closest("canvas, [role=grid]")) return false;
    return !(this.walking && target.closest("button, a, input, [role=button], [role=slider], [role=option]"));
  }

  onPointer() {
    this.walking = false;
    this.wake();
  }

  onKey(event) {
    if (event.key === "Tab") this.walking = true;
    this.wake();
    // Escape leaves a field, so that the keys printed on buttons act again.
    if (event.key === "Escape" && !event.isComposing && event.target.matches("input, textarea")) event.target.blur();
    if (this.data && this.data.other && event.code === "KeyX" && this.isPlainKey(event)) {
      if (!event.repeat) this.hear(1 - this.side);
      return;
    }
    if (!this.data || !this.isForTransport(event)) return;
    event.preventDefault();
    event.stopPropagation();
    if (!event.repeat) this.toggle();
  }

  onKeyUp(event) {
    if (this.data && this.isForTransport(event)) event.preventDefault(); // or the focused button would be pressed
  }

  changed() {
    for (const view of this.views) view.refresh();
  }

  // For tests and for the curious.
  state() {
    return {
      playing: this.voice !== null,
      source: this.voice ? this.voice.id : null,
      starts: this.starts,
      key: this.data ? this.data.key : null,
      title: this.data ? this.heard().title : null,
      side: this.side,
      gains: this.voice ? this.voice.parts.map(({ gain }) => gain.gain.value) : [],
      matching: this.matching,
      trims: this.voice ? this.voice.parts.map(({ trim }) => trim.gain.value) : [],
      stems: this.data && this.data.stems ? this.data.stems.map(({ name }) => name) : [],
      heard: this.data && this.data.stems ? this.data.stems.map(({ name }) => this.isHeard(name)) : [],
      startedAt: this.voice ? this.voice.startedAt : null,
      position: this.position(),
      loopSec: this.data ? this.heard().loopSec : null,
      level: this.level(),
      context: this.context ? this.context.state : "none",
      notice: this.notice,
      looping: this.looping,
      volume: this.volume,
    };
  }
}
