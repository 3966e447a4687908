/* Sets a page's formulas with KaTeX, and loads it only where there are some. */
(() => {
  const home = new URL("vendor/katex/", document.currentScript.src);
  const load = (tag, attributes) => new Promise((done, fail) => {
    document.head.append(Object.assign(document.createElement(tag), attributes, { onload: done, onerror: fail }));
  });
  const formulas = [...document.querySelectorAll(".math")];
  const set = () => {
    for (const formula of formulas) {
      const display = formula.matches("div"), source = [...formula.childNodes].findLast((node) => node.nodeType === Node.TEXT_NODE && /^\s*\\[([]/.test(node.data));
      if (!source) continue;
      const place = document.createElement("span");
      if (display) Object.assign(place, { className: "katex-scroll", tabIndex: 0 }); // scrolls by key, too
      source.replaceWith(place);
      window.katex.render(source.data.trim().slice(2, -2), place, { displayMode: display, throwOnError: false });
    }
  };
  if (!formulas.length) return;
  load("link", { rel: "stylesheet", href: new URL("katex.min.css", home) });
  load("script", { src: new URL("katex.min.js", home) }).then(set);
})();
