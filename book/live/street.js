// The street: one network of chapter 6, a photograph, and a weight for each of its three maps.

const LONG = 480;  // pixels of the longer side that the network gets, as in its training

function streetOf({ root, about }) {
  const network = about.networks["camvid-fcn8s"], { classes, colors } = network, count = classes.length;
  let photograph = null, maps = null, weights = [1, 1, 1], over = true, logits = null, answer = null, at = null, pixels = null, rows = 0, columns = 0;
  const given = view("The photograph", 360, LONG), said = view("The answer", 360, LONG);
  const legend = make("p", { class: "fcn-formula" }), asked = make("table", { class: "fcn-scores fcn-asked" }), answered = voice(), speed = make("p", { class: "fcn-hint", "aria-live": "polite" });

  const see = oneAtATime(async () => {
    const [high, wide] = [Math.min(photograph.height, 2 * photograph.width), Math.min(photograph.width, 2 * photograph.height)];  // the middle of a strip
    const scale = LONG / Math.max(high, wide);
    [rows, columns] = [high, wide].map((side) => 32 * Math.round((side * scale) / 32));
    for (const { canvas } of [given, said]) {
      [canvas.width, canvas.height] = [columns, rows];
      canvas.style.aspectRatio = `${columns} / ${rows}`;
    }
    const context = given.canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(photograph, (photograph.width - wide) / 2, (photograph.height - high) / 2, wide, high, 0, 0, columns, rows);
    pixels = context.getImageData(0, 0, columns, rows).data;
    const before = performance.now();
    maps = await mapsOf("camvid-fcn8s", planes(pixels), rows, columns);
    speed.textContent = `${rows} × ${columns} pixels, ${Math.round(performance.now() - before)} ms on one thread of this machine.`;
    draw();
  });

  function draw() {
    if (!maps) return;
    logits = summed(maps, weights, { ...network, classes: count });
    answer = best(logits, count);
    const shares = classes.map((name, k) => [name, colors[k], answer.filter((label) => label === k).length / answer.length]);
    const none = weights.every((weight) => weight === 0);
    const there = shares.filter(([, , share]) => share >= 0.002).sort((a, b) => b[2] - a[2]);
    legend.replaceChildren(...none ? ["All scores are equal: no answer, and the first of the classes is shown."] : there.map(([name, color, share]) => make("span", { class: "fcn-named" }, swatch(color), `${name} ${percent(share)} `)));
    said.canvas.setAttribute("aria-label", `The answer: ${there.map(([name, , share]) => `${name} ${percent(share)}`).join(", ")}`);
    paint();
  }

  function paint() {
    if (!answer) return;
    filled(said.canvas, answer, (label) => colors[label], over ? pixels : null);
    marked(said.canvas, at);
    ask();
  }

  function ask(column, row) {
    if (column !== undefined) {
      at = [row, column];
      return void paint();
    }
    if (!at || at[0] >= rows || at[1] >= columns || at[0] < 0 || at[1] < 0) return;
    const place = `Row ${at[0] + 1}, column ${at[1] + 1}`, names = likely(logits, at[0] * columns + at[1], count, classes).slice(0, 4);
    answered.say(`${place}: ${names[0][0]}, ${percent(names[0][1])}`);
    asked.replaceChildren(make("caption", {}, place), ...names.map(([name, share]) => {
      const bar = make("span");
      bar.style.width = `${100 * share}%`;
      return make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, percent(share)), make("td", { class: "fcn-bar", "aria-hidden": "true" }, bar));
    }));
  }

  const open = async (name) => {
    try {
      photograph = await opened(new URL(`photographs/${name}.jpg`, root));
    } catch {
      return void (speed.textContent = "The photograph did not come. Is the connection there?");
    }
    at = null;
    see();
  };
  const element = make("div", { class: "fcn-street" });
  const mine = ownPicture(element, (image) => {
    [photograph, at] = [image, null];
    element.querySelectorAll("fieldset input").forEach((each) => (each.checked = false));
    see();
  }, (text) => (speed.textContent = text));
  const names = about.photographs, cover = make("input", { type: "checkbox", id: `fcn-${++made}`, checked: true });
  cover.addEventListener("change", () => (over = cover.checked, paint()));
  const sliders = network.strides.map((stride, level) => slider(`stride ${stride}`, { min: 0, max: 20, value: 10, say: (value) => (value / 10).toFixed(1) }, (value) => {
    weights[level] = value / 10;
    draw();
  }));
  element.append(
    choice("Photograph", Object.fromEntries(names.map((name) => [name, name])), names[0], open), make("div", { class: "fcn-row" }, mine),
    make("div", { class: "fcn-pictures fcn-pair" }, given.element, said.element), legend, speed,
    make("div", { class: "fcn-controls" },
      make("div", {}, make("p", { class: "fcn-title" }, "Weight of each map's scores"), ...sliders, make("div", { class: "fcn-row" }, button("All weights 1", () => {
        weights = [1, 1, 1];
        sliders.forEach((each) => each.set(20, 10));
        draw();
      })), make("p", {}, cover, make("label", { for: cover.id }, "over the photograph"))),
      make("div", {}, make("p", { class: "fcn-title" }, "Point at the answer, or go through it by the arrow keys"), asked, answered)));
  pointed([said.canvas], () => at, ask);
  open(names[0]);
  return element;
}
