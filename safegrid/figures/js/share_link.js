/* A share link: a laboratory's settings, whole, after the # of the page's address, where no server sees them. */

import { refuse } from "./checks.js";
import { BEFORE, checkSettings, SETTINGS } from "./laboratory_settings.js";

const VERSION = "1";
const WORDS = ["driver", "layer"];
const LITERALS = { true: true, false: false, null: null }; // null is training for ever

export function isLink(hash) {
  return hash.startsWith("#safegrid=");
}

export function toLink(settings) {
  const entries = SETTINGS.map((name) => [name, name === "desc" ? settings.desc.join(".") : settings[name]]);
  return `#${new URLSearchParams([["safegrid", VERSION], ...entries])}`;
}

/* The settings of a link, checked; a link that lacks one or has one too many is refused. */
export function fromLink(hash) {
  if (hash.length > 4000) refuse("link", hash, "at most 4000 letters");
  const found = [...new URLSearchParams(hash.slice(1))];
  const names = found.map(([name]) => name);
  const wanted = ["safegrid", ...SETTINGS];
  const missing = wanted.find((name) => !names.includes(name) && !Object.hasOwn(BEFORE, name));
  const odd = names.find((name, i) => !wanted.includes(name) || names.indexOf(name) !== i);
  if (found[0]?.[1] !== VERSION) refuse("link", hash, `a laboratory of version ${VERSION}`);
  if (missing) refuse("link", hash, `the setting ${missing}`);
  if (odd !== undefined) refuse("link", hash, `no setting ${odd.slice(0, 40)}, or once`);
  const given = Object.fromEntries(found.slice(1).map(([name, raw]) => [name, valueOf(name, raw)]));
  return checkSettings({ ...BEFORE, ...given });

}

function valueOf(name, raw) {
  if (name === "desc") return raw.split(".");
  if (WORDS.includes(name)) return raw;
  if (Object.hasOwn(LITERALS, raw)) return LITERALS[raw];
  if (raw.trim() === "") return NaN; // Number would make it 0
  return Number(raw);
}
