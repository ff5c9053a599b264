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

const ACCENT = "#5cc6c9", WARM = "#ff7a59", MOST = 7;

function render({ model, el }) {
  const start = { x: model.get("x"), brush: model.get("brush") };
  const first = { kernel: start.brush.length, flat: false, stride: model.get("stride"), padding: model.get("padding"),
    outputPadding: model.get("output_padding"), dilation: model.get("dilation") };
  const padded = (rows) => Array.from({ length: MOST }, (_, i) => Array.from({ length: MOST }, (_, j) => rows[i]?.[j] ?? 1));
  let wanted, square, pin, stamps;  // what the reader has set; a kernel shows a part of the brush, which stays as it is
  const reset = () => {
    wanted = { ...first };
    square = { x: start.x.map((row) => [...row]), brush: padded(start.brush) };
    [pin, stamps] = [[2, 2], Infinity];
  };
  reset();

  const middle = (rows) => Math.floor((rows - 1) / 2);
  const input = () => {
    const rows = wanted.flat ? [square.x[middle(square.x.length)]] : square.x;
    return { values: rows.flat(), height: rows.length, width: rows[0].length };
  };
  const brush = () => {
    const rows = square.brush.slice(0, wanted.kernel).map((row) => row.slice(0, wanted.kernel));
    return wanted.flat ? rows[middle(wanted.kernel)] : rows.flat();
  };
  const edit = (name) => (i, j, value) => {
    const rows = name === "x" ? square.x.length : wanted.kernel;
    square[name][wanted.flat ? middle(rows) : i][j] = value;
    draw();
  };
  const views = {
    x: grid("input", { changed: edit("x") }), brush: grid("brush", { changed: edit("brush") }),
    canvas: grid("stamping"), result: grid("gathering", { picked: (i, j) => ((pin = [i, j]), draw()) }),
  };
  const change = (name) => (value) => {
    wanted[name] = value;
    draw();
  };
  const sliders = {
    kernel: slider("kernel", { min: 1, max: MOST, value: wanted.kernel }, change("kernel")),
    stride: slider("stride", { min: 1, max: 4, value: wanted.stride }, change("stride")),
    dilation: slider("dilation", { min: 1, max: 3, value: wanted.dilation }, change("dilation")),
    padding: slider("padding", { min: 0, max: 9, value: wanted.padding }, change("padding")),
    outputPadding: slider("output padding", { min: 0, max: 3, value: wanted.outputPadding }, change("outputPadding")),
    stamps: slider("stamps so far", { min: 0, max: 25, value: 9 }, (value) => ((stamps = value), draw())),
  };
  const formula = make("p", { class: "fcn-formula" }), pinned = make("p", { class: "fcn-formula", "aria-live": "off" }), heard = voice();
  const line = make("code", { class: "fcn-line" });
  let runnable = "";

  function draw() {
    const x = input(), weights = brush(), setting = { ...wanted };
    setting.outputPadding = Math.min(wanted.outputPadding, Math.max(wanted.stride, wanted.dilation) - 1);
    const most = Math.min(9, Math.floor((canvasSize(x.width, setting) - 1) / 2));
    setting.padding = Math.min(wanted.padding, most);
    const [down, right] = along(setting), all = x.values.length, count = Math.min(stamps, all);
    for (const name of ["kernel", "stride", "dilation"]) sliders[name].set(Number(sliders[name].children[1].max), setting[name]);
    sliders.padding.set(most, setting.padding);
    sliders.outputPadding.set(Math.max(setting.stride, setting.dilation) - 1, setting.outputPadding);
    sliders.stamps.set(all, count);
    const canvas = stamped(x, weights, setting, count), result = grown(x, weights, setting);
    pin = [Math.min(pin[0], result.height - 1), Math.min(pin[1], result.width - 1)];
    const parts = gathered(x, setting, ...pin), last = count - 1, going = count > 0 && count < all;
    const largest = (values) => values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    const limit = largest(stamped(x, weights, setting).values);
    const box = (top, left, height, width, color) => ({ top, left, height, width, color });
    const cell = (at, width, color) => box(Math.floor(at / width), at % width, 1, 1, color);
    const reach = ({ dilation, kernel }) => dilation * (kernel - 1) + 1;
    views.x.show(x.values, x.height, x.width, { limit: largest(x.values), said: `${x.height} by ${x.width}`,
      frames: [...parts.map(({ from }) => cell(from, x.width, ACCENT)), ...(going ? [cell(last, x.width, WARM)] : [])] });
    views.brush.show(weights, down.kernel, right.kernel, { limit: largest(weights), said: `${down.kernel} by ${right.kernel}`,
      frames: parts.map(({ by }) => cell(by, right.kernel, ACCENT)) });
    const kept = box(down.padding, right.padding, result.height, result.width, "#ffffff");
    const outside = (i, j) => i < kept.top || j < kept.left || i >= kept.top + kept.height || j >= kept.left + kept.width;
    const stamp = going ? [box(Math.floor(last / x.width) * down.stride, (last % x.width) * right.stride, reach(down), reach(right), WARM)] : [];
    const cut = setting.padding ? `, padding cuts ${setting.padding} off each edge` : "";
    views.canvas.show(canvas.values, canvas.height, canvas.width, { limit, faint: outside,
      said: `${canvas.height} by ${canvas.width}, after ${count} of ${all} stamps${cut}`,
      frames: [...(setting.padding ? [kept] : []), ...stamp, box(pin[0] + down.padding, pin[1] + right.padding, 1, 1, ACCENT)] });
    views.result.show(result.values, result.height, result.width, { limit, said: `${result.height} by ${result.width}`,
      frames: [cell(pin[0] * result.width + pin[1], result.width, ACCENT)] });
    for (const [view, { width }] of [[views.canvas, canvas], [views.result, result]]) {
      view.element.style.flexGrow = width;  // cells of one size
      view.element.style.setProperty("--share", width / canvas.width);
    }
    const { kernel, stride, padding, outputPadding, dilation } = setting, n = x.width;
    formula.textContent = `Side: (n − 1) · stride + dilation · (kernel − 1) + 1 + output padding − 2 · padding = ` +
      `(${n} − 1) · ${stride} + ${dilation} · (${kernel} − 1) + 1 + ${outputPadding} − 2 · ${padding} = ${result.width}`;
    const bracketed = (value) => (value < 0 ? `(${written(value)})` : written(value));
    const sum = parts.map(({ from, by }) => `${bracketed(x.values[from])} · ${bracketed(weights[by])}`).join(" + ") || "nothing";
    const place = setting.flat ? `Pixel ${pin[1] + 1}` : `Row ${pin[0] + 1}, column ${pin[1] + 1}`;
    pinned.textContent = `${place} gathers ${sum} = ${written(result.values[pin[0] * result.width + pin[1]])}`;
    heard.say(pinned.textContent);
    const given = Object.entries({ padding, output_padding: outputPadding, dilation }).filter(([name, value]) => value !== (name === "dilation" ? 1 : 0));
    line.textContent = `nn.ConvTranspose${setting.flat ? 1 : 2}d(1, 1, ${kernel}, stride=${stride}${given.map(([name, value]) => `, ${name}=${value}`).join("")}, bias=False)`;
    const rows = (values, width) => (setting.flat ? `[${values}]` : `[${Array.from({ length: values.length / width }, (_, i) => `[${values.slice(i * width, (i + 1) * width)}]`)}]`);
    runnable = `import torch\nfrom torch import nn\n\nlayer = ${line.textContent}\nlayer.weight.data = torch.tensor([[${rows(weights, kernel)}]]).float()\n` +
      `layer(torch.tensor([[${rows(x.values, n)}]]).float())\n`;
  }

  const copy = button("Copy as PyTorch", async () => {
    await navigator.clipboard.writeText(runnable);
    copy.textContent = "Copied";
    setTimeout(() => (copy.textContent = "Copy as PyTorch"), 1500);
  });
  copy.hidden = !navigator.clipboard;
  const dimensions = choice("dimensions", { two: "two", one: "one" }, "two", (key) => change("flat")(key === "one"));
  const again = button("Reset", () => {
    reset();
    dimensions.querySelector("input").checked = true;
    draw();
  });
  el.classList.add("fcn-live", "fcn-grow");
  el.append(
    make("div", { class: "fcn-controls" },
      make("div", {}, sliders.kernel, sliders.stride, sliders.dilation),
      make("div", {}, sliders.padding, sliders.outputPadding, dimensions)),
    sliders.stamps,
    make("div", { class: "fcn-pictures fcn-steps" }, views.x.element, views.brush.element,
      make("div", { class: "fcn-two" }, views.canvas.element, views.result.element)),
    pinned, formula,
    make("div", { class: "fcn-row" }, line, copy, again),
    make("p", { class: "fcn-hint" }, "Framed: the number of the result that you point at, and those that it gathers. White: the number that − and + change, and each digit that you type."));
  draw();
  el.append(heard);
}

export default { render };
