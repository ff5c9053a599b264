// Chapter 1: an answer painted by hand, and what each score makes of it.

// The places on the way from one to another, the last included: a quick stroke leaves no holes.
export const line = (from, to, width) => {
  const [a, b, c, d] = [Math.floor(from / width), from % width, Math.floor(to / width), to % width];
  const steps = Math.max(Math.abs(c - a), Math.abs(d - b));
  return Array.from({ length: steps + 1 }, (_, step) => {
    const part = steps ? step / steps : 1;
    return Math.round(a + part * (c - a)) * width + Math.round(b + part * (d - b));
  });
};

// A label map moved by rows and columns; what comes in at the border is the pixel that stood there.
export const moved = (map, height, width, down, right) => map.map((_, at) => {
  const row = Math.min(height - 1, Math.max(0, Math.floor(at / width) - down));
  const column = Math.min(width - 1, Math.max(0, (at % width) - right));
  return map[row * width + column];
});

const NAMES = {
  pixelAccuracy: "pixel accuracy", meanAccuracy: "mean accuracy", meanIou: "mean IoU", weightedIou: "frequency-weighted IoU",
  boundaryIou: "boundary IoU",
};

function render({ model, el }) {
  const [pictures, classes, colors] = ["pictures", "classes", "colors"].map((name) => model.get(name));
  const states = pictures.map(() => undefined);  // each picture keeps what was painted
  let picture, state, last;
  const fresh = (truth) => truth.map((label) => (label === VOID ? 0 : label));
  const known = () => [...new Set(picture.labels)].filter((label) => label !== VOID).sort((a, b) => a - b);

  const canvas = (name, attributes) => make("canvas", { class: "fcn-grid", "aria-label": name, ...attributes });
  const board = canvas("Your answer", { tabindex: "0", role: "application", "aria-describedby": "fcn-score-keys" });
  const truthBoard = canvas("The truth", { role: "img" });
  const keys = make("p", { class: "fcn-hint", id: "fcn-score-keys" },
    "Draw with mouse or finger; with keys: arrows move, space paints, digits choose a class.");
  const said = make("p", { class: "fcn-hint", "aria-live": "off" }), heard = voice();
  const saying = (text) => heard.say((said.textContent = text));
  const table = make("table", { class: "fcn-scores" });
  table.append(make("caption", { class: "fcn-heard" }, "The scores of your answer"));
  const rows = make("tbody");
  table.append(rows);
  const palette = make("div"), goals = make("ul", { class: "fcn-goals" });

  function paint(target, map, cursor) {
    const { width, height } = picture, cell = Math.max(8, Math.floor(320 / width)), context = target.getContext("2d");
    [target.width, target.height] = [width * cell, height * cell];
    map.forEach((label, place) => {
      const [x, y] = [(place % width) * cell, Math.floor(place / width) * cell];
      context.fillStyle = label === VOID ? KINDS.void : colors[label];
      context.fillRect(x, y, cell, cell);
      context.strokeStyle = "rgba(128, 128, 128, 0.4)";  // so that pixels of one color can be told apart
      context.strokeRect(x, y, cell, cell);
      if (label !== VOID) return;
      context.fillStyle = "#8d8570";
      for (let i = 0; i < cell; i += 4) context.fillRect(x + i, y + cell - 4 - i + (cell % 4), 3, 2);
    });
    if (cursor === undefined) return;
    const [x, y] = [(cursor % width) * cell, Math.floor(cursor / width) * cell];
    for (const [color, inset] of [["#101418", 0.5], ["#ffffff", 2]]) {
      context.strokeStyle = color;
      context.lineWidth = 1.5;
      context.strokeRect(x + inset, y + inset, cell - 2 * inset, cell - 2 * inset);
    }
  }

  function draw() {
    const { labels, height, width } = picture, found = scores(labels, state.answer, height, width, classes.length, picture.reach);
    paint(board, state.answer, document.activeElement === board ? state.at : undefined);
    const named = Object.entries(NAMES).map(([key, name]) => [name, found[key]]);
    const each = known().map((label) => [`IoU of ${classes[label]}`, found.iou[label]]);
    rows.replaceChildren(...[...named, ...each].map(([name, value]) => make("tr", {},
      make("th", { scope: "row" }, name), make("td", {}, two(value)),
      make("td", { class: "fcn-bar", "aria-hidden": "true" }, bar(value)))));
    judge(found);
    undo.disabled = !state.past.length;
    return found;
  }

  function bar(value) {
    const inner = make("span");
    inner.style.width = `${100 * (value || 0)}%`;
    return inner;
  }

  function judge(found) {
    const { best, worked } = state, thin = picture.thin ?? undefined, lost = thin !== undefined && found.accuracy[thin] < 0.5;
    if (worked && found.pixelAccuracy >= 0.9) best.low = Math.min(best.low ?? 1, found.meanIou);
    if (worked && lost) best.thin = Math.max(best.thin ?? 0, found.pixelAccuracy);
    if (worked && found.pixelAccuracy >= 0.9) best.outline = Math.min(best.outline ?? 1, found.boundaryIou);
    const so = (value) => (value === undefined ? "not yet" : `so far ${two(value)}`);
    const wanted = [
      ["nine pixels of ten right, with the lowest mean IoU that you can", best.low],
      ["the same, with the lowest boundary IoU", best.outline],
      ...(thin === undefined ? [] : [[`most of the ${classes[thin]} missed, with the highest pixel accuracy`, best.thin]]),
    ];
    goals.replaceChildren(...wanted.map(([goal, value]) => make("li", {}, `${goal}: `, make("b", {}, so(value)))));
  }

  const tell = (found) => saying(`Pixel accuracy ${two(found.pixelAccuracy)}, mean IoU ${two(found.meanIou)}`);

  function put(places) {
    places.forEach((place) => (state.answer[place] = state.brush));
    state.worked = true;
    return draw();
  }

  function change(next, worked) {
    if (next.every((label, place) => label === state.answer[place])) return;
    state.past.push(state.answer);
    [state.answer, state.worked] = [next, worked];
    tell(draw());
  }

  function back() {
    if (!state.past.length) return;
    state.answer = state.past.pop();
    tell(draw());
  }

  function open(index) {
    picture = pictures[index];
    const classesThere = known();
    states[index] ??= { answer: Array(picture.labels.length).fill(0), past: [], best: {}, at: 0, worked: false,
      brush: classesThere.find((label) => label !== 0) };
    [state, last] = [states[index], undefined];
    const options = Object.fromEntries(classesThere.map((label) => [`c${label}`, classes[label]]));
    palette.replaceChildren(choice("paint with", options, `c${state.brush}`, (key) => (state.brush = Number(key.slice(1)))));
    classesThere.forEach((label, place) => {
      const name = palette.querySelectorAll("label")[place];
      name.prepend(make("kbd", { "aria-hidden": "true" }, String(place)), swatch(colors[label]));
    });
    paint(truthBoard, picture.labels);
    truthBoard.setAttribute("aria-label", `The truth: ${classesThere.map((label) => classes[label]).join(", ")}`);
    said.textContent = "";
    draw();
  }

  const place = (event) => {
    const box = board.getBoundingClientRect(), { width, height } = picture;
    const [column, row] = [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height];
    const inside = row >= 0 && column >= 0 && row < height && column < width;
    return inside ? Math.floor(row) * width + Math.floor(column) : undefined;
  };
  board.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    event.preventDefault();
    board.setPointerCapture(event.pointerId);
    board.focus({ preventScroll: true });
    state.past.push(state.answer.slice());
    [state.at, last] = [place(event) ?? state.at, place(event)];
    if (last !== undefined) put([last]);
  });
  board.addEventListener("pointermove", (event) => {
    if (!board.hasPointerCapture(event.pointerId)) return;
    const next = place(event);
    if (next === undefined || next === last) return;
    put(last === undefined ? [next] : line(last, next, picture.width));
    state.at = last = next;
  });
  board.addEventListener("pointerup", () => {
    last = undefined;
    const before = state.past.at(-1);
    if (before && before.every((label, at) => label === state.answer[at])) state.past.pop();  // nothing to undo
    tell(draw());
  });
  board.addEventListener("keydown", (event) => {
    const { width, height } = picture, name = (label) => (label === VOID ? "void" : classes[label]);
    const here = () => `Row ${Math.floor(state.at / width) + 1}, column ${(state.at % width) + 1}: ` +
      `${name(state.answer[state.at])}, in truth ${name(picture.labels[state.at])}`;
    const next = travelled(event, [Math.floor(state.at / width), state.at % width], height, width);
    if (next) {
      state.at = next[0] * width + next[1];
      draw();
      saying(here());
    } else if (event.key === " " || event.key === "Enter") {
      if (state.answer[state.at] !== state.brush) state.past.push(state.answer.slice());
      const found = put([state.at]);
      saying(`${here()}. Pixel accuracy ${two(found.pixelAccuracy)}, mean IoU ${two(found.meanIou)}`);
    } else if (event.key === "z" && (event.ctrlKey || event.metaKey)) back();
    else if (/^[0-9]$/.test(event.key) && !event.ctrlKey && !event.altKey && !event.metaKey && known()[Number(event.key)] !== undefined) {
      palette.querySelectorAll("input")[Number(event.key)].click();
      saying(`Paints ${classes[state.brush]}`);
    } else return;
    event.preventDefault();
  });
  for (const event of ["focus", "blur"]) board.addEventListener(event, () => draw());

  const shift = (name, down, right) => button(name, () => change(moved(state.answer, picture.height, picture.width, down, right), true));
  const named = (control, name) => (control.setAttribute("aria-label", name), control);
  const undo = button("Undo", back);
  el.classList.add("fcn-live", "fcn-score");
  el.append(
    choice("picture", Object.fromEntries(pictures.map(({ name }, index) => [`p${index}`, name])), "p0", (key) => open(Number(key.slice(1)))),
    palette,
    make("div", { class: "fcn-boards" },
      make("div", {}, make("p", { class: "fcn-title" }, "your answer"), board),
      make("div", {}, make("p", { class: "fcn-title" }, "the truth"), truthBoard),
      make("div", { class: "fcn-under" },
        make("div", { class: "fcn-row" },
          button("All background", () => change(state.answer.map(() => 0), false)),
          button("The truth", () => change(fresh(picture.labels), false)),
          undo,
          make("span", { class: "fcn-move" }, "move it",
            named(shift("←", 0, -1), "Move it left"), named(shift("↑", -1, 0), "Move it up"),
            named(shift("↓", 1, 0), "Move it down"), named(shift("→", 0, 1), "Move it right"))),
        keys, said),
      table),
    make("p", { class: "fcn-title" }, "Try for"), goals);
  open(0);
  el.append(heard);
}

export default { render };
