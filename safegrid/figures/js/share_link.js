/* A share link: a figure's settings, whole, after the # of the page's address, where no server sees them. */

import { refuse } from "./checks.js";
import { checked } from "./settings.js";

const VERSION = "1";

/* Whether an address is a link to a figure of this name. The first links named none: they were the laboratory's. */
export function isLink(hash, figure) {
  const named = new URLSearchParams(hash.slice(1)).get("figure") ?? "laboratory";
  return hash.startsWith("#safegrid=") && named === figure;
}

export function toLink(figure, state) {
  const entries = Object.entries(state).map(([name, value]) => [name, Array.isArray(value) ? value.join(".") : value]);
  return `#${new URLSearchParams([["safegrid", VERSION], ["figure", figure], ...entries])}`;
}

/* The settings of a link, checked; one too many is refused, and a lack of one that links have always said. */
export function fromLink(hash, settings) {
  if (hash.length > 4000) refuse("link", hash, "at most 4000 letters");
  const found = [...new URLSearchParams(hash.slice(1))];
  const names = found.map(([name]) => name);
  const wanted = ["safegrid", "figure", ...Object.keys(settings)];
  const unsaid = (name) => name === "figure" || settings[name]?.before !== undefined;
  const missing = wanted.find((name) => !names.includes(name) && !unsaid(name));
  const odd = names.find((name, i) => !wanted.includes(name) || names.indexOf(name) !== i);
  if (found[0]?.[1] !== VERSION) refuse("link", hash, `a figure of version ${VERSION}`);
  if (missing) refuse("link", hash, `the setting ${missing}`);
  if (odd !== undefined) refuse("link", hash, `no setting ${odd.slice(0, 40)}, or once`);
  const given = found.filter(([name]) => Object.hasOwn(settings, name));
  const said = Object.fromEntries(given.map(([name, raw]) => [name, settings[name].read(raw)]));
  return checked(settings, { ...silent(settings), ...said });
}

/* What a link means by not saying it, where it was made before there was the setting. */
function silent(settings) {
  const since = Object.entries(settings).filter(([, kind]) => "before" in kind);
  return Object.fromEntries(since.map(([name, kind]) => [name, kind.before]));
}
