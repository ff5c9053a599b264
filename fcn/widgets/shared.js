// What the figures share: named controls, maps drawn as squares, scores, chance that repeats. Each figure's own file follows.

const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
};

// Values of 0..255 that are stored as text.
export const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

// The address of a picture that is stored as HTML: the data themselves, or on a page a file.
const sourceOf = (html) => {
  const holder = document.createElement("div");
  holder.innerHTML = html;
  return holder.firstElementChild.src;
};

let made = 0;

// A slider of whole numbers with its name and value; `say` writes the value.
const slider = (name, { min, max, value, say = String }, changed) => {
  const id = `fcn-${++made}`;
  const input = make("input", { type: "range", id, min: String(min), max: String(max), step: "1", value: String(value) });
  const output = make("output", { for: id }, say(value));
  const longest = Math.max(...Array.from({ length: max - min + 1 }, (_, step) => say(min + step).length));
  output.style.minWidth = `${longest}ch`;  // so that nothing moves when the value gets longer
  const tell = () => {
    output.textContent = say(Number(input.value));
    input.setAttribute("aria-valuetext", output.textContent);
  };
  tell();
  input.addEventListener("input", () => (tell(), changed(Number(input.value))));
  const element = make("div", { class: "fcn-slider" }, make("label", { for: id }, name), input, output);
  element.set = (most, now) => {
    input.max = String(most);
    input.value = String(now);
    input.disabled = most === min;
    tell();
  };
  return element;
};

// One of several, as buttons in a row; `options` are {value: name}.
const choice = (name, options, value, changed) => {
  const group = `fcn-${++made}`;
  const each = Object.entries(options).map(([key, label], index) => {
    const id = `${group}-${index}`;
    const input = make("input", { type: "radio", name: group, id, value: key });
    input.checked = key === value;
    input.addEventListener("change", () => changed(key));
    return make("span", {}, input, make("label", { for: id }, label));
  });
  return make("fieldset", { class: "fcn-choice" }, make("legend", {}, name), ...each);
};

const button = (name, clicked) => {
  const element = make("button", { type: "button", class: "fcn-button" }, name);
  element.addEventListener("click", clicked);
  return element;
};

// Where a key leads in a grid: an arrow by `stride` cells, Home and End to the first and the last cell of the row, with
// Control of all. Undefined for other keys, and for what is the browser's own (Alt and an arrow turn its pages).
const travelled = (event, [row, column], rows, columns, stride = 1) => {
  if (event.altKey || event.metaKey) return undefined;
  const end = { Home: [event.ctrlKey ? 0 : row, 0], End: [event.ctrlKey ? rows - 1 : row, columns - 1] }[event.key];
  if (end || event.ctrlKey) return end;
  const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  const within = (value, count) => Math.max(0, Math.min(count - 1, value));
  return step && [within(row + stride * step[0], rows), within(column + stride * step[1], columns)];
};

// What a figure says to those who hear it: its last words, once they have rested, and not each value on the way there.
// What is said before the element stands in the page is how the figure opens, and is not read out.
const voice = () => {
  const element = make("span", { class: "fcn-heard", "aria-live": "polite" });
  let last = "", later;
  element.say = (text) => {
    if (text === last) return;
    last = text;
    clearTimeout(later);
    if (element.isConnected) later = setTimeout(() => (element.textContent = text), 900);
  };
  return element;
};

// A grid of numbers. `picked(row, column)` hears of a mouse above it, of taps and of arrow keys; with `changed(row,
// column, value)` its numbers can be set: a tap chooses one, + and - and the digits change it, and so do two buttons.
const grid = (title, { picked, changed } = {}) => {
  const alive = picked || changed;
  const canvas = make("canvas", alive ? { role: "application", tabindex: "0", class: "fcn-numbers" } : { role: "img", class: "fcn-numbers" });
  const words = make("figcaption", { "aria-hidden": "true" }), live = voice();
  let shape = [1, 1], at = [0, 0], values = [], drawn = () => {};
  const set = (value) => {
    changed(...at, Math.max(-9, Math.min(9, value)));
    tell();
  };
  const here = () => values[at[0] * shape[1] + at[1]];
  const tell = () => live.say(`${title}, row ${at[0] + 1}, column ${at[1] + 1}: ${written(here())}`);
  const go = (row, column) => {
    at = [Math.max(0, Math.min(shape[0] - 1, row)), Math.max(0, Math.min(shape[1] - 1, column))];
    if (picked) picked(...at);
    else drawn();
  };
  const point = (event) => {
    const box = canvas.getBoundingClientRect();
    go(Math.floor(((event.clientY - box.top) / box.height) * shape[0]), Math.floor(((event.clientX - box.left) / box.width) * shape[1]));
  };
  const key = (event) => {
    const next = travelled(event, at, ...shape), typed = changed && !event.ctrlKey && !event.altKey && !event.metaKey;
    if (next) {
      go(...next);
      tell();
    } else if (typed && /^[0-9]$/.test(event.key)) set(Number(event.key));
    else if (typed && ["+", "=", "-"].includes(event.key)) set(here() + (event.key === "-" ? -1 : 1));
    else return;
    event.preventDefault();
  };
  if (alive) {
    canvas.addEventListener("click", point);
    canvas.addEventListener("keydown", key);
    for (const name of ["focus", "blur"]) canvas.addEventListener(name, () => drawn());
    if (picked) canvas.addEventListener("pointermove", (event) => event.pointerType === "mouse" && point(event));
  }
  const by = (sign, name) => {
    const element = button(sign, () => set(here() + (sign === "+" ? 1 : -1)));
    element.setAttribute("aria-label", `${name} the chosen number of the ${title}`);
    return element;
  };
  const buttons = changed ? [make("div", { class: "fcn-row" }, by("−", "Lower"), by("+", "Raise"))] : [];
  const element = make("figure", { class: "fcn-picture" }, make("p", { class: "fcn-title" }, title), canvas, words, live, ...buttons);
  // `frames` are boxes {top, left, height, width, color}; cells of `faint` are cut off.
  const show = (numbers, height, width, { limit, frames = [], faint = () => false, said }) => {
    [values, shape] = [numbers, [height, width]];
    drawn = () => show(numbers, height, width, { limit, frames, faint, said });
    const sharp = globalThis.devicePixelRatio || 1, shown = canvas.clientWidth || 200, cell = (shown * sharp) / width;
    [canvas.width, canvas.height] = [Math.round(width * cell), Math.round(height * cell)];
    canvas.style.aspectRatio = `${width} / ${height}`;
    at = at.map((place, side) => Math.min(shape[side] - 1, place));
    const context = canvas.getContext("2d");
    Object.assign(context, { textAlign: "center", textBaseline: "middle" });
    for (let i = 0; i < height; i++) for (let j = 0; j < width; j++) {
      const [red, green, blue] = colored(numbers[i * width + j], limit), text = written(numbers[i * width + j]);
      context.globalAlpha = faint(i, j) ? 0.45 : 1;
      context.fillStyle = `rgb(${red}, ${green}, ${blue})`;
      context.fillRect(j * cell + 0.5, i * cell + 0.5, cell - 1, cell - 1);
      context.fillStyle = red + green + blue > 345 ? "#101418" : "#ffffff";
      context.font = `500 ${Math.min(0.5 * cell, (1.5 * cell) / text.length, 22 * sharp)}px system-ui, sans-serif`;
      if (cell >= 15 * sharp) context.fillText(text, (j + 0.5) * cell, (i + 0.53) * cell);
    }
    context.globalAlpha = 1;
    const chosen = changed || document.activeElement === canvas;
    const own = chosen && !picked ? [{ top: at[0], left: at[1], height: 1, width: 1, color: "#ffffff" }] : [];
    for (const { top, left, height: high, width: wide, color } of [...frames, ...own])
      for (const [ink, line] of [["#101418", 4 * sharp], [color, 2 * sharp]]) {
        Object.assign(context, { strokeStyle: ink, lineWidth: line });
        context.strokeRect(left * cell + 2 * sharp, top * cell + 2 * sharp, wide * cell - 4 * sharp, high * cell - 4 * sharp);
      }
    words.textContent = said;
    canvas.setAttribute("aria-label", `${title}: ${said}`);
  };
  new ResizeObserver(() => drawn()).observe(canvas);
  return { element, show };
};

const written = (value) => (Number.isInteger(value) ? String(value) : value.toFixed(1)).replace("-", "−");

// A picture with a title above and words below, which are its description, too.
const picture = (title, height, width) => {
  const canvas = make("canvas", { role: "img" });
  [canvas.width, canvas.height] = [width, height];
  const words = make("figcaption", { "aria-hidden": "true" });  // its words are the canvas's name, too
  const element = make("figure", { class: "fcn-picture" }, make("p", { class: "fcn-title" }, title), canvas, words);
  return {
    element,
    show(values, height, width, limit, said) {
      squares(canvas, values, height, width, limit);
      words.textContent = said;
      canvas.setAttribute("aria-label", `${title}: ${said}`);
    },
  };
};

// The colors of fcn.viz.cells: zero dark, high values yellow, negative ones blue.
const COLORS = [[0x4f, 0xa3, 0xff], [0x26, 0x2d, 0x34], [0xff, 0xc2, 0x33]];

const colored = (value, limit) => {
  const place = 1 + Math.max(-1, Math.min(1, value / (limit || 1)));
  const [from, part] = place >= 1 ? [1, place - 1] : [0, place];
  return COLORS[from].map((start, c) => start + part * (COLORS[from + 1][c] - start));
};

const squares = (canvas, values, height, width, limit) => {
  const context = canvas.getContext("2d");
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) image.data.set([...colored(values[i], limit), 255], 4 * i);
  context.putImageData(image, 0, 0);
};

// Label maps are flat, row by row; 255 is void.
const VOID = 255;

// fcn.palette's ERROR_COLORS; tests/test_palette.py compares them.
const KINDS = { right: "#3d4852", missed: "#4fa3ff", spilled: "#ffb13d", "mixed up": "#e0559f", void: "#f4f1e8" };

const swatch = (color) => {
  const element = make("span", { class: "fcn-swatch" });
  element.style.background = color;
  return element;
};

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

// The IoU of each class; of one that is nowhere there is none (NaN).
const overlaps = (counts) => {
  const columns = counts.map((_, k) => sum(counts.map((row) => row[k])));
  return counts.map((row, k) => row[k] / (sum(row) + columns[k] - row[k]));
};

// The scores of fcn.metrics; of a class that is neither in the truth nor in the answer there is none (NaN).
export const scores = (truth, answer, height, width, classes, reach) => {
  const counts = confusion(truth, answer, classes);
  const rows = counts.map(sum), right = counts.map((row, k) => row[k]);
  const iou = overlaps(counts), accuracy = right.map((both, k) => both / rows[k]);
  return {
    pixelAccuracy: sum(right) / sum(rows),
    meanAccuracy: mean(accuracy),
    meanIou: mean(iou),
    weightedIou: sum(iou.map((value, k) => (rows[k] ? rows[k] * value : 0))) / sum(rows),
    boundaryIou: mean(boundaryIou(truth, answer, height, width, classes, reach)),
    accuracy,
    iou,
  };
};

const percent = (share) => (share >= 0.995 ? "100 %" : share < 0.005 ? "under 1 %" : `${Math.round(100 * share)} %`);

const two = (value) => (Number.isNaN(value) ? "–" : value.toFixed(2));

// Numbers of a normal distribution that follow from a seed (mulberry32, Box and Muller).
export const chanceOf = (seed) => {
  let state = seed >>> 0;
  const even = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(even())) * Math.cos(2 * Math.PI * even());
};

// Bilinear enlargement of `count` maps (rows, columns) by a factor, as fcn.upsampling.bilinear: `center` is the large
// pixel on which the first cell is centered. -> as many maps, `factor` times as large, flat
export const enlarged = (maps, count, rows, columns, factor, center = (factor - 1) / 2) => {
  const out = new Float64Array(count * rows * columns * factor * factor), high = rows * factor, wide = columns * factor;
  const places = (cells) => Array.from({ length: cells * factor }, (_, at) => {
    const place = Math.max(0, Math.min(cells - 1, (at - center) / factor)), low = Math.max(0, Math.min(cells - 2, Math.floor(place)));
    return [low, place - low];
  });
  const [down, across] = [places(rows), places(columns)], [below, beside] = [rows > 1 ? columns : 0, columns > 1 ? 1 : 0];
  for (let k = 0; k < count; k++) for (let i = 0; i < high; i++) {
    const [a, lower] = down[i], start = (k * rows + a) * columns, to = (k * high + i) * wide;
    for (let j = 0; j < wide; j++) {
      const [b, right] = across[j], at = start + b;
      const over = maps[at] * (1 - right) + maps[at + beside] * right;
      const under = maps[at + below] * (1 - right) + maps[at + below + beside] * right;
      out[to + j] = over * (1 - lower) + under * lower;
    }
  }
  return out;
};

// The scores of each pixel: an FCN's maps {values, rows, columns} from coarse to fine, each times its weight, enlarged
// and added as FCN does. `centers` are the pixels on which the maps' first cells are centered. -> (K, rows, columns)
export const summed = (maps, weights, { classes, strides, centers }, enlarge = enlarged) => {
  let sum = maps[0].values.map((value) => value * weights[0]), { rows, columns } = maps[0];
  const grow = (factor, center) => {
    sum = enlarge(sum, classes, rows, columns, factor, center);
    [rows, columns] = [rows * factor, columns * factor];
  };
  maps.slice(1).forEach(({ values }, index) => {
    const [coarse, fine] = [strides[index], strides[index + 1]];
    grow(coarse / fine, (centers[index] - centers[index + 1]) / fine);
    sum = sum.map((value, at) => value + weights[index + 1] * values[at]);
  });
  grow(strides[maps.length - 1], centers[maps.length - 1]);
  return sum;
};

// The class of the highest score in each pixel.
export const best = (scores, classes) => {
  const area = scores.length / classes, answer = new Uint8Array(area), top = scores.slice(0, area);
  for (let k = 1; k < classes; k++) for (let at = 0; at < area; at++) {
    if (scores[k * area + at] > top[at]) [top[at], answer[at]] = [scores[k * area + at], k];
  }
  return answer;
};

// What is wrong where, as fcn.metrics.errors says it.
export const kinds = (truth, answer) => Array.from(truth, (label, at) =>
  (label === VOID ? "void" : label === answer[at] ? "right" : label === 0 ? "spilled" : answer[at] === 0 ? "missed" : "mixed up"));
