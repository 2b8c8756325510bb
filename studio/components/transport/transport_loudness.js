// How loud a loop is (ITU-R BS.1770, gated: LUFS), and the gain that brings it to the level all loops are heard at.
// Only what is heard is matched: the files keep the levels their velocities give.

const HEARD_LUFS = -18;
const CEILING = 0.97; // no sample is lifted above this
const MOST_GAIN = 8; // 18 dB: a whisper stays one
const BLOCK_SEC = 0.4;
const HOP_SEC = 0.1;
const LEAST_LUFS = -70; // blocks below are silence
const BELOW_MEAN_LU = 10; // and blocks that much below the mean are pauses

// The parts of one loop as they sound together: { buffer, gain } each, from 0 to `loopSec`.
function mixed(parts, loopSec) {
  const rate = parts[0].buffer.sampleRate;
  const frames = Math.max(1, Math.round(loopSec * rate));
  const mix = new AudioBuffer({ length: frames, numberOfChannels: 2, sampleRate: rate });
  let peak = 0;
  for (let channel = 0; channel < 2; channel += 1) {
    const sum = mix.getChannelData(channel);
    for (const { buffer, gain } of parts) {
      const samples = buffer.getChannelData(Math.min(channel, buffer.numberOfChannels - 1));
      const end = Math.min(frames, samples.length);
      for (let frame = 0; frame < end; frame += 1) sum[frame] += gain * samples[frame];
    }
    for (let frame = 0; frame < frames; frame += 1) peak = Math.max(peak, Math.abs(sum[frame]));
  }
  return { mix, peak };
}

// The K weighting of BS.1770: a shelf for the head, a high pass for what the ear hardly hears.
async function weighted(mix) {
  const context = new OfflineAudioContext(2, mix.length, mix.sampleRate);
  const source = new AudioBufferSourceNode(context, { buffer: mix });
  const shelf = new BiquadFilterNode(context, { type: "highshelf", frequency: 1682, gain: 4 });
  const high = new BiquadFilterNode(context, { type: "highpass", frequency: 38.1, Q: 20 * Math.log10(0.5) });
  source.connect(shelf).connect(high).connect(context.destination);
  source.start();
  return context.startRendering();
}

function meanSquares(audio) {
  const block = Math.min(audio.length, Math.round(BLOCK_SEC * audio.sampleRate));
  const hop = Math.max(1, Math.round(HOP_SEC * audio.sampleRate));
  const channels = [0, 1].map((channel) => audio.getChannelData(channel));
  const found = [];
  for (let start = 0; start + block <= audio.length; start += hop) {
    let sum = 0;
    for (const samples of channels) for (let at = start; at < start + block; at += 1) sum += samples[at] ** 2;
    found.push(sum / block);
  }
  return found;
}

const lufs = (square) => 10 * Math.log10(square) - 0.691;
const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

// Loudness (null for silence) and sample peak of parts ({ src, buffer, gain }) that sound together; measured once.
class Loudness {
  constructor() {
    this.known = new Map();
  }

  async of(parts, loopSec) {
    const name = parts.map(({ src }) => src).join(" ");
    if (!this.known.has(name)) this.known.set(name, await this.measure(parts, loopSec));
    return this.known.get(name);
  }

  async measure(parts, loopSec) {
    const { mix, peak } = mixed(parts, loopSec);
    const sounding = meanSquares(await weighted(mix)).filter((square) => lufs(square) > LEAST_LUFS);
    if (!sounding.length) return { lufs: null, peak };
    const gate = lufs(mean(sounding)) - BELOW_MEAN_LU;
    return { lufs: lufs(mean(sounding.filter((square) => lufs(square) > gate))), peak };
  }
}

// The gain that brings a loop to the common level, as far as its peak lets it.
function matchingGain({ lufs: loudness, peak }) {
  if (loudness === null) return 1;
  return Math.min(10 ** ((HEARD_LUFS - loudness) / 20), MOST_GAIN, CEILING / peak);
}
