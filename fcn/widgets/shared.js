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
  return make("div", { class: "fcn-slider" }, make("label", { for: id }, name), input, output);
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

const squares = (canvas, values, height, width, limit) => {
  const context = canvas.getContext("2d");
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    const place = 1 + Math.max(-1, Math.min(1, values[i] / (limit || 1)));
    const [from, part] = place >= 1 ? [1, place - 1] : [0, place];
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = COLORS[from][c] + part * (COLORS[from + 1][c] - COLORS[from][c]);
    image.data[4 * i + 3] = 255;
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
