// The pad of pad.js, which this text is put behind, as a component of its own.

const pads = new WeakMap();

export default function xyPad({ data, parentElement, setStateValue }) {
  let pad = pads.get(parentElement);
  if (!pad || pad.pad !== parentElement.querySelector(".pad")) {
    pad = new Pad(parentElement);
    pads.set(parentElement, pad);
  }
  pad.show(data, (value) => setStateValue("committed", value));
}
