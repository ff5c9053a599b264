// What the figures share: named controls, maps drawn as squares, chance that repeats. Each figure's own file follows.

const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
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

// A grid of numbers. `picked(row, column)` hears of taps and of arrow keys, `changed(row, column, by)` of taps and of + and -.
const grid = (title, { picked, changed } = {}) => {
  const alive = picked || changed, id = `fcn-${++made}`;
  const canvas = make("canvas", alive ? { role: "application", tabindex: "0", "aria-describedby": id } : { role: "img" });
  const words = make("figcaption", { id });
  const element = make("figure", { class: "fcn-picture" }, make("p", { class: "fcn-title" }, title), canvas, words);
  let shape = [1, 1], at = [0, 0], drawn = () => {};
  const tap = (event) => {
    const box = canvas.getBoundingClientRect();
    at = [Math.floor(((event.clientY - box.top) / box.height) * shape[0]), Math.floor(((event.clientX - box.left) / box.width) * shape[1])];
    if (changed) changed(...at, 1);
    else picked(...at);
  };
  const key = (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    const by = { "+": 1, "=": 1, " ": 1, Enter: 1, "-": -1 }[event.key];
    if (step) {
      at = at.map((place, side) => Math.min(shape[side] - 1, Math.max(0, place + step[side])));
      if (picked) picked(...at);
    } else if (by && changed) changed(...at, by);
    else return;
    event.preventDefault();
    drawn();
  };
  if (alive) {
    canvas.addEventListener("click", tap);
    canvas.addEventListener("keydown", key);
    for (const name of ["focus", "blur"]) canvas.addEventListener(name, () => drawn());
  }
  // `frames` are boxes {top, left, height, width, color}; cells of `hidden` are not known yet, those of `faint` are cut off.
  const show = (values, height, width, { limit, frames = [], hidden = () => false, faint = () => false, said }) => {
    [shape, drawn] = [[height, width], () => show(values, height, width, { limit, frames, hidden, faint, said })];
    const cell = Math.max(16, Math.min(56, Math.floor(420 / Math.max(height, width)))), context = canvas.getContext("2d");
    [canvas.width, canvas.height] = [width * cell, height * cell];
    canvas.style.aspectRatio = `${width} / ${height}`;
    at = at.map((place, side) => Math.min(shape[side] - 1, place));
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (let i = 0; i < height; i++) for (let j = 0; j < width; j++) {
      const value = values[i * width + j], away = hidden(i, j), [red, green, blue] = away ? [0x8d, 0x92, 0x98] : colored(value, limit);
      context.globalAlpha = faint(i, j) ? 0.35 : 1;
      context.fillStyle = `rgb(${red}, ${green}, ${blue})`;
      context.fillRect(j * cell + 0.5, i * cell + 0.5, cell - 1, cell - 1);
      const text = away ? "" : written(value), size = Math.min(0.5 * cell, (1.5 * cell) / Math.max(1, text.length));
      context.fillStyle = red + green + blue > 345 ? "#101418" : "#ffffff";
      context.font = `500 ${size}px system-ui, sans-serif`;
      if (size >= 7) context.fillText(text, (j + 0.5) * cell, (i + 0.53) * cell);
    }
    context.globalAlpha = 1;
    const own = document.activeElement === canvas && alive ? [{ top: at[0], left: at[1], height: 1, width: 1, color: "#ffffff" }] : [];
    for (const { top, left, height: high, width: wide, color } of [...frames, ...own]) {
      context.lineWidth = Math.max(2, cell / 12);
      context.strokeStyle = color;
      context.strokeRect(left * cell + 2, top * cell + 2, wide * cell - 4, high * cell - 4);
    }
    words.textContent = said;
    canvas.setAttribute("aria-label", `${title}: ${said}`);
  };
  return { element, show };
};

const written = (value) => (Number.isInteger(value) ? String(value) : value.toFixed(1));

// A picture with a title above and words below, which are its description, too.
const picture = (title, height, width) => {
  const canvas = make("canvas", { role: "img" });
  [canvas.width, canvas.height] = [width, height];
  const words = make("figcaption");
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
  for (let i = 0; i < width * height; i++) {
    image.data.set([...colored(values[i], limit), 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
};

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
