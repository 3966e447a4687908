/* You choose: agents as covered cards, of which the log alone speaks; one is let loose, and all are uncovered. */

import { makeBoards } from "./boards.js";
import { ESTIMATES, LETTERS, meanOf, OPEN, ORDERS, picksOf, readCards, sorted } from "./cards_data.js";
import { scoreRows } from "./cards_scores.js";
import { makeChoice, makeSlider, named, row } from "./controls.js";
import { counted, sampleWays, tally } from "./driving.js";
import { makeFrame } from "./figure.js";
import { explorerLayer } from "./layers.js";
import { html, number, percent, QUIET } from "./page.js";
import { rendered } from "./render.js";
import { oneFrom, wholeIn } from "./settings.js";

const FLEET = 20;
const MEANINGS = "Claim: what its network believes. Model, risk: its worth in a model counted from the log, and how " +
  "often it meets harm or the unknown there. Alike: as the log did. Trips: its worth by those that went its way. " +
  "Uncovered: what it earns, crashes and idles in truth, and its regret, which is what it is worth less than the best.";

function cards(model, page) {
  const data = readCards(model.get("data"));
  const { world, names, order, truth, n, L } = data;
  const frame = makeFrame(model, page, {
    name: "cards",
    settings: { log: wholeIn(0, L - 1), picks: picksOf(L, n), sort: oneFrom(ORDERS) },
    python: ({ picks }) => `${data.code}
cards.picks = "${picks}"
for who, (regret, hazard) in cards.tally().items():
    print(f"{who}: regret {regret:.1f}, hazard {hazard:.2%}")
`,
  });
  let shown = null; // the candidate on the board; before a choice there is none but the log's driver
  let on_board = data.driver;

  const boards = makeBoards([""], world, { look });
  const deck = html("div", { class: "sg-deck", role: "group", "aria-label": "cards" });
  const slider = makeSlider("log", order.map((_, l) => `${l + 1} of ${L}`), show);
  const sort = makeChoice("order", named(ORDERS), (by) => frame.change({ sort: by }));
  const scores = html("table", { class: "sg-table sg-odds" });
  const next = frame.verb("another log", () => show(following()));

  /* The next log without a choice; where there is none, the next. */
  function following() {
    const { log, picks } = frame.read();
    const after = Array.from({ length: L }, (_, i) => (log + 1 + i) % L);
    return after.find((l) => picks[l] === "-") ?? after[0];
  }

  function show(log) {
    shown = null;
    frame.change({ log });
  }

  /* The candidates under the letters that were picked, −1 where there is none. */
  function taken(picks) {
    return [...picks].map((letter, l) => order[l][LETTERS.indexOf(letter)] ?? -1);
  }

  /* The first card pressed is the choice; after it any card shows its way. */
  function press(letter) {
    const { log, picks } = frame.read();
    shown = order[log][letter];
    if (picks[log] === "-") frame.change({ picks: picks.slice(0, log) + LETTERS[letter] + picks.slice(log + 1) });
    else draw();
    queueMicrotask(drive);
  }

  function drive() {
    const { log } = frame.read();
    const ways = sampleWays(world, on_board.policy, FLEET, log);
    const who = nameOf(shown, log);
    const said = frame.sentence.textContent;
    boards.animate([ways], () => {
      frame.sentence.textContent = `${said} Twenty drives of ${who}: ${counted(tally(world, ways))}.`;
    });
  }

  function letterOf(c, log) {
    return LETTERS[order[log].indexOf(c)].toUpperCase();
  }

  function nameOf(c, log) {
    return `${letterOf(c, log)} (${names[c]})`;
  }

  function look(s) {
    return world.terminal[s] ? "" : `is passed ${number(on_board.visits[s], 2)} times a trip`;
  }

  function card(letter, log, mine) {
    const c = order[log][letter];
    const open = mine >= 0;
    const tables = { ...data.estimates, ...truth };
    const lines = Object.entries(open ? OPEN : ESTIMATES).map(([name, [label, write]]) =>
      html("span", { class: "sg-told" }, html("span", {}, `${label} `), html("b", {}, write(tables[name][c][log]))));
    const marks = [open && "sg-open", c === mine && "sg-mine", c === shown && "sg-shown"].filter(Boolean);
    const head = LETTERS[letter].toUpperCase() + (c === mine ? " yours" : "");
    const button = { type: "button", class: ["sg-card", ...marks].join(" "), click: () => press(letter), ...QUIET };
    const name = open ? html("b", {}, names[c]) : null;
    return html("button", button, html("span", { class: "sg-head" }, head), name, ...lines);
  }

  function draw() {
    const { log, picks, sort: by } = frame.read();
    const yours = taken(picks);
    const mine = yours[log];
    shown = mine < 0 ? null : shown ?? mine;
    on_board = shown === null ? data.driver : data.agent(shown, log);
    const focused = [...deck.children].indexOf(document.activeElement);
    deck.replaceChildren(...sorted(data, log, by).map((letter) => card(letter, log, mine)));
    deck.children[focused]?.focus({ preventScroll: true });
    boards.draw([[explorerLayer("visits", world, on_board, {}), on_board.policy, on_board.visits]]);
    boards.boards[0].title.textContent = shown === null ? "who wrote the log" : nameOf(shown, log);
    slider.set(log);
    sort.set(by);
    scores.replaceChildren(...scoreRows(data, log, yours, (c) => letterOf(c, log)));
    frame.sentence.textContent = mine < 0 ?
      `Log ${log + 1}: one of these ${n} agents will drive tomorrow. Which do you let loose? Press its card.` :
      verdict(yours, log);
    frame.settle();
  }

  function verdict(yours, log) {
    const c = yours[log];
    const best = order[log].find((other) => truth.regret[other][log] === 0);
    const less = `worth ${number(truth.regret[c][log])} less than ${nameOf(best, log)}`;
    const harm = `It crashes in ${percent(truth.hazard_rate[c][log])} of its trips.`;
    const much = truth.regret[c][log] < 0.05 ? "as good as the best" : less;
    const here = `You let loose ${nameOf(c, log)}: ${much}. ${harm}`;
    if (yours.includes(-1)) return here;
    const [regret, hazard] = meanOf(data, yours.map((one, l) => [one, l]));
    return `${here} Over all logs your regret is ${number(regret)}, your hazard ${percent(hazard)}.`;
  }

  const element = frame.lay({
    bar: [slider.element, next],
    stage: [html("div", { class: "sg-two-to-one" }, deck, boards.stage)],
    below: [html("p", { class: "sg-note" }, MEANINGS), row(sort.element), ...boards.below, scores],
  });
  const stop = () => {
    boards.still();
    frame.stop();
  };
  return { element, draw, stop };
}

const render = rendered(cards, ["log", "picks", "sort"]);
export default { render };
