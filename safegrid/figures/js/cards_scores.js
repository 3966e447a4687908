/* Who chooses how well: you beside the rules, on one log and on all that you chose on. */

import { meanOf } from "./cards_data.js";
import { html, number, percent } from "./page.js";

const HEADS = ["who", "takes", "regret", "hazard", "mean regret", "mean hazard"];

/* `yours`: the candidate that you took from each log, or −1; `letterOf(candidate)` on the log that is shown. */
export function scoreRows(data, log, yours, letterOf) {
  const open = yours[log] >= 0;
  const played = yours.flatMap((c, l) => (c >= 0 ? [l] : []));
  const everybody = (l) => Array.from({ length: data.n }, (_, c) => [c, l]);
  const chosen = [["you", (l) => [[yours[l], l]]], ...data.rules.map(([rule, at]) => [rule, (l) => [[at[l], l]]]),
    ["a blind draw", everybody]];
  const pair = (choices) => {
    const [regret, hazard] = choices.length ? meanOf(data, choices) : [];
    return [regret === undefined ? "–" : number(regret), hazard === undefined ? "–" : percent(hazard)];
  };
  const line = ([who, of]) => {
    const here = open ? of(log) : [];
    const took = here.length === 1 ? letterOf(here[0][0]) : "–";
    const cells = [took, ...pair(here), ...pair(played.flatMap(of))];
    return html("tr", {}, html("th", { scope: "row" }, who), ...cells.map((words) => html("td", {}, words)));
  };
  const many = played.length === 1 ? "the one log" : `the ${played.length} logs`;
  const note = played.length ? `Means are over ${many} that you chose on.` : "Nobody has chosen yet.";
  return [
    html("caption", {}, note),
    html("thead", {}, html("tr", {}, ...HEADS.map((head) => html("th", { scope: "col" }, head)))),
    html("tbody", {}, ...chosen.map(line)),
  ];
}
