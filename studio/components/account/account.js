// Signs out, and goes to the form once the server says that the session is over: a page whose connection was closed
// would otherwise try to reconnect for ever.
const LOOK_MS = 15000;

async function look() {
  try {
    const answer = await fetch("/session", { cache: "no-store" });
    if (answer.status === 401) location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
  } catch {
    // The server is not reachable at the moment; Streamlit says so itself.
  }
}

async function signOut() {
  await fetch("/sign-out", { method: "POST", redirect: "manual" });
  location.assign("/sign-in");
}

export default function account({ data, parentElement }) {
  parentElement.querySelector(".who").textContent = data.who;
  const out = parentElement.querySelector(".out");
  out.textContent = data.out;
  out.onclick = signOut;
  if (!window.composerAccount) window.composerAccount = setInterval(look, LOOK_MS);
}
