/* What reaches the page: elements, and numbers as text. A text reaches it as text and nothing else. */

/* JupyterLab would keep the arrow keys for itself. */
export const QUIET = { "data-lm-suppress-shortcuts": "true" };

export function html(tag, attributes = {}, ...children) {
  return build("http://www.w3.org/1999/xhtml", tag, attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return build("http://www.w3.org/2000/svg", tag, attributes, children);
}

/* A function among the attributes listens to the event of its name. */
function build(namespace, tag, attributes, children) {
  const element = document.createElementNS(namespace, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/* A number as text, with a true minus. */
export function minus(x) {
  return String(x).replace("-", "−");
}

export function number(x, digits = 1) {
  if (x === null || Number.isNaN(x)) return "–";
  if (!Number.isFinite(x)) return x < 0 ? "−∞" : "∞";
  const rounded = Number(x.toFixed(digits)) + 0; // −0 becomes 0
  return minus(rounded.toFixed(digits));
}

export function percent(share) {
  if (share > 0 && share < 5e-7) return "<0.0001%";
  if (share > 0 && share < 0.0005) return `${(100 * share).toPrecision(2)}%`;
  const digits = share > 0 && share < 0.0995 ? 1 : 0;
  return `${number(100 * share, digits)}%`;
}
