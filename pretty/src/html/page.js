
  // The log: `time⇥topic⇥peer⇥text` for an event, `kind⇥text` for another line; a warning or an error has
  // its level behind the peer. Behind further tabs come
  // the `event=`, found by searches and not shown, and the meaning, as JSON: see html/meaning.rs.
  const lines = document.getElementById("log").textContent.split("\n");
  lines.pop();
  const $ = (name, properties, ...children) => {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  };
  const numbers = (id) => new Map([...document.getElementById(id).children].map((option) => [option.textContent, +option.value]));
  const names = { t: numbers("topics"), p: numbers("peers") };
  const NO_EVENT = 65535;
  const topic = new Uint16Array(lines.length).fill(NO_EVENT), peer = new Uint16Array(lines.length);
  const level = new Uint16Array(lines.length);
  const levelClass = (number) => level[number] ? `l${String.fromCharCode(level[number])}` : "";
  const at = new Float64Array(lines.length), shift = new Float64Array(lines.length), bad = [];

  // Seconds of a clock, or a plain number; NaN for anything else.
  const clock = (text) => text.includes(":") ? text.split(":").reduce((sum, part) => sum * 60 + +part, 0) : text ? +text : NaN;
  // Time on the axis never runs back: where a log's does by much, a new run begins.
  let now = 0, offset = 0, longest = [1, 1];
  lines.forEach((line, number) => {
    const fields = line.split("\t", 3);
    if (fields.length < 3) {
      if (fields[0] === "bad") bad.push(number);
    } else {
      topic[number] = names.t.get(fields[1]);
      // Warnings and errors have the first letter of their level behind the peer.
      const sign = fields[2].indexOf("\u2029");
      if (sign >= 0) {
        level[number] = fields[2].charCodeAt(sign + 1);
        if (levelClass(number) !== "lW") bad.push(number);
      }
      peer[number] = names.p.get(sign < 0 ? fields[2] : fields[2].slice(0, sign));
      longest = [Math.max(longest[0], fields[0].length), Math.max(longest[1], fields[1].length)];
      const time = clock(fields[0]);
      if (!Number.isNaN(time)) {
        if (time + offset < now - Math.abs(now) / 2) offset = now - time;
        now = Math.max(now, time + offset);
      }
    }
    at[number] = now;
    shift[number] = offset;
  });
  const first = at.find((_, number) => topic[number] !== NO_EVENT) ?? 0;
  for (let number = 0; at[number] < first; number++) at[number] = first;
  document.documentElement.style.setProperty("--time", `${longest[0] + 2}ch`);
  document.documentElement.style.setProperty("--topic", `${Math.min(longest[1], 16) + 1}ch`);

  // What is shown: everything a link to this page says, else everything.
  const off = { t: new Set(), p: new Set() };
  let cursor = -1, query = null, onlyMatches = true, shown = [], hits = [], hit = -1;

  const matches = (number) => {
    const fields = lines[number].split("\t");
    return query.test(fields.length < 4 ? fields[1] : `${fields[1]}\t${fields[2]}\t${fields[3]}${fields[4] ?? ""}`);
  };
  const filter = () => {
    const anchor = blocks.length ? topLine() : 0;
    shown = [];
    hits = [];
    let isOwnerShown = true;
    for (let number = 0; number < lines.length; number++) {
      if (lines[number].startsWith("more\t")) {
        if (isOwnerShown) shown.push(number);
        if (isOwnerShown && query !== null && matches(number)) hits.push(number);
        continue;
      }
      const isEvent = topic[number] !== NO_EVENT;
      isOwnerShown = !isEvent;
      if (isEvent && (off.t.has(topic[number]) || off.p.has(peer[number]))) continue;
      const found = query !== null && matches(number);
      if (found) hits.push(number);
      if (isEvent && query && onlyMatches && !found) continue;
      isOwnerShown = true;
      shown.push(number);
    }
    hit = -1;
    build();
    goTo(anchor, false);
    say();
    paint();
    drawDiagram();
  };

  // Blocks of lines: each has its height from the start, and its rows only while it is near the screen.
  const BLOCK = 100;
  const main = document.querySelector("main"), bar = document.getElementById("bar");
  let blocks = [];
  const rowHeight = 13 * 1.35;
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) isIntersecting ? fill(target) : empty(target);
  }, { rootMargin: "600px" });
  const build = () => {
    observer.disconnect();
    blocks = [];
    for (let from = 0; from < shown.length; from += BLOCK) {
      const block = $("div");
      block.from = from;
      block.style.height = `${Math.min(BLOCK, shown.length - from) * rowHeight}px`;
      blocks.push(block);
    }
    main.replaceChildren(...blocks);
    blocks.forEach((block) => observer.observe(block));
  };
  const fill = (block) => {
    if (block.firstChild) return;
    block.replaceChildren(...shown.slice(block.from, block.from + BLOCK).map(row));
    block.style.height = "";
  };
  const empty = (block) => {
    if (!block.firstChild) return;
    block.style.height = `${block.offsetHeight}px`;
    block.replaceChildren();
  };
  const row = (number) => {
    const line = lines[number];
    let element;
    if (topic[number] === NO_EVENT) {
      const tab = line.indexOf("\t");
      element = $("pre", { className: line.slice(0, tab) }, ...marked(line.slice(tab + 1)));
    } else {
      const [time, name, ,] = line.split("\t", 3);
      let tab = -1;
      for (let field = 0; field < 3; field++) tab = line.indexOf("\t", tab + 1);
      element = $("div", { className: `e t${topic[number]} p${peer[number]} ${levelClass(number)}` },
        $("time", {}, time), $("b", {}, ...marked(name)), $("p", {}, ...marked(line.slice(tab + 1).split("\t", 1)[0].replaceAll("\u2028", "\n"))));
    }
    element.number = number;
    if (number === cursor) element.classList.add("chosen");
    if (number === hits[hit]) element.classList.add("here");
    return element;
  };
  const marked = (text) => {
    if (!query) return [text];
    const parts = [];
    let done = 0;
    for (const found of text.matchAll(new RegExp(query, "gi"))) {
      if (!found[0]) continue;
      parts.push(text.slice(done, found.index), $("mark", {}, found[0]));
      done = found.index + found[0].length;
    }
    return [...parts, text.slice(done)];
  };

  const position = (number) => {
    let low = 0, high = shown.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (shown[middle] < number) low = middle + 1; else high = middle;
    }
    return Math.min(low, shown.length - 1);
  };
  const topLine = () => {
    let low = 0, high = blocks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (blocks[middle].getBoundingClientRect().bottom <= bar.offsetHeight) low = middle + 1; else high = middle;
    }
    const block = blocks[low];
    if (!block) return shown.at(-1) ?? 0;
    const top = [...block.children].find((element) => element.getBoundingClientRect().bottom > bar.offsetHeight + 1);
    return top?.number ?? shown[block.from];
  };
  // Twice: what was rendered on the way may have moved the line.
  const goTo = (number, centered = true) => {
    const place = position(number);
    const block = blocks[Math.floor(place / BLOCK)];
    if (!block) return;
    fill(block);
    const go = () => {
      const element = block.children[place - block.from];
      if (!element) return;
      const above = centered ? innerHeight / 3 : bar.offsetHeight + 1;
      scrollBy(0, element.getBoundingClientRect().top - above);
    };
    go();
    requestAnimationFrame(go);
  };

  const step = (list, from, by) => by > 0 ? list.find((number) => number > from) : list.findLast((number) => number < from);
  const goToHit = (by) => {
    if (!hits.length) return;
    const top = topLine();
    hit = hit < 0 ? hits.findIndex((number) => number >= top) : hit + by;
    hit = (hit + hits.length) % hits.length;
    document.querySelector(".here")?.classList.remove("here");
    goTo(hits[hit]);
    const block = blocks[Math.floor(position(hits[hit]) / BLOCK)];
    block.children[position(hits[hit]) - block.from]?.classList.add("here");
    say();
  };

  // The bar: switches, search, names of peers above their columns.
  const search = $("input", { type: "search", placeholder: "search: regular expression ( / )" });
  const only = $("input", { type: "checkbox", checked: true });
  const note = $("span", { id: "note" });
  const say = () => {
    note.textContent = ` ${shown.length} of ${lines.length} lines` + (query ? `, ${hit < 0 ? "" : `${hit + 1}/`}${hits.length} matches` : "");
    writeLink();
  };
  const setQuery = () => {
    search.style.outline = "";
    onlyMatches = only.checked;
    try { query = search.value ? new RegExp(search.value, "i") : null; } catch { search.style.outline = "2px solid red"; }
    filter();
  };
  const boxes = { t: new Map(), p: new Map() };
  const toggle = (kind, number, isOn) => { off[kind][isOn ? "delete" : "add"](number); filter(); };
  const box = (kind, name, number) => {
    const input = $("input", { type: "checkbox", checked: !off[kind].has(number) });
    input.onchange = () => toggle(kind, number, input.checked);
    boxes[kind].set(number, input);
    return $("label", { className: kind === "t" ? `t${number}` : "" }, input, name || "(no topic)");
  };
  const all = (kind) => $("label", { className: "all", onclick: () => {
    const isOn = off[kind].size > 0;
    for (const [number, input] of boxes[kind]) { input.checked = isOn; off[kind][isOn ? "delete" : "add"](number); }
    filter();
  } }, "all/none");

  // The page's state is a part of its address, so that a view can be passed on.
  const named = (kind) => [...names[kind]].filter(([, number]) => off[kind].has(number)).map(([name]) => name);
  const writeLink = () => {
    const state = new URLSearchParams();
    if (search.value) state.set("q", search.value);
    if (!only.checked) state.set("only", "0");
    if (!panel.hidden) state.set("d", "1");
    named("t").forEach((name) => state.append("t", name));
    named("p").forEach((name) => state.append("p", name));
    try { history.replaceState(null, "", state.size ? `#${state}` : location.pathname + location.search); } catch { /* a local file may have no history */ }
  };
  const readLink = () => {
    const state = new URLSearchParams(location.hash.slice(1));
    search.value = state.get("q") ?? "";
    only.checked = state.get("only") !== "0";
    for (const kind of ["t", "p"]) {
      off[kind].clear();
      state.getAll(kind).forEach((name) => names[kind].has(name) && off[kind].add(names[kind].get(name)));
      for (const [number, input] of boxes[kind]) input.checked = !off[kind].has(number);
    }
    setQuery();
    if (panel.hidden === (state.get("d") === "1")) toggleDiagram();
  };

  // The axis: time from top to bottom, how much happened when, failures, matches, and the screen.
  const canvas = $("canvas", { id: "axis" });
  const end = Math.max(now, first + 1e-9);
  const lineAt = (time) => {
    let low = 0, high = lines.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (at[middle] < time) low = middle + 1; else high = middle;
    }
    return low;
  };
  // A time of the axis as the log would write it there.
  const timeText = (time) => {
    const number = lineAt(time), own = time - shift[number];
    let event = number;
    while (event < lines.length - 1 && topic[event] === NO_EVENT) event++;
    const written = topic[event] === NO_EVENT ? "" : lines[event].split("\t", 1)[0];
    if (!written.includes(":")) return own.toFixed(written.split(".")[1]?.length ?? 0);
    const part = (seconds) => String(Math.floor(seconds)).padStart(2, "0");
    return `${part(own / 3600)}:${part(own / 60 % 60)}:${part(own % 60)}`;
  };
  const paint = () => {
    const scale = devicePixelRatio, width = canvas.clientWidth, height = canvas.clientHeight;
    canvas.width = width * scale;
    canvas.height = height * scale;
    const pen = canvas.getContext("2d"), style = getComputedStyle(canvas);
    const color = (name) => { canvas.style.color = `var(${name})`; return style.color; };
    const [text, dim, line] = [color("--text"), color("--dim"), color("--line")];
    pen.scale(scale, scale);
    const y = (time) => (time - first) / (end - first) * (height - 1);
    const counts = new Uint32Array(Math.ceil(height / 2) + 1);
    for (const number of shown) counts[Math.floor(y(at[number]) / 2)]++;
    const most = counts.reduce((a, b) => Math.max(a, b), 1);
    pen.fillStyle = line;
    counts.forEach((count, place) => pen.fillRect(width, place * 2, -Math.sqrt(count / most) * width / 2, 2));
    const notch = (list, color) => { pen.fillStyle = color; list.forEach((number) => pen.fillRect(width - 8, y(at[number]) - 1, 8, 2)); };
    notch(hits, "#d0a000");
    notch(bad, "#ff4040");
    pen.font = "11px ui-monospace, monospace";
    let written = "";
    for (let place = 0; place < height; place += 60) {
      pen.fillStyle = dim;
      pen.fillRect(0, place, 4, 1);
      const label = timeText(first + place / (height - 1) * (end - first));
      if (label !== written) pen.fillText(label, 6, place + (place ? 4 : 11));
      written = label;
    }
    if (!shown.length) return;
    const top = y(at[topLine()]), bottom = y(at[bottomLine()]);
    pen.strokeStyle = text;
    pen.strokeRect(.5, top - 1.5, width - 1, Math.max(bottom - top, 2) + 3);
  };
  const bottomLine = () => {
    const block = blocks.findLast((block) => block.getBoundingClientRect().top < innerHeight);
    const last = block && [...block.children].findLast((element) => element.getBoundingClientRect().top < innerHeight);
    return last?.number ?? shown[Math.min((block?.from ?? 0) + BLOCK, shown.length) - 1];
  };
  const pick = (event) => {
    if (event.buttons & 1) goTo(lineAt(first + event.offsetY / canvas.clientHeight * (end - first)));
  };
  canvas.onpointerdown = pick;
  canvas.onpointermove = pick;
  let painting = false;
  const repaint = () => {
    if (painting) return;
    painting = true;
    requestAnimationFrame(() => { painting = false; paint(); });
  };
  onscroll = repaint;
  onresize = repaint;

  main.onclick = (event) => {
    const element = event.target.closest(".e, main pre");
    if (element && getSelection().isCollapsed) choose(element.number);
  };

  const themes = ["dark light", "dark", "light"];
  const theme = $("button", { textContent: "theme: auto" });
  theme.onclick = () => {
    themes.push(themes.shift());
    document.documentElement.style.colorScheme = themes[0];
    theme.textContent = `theme: ${themes[0].includes(" ") ? "auto" : themes[0]}`;
    repaint();
  };
  let typing;
  search.oninput = () => { clearTimeout(typing); typing = setTimeout(setQuery, 150); };
  search.onkeydown = (event) => {
    if (event.key === "Enter") { clearTimeout(typing); if (search.value !== (query?.source ?? "")) setQuery(); goToHit(event.shiftKey ? -1 : 1); }
    if (event.key === "Escape") { search.value = ""; setQuery(); search.blur(); }
  };
  only.onchange = setQuery;
  onkeydown = (event) => {
    if (event.target === search || event.ctrlKey || event.metaKey || event.altKey) return;
    const error = { e: 1, E: -1 }[event.key];
    if (event.key === "/") { event.preventDefault(); search.focus(); }
    if (event.key === "d") toggleDiagram();
    if (event.key === "n") goToHit(1);
    if (event.key === "N") goToHit(-1);
    if (error) { const number = step(bad, topLine() + (error > 0 ? errorOffset() : 0), error); if (number !== undefined) { goTo(number); lastError = number; } }
  };
  let lastError = -1;
  const errorOffset = () => Math.max(0, lastError - topLine());
  onhashchange = readLink;

  const columns = $("div", { className: "names" });
  const kinds = $("div", { className: "controls" });
  for (const [name, number] of names.t) kinds.append(box("t", name, number));
  kinds.append(all("t"));
  for (const [name, number] of names.p) {
    if (name === "-") { kinds.append(box("p", "no peer", number)); continue; }
    const cell = $("b", {}, box("p", name, number));
    cell.style.gridColumn = columns.children.length + 3;
    columns.append(cell);
  }
  const diagramButton = $("button", { textContent: "diagram ( d )", onclick: () => toggleDiagram() });
  bar.append($("div", { className: "controls" }, search, " ", $("label", {}, only, "only matches"), theme, diagramButton, note), kinds, columns);
  document.body.append(canvas);
