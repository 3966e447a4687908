/* Revives the book's figures on a page without a kernel, from the widget state that the page carries. The state is
   data: the code comes from the file of the figure's name in `figures/` beside this one, and no text of the state is
   ever run. A figure that fails says so in its place and leaves the others alone. */
(() => {
  const home = document.currentScript.src;
  const OURS = /^safegrid\.figures\.\w+\.\w+$/;
  const KIND = "application/vnd.jupyter.widget";

  /* What anywidget gives a figure in Jupyter: a model that can be read, set and listened to. */
  class Model {
    #state;
    #listeners = new Map();

    constructor(state) {
      this.#state = new Map(Object.entries(state));
    }

    get(name) {
      return this.#state.get(name);
    }

    set(name, value) {
      if (Object.is(this.#state.get(name), value)) return;
      this.#state.set(name, value);
      for (const listener of this.#heard(`change:${name}`)) listener();
    }

    on(event, listener) {
      this.#listeners.set(event, [...this.#heard(event), listener]);
    }

    off(event, listener) {
      this.#listeners.set(event, this.#heard(event).filter((one) => one !== listener));
    }

    #heard(event) {
      return this.#listeners.get(event) ?? [];
    }

    save_changes() {} // there is no kernel to tell
  }

  function fail(place, error) {
    const note = document.createElement("p");
    note.setAttribute("role", "alert");
    note.className = "sg-error";
    note.textContent = `This figure cannot be shown: ${String(error.message).slice(0, 300)}.`;
    place.className = "safegrid";
    place.replaceChildren(note);
  }

  /* A module by its name. From a file a browser runs none; there its copy as a classic script is loaded. */
  function load(name) {
    if (location.protocol !== "file:") return import(new URL(`figures/${name}.js`, home));
    return new Promise((done, refuse) => {
      const script = document.createElement("script");
      script.onload = () => done({ default: script.module });
      script.onerror = () => refuse(new Error(`${script.src} is missing`));
      script.src = new URL(`figures/classic/${name}.js`, home);
      document.head.append(script);
    });
  }

  function readState(script) {
    try {
      return JSON.parse(script.textContent).state ?? {};
    } catch {
      return {};
    }
  }

  function find(view, states) {
    const id = JSON.parse(view.textContent).model_id;
    const known = states.find((state) => Object.hasOwn(state, id))?.[id];
    if (!known) throw new Error("the page carries no state for it");
    return known.state;
  }

  async function revive() {
    const views = [...document.querySelectorAll(`script[type="${KIND}-view+json"]`)];
    const scripts = [...document.querySelectorAll(`script[type="${KIND}-state+json"]`)];
    if (!views.length) return;
    const states = scripts.map(readState);
    const seen = new Set();
    for (const view of views) {
      const place = view.parentElement.insertBefore(document.createElement("div"), view.nextSibling);
      try {
        const state = find(view, states);
        if (!OURS.test(state?._anywidget_id)) continue; // somebody else's widget
        const name = String(state.figure);
        if (!/^[a-z]\w*$/.test(name)) throw new Error(`figure is ${name.slice(0, 40)}, expected a figure's name`);
        const { default: module } = await load(name);
        module.render({ model: new Model(state), el: place, page: !seen.has(name) }); // one link, one figure of a kind
        seen.add(name);
        performance.mark("safegrid-alive");
      } catch (error) {
        fail(place, error);
      }
    }
  }

  revive();
})();
