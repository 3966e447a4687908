/* How Jupyter and the page come in: `render` draws the figure that a model names, and draws it again when it changes.

   State is data. Its numbers are checked before use; its texts reach the page as text and nothing else. */

import { oneOf } from "./checks.js";
import { explorer } from "./explorer.js";
import { laboratory } from "./laboratory.js";
import { SETTINGS } from "./laboratory_settings.js";
import { html } from "./page.js";

/* Each figure, and the traits that it shows. */
const FIGURES = {
  explorer: [explorer, ["index", "log", "seed", "layer"]],
  lab: [laboratory, SETTINGS],
};

function render({ model, el, page = false }) {
  let figure = null;
  let due = false;

  const close = () => {
    figure?.stop();
    figure = null;
  };
  const guard = (action) => () => {
    try {
      action();
    } catch (error) {
      close();
      const words = `This figure cannot be shown: ${error.message}`;
      el.replaceChildren(html("p", { class: "sg-error", role: "alert" }, words));
    }
  };
  const open = guard(() => {
    close();
    const [make] = FIGURES[oneOf("figure", model.get("figure"), FIGURES)];
    figure = make(model, page);
    el.replaceChildren(figure.element);
    figure.draw();
  });
  const redraw = guard(() => {
    due = false;
    figure?.draw();
  });
  const update = () => { // once, however many traits change together; a figure that failed gets another try
    if (!due) queueMicrotask(figure ? redraw : open);
    due = figure !== null;
  };

  el.classList.add("safegrid");
  open();
  const shown = FIGURES[model.get("figure")]?.[1] ?? [];
  const heard = [["change:data", open], ...shown.map((name) => [`change:${name}`, update])];
  for (const [event, listener] of heard) model.on(event, listener);
  return () => {
    close();
    for (const [event, listener] of heard) model.off(event, listener);
  };
}

export default { render };
