/* Sets a page's formulas with KaTeX, and loads it only where there are some. */
(() => {
  const home = new URL("vendor/katex/", document.currentScript.src);
  const formulas = [...document.querySelectorAll(".math")];

  function load(tag, attributes) {
    return new Promise((done, fail) => {
      const element = Object.assign(document.createElement(tag), attributes, { onload: done, onerror: fail });
      document.head.append(element);
    });
  }

  /* The text node that holds a formula, between \( and \) or \[ and \]. */
  function sourceOf(formula) {
    const isSource = (node) => node.nodeType === Node.TEXT_NODE && /^\s*\\[([]/.test(node.data);
    return [...formula.childNodes].findLast(isSource);
  }

  function setFormula(formula) {
    const source = sourceOf(formula);
    if (!source) return;
    const displayMode = formula.matches("div");
    const place = document.createElement("span");
    if (displayMode) Object.assign(place, { className: "katex-scroll", tabIndex: 0 }); // scrolls by key, too
    source.replaceWith(place);
    window.katex.render(source.data.trim().slice(2, -2), place, { displayMode, throwOnError: false });
  }

  if (!formulas.length) return;
  load("link", { rel: "stylesheet", href: new URL("katex.min.css", home) });
  load("script", { src: new URL("katex.min.js", home) }).then(() => formulas.forEach(setFormula));
})();
