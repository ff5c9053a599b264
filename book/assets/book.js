// Small repairs of names for screen readers, and the figures' scripts, fetched only when a figure comes near.
(function () {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  function name() {
    // What can be read on a control must be part of its name: drop labels that say something else.
    all(".search-button-field[aria-label], details > summary[aria-label]").forEach((e) => e.removeAttribute("aria-label"));
    all(".sidebar-primary-items__start > .sidebar-primary-item:first-child").forEach((e) => {
      e.setAttribute("role", "navigation");
      e.setAttribute("aria-label", "Home");
    });
  }

  function scrollable() {
    // What is wider than its place can be scrolled by keyboard. It is measured when its section is laid out, and again
    // when the window changes.
    const observer = new ResizeObserver((entries) => {
      for (const { target } of entries) {
        if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
        else target.removeAttribute("tabindex");
      }
    });
    all("div.highlight pre, .cell_output pre, .fcn-table").forEach((each) => observer.observe(each));
  }

  function bring(name) {
    // A script or a style sheet of the figures, once.
    const address = `${document.documentElement.dataset.content_root}_static/figures/${name}`;
    bring[name] ||= new Promise((done, failed) => {
      const [tag, key] = name.endsWith(".css") ? ["link", "href"] : ["script", "src"];
      document.head.append(Object.assign(document.createElement(tag), { rel: "stylesheet", [key]: address, onload: done, onerror: failed }));
    });
    return bring[name];
  }

  function figures() {
    // A figure that answers is drawn by its own script, from the state that was stored, when it comes near.
    Object.assign(globalThis, { fcnFigures: {}, fcnStates: {} });
    const observer = new IntersectionObserver((entries) => entries.filter((entry) => entry.isIntersecting).forEach(async ({ target }) => {
      observer.unobserve(target);
      await Promise.all(["shared.css", `${target.dataset.figure}.js`, `state-${target.dataset.state}.js`].map(bring));
      const state = fcnStates[target.dataset.state];
      const model = { get: (key) => state[key], set: (key, value) => (state[key] = value), save_changes() {}, on() {}, off() {} };
      const el = document.createElement("div");
      fcnFigures[target.dataset.figure]({ model, el });
      target.append(el);
    }), { rootMargin: "600px" });
    all(".fcn-figure").forEach((place) => observer.observe(place));
  }

  function drawers() {
    // On a phone the menus lie over the text: a chosen entry closes its menu, and the focus goes back to the button.
    all("dialog").forEach((dialog) => {
      dialog.addEventListener("click", (event) => event.target.closest("a[href*='#']") && dialog.close());
      dialog.addEventListener("close", () => {
        const name = dialog.id.includes("secondary") ? "secondary" : dialog.id.includes("primary") ? "primary" : "";
        const button = name && all(`.${name}-toggle`).find((each) => each.offsetParent);
        if (button) setTimeout(() => button.focus({ preventScroll: true }));
      });
    });
  }

  function theme() {
    // The button says which colours are shown; paper is always light.
    const root = document.documentElement;
    const say = () => all(".theme-switch-button").forEach((e) => e.setAttribute("aria-label", `Colours: ${root.dataset.mode || "auto"}`));
    say();
    new MutationObserver(say).observe(root, { attributes: true, attributeFilter: ["data-mode"] });
    let shown, folded;
    addEventListener("beforeprint", () => {
      shown = root.dataset.theme;
      root.dataset.theme = "light";
      folded = all("details.answer:not([open])");
      folded.forEach((answer) => (answer.open = true));
    });
    addEventListener("afterprint", () => {
      root.dataset.theme = shown;
      folded.forEach((answer) => (answer.open = false));
    });
  }

  function answers() {
    // The outputs of several cells may answer one guess: they open and close together, with the words that follow.
    const cell = (answer) => answer.closest(".cell");
    all("details.answer").forEach((answer) => answer.addEventListener("toggle", () => {
      for (const side of ["previousElementSibling", "nextElementSibling"]) {
        let next = cell(answer)[side];
        for (; next?.matches(".cell"); next = next[side])
          all("details.answer", next).forEach((other) => (other.open = answer.open));
        if (next?.matches(".answer-text")) next.hidden = !answer.open;
      }
    }));
  }

  function options() {
    // A choice in a guess: what is tapped stays chosen, and the answer opens.
    all(".options > li").forEach((item) => {
      const button = Object.assign(document.createElement("button"), { type: "button" });
      button.append(...item.childNodes);
      button.setAttribute("aria-pressed", "false");
      item.append(button);
      button.addEventListener("click", () => {
        all("button", item.parentElement).forEach((each) => each.setAttribute("aria-pressed", String(each === button)));
        for (let cell = button.closest("blockquote").nextElementSibling; cell?.matches(".cell"); cell = cell.nextElementSibling)
          all("details.answer", cell).forEach((answer) => (answer.open = true));
      });
    });
  }

  addEventListener("load", () => { drawers(); theme(); answers(); options(); scrollable(); name(); figures(); });
})();
