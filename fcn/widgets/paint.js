// Chapter 4: paint that overlaps. A transposed convolution beside nearest neighbour and a convolution.
// Maps are square and have no border: what leaves on one side comes in on the other. So every pixel is inside.

// x (n, n), a brush (k, k), stride s -> (n s, n s): every pixel of x stamps the brush, s apart.
export const stamped = (x, n, brush, k, s) => {
  const side = n * s, out = new Float64Array(side * side);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) for (let a = 0; a < k; a++) for (let b = 0; b < k; b++)
    out[((i * s + a) % side) * side + ((j * s + b) % side)] += x[i * n + j] * brush[a * k + b];
  return out;
};

// The same sizes: every pixel of x becomes s x s, then a convolution with the brush, its middle on the pixel.
export const convolved = (x, n, brush, k, s) => {
  const side = n * s, out = new Float64Array(side * side), middle = (k - 1) >> 1;
  const at = (p) => Math.floor(((p + side) % side) / s);
  for (let i = 0; i < side; i++) for (let j = 0; j < side; j++) {
    let sum = 0;
    for (let a = 0; a < k; a++) for (let b = 0; b < k; b++) sum += brush[a * k + b] * x[at(i + a - middle) * n + at(j + b - middle)];
    out[i * side + j] = sum;
  }
  return out;
};

// fcn.checkerboard.phase_score of one map: the share of its variance that repeats with a period, and what noise has.
export const phaseScore = (map, side, period) => {
  const means = new Float64Array(period * period);
  let sum = 0, squares = 0;
  for (let i = 0; i < side; i++) for (let j = 0; j < side; j++) {
    means[(i % period) * period + (j % period)] += map[i * side + j];
    sum += map[i * side + j];
    squares += map[i * side + j] ** 2;
  }
  const mean = sum / side ** 2, each = (side / period) ** 2;
  let total = 0, between = 0;
  for (const value of map) total += (value - mean) ** 2;
  for (const value of means) between += each * (value / each - mean) ** 2;
  const flat = total <= squares * 1e-24;
  return { score: flat ? 0 : between / total, floor: (period ** 2 - 1) / (side ** 2 - 1) };
};

// How much of each frequency a map holds, but for its mean: (side, side) shares that sum to 1, the slowest in the middle.
export const spectrum = (map, side) => {
  const cos = Float64Array.from({ length: side }, (_, i) => Math.cos((2 * Math.PI * i) / side));
  const sin = Float64Array.from({ length: side }, (_, i) => Math.sin((2 * Math.PI * i) / side));
  const turn = (real, imaginary) => {  // along the rows; the result is transposed
    const out = [new Float64Array(side * side), new Float64Array(side * side)];
    for (let i = 0; i < side; i++) for (let f = 0; f < side; f++) {
      let [re, im] = [0, 0];
      for (let j = 0; j < side; j++) {
        const at = (f * j) % side, [a, b] = [real[i * side + j], imaginary[i * side + j]];
        re += a * cos[at] + b * sin[at];
        im += b * cos[at] - a * sin[at];
      }
      [out[0][f * side + i], out[1][f * side + i]] = [re, im];
    }
    return out;
  };
  const [real, imaginary] = turn(...turn(map, new Float64Array(side * side)));
  const energies = real.map((value, i) => value ** 2 + imaginary[i] ** 2), all = energies.reduce((a, b) => a + b, 0);
  energies[0] = 0;
  const total = energies.reduce((a, b) => a + b, 0), half = side >> 1;
  if (total <= all * 1e-24) return energies.fill(0);
  return energies.map((_, at) => energies[((Math.floor(at / side) + side - half) % side) * side + (((at % side) + side - half) % side)] / total);
};

// By the logarithm, from a millionth of the strongest on; each frequency three pixels wide, so that it can be seen.
const visible = (shares, side) => {
  const peak = shares.reduce((a, b) => Math.max(a, b), 0) || 1;
  const logs = shares.map((share) => Math.max(0, 1 + Math.log10(share / peak) / 6));
  return logs.map((_, at) => {
    let most = 0;
    for (const a of [-1, 0, 1]) for (const b of [-1, 0, 1])
      most = Math.max(most, logs[((Math.floor(at / side) + a + side) % side) * side + ((at + b + side) % side)]);
    return most;
  });
};

export const BRUSHES = { ones: "ones", random: "random", positive: "one sign", tent: "tent" };

export const brush = (kind, k, draw) => {
  const tent = (i) => 1 - Math.abs(i - (k - 1) / 2) / Math.ceil(k / 2);
  const values = Float64Array.from({ length: k * k }, (_, i) =>
    kind === "ones" ? 1 : kind === "tent" ? tent(Math.floor(i / k)) * tent(i % k) : draw());
  return kind === "positive" ? values.map(Math.abs) : values;
};

export const INPUTS = { even: "even", nearly: "nearly even", noise: "noise" };

export const input = (kind, n, draw) => Float64Array.from({ length: n * n }, () =>
  kind === "even" ? 1 : kind === "nearly" ? 1 + 0.1 * draw() : Math.max(0, draw()));

// All that a setting gives: the brushes, the input, both maps and their scores.
export const painted = ({ kernel, stride, depth, brush: kind, input: from, seed }) => {
  const draw = chanceOf(seed), period = stride ** depth, cells = Math.max(2, Math.round(48 / period));
  const brushes = Array.from({ length: depth }, () => brush(kind, kernel, draw));
  const start = input(from, cells, draw);
  const through = (step) => brushes.reduce(([map, n], each) => [step(map, n, each, kernel, stride), n * stride], [start, cells])[0];
  const side = cells * period, maps = { stamped: through(stamped), convolved: through(convolved) };
  const scores = Object.fromEntries(Object.entries(maps).map(([name, map]) => [name, phaseScore(map, side, period)]));
  return { brushes, start, cells, side, period, maps, scores };
};

// How often the pixels of a canvas are stamped, by place: along one side, by one layer.
export const counts = (kernel, stride) => {
  const found = Array(stride).fill(0);
  for (let a = 0; a < kernel; a++) found[a % stride]++;
  return found;
};

const say = (number) => (number < 5e-5 ? "0" : number.toFixed(number < 0.01 ? 4 : 2));
const SHOWN = 24;  // pixels of a map a side, at least

function render({ model, el }) {
  const names = { stamped: "transposed convolution", convolved: "nearest neighbour, then a convolution" };
  const views = Object.fromEntries(Object.entries(names).map(([name, title]) => [name, picture(title, SHOWN, SHOWN)]));
  const spectra = Object.fromEntries(Object.keys(names).map((name) => [name, picture("its spectrum", SHOWN, SHOWN)]));
  const stamp = picture("the brush", 1, 1);
  const told = make("p"), heard = voice();
  const get = (name) => model.get(name);
  const change = (name) => (value) => {
    model.set(name, value);
    model.save_changes();
    draw();
  };
  function draw() {
    const setting = Object.fromEntries(["kernel", "stride", "depth", "brush", "input", "seed"].map((name) => [name, get(name)]));
    const { brushes, side, period, maps, scores } = painted(setting), shown = Math.min(side, Math.max(SHOWN, 3 * period));
    const largest = (values) => values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    stamp.show(brushes[0], setting.kernel, setting.kernel, largest(brushes[0]), `${setting.kernel} by ${setting.kernel}`);
    for (const name of Object.keys(names)) {
      const part = Float64Array.from({ length: shown * shown }, (_, i) => maps[name][Math.floor(i / shown) * side + (i % shown)]);
      const { score, floor } = scores[name];
      const exactly = name === "convolved" ? "phase score 0, exactly, whatever the brush" : `phase score ${say(score)}, noise has ${say(floor)}`;
      views[name].show(part, shown, shown, largest(part), exactly);
      spectra[name].show(visible(spectrum(maps[name], side), side), side, side, 1, "slow changes in the middle, fast ones at the rim");
    }
    const paint = counts(setting.kernel, setting.stride), [least, most] = [Math.min(...paint), Math.max(...paint)];
    const times = (power) => (least !== most ? `${least ** power} to ${most ** power} times` : least === 1 ? "once" : `${least ** power} times`);
    const divides = setting.kernel % setting.stride ? "does not divide" : "divides";
    const [low, high] = [Math.min(...maps.stamped), Math.max(...maps.stamped)];
    const uneven = low > 0 && setting.input === "even" ? ` The most paint on a pixel is ${low * 1.0000001 > high ? "no more than" : `${(high / low).toFixed(1)} times`} the least.` : "";
    told.textContent = `The stride ${divides} the kernel: ${setting.depth > 1 ? "in each layer " : ""}a pixel is stamped ${times(1)} along a side, ` +
      `${times(2)} on the canvas.${uneven} A pattern can repeat every ${period} pixels.`;
    heard.say(`${told.textContent} The phase score of the transposed convolution: ${say(scores.stamped.score)}.`);
    anew.disabled = setting.input === "even" && (setting.brush === "ones" || setting.brush === "tent");
  }
  const anew = button("Draw the chance anew", () => change("seed")(get("seed") + 1));
  el.classList.add("fcn-live");
  el.append(
    make("div", { class: "fcn-controls" },
      make("div", {},
        slider("kernel", { min: 1, max: 7, value: get("kernel") }, change("kernel")),
        slider("stride", { min: 2, max: 4, value: get("stride") }, change("stride")),
        slider("times in a row", { min: 1, max: 3, value: get("depth") }, change("depth"))),
      make("div", {},
        choice("brush", BRUSHES, get("brush"), change("brush")),
        choice("what is painted", INPUTS, get("input"), change("input"))),
      anew),
    make("div", { class: "fcn-told" }, stamp.element, told),
    make("div", { class: "fcn-pictures fcn-paint" }, ...Object.keys(names).flatMap((name) => [views[name].element, spectra[name].element])));
  draw();
  el.append(heard);
}

export default { render };
