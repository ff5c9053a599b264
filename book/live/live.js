// The page: a choice, a button that says how much comes, and what it brings.

const PARTS = {
  scene: { title: "Emoji on a photograph", names: Object.values(NETWORKS), build: sceneOf },
  street: { title: "Streets", names: ["camvid-fcn8s"], build: streetOf },
};

function render({ model, el }) {
  const about = model.get("about"), root = new URL(`${document.documentElement.dataset.content_root}_static/live/`, document.baseURI);
  const place = make("div"), built = {};
  let part = "scene";
  const bytesOf = (names) => names.filter((name) => !machine.sessions[name]).reduce((all, name) => all + about.networks[name].bytes, machine.ort ? 0 : about.program);
  const megabytes = (count) => `${(count / 1e6).toFixed(0)} MB`;

  function open() {
    const { names, build, title } = PARTS[part], needed = bytesOf(names);
    if (built[part]) return void place.replaceChildren(built[part]);
    const start = button(`Start: ${title} (${megabytes(needed)})`, async () => {
      const bar = make("progress", { max: String(needed), value: "0", "aria-label": "Loading" }), words = make("p", { "aria-live": "polite" });
      place.replaceChildren(bar, words);
      let come = 0;
      try {
        await loaded(root, names, (count) => {
          come += count;
          bar.value = come;
          words.textContent = come < needed ? `${megabytes(come)} of ${megabytes(needed)}` : "Starting …";
        });
        built[part] = build({ root, about });
        open();
      } catch (error) {
        place.replaceChildren(make("p", { role: "alert" }, `This did not work: ${error.message}. Is the connection there? `), button("Try again", open));
      }
    });
    place.replaceChildren(start);
  }

  el.classList.add("fcn-live", "fcn-live-page");
  document.head.append(make("link", { rel: "stylesheet", href: String(new URL("live.css", root)) }));
  if (location.protocol === "file:" || typeof WebAssembly === "undefined") {
    el.append(make("p", { role: "note" }, location.protocol === "file:"
      ? "Opened as a file, a page may not load the networks. Serve the pages, by make serve or from any host, and this comes alive."
      : "This browser has no WebAssembly, in which the networks run. Any browser of the last years has it."));
    return;
  }
  document.querySelectorAll(".live-still").forEach((still) => still.remove());
  const titles = Object.fromEntries(Object.entries(PARTS).map(([key, { title }]) => [key, title]));
  el.append(choice("What is segmented", titles, part, (key) => (part = key, open())), place);
  open();
}

export default { render };
