
"use strict";
{
  const bar = document.getElementById("bar");
  const off = { t: new Set(), p: new Set() };
  const search = document.createElement("input");
  search.type = "search";
  search.placeholder = "search (regular expression)";
  const events = [...document.getElementsByClassName("e")];
  const numbers = events.map((event) => [...event.classList].slice(1).map((name) => name.slice(1)));

  const apply = () => {
    let wanted = null;
    try { wanted = search.value ? new RegExp(search.value, "i") : null; search.style.outline = ""; }
    catch { search.style.outline = "2px solid red"; }
    events.forEach((event, at) => {
      const [topic, peer] = numbers[at];
      const hidden = off.t.has(topic) || off.p.has(peer) || (wanted && !wanted.test(event.textContent));
      event.classList.toggle("off", hidden);
    });
  };

  const names = document.createElement("div");
  names.className = "names";
  for (const [kind, id] of [["t", "topics"], ["p", "peers"]]) {
    for (const option of document.getElementById(id).children) {
      const label = document.createElement("label");
      const box = document.createElement("input");
      box.type = "checkbox";
      box.checked = true;
      box.onchange = () => { off[kind][box.checked ? "delete" : "add"](option.value); apply(); };
      label.append(box, option.textContent);
      if (kind === "t") { label.className = "t" + option.value; bar.append(label); continue; }
      if (option.textContent === "-") { bar.append(label); continue; }
      const cell = document.createElement("b");
      cell.append(label);
      cell.style.gridColumn = names.children.length + 3;
      names.append(cell);
    }
  }
  let typing;
  search.oninput = () => { clearTimeout(typing); typing = setTimeout(apply, 150); };
  bar.append(search, names);
}
