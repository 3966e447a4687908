/* Ticks of what was read: a button at each chapter's end, a mark beside its name in the contents. They are kept under
   one name in this browser, go nowhere, and go away by a second button. */
(() => {
  const KEPT = "safegrid-read";
  const pageOf = (link) => new URL(link.href).pathname.split("/").pop();
  const here = location.pathname.split("/").pop();
  const chapter = document.querySelector(".bd-article:has(.reading-time)");
  const contents = [...document.querySelectorAll(".bd-sidebar-primary nav a.internal")];

  function read() {
    try {
      const kept = JSON.parse(localStorage.getItem(KEPT));
      return new Set(Array.isArray(kept) ? kept.map(String) : []);
    } catch {
      return new Set(); // nothing is kept, or the browser keeps nothing
    }
  }

  function keep(pages) {
    try {
      if (pages.size) localStorage.setItem(KEPT, JSON.stringify([...pages]));
      else localStorage.removeItem(KEPT);
    } catch {
      // then it holds for no page but this one
    }
    show(pages);
  }

  function button(text, press) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.addEventListener("click", press);
    return made;
  }

  const tick = button("I have read this chapter", () => {
    const pages = read();
    if (!pages.delete(here)) pages.add(here);
    keep(pages);
  });
  const forget = button("Forget all ticks", () => {
    keep(new Set());
    tick.focus();
  });

  function show(pages) {
    for (const old of document.querySelectorAll(".ticked")) old.remove();
    for (const link of contents.filter((one) => pages.has(pageOf(one)))) {
      const mark = Object.assign(document.createElement("span"), { className: "ticked", textContent: "✓" });
      mark.setAttribute("role", "img");
      mark.setAttribute("aria-label", "read");
      link.append(mark);
    }
    tick.setAttribute("aria-pressed", String(pages.has(here)));
    forget.hidden = !pages.size;
  }

  if (chapter) {
    const line = Object.assign(document.createElement("p"), { className: "ticks" });
    line.append(tick, forget, "Ticks are kept in this browser alone.");
    chapter.append(line);
  }
  addEventListener("storage", (event) => event.key === KEPT && show(read()));
  show(read());
})();
