// What the form of one loop holds. It is filled from the server's values once and then belongs to the person.

const MOST_GENRES = 3;
const WEIGHT_STEP = 5;
const EQUAL_WEIGHT = 50;
const NEUTRAL = [0, 0.5];
// What is approved together, and the label fields it is made of.
const PARTS = {
  affect: ["emotion_valence", "emotion_arousal"],
  emotion: ["emotion"],
  genre: ["genre"],
  technique: ["technique"],
  quality: ["quality"],
};

class Form {
  constructor(hand) {
    this.hand = hand;
    this.touched = new Set(); // parts that the person has set
    this.ticks = {}; // parts that the person has included or left out
    for (const [part, fields] of Object.entries(PARTS)) {
      if (fields.some((field) => hand.touched.includes(field))) this.touched.add(part);
    }
    this.note = hand.note;
    const { values } = hand;
    this.valence = values.emotion_valence ?? NEUTRAL[0];
    this.arousal = values.emotion_arousal ?? NEUTRAL[1];
    this.emotion = values.emotion ?? null;
    this.fillGenre(values.genre || {});
    this.technique = [...(values.technique || [])];
    this.quality = values.quality ?? null;
  }

  fillGenre(weights) {
    this.genre = new Map();
    const heaviest = Object.entries(weights).sort((one, other) => other[1] - one[1]);
    for (const [code, weight] of heaviest.slice(0, MOST_GENRES)) {
      this.genre.set(code, Math.max(WEIGHT_STEP, WEIGHT_STEP * Math.round((100 * weight) / WEIGHT_STEP)));
    }
  }

  // The shares add up to 1; null without a genre.
  shares() {
    const total = [...this.genre.values()].reduce((sum, weight) => sum + weight, 0);
    if (!total) return null;
    return Object.fromEntries([...this.genre].map(([code, weight]) => [code, weight / total]));
  }

  value(field) {
    if (field === "emotion_valence") return this.valence;
    if (field === "emotion_arousal") return this.arousal;
    return field === "genre" ? this.shares() : this[field];
  }

  // Whether nothing would be lost if the form were filled anew: no part set, none ticked, nothing noted.
  isUntouched() {
    return !this.touched.size && !Object.keys(this.ticks).length && this.note === this.hand.note;
  }

  touch(part) {
    this.touched.add(part);
    delete this.ticks[part];
  }

  setAffect(valence, arousal) {
    this.valence = valence;
    this.arousal = arousal;
    this.touch("affect");
  }

  setEmotion(code) {
    this.emotion = code;
    this.touch("emotion");
  }

  setQuality(stars) {
    this.quality = stars;
    this.touch("quality");
  }

  toggleTechnique(code) {
    this.technique = this.technique.includes(code) ? this.technique.filter((one) => one !== code) : [...this.technique, code];
    this.touch("technique");
  }

  // False where there are three already.
  toggleGenre(code) {
    if (!this.genre.delete(code)) {
      if (this.genre.size >= MOST_GENRES) return false;
      this.genre.set(code, EQUAL_WEIGHT);
    }
    this.touch("genre");
    return true;
  }

  setWeight(code, weight) {
    this.genre.set(code, weight);
    this.touch("genre");
  }

  // Put one value of another rater into the form.
  put(field, value) {
    if (field === "emotion_valence") this.setAffect(value ?? NEUTRAL[0], this.arousal);
    else if (field === "emotion_arousal") this.setAffect(this.valence, value ?? NEUTRAL[1]);
    else if (field === "emotion") this.setEmotion(value);
    else if (field === "quality") this.setQuality(value);
    else if (field === "genre") {
      this.fillGenre(value || {});
      this.touch("genre");
    } else if (field === "technique") {
      this.technique = [...(value || [])];
      this.touch("technique");
    }
  }

  // Whether a field goes along with an approval: what the person set or ticked, else what is there and not wholly
  // unsure (an estimate that shows 0 % is nobody's word).
  goes(part, field) {
    if (this.ticks[part] !== undefined) return this.ticks[part];
    if (this.touched.has(part)) return true;
    return field in this.hand.values && !this.hand.unsure.includes(field);
  }

  partGoes(part) {
    return PARTS[part].some((field) => this.goes(part, field));
  }

  toggleTick(part) {
    this.ticks[part] = !this.partGoes(part);
  }

  // What an approval or a draft stores, by field.
  given() {
    const values = {};
    for (const [part, fields] of Object.entries(PARTS)) {
      for (const field of fields) {
        const value = this.value(field);
        const says = value !== null || this.touched.has(part);
        if (says && this.goes(part, field)) values[field] = value;
      }
    }
    return values;
  }

  // What a rejection refers to: everything the form shows but the quality, which wrong labels say nothing about.
  all() {
    const fields = Object.values(PARTS).flat().filter((field) => field !== "quality");
    return Object.fromEntries(fields.map((field) => [field, this.value(field)]));
  }

  // The emotion and the point of the pad lie clearly on opposite sides of an axis.
  contradicts(moods) {
    const mood = moods.find(({ code }) => code === this.emotion);
    const placed = this.touched.has("affect") || "emotion_valence" in this.hand.values;
    if (!mood || !placed) return false;
    const [lowValence, highValence, lowArousal, highArousal] = mood.fits;
    return this.valence < lowValence || this.valence > highValence || this.arousal < lowArousal || this.arousal > highArousal;
  }
}
