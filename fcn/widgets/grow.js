// Chapter 3: a transposed convolution, stamp by stamp and pixel by pixel, with all its settings.

// The settings along rows and along columns; in one dimension there is nothing to do along the rows.
const along = ({ kernel, stride, padding, outputPadding, dilation, flat }) => {
  const columns = { kernel, stride, padding, outputPadding, dilation };
  return [flat ? { kernel: 1, stride: 1, padding: 0, outputPadding: 0, dilation: 1 } : columns, columns];
};

// The canvas before anything is cut off, and what is left of it: pixels along one side.
export const canvasSize = (n, { kernel, stride, outputPadding, dilation }) => (n - 1) * stride + dilation * (kernel - 1) + 1 + outputPadding;
export const size = (n, setting) => canvasSize(n, setting) - 2 * setting.padding;

// x is {values, height, width}, the brush flat, kernel by kernel (by 1 in one dimension): the canvas after `count` stamps.
export const stamped = (x, brush, setting, count = x.values.length) => {
  const [down, right] = along(setting), [height, width] = [canvasSize(x.height, down), canvasSize(x.width, right)];
  const values = new Float64Array(height * width);
  for (let place = 0; place < count; place++) {
    const [i, j] = [Math.floor(place / x.width), place % x.width];
    for (let a = 0; a < down.kernel; a++) for (let b = 0; b < right.kernel; b++)
      values[(i * down.stride + a * down.dilation) * width + j * right.stride + b * right.dilation] += x.values[place] * brush[a * right.kernel + b];
  }
  return { values, height, width };
};

// What one pixel of the result gathers: [{place in x, place in the brush}].
export const gathered = (x, setting, row, column) => {
  const [down, right] = along(setting), found = [];
  for (let a = 0; a < down.kernel; a++) for (let b = 0; b < right.kernel; b++) {
    const i = (row + down.padding - a * down.dilation) / down.stride, j = (column + right.padding - b * right.dilation) / right.stride;
    if (Number.isInteger(i) && Number.isInteger(j) && i >= 0 && j >= 0 && i < x.height && j < x.width)
      found.push({ from: i * x.width + j, by: a * right.kernel + b });
  }
  return found;
};

// The result, each pixel gathered.
export const grown = (x, brush, setting) => {
  const [down, right] = along(setting), [height, width] = [size(x.height, down), size(x.width, right)];
  const values = Float64Array.from({ length: height * width }, (_, at) =>
    gathered(x, setting, Math.floor(at / width), at % width).reduce((sum, { from, by }) => sum + x.values[from] * brush[by], 0));
  return { values, height, width };
};

const ACCENT = "#5cc6c9", WARM = "#ff7a59";

function render({ model, el }) {
  const square = { x: model.get("x").map((row) => [...row]), brush: model.get("brush").map((row) => [...row]) };
  const setting = { kernel: square.brush.length, flat: false };
  for (const [name, key] of [["stride", "stride"], ["padding", "padding"], ["output_padding", "outputPadding"], ["dilation", "dilation"]])
    setting[key] = model.get(name);
  let pin = [0, 0], stamps = Infinity;

  const input = () => {
    const rows = setting.flat ? [square.x[Math.floor(square.x.length / 2)]] : square.x;
    return { values: rows.flat(), height: rows.length, width: rows[0].length };
  };
  const brush = () => (setting.flat ? square.brush[Math.floor((setting.kernel - 1) / 2)] : square.brush.flat());
  const edit = (name) => (i, j, by) => {
    const rows = square[name], row = setting.flat ? Math.floor((rows.length - (name === "brush" ? 1 : 0)) / 2) : i;
    const next = rows[row][j] + by;
    rows[row][j] = next > 9 ? -9 : next < -9 ? 9 : next;
    draw();
  };
  const views = {
    x: grid("input", { changed: edit("x") }), brush: grid("brush", { changed: edit("brush") }),
    canvas: grid("stamping"), result: grid("gathering", { picked: (i, j) => ((pin = [i, j]), draw()) }),
  };
  const change = (name) => (value) => {
    setting[name] = value;
    if (name === "kernel") square.brush = Array.from({ length: value }, (_, i) => Array.from({ length: value }, (_, j) => square.brush[i]?.[j] ?? 1));
    stamps = Infinity;
    draw();
  };
  const sliders = {
    kernel: slider("kernel", { min: 1, max: 7, value: setting.kernel }, change("kernel")),
    stride: slider("stride", { min: 1, max: 4, value: setting.stride }, change("stride")),
    dilation: slider("dilation", { min: 1, max: 3, value: setting.dilation }, change("dilation")),
    padding: slider("padding", { min: 0, max: 9, value: setting.padding }, change("padding")),
    outputPadding: slider("output padding", { min: 0, max: 3, value: setting.outputPadding }, change("outputPadding")),
    stamps: slider("stamps so far", { min: 0, max: 25, value: 9 }, (value) => ((stamps = value), draw())),
  };
  const formula = make("p", { class: "fcn-formula" }), pinned = make("p", { class: "fcn-formula", "aria-live": "polite" });
  const line = make("code", { class: "fcn-line" });

  function draw() {
    const x = input(), weights = brush();
    setting.outputPadding = Math.min(setting.outputPadding, Math.max(setting.stride, setting.dilation) - 1);
    const most = Math.floor((canvasSize(x.width, { ...setting, outputPadding: setting.outputPadding }) - 1) / 2);
    setting.padding = Math.min(setting.padding, most, 9);
    const [down, right] = along(setting), all = x.values.length, count = Math.min(stamps, all);
    sliders.padding.set(Math.min(most, 9), setting.padding);
    sliders.outputPadding.set(Math.max(setting.stride, setting.dilation) - 1, setting.outputPadding);
    sliders.stamps.set(all, count);
    const canvas = stamped(x, weights, setting, count), result = grown(x, weights, setting);
    const done = Math.round((result.values.length * count) / all);
    pin = [Math.min(pin[0], result.height - 1), Math.min(pin[1], result.width - 1)];
    const parts = gathered(x, setting, ...pin);
    const largest = (values) => values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    const limit = largest(result.values) || largest(canvas.values);
    const cell = (at, width, color) => ({ top: Math.floor(at / width), left: at % width, height: 1, width: 1, color });
    const last = count - 1;
    const stamp = count && count < all ? [cell(last, x.width, WARM)] : [];
    views.x.show(x.values, x.height, x.width, { limit: largest(x.values), said: `${x.height} by ${x.width}; tap to change`,
      frames: [...parts.map(({ from }) => cell(from, x.width, ACCENT)), ...stamp] });
    views.brush.show(weights, down.kernel, right.kernel, { limit: largest(weights), said: `${down.kernel} by ${right.kernel}; tap to change`,
      frames: parts.map(({ by }) => cell(by, right.kernel, ACCENT)) });
    const kept = { top: down.padding, left: right.padding, height: result.height, width: result.width, color: "#ffffff" };
    const reach = (one) => one.dilation * (one.kernel - 1) + 1;
    const brushed = count && count < all ? [{ top: Math.floor(last / x.width) * down.stride, left: (last % x.width) * right.stride,
      height: reach(down), width: reach(right), color: WARM }] : [];
    const outside = (i, j) => i < kept.top || j < kept.left || i >= kept.top + kept.height || j >= kept.left + kept.width;
    views.canvas.show(canvas.values, canvas.height, canvas.width, { limit, faint: outside, said: setting.padding ?
      `${canvas.height} by ${canvas.width}, padding cuts ${setting.padding} off each edge` : `${canvas.height} by ${canvas.width}`,
      frames: [...(setting.padding ? [kept] : []), ...brushed] });
    views.result.show(result.values, result.height, result.width, { limit, said: `${result.height} by ${result.width}; point at a pixel`,
      hidden: (i, j) => i * result.width + j >= done, frames: [{ ...cell(pin[0] * result.width + pin[1], result.width, ACCENT) }] });
    const { kernel, stride, padding, outputPadding, dilation } = setting, n = x.width;
    formula.textContent = `Side: (n − 1) · stride + dilation · (kernel − 1) + 1 + output padding − 2 · padding = ` +
      `(${n} − 1) · ${stride} + ${dilation} · (${kernel} − 1) + 1 + ${outputPadding} − 2 · ${padding} = ${result.width}`;
    const sum = parts.map(({ from, by }) => `${written(x.values[from])} · ${written(weights[by])}`).join(" + ") || "nothing";
    pinned.textContent = `Row ${pin[0] + 1}, column ${pin[1] + 1} gathers ${sum} = ${written(result.values[pin[0] * result.width + pin[1]])}`;
    const given = Object.entries({ padding, output_padding: outputPadding, dilation }).filter(([name, value]) => value !== (name === "dilation" ? 1 : 0));
    line.textContent = `nn.ConvTranspose${setting.flat ? 1 : 2}d(1, 1, ${kernel}, stride=${stride}${given.map(([name, value]) => `, ${name}=${value}`).join("")}, bias=False)`;
  }

  const copy = button("Copy", async () => {
    await navigator.clipboard?.writeText(line.textContent);
    copy.textContent = "Copied";
    setTimeout(() => (copy.textContent = "Copy"), 1500);
  });
  el.classList.add("fcn-live", "fcn-grow");
  el.append(
    make("div", { class: "fcn-controls" },
      make("div", {}, sliders.kernel, sliders.stride, sliders.dilation),
      make("div", {}, sliders.padding, sliders.outputPadding,
        choice("dimensions", { two: "two", one: "one" }, "two", (key) => change("flat")(key === "one")))),
    make("div", { class: "fcn-pictures fcn-steps" }, ...Object.values(views).map(({ element }) => element)),
    sliders.stamps, pinned, formula,
    make("div", { class: "fcn-row" }, line, copy));
  draw();
}

export default { render };
