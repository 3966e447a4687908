/* Revives the book's figures on a page without a kernel, from the widget state that the page carries. The state is data: the
   code comes from `widgets.js` beside this file, by the figure's name, and no text of the state is ever run. A figure that
   fails says so in its place and leaves the others alone. */
(() => {
  const home = document.currentScript.src;
  const OURS = /^safegrid\.figures\.\w+\.\w+$/;

  /* What anywidget gives a figure in Jupyter: a model that can be read, set and listened to. */
  class Model {
    #state;
    #listeners = new Map();
    constructor(state) { this.#state = new Map(Object.entries(state)); }
    get(name) { return this.#state.get(name); }
    set(name, value) {
      if (Object.is(this.#state.get(name), value)) return;
      this.#state.set(name, value);
      for (const listener of this.#listeners.get(`change:${name}`) ?? []) listener();
    }
    on(event, listener) { this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]); }
    off(event, listener) { this.#listeners.set(event, (this.#listeners.get(event) ?? []).filter((one) => one !== listener)); }
    save_changes() {}
  }

  function fail(place, error) {
    const note = document.createElement("p");
    note.setAttribute("role", "alert");
    note.className = "sg-error";
    const served = location.protocol === "file:" ? " A browser runs no module from a file: serve the folder, for example with `python -m http.server`." : "";
    note.textContent = `This figure cannot be shown: ${String(error.message).slice(0, 300)}.${served}`;
    place.className = "safegrid";
    place.replaceChildren(note);
  }

  async function revive() {
    const views = [...document.querySelectorAll('script[type="application/vnd.jupyter.widget-view+json"]')];
    const states = [...document.querySelectorAll('script[type="application/vnd.jupyter.widget-state+json"]')];
    if (!views.length) return;
    const module = import(new URL("widgets.js", home)); // under way while the state is read
    const models = states.map((script) => { try { return JSON.parse(script.textContent).state ?? {}; } catch { return {}; } });
    for (const view of views) {
      const place = view.parentElement.insertBefore(document.createElement("div"), view.nextSibling);
      try {
        const id = JSON.parse(view.textContent).model_id, known = models.find((state) => Object.hasOwn(state, id))?.[id];
        if (!known) throw new Error("the page carries no state for it");
        if (!OURS.test(known.state?._anywidget_id)) continue; // somebody else's widget
        (await module).default.render({ model: new Model(known.state), el: place, page: !document.querySelector(".sg-lab") }); // one link, one laboratory
        performance.mark("safegrid-alive");
      } catch (error) { fail(place, error); }
    }
  }
  revive();
})();
