/* The frame of every figure: its state, what a hand may do with it, and where its parts stand. */

import { makeButton } from "./controls.js";
import { html, QUIET } from "./page.js";
import { checked } from "./settings.js";
import { fromLink, isLink, toLink } from "./share_link.js";

const ONE_MOVEMENT = 700; // milliseconds within which changes of the same settings are undone together

/* `name`: the figure's own; `settings`: each trait that a hand may set, and its kind; `python`: the code that makes the
   state that it is given, for a reader to copy. `page` is true where the page's address is this figure's. */
export function makeFrame(model, page, { name, settings, python }) {
  const past = [];
  const first = read();
  let moved = 0;
  const alert = html("p", { class: "sg-error", role: "alert" });
  const sentence = html("p", { class: "sg-sentence", "aria-live": "polite" });
  const sheet = makeSheet();
  const undo = makeButton("undo", () => attempt(() => put(past.pop())));
  const reset = makeButton("reset", () => change(first));
  for (const button of [undo, reset]) button.classList.add("sg-quiet");

  function read() {
    return checked(settings, Object.fromEntries(Object.keys(settings).map((one) => [one, model.get(one)])));
  }

  function attempt(action) {
    try {
      alert.textContent = "";
      action();
    } catch (error) {
      alert.textContent = error.message;
    }
  }

  function put(state) {
    for (const [one, value] of Object.entries(state)) model.set(one, value);
    model.save_changes();
  }

  /* Sets some settings: all of them, or none where one is refused. */
  function change(wanted) {
    attempt(() => {
      const next = checked(settings, wanted);
      const before = read();
      const now = performance.now();
      const names = Object.keys(next).join();
      const goes_on = past.at(-1)?.names === names && now - moved < ONE_MOVEMENT;
      moved = now;
      if (!goes_on) past.push(Object.assign(Object.create({ names }), before));
      if (past.length > 100) past.shift();
      put(next);
    });
  }

  const visit = () => {
    if (isLink(location.hash, name)) attempt(() => change(fromLink(location.hash, settings)));
  };
  if (page) {
    addEventListener("hashchange", visit);
    queueMicrotask(visit);
  }
  const code = makeButton("copy as Python", () => attempt(() => sheet.hand(python(read()))));
  const share = makeButton("share link", () => {
    history.replaceState(null, "", toLink(name, read()));
    sheet.hand(location.href);
  });

  /* `bar`: what moves the figure, and sticks to the top of a telephone's screen; `stage`: what is moved; `more`: what
     opens on demand. */
  function lay({ bar, stage, below = [], more = [] }) {
    const tools = html("div", { class: "sg-row" }, code, page ? share : null);
    const element = html("div", { class: `sg-figure sg-${name}` },
      html("div", { class: "sg-bar" }, ...bar),
      html("div", { class: "sg-said" }, sentence, html("span", { class: "sg-back" }, undo, reset)), alert,
      ...stage, ...below,
      html("details", { class: "sg-more" }, html("summary", {}, "more"), ...more, tools, sheet.element));
    if (page && !isLink(location.hash, name)) veil(element);
    return element;
  }

  /* Shows what can be taken back. What cannot keeps its place, so that nothing moves under a hand. */
  function settle() {
    undo.style.visibility = past.length === 0 ? "hidden" : "";
    reset.style.visibility = toLink(name, first) === toLink(name, read()) ? "hidden" : "";
  }

  const stop = () => removeEventListener("hashchange", visit);
  const verb = (label, action) => {
    const button = makeButton(label, () => attempt(action));
    button.classList.add("sg-verb");
    return button;
  };
  return { attempt, change, lay, read, sentence, settle, stop, verb };
}

/* Hides what a page's first figure answers until its bet is made, or a hand is laid on the figure. */
function veil(element) {
  const bet = document.querySelector(".ask");
  if (!bet || bet.querySelector(":checked") || document.querySelector(".safegrid .sg-figure")) return;
  const lift = () => element.classList.remove("sg-veiled");
  element.classList.add("sg-veiled");
  bet.addEventListener("change", lift, { once: true });
  for (const touch of ["pointerdown", "keydown"]) element.addEventListener(touch, lift, { once: true });
}

/* Calls `begin` once, when most of an element first comes into view. */
export function whenSeen(element, begin) {
  const watch = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    watch.disconnect();
    begin();
  }, { threshold: 0.6 });
  watch.observe(element);
  return () => watch.disconnect();
}

/* A text to copy. */
function makeSheet() {
  const element = html("textarea", {
    class: "sg-sheet",
    readonly: true,
    rows: 6,
    hidden: true,
    "aria-label": "text to copy",
    ...QUIET,
  });
  const hand = (words) => {
    element.hidden = false;
    element.value = words;
    element.select();
    navigator.clipboard?.writeText(words).catch(() => {}); // where that is forbidden, the text is selected
  };
  return { element, hand };
}
