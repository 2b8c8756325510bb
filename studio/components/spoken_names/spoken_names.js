// Streamlit's own names of buttons and regions exist in English only: they are read out in the page's language instead.

class Spoken {
  constructor() {
    this.named = new WeakMap(); // element: the English it was born with, and what it says now
    this.observer = new MutationObserver((changes) => {
      for (const { type, target, addedNodes } of changes) {
        if (type === "attributes") this.say(target);
        for (const node of addedNodes) if (node.nodeType === Node.ELEMENT_NODE) this.sayAll(node);
      }
    });
  }

  speak(language, words) {
    this.words = words;
    document.documentElement.lang = language;
    this.observer.observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ["aria-label"] });
    this.sayAll(document.body);
  }

  sayAll(root) {
    if (root.hasAttribute("aria-label")) this.say(root);
    root.querySelectorAll("[aria-label]").forEach((element) => this.say(element));
  }

  say(element) {
    const shown = element.getAttribute("aria-label");
    if (shown === null) return;
    const known = this.named.get(element);
    const english = known && known.now === shown ? known.english : shown;
    const now = this.inWords(english);
    if (now === shown) return;
    this.named.set(element, { english, now });
    element.setAttribute("aria-label", now);
  }

  inWords(english) {
    if (english in this.words) return this.words[english];
    for (const [begin, sentence] of Object.entries(this.words)) {
      if (begin.endsWith(" ") && english.startsWith(begin)) return sentence.replace("{name}", english.slice(begin.length));
    }
    return english;
  }
}

export default function spokenNames({ data }) {
  window.composerSpoken = window.composerSpoken || new Spoken();
  window.composerSpoken.speak(data.language, data.words);
  if (data.keep) document.cookie = `${data.cookie}=${data.keep}; path=/; max-age=31536000; samesite=lax`;
}
