"use strict";
// The table of cases: what is shown, in which order, and what is open. All text goes in as text, never as HTML.
const rows = JSON.parse(document.getElementById("data").textContent);
const PAGE = 100;
const at = (id) => document.getElementById(id);
const columns = ["group", "case", "model", "kind", "true", "predicted", "eps", "status", "proved", "refuted", "to",
  "rests on", "certificate", "seconds"].filter((name) => rows.some((row) => row[name] !== "" && row[name] !== null))
  .filter((name) => name !== "model" || rows.some((row) => row.group !== row.model));
let sorted = { name: "", down: false }, shown = PAGE, opened = new Set();

function made(tag, text, kind) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (kind) element.className = kind;
  return element;
}

function written(value) {
  if (value === null || value === undefined) return "";
  return typeof value === "number" ? String(Number(value.toPrecision(7))) : value;
}

function wanted() {
  const words = at("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  const state = at("state").value, group = at("group") ? at("group").value : "";
  const found = rows.filter((row) => (!state || row.state === state) && (!group || row.group === group)
    && words.every((word) => columns.some((name) => written(row[name]).toLowerCase().includes(word))));
  if (sorted.name) {
    const order = (a, b) => {
      const [x, y] = [a[sorted.name], b[sorted.name]];
      const empty = (v) => v === null || v === "";
      if (empty(x) || empty(y)) return empty(x) - empty(y);
      const less = typeof x === "number" && typeof y === "number" ? x - y
        : String(x).localeCompare(String(y), undefined, { numeric: true });
      return sorted.down ? -less : less;
    };
    found.sort(order);
  }
  return found;
}

function detail(row) {
  const cell = made("td", undefined, "detail");
  cell.colSpan = columns.length;
  const said = row.shown;
  if (!said) { cell.textContent = "The store has the details of this case."; return cell; }
  for (const [title, data] of said.pictures || []) {
    const figure = made("figure"), image = made("img");
    image.alt = title;
    image.src = "data:image/png;base64," + data;
    figure.append(image, made("figcaption", title));
    cell.append(figure);
  }
  cell.append(table(said.lines.map(([title, text]) => [title + ":", text])));
  if (said.features && said.features.length) {
    cell.append(table([["feature", "input", "witness", "change"], ...said.features]));
  }
  if (said.check) cell.append(made("div", "Check the proof yourself:"), made("code", said.check));
  if (said.statement) cell.append(made("div", "Certification statement:"), made("pre", said.statement));
  return cell;
}

function table(lines) {
  const found = made("table");
  for (const line of lines) {
    const row = found.insertRow();
    for (const text of line) row.append(made("td", text));
  }
  return found;
}

function draw() {
  const found = wanted(), body = made("tbody");
  for (const row of found.slice(0, shown)) {
    const line = made("tr", undefined, "case");
    for (const name of columns) {
      const kind = name === "status" ? row.state : typeof row[name] === "number" ? "n" : "";
      line.append(made("td", written(row[name]), kind));
    }
    line.tabIndex = 0;
    const turn = () => { opened.has(row) ? opened.delete(row) : opened.add(row); draw(); };
    line.addEventListener("click", turn);
    line.addEventListener("keydown", (event) => { if (event.key === "Enter") turn(); });
    body.append(line);
    if (opened.has(row)) {
      const below = made("tr");
      below.append(detail(row));
      body.append(below);
    }
  }
  at("cases").tBodies[0].replaceWith(body);
  at("count").textContent = found.length === rows.length ? rows.length + " cases" : found.length + " of " + rows.length;
  at("more").hidden = found.length <= shown;
}

function head() {
  const line = made("tr");
  for (const name of columns) {
    const cell = made("th"), button = made("button", name);
    button.type = "button";
    button.addEventListener("click", () => {
      sorted = { name, down: sorted.name === name && !sorted.down };
      for (const other of line.cells) other.removeAttribute("aria-sort");
      cell.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
      draw();
    });
    cell.append(button);
    line.append(cell);
  }
  at("cases").tHead.append(line);
}

head();
draw();
for (const id of ["find", "state", "group"]) {
  if (at(id)) at(id).addEventListener("input", () => { shown = PAGE; draw(); });
}
at("more").addEventListener("click", () => { shown += PAGE; draw(); });
