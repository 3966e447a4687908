/* Says in a small box what a link leads to: a term's definition, what is cited, a formula, a figure, a section's head.
   It opens on hover, on focus, and on the first tap, of which the second follows the link; Esc or a tap elsewhere
   closes it. The words are the links' titles, which a browser without scripts shows in its own way. */
(() => {
  const LINKS = '.bd-article :is(a.reference[title], a.reference.internal[href*="#"])';
  const PARTS = ":is(h1, h2, h3, h4, h5, h6, .admonition-title, p, figure, div.math)";
  const [WAIT, MARGIN] = [200, 8]; // milliseconds to pass over a link or reach the box, pixels around it
  const said = new Map();
  const tip = Object.assign(document.createElement("div"), { id: "sg-tip", className: "sg-tip" });
  let shown = null; // the link whose box is open
  let tapped = null; // the link whose box was open when the finger came down; undefined: no finger
  let timer = 0;

  function linkOf(event) {
    const link = event.target.closest("a.reference");
    return said.has(link) ? link : null;
  }

  function later(what) {
    clearTimeout(timer);
    timer = setTimeout(what, WAIT);
  }

  function copyOf(element) {
    const copy = element.cloneNode(true);
    for (const gone of copy.querySelectorAll(".headerlink, script, noscript")) gone.remove();
    for (const one of [copy, ...copy.querySelectorAll("*")]) {
      for (const name of ["id", "href", "tabindex"]) one.removeAttribute(name);
    }
    return copy;
  }

  function preview(link) {
    const words = said.get(link);
    if (words) {
      if (!link.classList.contains("term")) return [words];
      const end = words.indexOf(": ");
      const term = Object.assign(document.createElement("strong"), { textContent: words.slice(0, end) });
      return [term, words.slice(end + 1)];
    }
    const id = decodeURIComponent(link.hash.slice(1));
    const near = link.pathname === location.pathname && document.getElementById(id);
    const target = document.getElementById(`preview-${id}`) || near || tip; // in which there is nothing yet
    return (target.matches(PARTS) ? [target] : [...target.querySelectorAll(PARTS)].slice(0, 2)).map(copyOf);
  }

  function place(link) {
    const { left, top, bottom } = link.getClientRects()[0];
    const page = document.documentElement;
    const x = Math.max(MARGIN, Math.min(left, page.clientWidth - tip.offsetWidth - MARGIN));
    const above = bottom + tip.offsetHeight + MARGIN > page.clientHeight && top > tip.offsetHeight + MARGIN;
    const y = above ? top - tip.offsetHeight - MARGIN / 2 : bottom + MARGIN / 2;
    Object.assign(tip.style, { left: `${x + scrollX}px`, top: `${y + scrollY}px` });
  }

  function show(link) {
    hide();
    tip.append(...preview(link));
    if (!tip.hasChildNodes()) return;
    link.setAttribute("aria-describedby", tip.id);
    shown = link;
    place(link);
  }

  function hide() {
    clearTimeout(timer);
    shown?.removeAttribute("aria-describedby");
    shown = null;
    tip.replaceChildren(); // an empty box is not seen
  }

  for (const link of document.querySelectorAll(LINKS)) {
    said.set(link, link.title);
    link.removeAttribute("title"); // or the browser shows it a second time
  }
  tip.setAttribute("role", "tooltip");
  document.body.append(tip);

  document.addEventListener("pointerover", (event) => {
    const link = linkOf(event);
    if (link && event.pointerType !== "touch") later(() => link !== shown && show(link));
  });
  document.addEventListener("pointerout", (event) => linkOf(event) && event.pointerType !== "touch" && later(hide));
  tip.addEventListener("pointerenter", () => clearTimeout(timer));
  tip.addEventListener("pointerleave", () => later(hide));
  document.addEventListener("focusin", (event) => linkOf(event)?.matches(":focus-visible") && show(linkOf(event)));
  document.addEventListener("focusout", hide);
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  document.addEventListener("pointerdown", (event) => {
    tapped = event.pointerType === "touch" ? shown : undefined;
    if (!tip.contains(event.target) && linkOf(event) !== shown) hide();
  });
  document.addEventListener("click", (event) => {
    const link = linkOf(event);
    if (!link || tapped === undefined || tapped === link || !event.detail) return; // a key follows at once
    show(link);
    if (shown) event.preventDefault();
  });
})();
