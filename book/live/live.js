// The page: a choice, a button that says how much comes, and what it brings.

const PARTS = {
  scene: { title: "Emoji on a photograph", names: Object.values(NETWORKS), build: sceneOf },
  street: { title: "Streets", names: ["camvid-fcn8s"], build: streetOf },
};

function render({ model, el }) {
  const about = model.get("about"), root = new URL(`${document.documentElement.dataset.content_root}_static/live/`, document.baseURI);
  const place = make("div");
  let part = "scene";
  const bytesOf = (names) => names.filter((name) => !machine.sessions[name]).reduce((all, name) => all + about.networks[name].bytes, machine.ort ? 0 : about.program);
  const megabytes = (count) => `${(count / 1e6).toFixed(0)} MB`;

  const shows = {};  // part -> what stands there now
  function open() {
    const now = part, { names, build, title } = PARTS[now], needed = bytesOf(names);
    const show = (...elements) => {
      shows[now] = elements;
      if (part === now) place.replaceChildren(...elements);
    };
    if (shows[now]) return void show(...shows[now]);
    const start = button(`Start: ${title} (${megabytes(needed)})`, async () => {
      const bar = make("progress", { max: String(needed), value: "0", "aria-label": "Loading" }), words = make("p", { "aria-live": "polite" });
      show(bar, words);
      let come = 0;
      try {
        await loaded(root, names, (count) => {
          come += count;
          bar.value = come;
          words.textContent = come < needed ? `${megabytes(come)} of ${megabytes(needed)}` : "Starting …";
        });
        document.querySelectorAll(".live-still").forEach((still) => still.remove());
        show(build({ root, about }));
      } catch (error) {
        show(make("p", { role: "alert" }, `This did not work: ${error.message}. If the connection was lost, try again when it is back. `), button("Try again", () => {
          delete shows[now];
          open();
        }));
      }
    });
    show(start);
    delete shows[now];  // what a start will bring may change: the other part brings the program, too
  }

  el.classList.add("fcn-live", "fcn-live-page");
  document.head.append(make("link", { rel: "stylesheet", href: String(new URL("live.css", root)) }));
  if (location.protocol === "file:" || typeof WebAssembly === "undefined") {
    el.append(make("p", { role: "note" }, location.protocol === "file:"
      ? "Opened as a file, a page may not load the networks. Serve the pages, by make serve or from any host, and this comes alive."
      : "This browser has no WebAssembly, in which the networks run. Any browser of the last years has it."));
    return;
  }
  const titles = Object.fromEntries(Object.entries(PARTS).map(([key, { title }]) => [key, title]));
  el.append(choice("What is segmented", titles, part, (key) => (part = key, open())), place);
  open();
}

export default { render };
