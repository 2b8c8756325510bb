// What a person pressed, in order, until the server has answered it. Every press holds all that is needed to store
// it, and its page and number, so that one that is sent twice is stored once. The list lives in localStorage too:
// a press outlives a reload, a lost connection and a restarted server.

const RESEND_MS = 4000;
const TICK_MS = 1000;
const LOOK_MS = 4000; // how often an open desk asks what others have decided meanwhile
const ABANDONED_MS = 10_000; // a page that has not said so long that it lives hands its presses to the next

function newClient() {
  return [...crypto.getRandomValues(new Uint8Array(10))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

class PressQueue {
  constructor(place) {
    this.key = `composer.desk.${place}`;
    this.client = newClient();
    this.count = 0;
    this.waiting = []; // pressed and not answered yet, oldest first
    this.sentAt = 0;
    this.tries = 0;
    this.commit = null; // hands the list to Python; null while no desk is on screen
  }

  // Put a press at the end of the list; `send` sends all that waits.
  add(press) {
    this.count += 1;
    const whole = { ...press, client: this.client, press: this.count };
    this.waiting.push(whole);
    this.keep();
    return whole;
  }

  send() {
    if (!this.commit || !this.waiting.length) return;
    this.tries += 1;
    this.sentAt = Date.now();
    this.commit({ presses: this.waiting, tries: this.tries });
  }

  // Take answered presses off the list; gives [press, answer] of those that were waiting for it.
  take(answers) {
    const found = [];
    for (const answer of answers) {
      const index = this.waiting.findIndex(({ client, press }) => client === answer.client && press === answer.press);
      if (index >= 0) found.push([this.waiting.splice(index, 1)[0], answer]);
    }
    if (found.length) this.keep();
    return found;
  }

  // Loops that were decided here and whose decision the server has not answered yet.
  decided() {
    const loops = new Map();
    for (const { kind, loop, press, client, target } of this.waiting) {
      if (kind === "undo") {
        for (const [name, of] of loops) if (target && of === `${target.client}:${target.press}`) loops.delete(name);
      } else {
        loops.set(loop, `${client}:${press}`);
      }
    }
    return loops;
  }

  tick(held) {
    if (this.waiting.length && Date.now() - this.sentAt > RESEND_MS) this.send();
    if (this.waiting.length || held.length) this.keep(held);
  }

  stored() {
    try {
      return JSON.parse(localStorage.getItem(this.key)) || {};
    } catch {
      return {};
    }
  }

  // `held`: presses that were refused and wait for a person's word.
  keep(held = this.held || []) {
    this.held = held;
    const all = this.stored();
    const own = [...held, ...this.waiting];
    if (own.length) all[this.client] = { at: Date.now(), presses: own };
    else delete all[this.client];
    if (Object.keys(all).length) localStorage.setItem(this.key, JSON.stringify(all));
    else localStorage.removeItem(this.key);
  }

  // Presses of pages that were closed before they had an answer come first. True when there were any.
  adopt() {
    const all = this.stored();
    const left = Object.keys(all).filter((client) => client !== this.client && Date.now() - all[client].at > ABANDONED_MS);
    if (!left.length) return false;
    for (const client of left) {
      this.waiting.unshift(...all[client].presses);
      delete all[client];
    }
    localStorage.setItem(this.key, JSON.stringify(all));
    this.keep();
    this.send();
    return true;
  }

  // The page goes away: whatever waits is the next page's at once.
  abandon() {
    const all = this.stored();
    if (!all[this.client]) return;
    all[this.client].at = 0;
    localStorage.setItem(this.key, JSON.stringify(all));
  }
}
