// The search: over the sections in search-index.js, by MiniSearch, from any address, file:// too.
(function () {
  // What one may type, and what the book says.
  const SAME = {
    deconvolution: "transposed convolution", exercise: "try it", exercises: "try it", github: "repository",
    license: "cc", licence: "cc", miou: "mean iou", "pixel shuffle": "sub-pixel", pixelshuffle: "sub-pixel",
    unet: "u-net", upsample: "enlarge", upscale: "enlarge",
  };
  const LESS = { sources: 0.2, summary: 0.5, "try-it": 0.7 }; // things are explained elsewhere
  const words = (text) => text.toLowerCase().replaceAll("×", "x").replaceAll("−", "-").match(/[\p{L}\p{N}_]+(?:-\d*[a-z]+\b)?/gu) || [];
  const parts = (text) => words(text).flatMap((word) => (word.includes("-") ? [word, ...word.split("-")] : [word]));
  const search = new MiniSearch({
    idField: "href",
    fields: ["title", "page", "terms", "text", "code"],
    storeFields: ["href", "page", "title", "text"],
    tokenize: parts,
    processTerm: (term) => (term.length > 3 ? term.replace(/(?<=[^s])s$/, "") : term),
  });
  search.addAll(window.bookSections);

  const field = document.querySelector(".search-page input[name=q]");
  const list = document.getElementById("search-results");
  const status = document.getElementById("search-status");

  function found(query) {
    const options = { boost: { title: 6, terms: 3, page: 2, text: 1, code: 0.3 }, prefix: (term) => term.length > 2, fuzzy: (term) => (term.length > 5 ? 0.15 : false), boostDocument: (href) => LESS[href.split("#")[1]] || 1 };
    const all = search.search(query, { ...options, combineWith: "AND" });
    return all.length ? all : search.search(query, options);
  }

  function excerpt(text, terms) {
    const lower = text.toLowerCase().replaceAll("×", "x");
    const places = terms.map((term) => lower.indexOf(term)).filter((place) => place >= 0);
    const start = Math.max(0, (places.length ? Math.min(...places) : 0) - 60);
    const from = start ? lower.indexOf(" ", start) + 1 : 0;
    return (from ? "… " : "") + text.slice(from, from + 190).replace(/\s\S*$/, "") + " …";
  }

  function mark(element, text, terms) {
    const escaped = terms.map((term) => term.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll("x", "[x×]"));
    const pieces = terms.length ? text.split(new RegExp(`(${escaped.join("|")})`, "iu")) : [text];
    pieces.forEach((piece, index) => {
      const part = index % 2 ? document.createElement("mark") : document.createTextNode("");
      part.textContent = piece;
      element.append(part);
    });
  }

  function show() {
    list.replaceChildren();
    const typed = field.value.toLowerCase().trim();
    const query = SAME[typed] || typed;
    const results = query ? found(query).slice(0, 20) : [];
    status.textContent = !query ? "" : results.length ? `${results.length === 20 ? "The first 20 places" : results.length === 1 ? "One place" : `${results.length} places`}` : "Nothing found. Fewer or other words may help.";
    for (const result of results) {
      const item = document.createElement("li");
      const link = document.createElement("a");
      const [page, anchor] = result.href.split("#");
      const terms = [...new Set([...result.terms, ...parts(query).filter((word) => word.length > 2 || /\d/.test(word))])];
      link.href = `${page}?highlight=${encodeURIComponent(words(query).join(" "))}${anchor ? `#${anchor}` : ""}`;
      link.textContent = result.title;
      const where = document.createElement("span");
      where.className = "search-page-of";
      where.textContent = result.title === result.page ? "" : result.page;
      const text = document.createElement("p");
      mark(text, excerpt(result.text, terms), terms);
      item.append(link, where, text);
      list.append(item);
    }
  }

  const address = new URLSearchParams(location.search);
  field.value = address.get("q") || "";
  field.addEventListener("input", show);
  field.form.addEventListener("submit", (event) => { event.preventDefault(); show(); });
  field.focus();
  show();
})();
