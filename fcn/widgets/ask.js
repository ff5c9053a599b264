// Chapter 2: a photograph under a map of answers. Point at a square, and it tells its best names, and what a score is made of.

function render({ model, el }) {
  const [names, sizes, cell, [height, width]] = ["names", "sizes", "cell", "full"].map((name) => model.get(name));
  let index = sizes.length - 1, at = [...model.get("start")], kept = [...at];  // a click keeps a square, the mouse looks at others
  const photograph = new Image();
  const canvas = make("canvas", { role: "application", tabindex: "0", class: "fcn-grid" });
  const rows = make("tbody"), parts = make("p", { class: "fcn-formula" }), told = make("p", { class: "fcn-title", "aria-live": "off" }), heard = voice();
  [canvas.width, canvas.height] = [width, height];

  function light(size) {
    const context = canvas.getContext("2d"), shares = size.lit[size.labels[at[0] * size.columns + at[1]][0]];
    context.globalAlpha = 1;
    if (photograph.complete && photograph.naturalWidth) context.drawImage(photograph, 0, 0, width, height);
    for (let i = 0; i * cell < height; i++) for (let j = 0; j * cell < width; j++) {
      const given = i < size.rows && j < size.columns;
      context.globalAlpha = given ? 0.7 * (1 - parseInt(shares[i * size.columns + j], 16) / 15) : 0.93;
      context.fillStyle = "#101418";
      context.fillRect(j * cell, i * cell, cell, cell);
    }
    context.globalAlpha = 1;
    const frame = (left, top, wide, high, colors) => colors.forEach(([color, line]) => {
      Object.assign(context, { strokeStyle: color, lineWidth: line });
      context.strokeRect(left + 2, top + 2, wide - 4, high - 4);
    });
    if (index < sizes.length - 1) frame(0, 0, size.columns * cell, size.rows * cell, [["#101418", 5], ["#5cc6c9", 2.5]]);
    frame(at[1] * cell, at[0] * cell, cell, cell, [["#101418", 7], ["#ffc233", 3.5]]);
  }

  function draw() {
    const size = sizes[index];
    at = [Math.max(0, Math.min(size.rows - 1, at[0])), Math.max(0, Math.min(size.columns - 1, at[1]))];
    const square = at[0] * size.columns + at[1], labels = size.labels[square], shares = size.probabilities[square];
    light(size);
    rows.replaceChildren(...labels.map((label, place) => {
      const bar = make("span");
      bar.style.width = `${100 * shares[place]}%`;
      return make("tr", {}, make("th", { scope: "row" }, names[label]), make("td", {}, percent(shares[place])),
        make("td", { class: "fcn-bar", "aria-hidden": "true" }, bar));
    }));
    told.textContent = `Row ${at[0] + 1} of ${size.rows}, column ${at[1] + 1} of ${size.columns}: ${names[labels[0]]}, ${percent(shares[0])}`;
    heard.say(told.textContent);
    canvas.setAttribute("aria-label", `The photograph in ${size.rows} by ${size.columns} squares, lit where ${names[labels[0]]} is probable`);
    const { terms, rest } = size.sums[square], two = (value) => value.toFixed(2).replace("-", "−");
    const bracketed = (value) => (value < 0 ? `(${two(value)})` : two(value));
    const sum = terms.map(([channel, value, weight]) => `${two(value)} · ${bracketed(weight)} (channel ${channel})`).join(" + ");
    parts.textContent = `The score of ${names[labels[0]]} here: ${sum} + ${bracketed(rest)} from all other channels and the bias = ` +
      two(terms.reduce((all, [, value, weight]) => all + value * weight, rest));
  }

  const go = (row, column, keep) => {
    at = [row, column];
    draw();
    if (keep) kept = [...at];
  };
  const point = (event, keep) => {
    const box = canvas.getBoundingClientRect(), { rows, columns } = sizes[index];
    const row = Math.floor(((event.clientY - box.top) / box.height) * (height / cell));
    const column = Math.floor(((event.clientX - box.left) / box.width) * (width / cell));
    if (row < rows && column < columns) go(row, column, keep);  // the rest was not given
  };
  canvas.addEventListener("pointermove", (event) => event.pointerType === "mouse" && point(event, false));
  canvas.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && go(...kept, false));
  canvas.addEventListener("click", (event) => point(event, true));
  canvas.addEventListener("keydown", (event) => {
    const next = travelled(event, at, sizes[index].rows, sizes[index].columns);
    if (!next) return;
    event.preventDefault();
    go(...next, true);
  });
  photograph.addEventListener("load", draw);
  photograph.src = sourceOf(model.get("picture"));
  const sized = (size) => `${sizes[size].rows * cell} × ${sizes[size].columns * cell}`;
  const grow = sizes.length > 1 ? [slider("pixels given", { min: 0, max: sizes.length - 1, value: index, say: sized }, (value) => {
    index = value;
    draw();
  })] : [];
  el.classList.add("fcn-live", "fcn-ask");
  el.append(...grow, canvas, told, make("table", { class: "fcn-scores" }, make("caption", { class: "fcn-heard" }, "Its best names"), rows), parts,
    make("p", { class: "fcn-hint" }, "Point at a square; a click keeps it; or move by the arrow keys, Home and End. Lit: where its best name is probable. Framed: what the network is given."));
  draw();
  el.append(heard);
}

export default { render };
