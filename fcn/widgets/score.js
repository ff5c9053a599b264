// Chapter 1: an answer painted by hand, and what each score makes of it. Label maps are flat, row by row; 255 is void.

const VOID = 255;

// counts[i][j]: pixels of class i that were called j; void is left out.
export const confusion = (truth, answer, classes) => {
  const counts = Array.from({ length: classes }, () => Array(classes).fill(0));
  truth.forEach((label, at) => label !== VOID && counts[label][answer[at]]++);
  return counts;
};

const sum = (values) => values.reduce((a, b) => a + b, 0);
const mean = (values) => {
  const known = values.filter((value) => !Number.isNaN(value));
  return known.length ? sum(known) / known.length : NaN;
};

// Where a scored pixel of another class, or the border, lies at most `width` rows and columns away.
const nearAnother = (map, truth, height, width, reach) => map.map((label, at) => {
  if (truth[at] === VOID) return false;
  const [row, column] = [Math.floor(at / width), at % width];
  for (let i = row - reach; i <= row + reach; i++) for (let j = column - reach; j <= column + reach; j++) {
    if (i < 0 || j < 0 || i >= height || j >= width) return true;
    const other = i * width + j;
    if (truth[other] !== VOID && map[other] !== label) return true;
  }
  return false;
});

export const boundaryIou = (truth, answer, height, width, classes, reach) => {
  const [should, does] = [truth, answer].map((map) => nearAnother(map, truth, height, width, reach));
  return Array.from({ length: classes }, (_, label) => {
    let [both, either] = [0, 0];
    truth.forEach((is, at) => {
      const [inTruth, inAnswer] = [should[at] && is === label, does[at] && answer[at] === label];
      both += inTruth && inAnswer;
      either += inTruth || inAnswer;
    });
    return either ? both / either : NaN;
  });
};

// The scores of fcn.metrics; of a class that is neither in the truth nor in the answer there is none (NaN).
export const scores = (truth, answer, height, width, classes, reach) => {
  const counts = confusion(truth, answer, classes);
  const rows = counts.map(sum), right = counts.map((row, k) => row[k]);
  const columns = counts.map((_, k) => sum(counts.map((row) => row[k])));
  const iou = right.map((both, k) => both / (rows[k] + columns[k] - both));
  return {
    pixelAccuracy: sum(right) / sum(rows),
    meanAccuracy: mean(right.map((both, k) => both / rows[k])),
    meanIou: mean(iou),
    weightedIou: sum(iou.map((value, k) => (rows[k] ? rows[k] * value : 0))) / sum(rows),
    boundaryIou: mean(boundaryIou(truth, answer, height, width, classes, reach)),
    iou,
  };
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
const two = (value) => (Number.isNaN(value) ? "–" : value.toFixed(2));

function render({ model, el }) {
  const [pictures, classes, colors] = ["pictures", "classes", "colors"].map((name) => model.get(name));
  let picture, answer, past, brush = 1, at = 0, best = {};
  const fresh = (truth) => truth.map((label) => (label === VOID ? 0 : label));
  const known = () => [...new Set(picture.labels)].filter((label) => label !== VOID).sort((a, b) => a - b);

  const canvas = (name, attributes) => make("canvas", { class: "fcn-grid", "aria-label": name, ...attributes });
  const board = canvas("Your answer", { tabindex: "0", role: "application", "aria-describedby": "fcn-score-keys" });
  const truthBoard = canvas("The truth", { role: "img" });
  const keys = make("p", { class: "fcn-hint", id: "fcn-score-keys" },
    "Draw with mouse or finger; with keys: arrows move, space paints, digits choose a class.");
  const said = make("p", { class: "fcn-hint", "aria-live": "polite" });
  const table = make("table", { class: "fcn-scores" });
  const palette = make("div"), goals = make("ul", { class: "fcn-goals", "aria-live": "polite" });

  function paint(target, map, cursor) {
    const { width, height } = picture, cell = Math.max(8, Math.floor(320 / width)), context = target.getContext("2d");
    [target.width, target.height] = [width * cell, height * cell];
    map.forEach((label, place) => {
      const [x, y] = [(place % width) * cell, Math.floor(place / width) * cell];
      context.fillStyle = label === VOID ? "#f4f1e8" : colors[label];
      context.fillRect(x, y, cell, cell);
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
    const { labels, height, width } = picture, found = scores(labels, answer, height, width, classes.length, picture.reach);
    paint(board, answer, document.activeElement === board ? at : undefined);
    const rows = Object.entries(NAMES).map(([key, name]) => [name, found[key]]);
    const each = known().map((label) => [`IoU of ${classes[label]}`, found.iou[label]]);
    table.replaceChildren(...[...rows, ...each].map(([name, value]) => make("tr", {},
      make("th", { scope: "row" }, name), make("td", {}, two(value)),
      make("td", { class: "fcn-bar", "aria-hidden": "true" }, bar(value)))));
    judge(found);
  }

  function bar(value) {
    const inner = make("span");
    inner.style.width = `${100 * (value || 0)}%`;
    return inner;
  }

  function judge(found) {
    const thin = picture.thin, lost = thin !== undefined && found.iou[thin] < 0.5;
    if (found.pixelAccuracy >= 0.9) best.low = Math.min(best.low ?? 1, found.meanIou);
    if (lost) best.thin = Math.max(best.thin ?? 0, found.pixelAccuracy);
    if (found.pixelAccuracy >= 0.9) best.outline = Math.min(best.outline ?? 1, found.boundaryIou);
    const so = (value) => (value === undefined ? "not yet" : `so far ${two(value)}`);
    const wanted = [
      ["nine pixels of ten right, with the lowest mean IoU that you can", best.low],
      ["the same, with the lowest boundary IoU", best.outline],
      ...(thin === undefined ? [] : [[`most of the ${classes[thin]} wrong, with the highest pixel accuracy`, best.thin]]),
    ];
    goals.replaceChildren(...wanted.map(([goal, value]) => make("li", {}, `${goal}: `, make("b", {}, so(value)))));
  }

  function put(place, keep = true) {
    if (answer[place] === brush) return;
    if (keep) past.push(answer.slice());
    answer[place] = brush;
    draw();
  }

  function change(next) {
    past.push(answer.slice());
    answer = next;
    draw();
  }

  function open(index) {
    picture = pictures[index];
    [answer, past, best, at] = [Array(picture.labels.length).fill(0), [], {}, 0];
    brush = known().find((label) => label !== 0);
    const options = Object.fromEntries(known().map((label) => [`c${label}`, classes[label]]));
    palette.replaceChildren(choice("paint with", options, `c${brush}`, (key) => (brush = Number(key.slice(1)))));
    known().forEach((label, place) => palette.querySelectorAll("label")[place].prepend(swatch(colors[label])));
    paint(truthBoard, picture.labels);
    truthBoard.setAttribute("aria-label", `The truth: ${known().map((label) => classes[label]).join(", ")}`);
    draw();
  }

  function swatch(color) {
    const element = make("span", { class: "fcn-swatch" });
    element.style.background = color;
    return element;
  }

  const place = (event) => {
    const box = board.getBoundingClientRect(), { width, height } = picture;
    const [column, row] = [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height];
    const inside = row >= 0 && column >= 0 && row < height && column < width;
    return inside ? Math.floor(row) * width + Math.floor(column) : undefined;
  };
  board.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    board.setPointerCapture(event.pointerId);
    board.focus({ preventScroll: true });
    at = place(event) ?? at;
    past.push(answer.slice());
    put(at, false);
  });
  board.addEventListener("pointermove", (event) => {
    if (!board.hasPointerCapture(event.pointerId)) return;
    const next = place(event);
    if (next !== undefined) put((at = next), false);
  });
  board.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    const { width, height } = picture;
    if (step) {
      const [row, column] = [Math.floor(at / width) + step[0], (at % width) + step[1]];
      if (row >= 0 && column >= 0 && row < height && column < width) at = row * width + column;
      draw();
    } else if (event.key === " " || event.key === "Enter") put(at);
    else if (/^[0-9]$/.test(event.key) && known()[Number(event.key)] !== undefined)
      palette.querySelectorAll("input")[Number(event.key)].click();
    else return;
    event.preventDefault();
    const name = (label) => (label === VOID ? "void" : classes[label]);
    said.textContent = `Row ${Math.floor(at / width) + 1}, column ${(at % width) + 1}: ${name(answer[at])}, in truth ${name(picture.labels[at])}`;
  });
  for (const event of ["focus", "blur"]) board.addEventListener(event, draw);

  const shift = (name, down, right) => button(name, () => change(moved(answer, picture.height, picture.width, down, right)));
  const named = (control, name) => (control.setAttribute("aria-label", name), control);
  el.classList.add("fcn-live", "fcn-score");
  el.append(
    choice("picture", Object.fromEntries(pictures.map(({ name }, index) => [`p${index}`, name])), "p0", (key) => open(Number(key.slice(1)))),
    palette,
    make("div", { class: "fcn-boards" },
      make("div", {}, make("p", { class: "fcn-title" }, "your answer"), board),
      make("div", {}, make("p", { class: "fcn-title" }, "the truth"), truthBoard),
      make("div", { class: "fcn-under" },
        make("div", { class: "fcn-row" },
          button("All background", () => change(answer.map(() => 0))),
          button("The truth", () => change(fresh(picture.labels))),
          named(shift("←", 0, -1), "Move it left"), named(shift("↑", -1, 0), "Move it up"),
          named(shift("↓", 1, 0), "Move it down"), named(shift("→", 0, 1), "Move it right"),
          button("Undo", () => { if (past.length) { answer = past.pop(); draw(); } })),
        keys, said),
      table),
    make("p", { class: "fcn-title" }, "Try for"), goals);
  open(0);
}

export default { render };
