// Chapter 5: what each score map adds to the sum. The maps are stored as whole numbers; the rest is computed here.

// Maps that are stored as whole numbers of 8 or 16 bits, low byte first, each class with a step of its own.
export const unpacked = ({ data, bits, steps }) => {
  const whole = new (bits === 8 ? Int8Array : Int16Array)(bytes(data).buffer), area = whole.length / steps.length;
  return Float64Array.from(whole, (value, at) => value * steps[Math.floor(at / area)]);
};

// The class of the highest sum in each pixel; each map is a square, each cell of it stands for a block of pixels.
export const predicted = (maps, weights, classes, side) => {
  const strides = maps.map(({ side: cells }) => side / cells), centers = strides.map((stride) => (stride - 1) / 2);
  const squares = maps.map(({ values, side: cells }) => ({ values, rows: cells, columns: cells }));
  return [...best(summed(squares, weights, { classes, strides, centers }), classes)];
};

function render({ model, el }) {
  const [scenes, networks, classes, colors, side] = ["scenes", "networks", "classes", "colors", "side"].map((name) => model.get(name));
  let scene = 0, network = networks.length - 1, weights = networks.map(({ maps }) => maps.map(() => 1)), unpackedMaps = {};
  const mapsOf = (index) => (unpackedMaps[`${index},${network}`] ??= networks[network].scores[index].map((stored, level) =>
    ({ values: unpacked(stored), side: networks[network].sides[level] })));
  const view = (title) => {
    const canvas = make("canvas", { role: "img" }), words = make("figcaption", { "aria-hidden": "true" });
    [canvas.width, canvas.height] = [side, side];
    return { canvas, words, title, element: make("figure", { class: "fcn-picture" }, make("p", { class: "fcn-title" }, title), canvas, words) };
  };
  const views = { picture: view("picture"), answer: view("answer"), errors: view("errors"), truth: view("truth") };
  const controls = make("div", { class: "fcn-three" }), told = make("p", { class: "fcn-formula" }), heard = voice(), photograph = new Image();
  photograph.addEventListener("load", () => views.picture.canvas.getContext("2d").drawImage(photograph, 0, 0, side, side));

  function fill({ canvas, words, title }, values, color, said) {
    const context = canvas.getContext("2d"), image = context.createImageData(side, side), known = {};
    values.forEach((value, at) => {
      const rgb = (known[value] ??= [1, 3, 5].map((place) => parseInt(color(value).slice(place, place + 2), 16)));
      image.data.set([...rgb, 255], 4 * at);
    });
    context.putImageData(image, 0, 0);
    words.textContent = said;
    canvas.setAttribute("aria-label", `${title}: ${said}`);
  }

  // The things of a map, the largest first: [[label, share of the pixels]].
  const things = (map) => [...new Set(map)].filter((label) => label !== 0 && label !== VOID)
    .map((label) => [label, map.filter((each) => each === label).length / map.length]).sort((a, b) => b[1] - a[1]);
  const LINES = 4;  // of words under a picture, however many things there are, so that nothing below them moves
  const few = (map) => {
    const all = things(map), large = all.slice(0, all.length > LINES ? LINES - 1 : LINES), left = all.length - large.length;
    return { large, more: left ? `and ${left} more` : "" };
  };
  const named = (map) => {
    const { large, more } = few(map);
    return [...large.map(([label, share]) => `${classes[label]} ${percent(share)}`), ...(more ? [more] : [])].join(", ") || "nothing";
  };
  const legend = (words, map) => {
    const { large, more } = few(map), line = (...parts) => make("span", { class: "fcn-line-each" }, ...parts);
    words.replaceChildren(...large.map(([label, share]) => line(swatch(colors[label]), `${classes[label]} ${percent(share)}`)),
      line(more || (large.length ? "" : "nothing")));
  };

  function draw() {
    const truth = scenes[scene].labels, answer = predicted(mapsOf(scene), weights[network], classes.length, side);
    const found = scores(truth, answer, side, side, classes.length, 3), wrong = kinds(truth, answer);
    const share = (kind) => `${((100 * wrong.filter((each) => each === kind).length) / wrong.filter((each) => each !== "void").length).toFixed(1)} %`;
    const color = (label) => (label === VOID ? KINDS.void : colors[label]);
    fill(views.answer, answer, color, named(answer));
    legend(views.answer.words, answer);
    fill(views.errors, wrong, (kind) => KINDS[kind], `missed ${share("missed")} (blue), spilled ${share("spilled")} (orange), mixed up ${share("mixed up")} (pink); white: void`);
    fill(views.truth, truth, color, named(truth));
    legend(views.truth.words, truth);
    const errors = [...["missed", "spilled", "mixed up"].map((kind) => [kind, `${kind} ${share(kind)}`]), ["void", "void"]];
    views.errors.words.replaceChildren(...errors.map(([kind, text]) => make("span", { class: "fcn-line-each" }, swatch(KINDS[kind]), text)));
    told.textContent = `This picture: pixel accuracy ${two(found.pixelAccuracy)}, mean IoU ${two(found.meanIou)}, boundary IoU ${two(found.boundaryIou)}`;
    heard.say(told.textContent);
  }

  function open() {
    photograph.src = scenes[scene].source;
    views.picture.canvas.setAttribute("aria-label", `The picture of scene ${scene + 1}: ${named(scenes[scene].labels)}`);
    controls.replaceChildren(...networks[network].maps.map((name, level) =>
      slider(`${name}, stride ${side / networks[network].sides[level]}`, { min: 0, max: 20, value: Math.round(10 * weights[network][level]), say: (value) => (value / 10).toFixed(1) }, (value) => {
        weights[network][level] = value / 10;
        draw();
      })));
    draw();
  }

  for (const each of scenes) {
    each.source = sourceOf(each.picture);
    each.labels = [...bytes(each.truth)];
  }
  const pick = (name, options, value, set) => choice(name, Object.fromEntries(options.map((label, index) => [`k${index}`, label])), `k${value}`, (key) => (set(Number(key.slice(1))), open()));
  el.classList.add("fcn-live", "fcn-skips");
  el.append(
    pick("scene", scenes.map(({ labels }, index) => `${index + 1}: ${things(labels).slice(0, 2).map(([label]) => classes[label]).join(", ")}`), scene, (index) => (scene = index)),
    pick("network", networks.map(({ name }) => name), network, (index) => (network = index)),
    make("p", { class: "fcn-title" }, "weight of each map"),
    controls,
    make("div", { class: "fcn-row" }, button("All weights 1", () => {
      weights = networks.map(({ maps }) => maps.map(() => 1));
      open();
    })),
    make("div", { class: "fcn-pictures fcn-four" }, ...Object.values(views).map(({ element }) => element)), told);
  open();
  el.append(heard);
}

export default { render };
