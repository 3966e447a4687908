/* A link to a section of a page lands there, also where formulas, figures and pictures above it take their place late.
   It lets go as soon as the reader moves, and leaves alone whoever comes back to where they were. */
(() => {
  const [visit] = performance.getEntriesByType("navigation");
  if (location.hash === "" || visit?.type !== "navigate") return;
  const growth = new ResizeObserver(() => document.querySelector(":target")?.scrollIntoView({ behavior: "instant" }));
  const letGo = () => growth.disconnect();
  growth.observe(document.body);
  for (const move of ["wheel", "touchstart", "pointerdown", "keydown"]) {
    addEventListener(move, letGo, { once: true, passive: true });
  }
  addEventListener("load", () => setTimeout(letGo, 3000));
})();
