// Pictures that were drawn beforehand, and a slider that goes from one to the next.

function render({ model, el }) {
  const [values, pictures] = [model.get("values"), model.get("pictures")];
  const places = pictures.map((html) => {
    const place = make("div", { class: "fcn-frame" });
    place.innerHTML = html;
    return place;
  });
  const show = (index) => places.forEach((place, at) => (place.hidden = at !== index));
  el.classList.add("fcn-live", "fcn-frames");
  el.append(
    slider(model.get("label"), { min: 0, max: values.length - 1, value: model.get("index"), say: (index) => values[index] }, (index) => {
      model.set("index", index);
      model.save_changes();
      show(index);
    }),
    ...places);
  show(model.get("index"));
  const theme = document.documentElement.dataset.theme ?? "light";
  el.querySelectorAll(`img.only-${theme}`).forEach((img) => (img.loading = "eager"));  // hidden, but one key press away
}

export default { render };
