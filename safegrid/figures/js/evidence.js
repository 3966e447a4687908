/* What a log knows of a cell's moves: how often each was tried and ended in a crash, beside its share in a policy. */

import { barCell } from "./microscope.js";
import { html, percent } from "./page.js";
import { ACTIONS, endOf, SIGNS } from "./world.js";

const HEADS = ["policy", "tried", "crashed"];

/* A table of one state; `read` looks into a cell and says it in words, too, after a note, where it has one. */
export function makeEvidence() {
  const names = HEADS.map((name) => html("th", { scope: "col" }, name));
  const heads = html("thead", {}, html("tr", {}, html("td"), ...names));
  const caption = html("caption");
  const body = html("tbody");
  const element = html("table", { class: "sg-scope" }, caption, heads, body);

  function read(world, s, { policy, counts, crashed }, note = "") {
    const end = endOf(world, s) ?? "";
    const rows = end ? [] : ACTIONS.map((a) => [SIGNS[a], policy[4 * s + a], counts[4 * s + a], crashed[4 * s + a]]);
    const most = Math.max(1, ...rows.map(([, , tries]) => tries));
    caption.textContent = end || note;
    heads.hidden = rows.length === 0;
    body.replaceChildren(...rows.map(([sign, share, tries, crashes]) =>
      html("tr", { class: share > 0 ? "sg-chosen" : null },
        html("th", { scope: "row" }, sign),
        barCell(percent(share), share, "sg-of-claims"),
        barCell(String(tries), tries / most, "sg-of-log"),
        barCell(String(crashes), crashes / most, "sg-of-push"))));
    const words = rows.map(([sign, share, tries, crashes]) =>
      `${sign} ${percent(share)}, tried ${tries} times, crashed ${crashes}`);
    return end || `${note && `${note} `}${words.join(" · ")}`;
  }

  return { element, read };
}
