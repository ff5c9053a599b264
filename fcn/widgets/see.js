// Chapter 5: how far a cell sees. Point at a picture, and it is lit as far as the cell there depends on it.

// What the cell in this row and column can see, in pixels of the picture: [top, left, bottom, right], the last two
// not in it; cut off at the picture's rim.
export const box = ({ stride, center, top, left, high, wide }, row, column, side) => {
  const [down, right] = [center + stride * row, center + stride * column], cut = (value) => Math.max(0, Math.min(side, Math.round(value)));
  return [cut(down + top), cut(right + left), cut(down + top + high), cut(right + left + wide)];
};

function render({ model, el }) {
  const [pictures, depths, side] = ["pictures", "depths", "side"].map((name) => model.get(name));
  const fields = depths.map(({ values }) => bytes(values));
  let depth = depths.length - 1, at = [side / 2, side / 2], kept = [...at], alone = false, photographs = [], picture = 0;
  const canvas = make("canvas", { role: "application", tabindex: "0", class: "fcn-grid" });
  const told = make("p", { class: "fcn-formula" }), heard = voice();
  const veil = make("canvas", { width: side, height: side });
  [canvas.width, canvas.height] = [side, side];

  function draw() {
    const { stride, center, top, left, step, rows, columns, most, high, wide } = depths[depth], cells = side / stride;
    const [row, column] = at.map((place) => Math.max(0, Math.min(cells - 1, Math.floor(place / stride))));
    const [down, right] = [center + stride * row, center + stride * column], [first, start, last, end] = box(depths[depth], row, column, side);
    const context = canvas.getContext("2d"), shade = veil.getContext("2d"), image = shade.createImageData(side, side);
    for (let i = 0; i < side; i++) for (let j = 0; j < side; j++) {
      const sees = i >= first && i < last && j >= start && j < end, place = 4 * (i * side + j);
      const [a, b] = [Math.floor((i - down - top) / step), Math.floor((j - right - left) / step)];
      const strength = sees && a >= 0 && b >= 0 && a < rows && b < columns ? fields[depth][a * columns + b] / 255 : 0;
      image.data[place + 3] = 255 * (alone ? 1 - sees : 0.78 * (1 - strength));
    }
    shade.putImageData(image, 0, 0);  // a veil, as from a file:// no pixel of a picture may be read
    if (photographs[picture]) context.drawImage(photographs[picture], 0, 0, side, side);
    context.drawImage(veil, 0, 0);
    const frame = (y, x, tall, broad, color, dashes) => {
      context.setLineDash(dashes);
      for (const [ink, line] of [["#101418", 3], [color, 1.5]]) {
        Object.assign(context, { strokeStyle: ink, lineWidth: line });
        context.strokeRect(x + 0.5, y + 0.5, broad - 1, tall - 1);
      }
    };
    frame(first - 2, start - 2, last - first + 4, end - start + 4, "#ffffff", []);
    if (!alone) frame(down + 0.5 - most / 2, right + 0.5 - most / 2, most, most, "#5cc6c9", [5, 4]);
    if (!alone) frame(row * stride, column * stride, stride, stride, "#ffc233", []);
    const cut = last - first < high || end - start < wide ? `, of which ${last - first} × ${end - start} lie in the picture` : "";
    told.textContent = `Row ${row + 1} of ${cells}, column ${column + 1}. A cell at stride ${stride} can see ${high} × ${wide} pixels (white)${cut}; ` +
      `nine tenths of what it depends on lie within ${most} × ${most} (dashed). It stands for ${stride} × ${stride} (yellow).`;
    heard.say(told.textContent);
    canvas.setAttribute("aria-label", `Picture ${picture + 1}, lit as far as a cell at stride ${stride} depends on it: row ${row + 1}, column ${column + 1}`);
  }

  const go = (row, column, keep) => {
    at = [row, column].map((place) => Math.max(0, Math.min(side - 1, place)));
    if (keep) kept = [...at];
    draw();
  };
  const point = (event, keep) => {
    const rect = canvas.getBoundingClientRect();
    go(((event.clientY - rect.top) / rect.height) * side, ((event.clientX - rect.left) / rect.width) * side, keep);
  };
  canvas.addEventListener("pointermove", (event) => event.pointerType === "mouse" && point(event, false));
  canvas.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && go(...kept, false));
  canvas.addEventListener("click", (event) => point(event, true));
  canvas.addEventListener("keydown", (event) => {
    const { stride } = depths[depth], cells = side / stride;
    const next = travelled(event, at.map((place) => Math.floor(place / stride)), cells, cells);
    if (!next) return;
    event.preventDefault();
    go(...next.map((cell) => (cell + 0.5) * stride), true);
  });
  pictures.forEach((html, index) => {
    const image = new Image();
    image.addEventListener("load", () => ((photographs[index] = image), draw()));
    image.src = sourceOf(html);
  });
  el.classList.add("fcn-live", "fcn-see");
  el.append(
    slider("map at", { min: 0, max: depths.length - 1, value: depth, say: (index) => `stride ${depths[index].stride}` }, (index) => ((depth = index), draw())),
    pictures.length > 1 ? slider("picture", { min: 1, max: pictures.length, value: 1 }, (index) => ((picture = index - 1), draw())) : "",
    choice("shown", { all: "bright: what counts most", seen: "only what it can see" }, "all", (key) => ((alone = key === "seen"), draw())),
    canvas, told, make("p", { class: "fcn-hint" }, "Point at a place; a click keeps it; or move by the arrow keys, Home and End."));
  draw();
  el.append(heard);
}

export default { render };
