"use strict";
document.body.classList.add("scripted");
for (const table of document.querySelectorAll("table.sort")) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  heads.forEach((head, column) => head.querySelector("button")?.addEventListener("click", () => {
    const numbers = head.classList.contains("num");
    // The first click shows the largest numbers, and names from A.
    const first = numbers ? "descending" : "ascending", second = numbers ? "ascending" : "descending";
    const order = head.ariaSort === first ? second : first;
    for (const other of heads) if (other.ariaSort) other.ariaSort = "none";
    head.ariaSort = order;
    const sign = order === "ascending" ? 1 : -1;
    const key = (row) => numbers ? +row.cells[column].dataset.v : row.cells[column].textContent;
    const rows = [...body.rows].map((row) => [key(row), row]);
    const compare = numbers ? (a, b) => a - b : new Intl.Collator(undefined, { numeric: true }).compare;
    rows.sort(([a], [b]) => sign * compare(a, b));
    body.append(...rows.map(([, row]) => row));
  }));
}
const filter = document.getElementById("filter"), failed = document.getElementById("failed");
const show = () => {
  const words = filter.value.toLowerCase().split(/\s+/);
  const fits = (text) => words.every((word) => text.toLowerCase().includes(word));
  for (const kind of document.querySelectorAll(".kind")) kind.hidden = !fits(kind.firstElementChild.textContent);
  for (const row of document.querySelectorAll("#tests tbody tr, #history .sort tbody tr"))
    row.hidden = !fits(row.cells[0].textContent) || failed.checked && row.classList.contains("good");
};
filter.addEventListener("input", show);
failed.addEventListener("change", show);
addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details")) part.open = true;
});
// The failure is at the end of a diagram.
document.addEventListener("toggle", ({ target }) => {
  for (const part of target.querySelectorAll(":scope > .scroll")) part.scrollTop = part.scrollHeight;
}, true);
