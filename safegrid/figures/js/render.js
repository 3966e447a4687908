/* How Jupyter and the page come in: what `rendered` makes of a figure draws it, and again whenever its state changes.

   State is data. Its numbers are checked before use; its texts reach the page as text and nothing else. */

import { html } from "./page.js";

/* `make(model, page)` gives a figure's `element`, `draw` and `stop`; `shown` names the traits that it draws. */
export function rendered(make, shown) {
  return ({ model, el, page = false }) => {
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
    const heard = [["change:data", open], ...shown.map((name) => [`change:${name}`, update])];
    for (const [event, listener] of heard) model.on(event, listener);
    return () => {
      close();
      for (const [event, listener] of heard) model.off(event, listener);
    };
  };
}
