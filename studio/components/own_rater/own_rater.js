// Who labels in this browser: the name stays in the browser's own storage, whatever workspace the studio opens.

const KEY = "composer.rater";

export default function ownRater({ data, setStateValue }) {
  if (data.rater) {
    localStorage.setItem(KEY, data.rater);
    return;
  }
  if (!data.asked) setStateValue("told", { rater: localStorage.getItem(KEY) || "", at: Date.now() });
}
