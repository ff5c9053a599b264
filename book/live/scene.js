// The scene: emoji on a photograph, which can be moved, turned and scaled, and three networks that answer at once.

const NETWORKS = { "FCN-32s": "fcn32s", "FCN-16s": "fcn16s", "FCN-8s": "fcn8s" };
const START = { background: "sunrise-135", things: [["noto-dog", 44, 84, 74, 0], ["noto-bicycle", 92, 70, 56, -8], ["noto-cat", 104, 104, 40, 6]] };

function sceneOf({ root, about }) {
  const { classes, colors } = about.networks.fcn8s, count = classes.length;
  const sprites = about.sprites, names = Object.keys(sprites), backgrounds = Object.keys(about.backgrounds);
  const cache = {}, picture = (file) => (cache[file] ??= opened(new URL(file, root)).catch((error) => {
    delete cache[file];
    throw error;
  }));
  const first = () => ({ background: START.background, things: START.things.map(([sprite, x, y, size, turn]) => ({ sprite, x, y, size, turn, flip: false })) });
  let scene = fromHash(location.hash, backgrounds, names) ?? first();
  let own = null, chosen = scene.things.length - 1, shown = "answers", smooth = true, tiles = false, style = "noto";
  let truth = new Uint8Array(SIDE * SIDE), found = {}, at = null;

  const stage = view("The scene", SIDE * SHOWN, SIDE * SHOWN, { role: "application", tabindex: "0" });
  const seen = view("What they get", SIDE, SIDE), right = view("Truth", SIDE, SIDE);
  const answers = Object.fromEntries(Object.keys(NETWORKS).map((name) => [name, view(name, SIDE, SIDE)]));
  const told = make("p", { class: "fcn-formula" }), asked = make("table", { class: "fcn-scores fcn-asked" }), answered = voice();
  const heard = make("span", { class: "fcn-heard", "aria-live": "polite" }), note = make("p", { class: "fcn-formula", role: "status" });
  const controls = make("div", { class: "fcn-controls" }), speed = make("p", { class: "fcn-hint" }), legend = make("p", { class: "fcn-formula" });

  // --- drawing: once large for the eye, once small for the networks

  async function draw(canvas, scale, things = scene.things, background = true) {
    const context = canvas.getContext("2d");
    const images = await Promise.all(things.map(({ sprite }) => picture(sprites[sprite].file)));
    const behind = own ?? (await picture(`backgrounds/${scene.background}.webp`));
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingQuality = "high";
    if (background) {
      const side = Math.min(behind.width, behind.height);
      context.drawImage(behind, (behind.width - side) / 2, (behind.height - side) / 2, side, side, 0, 0, canvas.width, canvas.height);
    }
    things.forEach(({ x, y, size, turn, flip }, index) => {
      const image = images[index], by = (scale * size) / Math.max(image.width, image.height);
      context.setTransform(scale, 0, 0, scale, 0, 0);
      context.translate(x, y);
      context.rotate((turn * Math.PI) / 180);
      context.scale(((flip ? -1 : 1) * by) / scale, by / scale);
      context.drawImage(image, -image.width / 2, -image.height / 2);
    });
    context.setTransform(1, 0, 0, 1, 0, 0);
  }

  // The true mask: where a sprite covers a pixel its class, on its rim void; the topmost counts.
  async function truthOf() {
    const mask = new Uint8Array(SIDE * SIDE), layer = make("canvas", { width: SIDE, height: SIDE });
    layer.getContext("2d", { willReadFrequently: true });
    for (const thing of scene.things) {
      await draw(layer, 1, [thing], false);
      const { data } = layer.getContext("2d").getImageData(0, 0, SIDE, SIDE), label = classes.indexOf(sprites[thing.sprite].class);
      for (let at = 0; at < mask.length; at++) {
        const alpha = data[4 * at + 3];
        if (alpha > RIM[0]) mask[at] = alpha >= RIM[1] ? label : VOID;
      }
    }
    return mask;
  }

  // The corner by which a thing is turned and scaled: the one that lies furthest within the picture.
  function corners({ x, y, size, turn }) {
    return [45, 135, 225, 315].map((at) => [(at + turn) * (Math.PI / 180), at]).map(([angle, at]) =>
      [x + Math.SQRT1_2 * size * Math.cos(angle), y + Math.SQRT1_2 * size * Math.sin(angle), at]);
  }
  const handle = (thing) => (drag?.how === "turn" ? corners(thing).find(([, , at]) => at === drag.at)
    : corners(thing).reduce((a, b) => (inside(b) > inside(a) + 1 ? b : a)));
  const inside = ([x, y]) => Math.min(x, y, SIDE - x, SIDE - y, 12);
  let drag = null;

  function frame() {
    const thing = scene.things[chosen];
    if (!thing) return;
    const context = stage.canvas.getContext("2d"), half = (thing.size / 2) * SHOWN;
    context.setTransform(1, 0, 0, 1, thing.x * SHOWN, thing.y * SHOWN);
    context.rotate((thing.turn * Math.PI) / 180);
    for (const [color, width] of [["#101418", 4], ["#ffc233", 2]]) {
      Object.assign(context, { strokeStyle: color, lineWidth: width, fillStyle: "#ffc233" });
      context.strokeRect(-half, -half, 2 * half, 2 * half);
    }
    context.setTransform(1, 0, 0, 1, 0, 0);
    const [x, y] = handle(thing);
    context.beginPath();
    context.arc(x * SHOWN, y * SHOWN, HANDLE, 0, 7);
    context.fill();
    context.stroke();
    context.setTransform(1, 0, 0, 1, 0, 0);
  }

  // --- what the networks say

  const took = [];  // milliseconds of the last scenes
  const update = oneAtATime(async () => {
    const before = performance.now();
    try {
      await Promise.all([draw(stage.canvas, SHOWN), draw(seen.canvas, 1)]);
      frame();
      truth = await truthOf();
    } catch {
      return void (note.textContent = "A picture did not come. Is the connection there? Once it is, move something.");
    }
    note.textContent = "";
    const pixels = planes(seen.canvas.getContext("2d").getImageData(0, 0, SIDE, SIDE).data);
    for (const [name, file] of Object.entries(NETWORKS)) {
      const network = about.networks[file], maps = await mapsOf(file, pixels, SIDE, SIDE);
      const logits = summed(maps, maps.map(() => 1), { ...network, classes: count }, smooth ? enlarged : repeated);
      found[name] = { logits, answer: best(logits, count), stride: network.strides[maps.length - 1] };
    }
    show();
    took.push(performance.now() - before);
    if (took.length > 3) speed.textContent = `${(1000 / took.slice(-9).sort((a, b) => a - b)[Math.floor(Math.min(9, took.length) / 2)]).toFixed(0)} scenes a second, three networks each, on one thread of this machine.`;
  });

  function show() {
    if (!Object.keys(found).length) return;
    const color = (label) => (label === VOID ? KINDS.void : colors[label]), scored = [];
    filled(right.canvas, truth, color);
    right.words.textContent = scene.things.length ? "what is where; white: void" : "nothing";
    for (const [name, { canvas, words, title }] of Object.entries(answers)) {
      const { answer, stride } = found[name], counts = confusion(truth, answer, count), iou = overlaps(counts);
      if (shown === "errors") filled(canvas, kinds(truth, answer), (kind) => KINDS[kind]);
      else filled(canvas, answer, color);
      if (tiles) tiled(canvas, stride);
      marked(canvas, at);
      const is = scene.things.length ? mean(iou) : NaN, said = `mean IoU ${two(is)}`;
      words.textContent = said;
      canvas.setAttribute("aria-label", `${title}: ${[...new Set(answer)].filter((label) => label).map((label) => classes[label]).join(", ") || "background alone"}. ${said}`);
      scored.push(`${name} ${two(is)}`);
    }
    const there = [...new Set([truth, ...Object.values(found).map(({ answer }) => answer)].flatMap((map) => [...new Set(map)]))].filter((label) => label && label !== VOID);
    legend.replaceChildren(...shown === "errors" ? Object.entries(KINDS).map(([kind, color]) => make("span", { class: "fcn-named" }, swatch(color), kind))
      : there.sort((a, b) => a - b).map((label) => make("span", { class: "fcn-named" }, swatch(colors[label]), classes[label])));
    told.textContent = scene.things.length ? `Mean IoU: ${scored.join(", ")}` : "Mean IoU: – (what is there is known only of things that you add)";
    clearTimeout(show.later);
    show.later = setTimeout(() => (heard.textContent = told.textContent), 900);
    ask();
  }

  function ask(column, row) {
    if (column !== undefined) {
      at = [row, column];
      return void show();
    }
    if (!at) return;
    const pixel = at[0] * SIDE + at[1], is = truth[pixel] === VOID ? "void" : classes[truth[pixel]];
    const place = `Row ${at[0] + 1}, column ${at[1] + 1}. Truth: ${is}`;
    const rows = Object.entries(found).map(([name, { logits }]) => [name, ...likely(logits, pixel, count, classes).slice(0, 3).map(([label, share]) => `${label} ${two(share)}`)]);
    asked.replaceChildren(make("caption", {}, place), ...rows.map(([name, ...cells]) =>
      make("tr", {}, make("th", { scope: "row" }, name), ...cells.map((cell) => make("td", {}, cell)))));
    answered.say(`${place}. ${rows.map(([name, first]) => `${name}: ${first}`).join(", ")}`);
  }

  // --- moving things

  const keep = () => history.replaceState(null, "", own ? location.pathname : asHash(scene));
  addEventListener("hashchange", () => {
    const read = fromHash(location.hash, backgrounds, names);
    if (!read) return void (note.textContent = "This address could not be read.");
    [scene, own, chosen] = [read, null, read.things.length - 1];
    changed();
  });
  // What a thing is called, with a number if there are several of its kind.
  const called = (index) => {
    const of = (each) => sprites[each.sprite].class, same = scene.things.filter((each) => of(each) === of(scene.things[index]));
    return of(scene.things[index]) + (same.length > 1 ? ` ${same.indexOf(scene.things[index]) + 1}` : "");
  };
  const changed = () => (update(), keep(), list());
  const under = (x, y) => scene.things.findLastIndex((thing) => {
    const angle = (-thing.turn * Math.PI) / 180, [dx, dy] = [x - thing.x, y - thing.y];
    return Math.max(Math.abs(dx * Math.cos(angle) - dy * Math.sin(angle)), Math.abs(dx * Math.sin(angle) + dy * Math.cos(angle))) < thing.size / 2;
  });
  const corner = (x, y) => {
    const thing = scene.things[chosen];
    if (!thing) return false;
    const [cx, cy] = handle(thing);
    return Math.hypot(x - cx, y - cy) * SHOWN < HANDLE * 2;
  };
  const pressed = (event) => {
    const [x, y] = place(event, stage.canvas).map((value) => value / SHOWN);
    if (corner(x, y)) drag = { how: "turn", at: handle(scene.things[chosen])[2] };
    else {
      const hit = under(x, y);
      if (hit < 0) return false;
      chosen = hit;
      drag = { how: "move", x: x - scene.things[hit].x, y: y - scene.things[hit].y };
    }
    list();
    return true;
  };
  stage.canvas.addEventListener("pointerdown", (event) => {
    if (!pressed(event)) return;
    stage.canvas.setPointerCapture(event.pointerId);
    stage.canvas.focus({ preventScroll: true });
  });
  // a finger on a thing moves it; beside one it scrolls the page
  stage.canvas.addEventListener("touchstart", (event) => drag && event.preventDefault(), { passive: false });
  stage.canvas.addEventListener("pointermove", (event) => {
    const [x, y] = place(event, stage.canvas).map((value) => value / SHOWN), thing = scene.things[chosen];
    stage.canvas.style.cursor = drag ? "grabbing" : corner(x, y) ? "nwse-resize" : under(x, y) >= 0 ? "grab" : "default";
    if (!drag || !thing) return;
    if (drag.how === "move") [thing.x, thing.y] = [within(x - drag.x, 0, SIDE), within(y - drag.y, 0, SIDE)];
    else {
      const [dx, dy] = [x - thing.x, y - thing.y];
      thing.size = within(Math.hypot(dx, dy) * Math.SQRT2, ...SIZES);
      thing.turn = wrapped(Math.round((Math.atan2(dy, dx) * 180) / Math.PI - drag.at));
    }
    update();
  });
  for (const name of ["pointerup", "pointercancel"]) stage.canvas.addEventListener(name, () => {
    if (drag) changed();
    drag = null;
  });
  stage.canvas.addEventListener("keydown", (event) => {
    const thing = scene.things[chosen], step = event.shiftKey ? 8 : 1;
    const does = {
      ArrowLeft: () => (thing.x -= step), ArrowRight: () => (thing.x += step), ArrowUp: () => (thing.y -= step), ArrowDown: () => (thing.y += step),
      "+": () => (thing.size += 4), "=": () => (thing.size += 4), "-": () => (thing.size -= 4), "[": () => (thing.turn -= 5), "]": () => (thing.turn += 5),
      Delete: remove, Backspace: remove, n: () => (chosen = (chosen + 1) % scene.things.length),
    }[event.key];
    if (!does || !thing || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    does();
    Object.assign(thing, { x: within(thing.x, 0, SIDE), y: within(thing.y, 0, SIDE), size: within(thing.size, ...SIZES), turn: wrapped(thing.turn) });
    changed();
    const now = scene.things[chosen];
    heard.textContent = now ? `${called(chosen)}: column ${Math.round(now.x)}, row ${Math.round(now.y)}, ${Math.round(now.size)} pixels, turned ${Math.round(now.turn)} degrees` : "nothing is left";
  });

  // --- controls

  const add = (name) => {
    scene.things.push({ sprite: name, x: 30 + 68 * Math.random(), y: 40 + 60 * Math.random(), size: 56, turn: 0, flip: false });
    chosen = scene.things.length - 1;
    changed();
  };
  function remove() {
    scene.things.splice(chosen, 1);
    chosen = scene.things.length - 1;
    changed();
  }
  const pickers = make("div", { class: "fcn-emoji" }), selected = make("div", { class: "fcn-selected" });
  function palette() {
    pickers.replaceChildren(...names.filter((name) => name.startsWith(style)).map((name) => {
      const element = button("", () => add(name)), said = sprites[name].class;
      element.append(make("img", { src: String(new URL(sprites[name].file, root)), alt: "", width: 30, height: 30, loading: "lazy" }));
      element.setAttribute("aria-label", `Add: ${said}`);
      element.title = said;
      return element;
    }));
  }
  let listed = "";
  function list() {
    const thing = scene.things[chosen], state = `${chosen}:${scene.things.map(({ sprite }) => sprite)}`;
    if (!thing) return void selected.replaceChildren(make("p", { class: "fcn-hint" }, "Nothing is there: add something."), (listed = ""));
    if (state !== listed) {
      const set = (key) => (value) => {
        thing[key] = value;
        update();
        keep();
      };
      const pick = choice("Chosen", Object.fromEntries(scene.things.map((_, index) => [`k${index}`, called(index)])), `k${chosen}`, (key) => {
        chosen = Number(key.slice(1));
        changed();
      });
      const focused = selected.contains(document.activeElement) && document.activeElement;
      selected.replaceChildren(pick,
        slider("size", { min: SIZES[0], max: SIZES[1], value: Math.round(thing.size), say: (value) => `${value} px` }, set("size")),
        slider("turned", { min: -180, max: 180, value: Math.round(thing.turn), say: (value) => `${value}°` }, set("turn")),
        make("div", { class: "fcn-row" }, button("Mirror", () => {
          thing.flip = !thing.flip;
          changed();
        }), button("To the front", () => {
          scene.things.push(...scene.things.splice(chosen, 1));
          chosen = scene.things.length - 1;
          changed();
        }), button("Remove", remove)));
      if (focused) ([...selected.querySelectorAll("button")].find(({ textContent }) => textContent === focused.textContent) ?? pick.querySelector("input:checked")).focus();
    } else {
      const [size, turn] = selected.querySelectorAll(".fcn-slider");
      size.set(SIZES[1], Math.round(thing.size)), turn.set(180, Math.round(thing.turn));
    }
    listed = state;
  }
  const behind = make("div", { class: "fcn-emoji" }, ...backgrounds.map((name) => {
    const element = button("", () => {
      [scene.background, own] = [name, null];
      changed();
    });
    element.append(make("img", { src: String(new URL(`backgrounds/${name}.webp`, root)), alt: "", width: 40, height: 40, loading: "lazy" }));
    element.setAttribute("aria-label", `Photograph: ${about.backgrounds[name]}`);
    element.title = about.backgrounds[name];
    return element;
  }));
  const any = (several) => several[Math.floor(Math.random() * several.length)];
  const another = button("Another scene", () => {
    const far = () => 20 + 88 * Math.random(), drawn = names.filter((name) => name.startsWith(style));
    scene = { background: any(backgrounds), things: Array.from({ length: 2 + Math.floor(3 * Math.random()) }, () =>
      ({ sprite: any(drawn), x: far(), y: far(), size: 32 + 56 * Math.random(), turn: 40 * Math.random() - 20, flip: Math.random() < 0.5 })) };
    [own, chosen] = [null, scene.things.length - 1];
    changed();
  });
  const share = button("Copy its address", async () => {
    if (own) return void (note.textContent = "A picture of your own stays on this machine, so no address can hold it.");
    keep();
    try {
      await navigator.clipboard.writeText(location.href);
      share.textContent = "Copied";
    } catch {
      share.textContent = "It stands in the address bar";
    }
    setTimeout(() => (share.textContent = "Copy its address"), 2500);
  });
  const element = make("div", { class: "fcn-scene" });
  const mine = ownPicture(element, (image) => {
    own = image;
    changed();
  }, (text) => (note.textContent = text));
  const boxes = make("input", { type: "checkbox", id: `fcn-${++made}` });
  boxes.addEventListener("change", () => (tiles = boxes.checked, show()));
  controls.append(
    make("div", {}, make("p", { class: "fcn-title" }, "Add"), pickers,
      choice("Drawn in a style", { noto: "that they were trained on", fluent: "that they never saw" }, style, (key) => {
        style = key;
        scene.things.forEach((thing) => (thing.sprite = thing.sprite.replace(/^\w+/, style)));
        listed = "";
        palette();
        changed();
      })),
    make("div", {}, selected),
    make("div", {}, make("p", { class: "fcn-title" }, "Behind it"), behind, make("div", { class: "fcn-row" }, mine, another, share)),
    make("div", {}, choice("Show", { answers: "answers", errors: "errors" }, shown, (key) => (shown = key, show())),
      choice("Enlarge by", { bilinear: "bilinear interpolation", nearest: "nearest neighbour" }, "bilinear", (key) => (smooth = key === "bilinear", update())),
      make("p", {}, boxes, make("label", { for: boxes.id }, "the cells of each network's finest map"))));
  pointed(Object.values(answers).map(({ canvas }) => canvas), () => at, ask);
  element.append(
    make("div", { class: "fcn-stage" }, stage.element, make("div", { class: "fcn-pictures fcn-five" }, ...[...Object.values(answers), right, seen].map(({ element }) => element))),
    legend, told, note, heard, answered, make("p", { class: "fcn-title" }, "Point at an answer, or go through it by the arrow keys"), asked, controls, speed);
  stage.words.id = `fcn-${++made}`;
  stage.canvas.setAttribute("aria-describedby", stage.words.id);
  stage.words.textContent = "Drag things; the yellow dot turns and scales. Keys: arrows move by a pixel, with Shift by eight, + and − scale, [ and ] turn, n goes to the next, Delete removes.";
  palette();
  list();
  update();
  return element;
}

const HANDLE = 8;  // pixels of the stage
const wrapped = (turn) => ((((turn + 180) % 360) + 360) % 360) - 180;
