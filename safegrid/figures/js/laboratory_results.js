/* What a laboratory says of its study: a table of scores, a sentence, and a cell of a board in words. */

import { GAMMA } from "./laboratory_settings.js";
import { returnOrValue } from "./meanings.js";
import { html, number, percent } from "./page.js";

export function makeTable() {
  const columns = ["return", "hazard", "claimed", "true value"].map((name) => html("th", { scope: "col" }, name));
  const body = html("tbody");
  const head = html("thead", {}, html("tr", {}, html("td"), ...columns));
  const draw = ({ optimum, driver, clone, cql, claimed }) => {
    const rows = [[optimum, ""], [driver, ""], [clone, ""], [cql, number(claimed)]];
    body.replaceChildren(...rows.map(([agent, claim]) => tableRow(agent, claim)));
  };
  const caption = html("caption", {}, returnOrValue(GAMMA));
  return { element: html("table", { class: "sg-table" }, caption, head, body), draw };
}

function tableRow({ name, score, worth }, claim) {
  const cells = [number(score.return_mean), percent(score.hazard_rate), claim, number(worth)];
  return html("tr", {}, html("th", { scope: "row" }, name), ...cells.map((cell) => html("td", {}, cell)));
}

/* In words; after a touch of the brush with how many drives it left as they were. */
export function verdict({ clone, cql, claimed, kept, settings }, brushed = false) {
  const hits = ({ score }) => number(100 * score.hazard_rate, 0);
  const over = claimed - cql.worth;
  const wrong = `${number(Math.abs(over))} too ${over > 0 ? "much" : "little"}`;
  const same = () => ` ${kept} of the log's ${settings.n_episodes} drives are as they were.`;
  const drives = brushed && kept !== null ? same() : "";
  return `The clone hits a hazard in ${hits(clone)} of 100 episodes, CQL in ${hits(cql)}. ` +
    `CQL claims ${number(claimed)} for the start and is worth ${number(cql.worth)}: ${wrong}.${drives}`;
}
