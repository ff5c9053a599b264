// "Segment it live": the book's networks in the reader's browser. ONNX Runtime computes the maps of scores;
// enlarging and adding them, which is the rest of FCN, is done here, so that it can be changed.

const SIDE = 128;  // pixels of a scene, as in training
const SHOWN = 3;  // times as large on the stage
const RIM = [25, 230];  // alpha between these is void, as in fcn.scenes
const PROGRAM = "ort.wasm.bundle.min.mjs", MACHINE = "ort-wasm-simd-threaded.wasm";

// Nearest neighbour: each cell becomes a block.
const repeated = (maps, count, rows, columns, factor) => {
  const out = new Float64Array(count * rows * columns * factor ** 2), wide = columns * factor;
  for (let at = 0; at < out.length; at++) {
    const row = Math.floor(at / wide), cell = Math.floor(row / factor);  // of all maps, one below the other
    out[at] = maps[cell * columns + Math.floor((at % wide) / factor)];
  }
  return out;
};

// Pixels as a canvas has them, red, green, blue and alpha, -> (3, area) as the networks take them.
const planes = (pixels) => {
  const area = pixels.length / 4, out = new Uint8Array(3 * area);
  for (let at = 0; at < area; at++) for (let c = 0; c < 3; c++) out[c * area + at] = pixels[4 * at + c];
  return out;
};

// A scene as text for an address, and back; null if it cannot be read.
export const asHash = ({ background, things }) =>
  `#${[background, ...things.map(({ sprite, x, y, size, turn, flip }) => [sprite, ...[x, y, size, turn].map(Math.round), flip ? 1 : 0].join(","))].join(";")}`;
export const fromHash = (hash, backgrounds, sprites) => {
  let text = "";
  try {
    text = decodeURIComponent(hash.slice(1));
  } catch {
    return null;
  }
  const [background, ...rest] = text.split(";"), parts = rest.map((each) => each.split(","));
  const read = ([sprite, ...numbers]) => sprites.includes(sprite) && numbers.length === 5 && numbers.every((n) => /^-?\d{1,3}$/.test(n));
  if (!backgrounds.includes(background) || !parts.every(read)) return null;
  const things = parts.map(([sprite, ...numbers]) => [sprite, ...numbers.map(Number)]).map(([sprite, x, y, size, turn, flip]) =>
    ({ sprite, x: within(x, 0, SIDE), y: within(y, 0, SIDE), size: within(size, ...SIZES), turn: within(turn, -180, 180), flip: flip === 1 }));
  return { background, things };
};
const SIZES = [16, 120];  // pixels of a thing, the least and the most
const within = (value, low, high) => Math.max(low, Math.min(high, value));

// --- what is loaded on a click -----------------------------------------------------------------------------------

const machine = { sessions: {}, program: null };

async function fetched(address, tell) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  const parts = [], reader = answer.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    tell(part.value.length);
  }
  const whole = new Uint8Array(parts.reduce((all, part) => all + part.length, 0));
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
}

async function started(root, tell) {
  const wasmBinary = await fetched(new URL(MACHINE, root), tell), ort = await import(new URL(PROGRAM, root));
  Object.assign(ort.env.wasm, { numThreads: 1, wasmBinary });
  return ort;
}

// Bring the program, once, and these networks; `tell` hears how many bytes have come.
async function loaded(root, names, tell) {
  machine.program ??= started(root, tell);
  try {
    machine.ort = await machine.program;
  } catch (error) {
    machine.program = null;
    throw error;
  }
  for (const name of names) {
    if (machine.sessions[name]) continue;
    const [graph, data] = [await fetched(new URL(`${name}.onnx`, root), tell), await fetched(new URL(`${name}.safetensors`, root), tell)];
    machine.sessions[name] = await machine.ort.InferenceSession.create(graph, { executionProviders: ["wasm"], externalData: [{ path: `${name}.safetensors`, data }] });
  }
}

// The maps of scores of an image (3, rows, columns) of bytes, coarse to fine.
async function mapsOf(name, pixels, rows, columns) {
  const image = new machine.ort.Tensor("uint8", pixels, [1, 3, rows, columns]), session = machine.sessions[name];
  const found = await session.run({ image });
  return session.outputNames.map((output) => ({ values: Float64Array.from(found[output].data), rows: found[output].dims[2], columns: found[output].dims[3] }));
}

// --- what both parts of the page share ---------------------------------------------------------------------------

const view = (title, rows, columns, attributes = { role: "img" }) => {
  const canvas = make("canvas", { ...attributes, "aria-label": title }), words = make("figcaption");
  [canvas.width, canvas.height] = [columns, rows];
  canvas.style.aspectRatio = `${columns} / ${rows}`;
  canvas.getContext("2d", { willReadFrequently: true });  // what is written pixel by pixel is kept where it is written
  return { canvas, words, title, element: make("figure", { class: "fcn-picture" }, make("p", { class: "fcn-title" }, title), canvas, words) };
};

const rgb = (() => {
  const known = {};
  return (color) => (known[color] ??= [1, 3, 5].map((place) => parseInt(color.slice(place, place + 2), 16)));
})();

// Colors over an area; with `under`, pixels of a photograph, half of each.
const filled = (canvas, values, color, under) => {
  const context = canvas.getContext("2d"), image = context.createImageData(canvas.width, canvas.height);
  for (let at = 0; at < values.length; at++) {
    const [red, green, blue] = rgb(color(values[at])), mix = (own, place) => (under ? 0.55 * own + 0.45 * under[4 * at + place] : own);
    image.data.set([mix(red, 0), mix(green, 1), mix(blue, 2), 255], 4 * at);
  }
  context.putImageData(image, 0, 0);
};

const tiled = (canvas, stride) => {
  const context = canvas.getContext("2d");
  context.fillStyle = "rgba(255, 255, 255, 0.35)";
  for (let at = stride; at < canvas.width; at += stride) context.fillRect(at, 0, 1, canvas.height);
  for (let at = stride; at < canvas.height; at += stride) context.fillRect(0, at, canvas.width, 1);
};

// How likely the best classes of a pixel are: [[name, probability], ...].
const likely = (scores, at, classes, names) => {
  const area = scores.length / classes, odds = names.map((_, k) => scores[k * area + at]), top = Math.max(...odds);
  const raised = odds.map((value) => Math.exp(value - top)), all = sum(raised);
  return raised.map((value, k) => [names[k], value / all]).sort((a, b) => b[1] - a[1]);
};

const place = (event, canvas) => {
  const box = canvas.getBoundingClientRect();
  return [((event.clientX - box.left) / box.width) * canvas.width, ((event.clientY - box.top) / box.height) * canvas.height];
};

// Ask for a pixel of these canvases by the mouse, by a tap, or by the arrow keys; `at()` is the pixel asked for last.
const pointed = (canvases, at, asked) => canvases.forEach((canvas) => {
  const hear = (event) => asked(...place(event, canvas).map(Math.floor));
  Object.assign(canvas, { tabIndex: 0, role: "application" });
  canvas.addEventListener("pointermove", (event) => event.pointerType === "mouse" && hear(event));
  canvas.addEventListener("click", hear);
  canvas.addEventListener("keydown", (event) => {
    const from = at() ?? [canvas.height / 2, canvas.width / 2].map(Math.floor);
    const next = travelled(event, from, canvas.height, canvas.width, event.shiftKey ? 8 : 1);
    if (!next) return;
    event.preventDefault();
    asked(next[1], next[0]);
  });
});

// A small cross-hair around the pixel that is asked for.
const marked = (canvas, at) => {
  if (!at) return;
  const context = canvas.getContext("2d"), by = canvas.width / SIDE;
  for (const [color, width] of [["#101418", 3], ["#ffffff", 1]]) {
    Object.assign(context, { strokeStyle: color, lineWidth: width * Math.sqrt(by) });
    context.strokeRect(at[1] + 0.5 - 3 * by, at[0] + 0.5 - 3 * by, 6 * by, 6 * by);
  }
};

const opened = (address) => {
  const image = Object.assign(new Image(), { src: String(address) });
  return image.decode().then(() => image);
};

// A picture of one's own: from a file, the clipboard, or dropped; a phone offers its camera, too.
const ownPicture = (target, took, tell) => {
  const input = make("input", { type: "file", accept: "image/*", class: "fcn-heard", id: `fcn-${++made}` });
  const take = async (file) => {
    if (!file) return;
    try {
      took(await createImageBitmap(file));
    } catch {
      tell(`${file.name || "That"} is no picture that this browser can open. A PNG, JPEG or WebP is one.`);
    }
    input.value = "";  // so that the same file can be chosen again
  };
  input.addEventListener("change", () => take(input.files[0]));
  addEventListener("paste", (event) => target.isConnected && take([...event.clipboardData.files][0]));
  target.addEventListener("dragover", (event) => event.preventDefault());
  target.addEventListener("drop", (event) => (event.preventDefault(), take(event.dataTransfer.files[0])));
  return make("span", { class: "fcn-own" }, input, make("label", { for: input.id, class: "fcn-button" }, "Your own picture: choose, paste or drop it"));
};

// Run what is asked for again and again, never twice at a time; what is asked meanwhile is done once, afterwards.
const oneAtATime = (work) => {
  let busy = false, again = false;
  return async function ask() {
    if (busy) return void (again = true);
    busy = true;
    try {
      await work();
    } finally {
      busy = false;
    }
    if (again) {
      again = false;
      requestAnimationFrame(ask);
    }
  };
};
