
  // The diagram: a lifeline for each peer, a row for each line that is shown, arrows for messages, crosses
  // for lost ones, role and term along the lifeline. Only what is on the screen has elements.
  const SVG = "http://www.w3.org/2000/svg";
  const draw = (name, attributes, ...children) => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };
  const panel = $("aside", { id: "diagram", hidden: true });
  const head = $("div", { className: "names-of-peers" }), sheet = $("div", { className: "sheet" });
  const table = $("table", {});
  const zoomText = $("span", {});
  const tools = $("div", { className: "tools" },
    $("button", { textContent: "−", title: "smaller (Ctrl and wheel)", onclick: () => setZoom(zoom / 1.25) }), zoomText,
    $("button", { textContent: "+", title: "larger (Ctrl and wheel)", onclick: () => setZoom(zoom * 1.25) }),
    $("span", { className: "legend", textContent: " thick: leader, hollow: candidate, thin: follower, ✕: lost; each term has a colour" }),
    $("button", { textContent: "✕", title: "close (d)", onclick: () => toggleDiagram() }));
  const scroller = $("div", { className: "scroller", tabIndex: 0 }, head, sheet);
  panel.append(tools, scroller, $("div", { className: "state" }, table));
  document.body.append(panel);
  const picture = draw("svg", {});

  const ROW = 16, COLUMN = 230, LEFT = 24, TERMS = 12;
  let zoom = 1, meaning = null;

  // States and messages of the whole log, when they are first needed: filters change neither.
  const understand = () => {
    const states = new Map(), arrows = [], sent = new Map(), ends = new Map();
    const known = new Map();
    // A peer that is down or cut off shows that in place of its role.
    const put = (who, number, now) => {
      known.set(who, now);
      if (!states.has(who)) states.set(who, []);
      const { status, ...values } = now;
      states.get(who).push([number, status ? { ...values, role: status, as: "" } : values]);
    };
    const arrow = (parts) => { arrows.push(parts); return parts; };
    const end = (number, parts) => ends.has(number) ? ends.get(number).push(parts) : ends.set(number, [parts]);
    lines.forEach((line, number) => {
      if (topic[number] === NO_EVENT) return;
      const facts = line.split("\t", 6)[5];
      if (!facts) return;
      const { m, s, x, o } = JSON.parse(facts);
      if (s || x) put(peer[number], number, { ...(x ? {} : known.get(peer[number])), ...s });
      for (const [name, status] of o ?? []) if (names.p.has(name)) put(names.p.get(name), number, { ...known.get(names.p.get(name)), status });
      if (!m) return;
      const [fate, kind, from, to, id, why] = m;
      const key = JSON.stringify([kind, from, to, id]);
      if (fate === "S") {
        const parts = arrow({ kind, from, to, sent: number });
        sent.set(key, parts);
        end(number, parts);
      } else if (fate === "R") {
        const parts = sent.get(key);
        if (parts && parts.received === undefined) { parts.received = number; end(number, parts); }
        else if (!parts) end(number, arrow({ kind, from, to, received: number }));
      } else if (fate === "L") {
        const parts = sent.get(key);
        if (parts && parts.received === undefined) parts.lost = why || "lost";
      } else if (fate === "A") {
        const parts = sent.get(key);
        if (parts?.received !== undefined) end(number, arrow({ kind, from: to, to: from, sent: parts.received, received: number, answer: true }));
      }
    });
    return { states, arrows, ends };
  };

  // The state of a peer after a line.
  const stateAt = (peer, number) => {
    const list = meaning.states.get(peer) ?? [];
    let low = 0, high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (list[middle][0] <= number) low = middle + 1; else high = middle;
    }
    return low;
  };
  const stateOf = (peer, number) => meaning.states.get(peer)?.[stateAt(peer, number) - 1]?.[1] ?? {};

  const lifelines = () => [...names.p].filter(([name, number]) => name !== "-" && !off.p.has(number));
  const color = (term) => term === undefined ? "var(--dim)" : `var(--e${term % TERMS})`;
  const width = (role) => ({ leader: 8, candidate: 6, follower: 3 })[role] ?? 0;

  const drawDiagram = () => {
    if (panel.hidden) return;
    if (!picture.parentNode) sheet.append(picture);
    meaning ??= understand();
    const peers = lifelines(), column = COLUMN * zoom, row = ROW * zoom;
    const x = new Map(peers.map(([, number], at) => [number, (LEFT + at * COLUMN) * zoom]));
    const byName = new Map(peers.map(([name, number]) => [name, number]));
    sheet.style.height = `${(shown.length + 2) * row}px`;
    sheet.style.width = `${(peers.length * COLUMN + LEFT) * zoom}px`;
    head.style.width = sheet.style.width;
    head.replaceChildren(...peers.map(([name, number]) => Object.assign($("b", {}, name || "(no peer)"), { style: `left:${x.get(number) - 6}px;width:${column - 12}px` })));
    const top = Math.max(0, Math.floor(scroller.scrollTop / row) - 40);
    const bottom = Math.min(shown.length, top + Math.ceil(scroller.clientHeight / row) + 80);
    const y = (place) => (place + 1) * row;
    // A line that is not shown has the place of the next one that is.
    const place = (number) => { const at = position(number); return shown[at] === number ? at : null; };
    const parts = { bands: [], arrows: [], texts: [] };
    const first = shown[top] ?? 0, last = shown[bottom - 1] ?? 0;
    for (const [, number] of peers) {
      const at = x.get(number), list = meaning.states.get(number) ?? [];
      parts.bands.push(draw("path", { class: "life", d: `M${at} ${y(top) - row}V${y(bottom)}` }));
      let index = stateAt(number, first), state = list[index - 1]?.[1] ?? {}, from = y(top) - row;
      const band = (to) => {
        const wide = width(state.as);
        if (wide && to > from) parts.bands.push(draw("rect", { class: `band ${state.as}`, x: at - wide / 2, y: from, width: wide, height: to - from, style: `fill:${color(state.term)};stroke:${color(state.term)}` }, draw("title", {}, `${state.role}, term ${state.term ?? "?"}`)));
      };
      for (; index < list.length && list[index][0] <= last; index++) {
        const to = y(position(list[index][0])) - row / 2, next = list[index][1];
        if (next.role === state.role && next.term === state.term) continue;
        band(to);
        [state, from] = [next, to];
        if (zoom >= 0.7 && width(state.as)) parts.texts.push(draw("text", { class: "sign", x: at - 8, y: to + row / 2 + 4, style: `fill:${color(state.term)}` }, `${state.as[0].toUpperCase()}${state.term ?? ""}`));
      }
      band(y(bottom));
    }
    const drawn = new Set();
    for (let at = top; at < bottom; at++) {
      const number = shown[at];
      for (const message of meaning.ends.get(number) ?? []) if (!drawn.has(message)) { drawn.add(message); parts.arrows.push(drawMessage(message, { x, y, row, byName, place })); }
      parts.texts.push(drawLine(number, { x, y: y(at), row, column, peers }));
    }
    picture.setAttribute("width", sheet.style.width);
    picture.setAttribute("height", sheet.style.height);
    picture.replaceChildren(...parts.bands, ...parts.arrows.filter(Boolean), ...parts.texts);
    zoomText.textContent = ` ${Math.round(zoom * 100)} % `;
  };

  const drawMessage = (message, { x, y, row, byName, place }) => {
    const [from, to] = [x.get(byName.get(message.from)), x.get(byName.get(message.to))];
    const sent = message.sent === undefined ? null : place(message.sent);
    const received = message.received === undefined ? null : place(message.received);
    if (sent === null && received === null) return null;
    const other = message.sent !== undefined && sent !== null ? from : to;
    if (other === undefined) return null;
    const way = Math.sign((to ?? from + 1) - (from ?? to - 1)) * 40 * zoom;
    let ends, kind = message.answer ? "answer" : "message", note = "";
    if (sent !== null && received !== null && from !== undefined && to !== undefined) ends = [from, y(sent), to, y(received)];
    else if (sent !== null && from !== undefined) {
      ends = [from, y(sent), message.lost && to !== undefined ? (from + to) / 2 : from + way, y(sent) + row / 2];
      if (message.lost) [kind, note] = ["lost", `: lost, ${message.lost}`];
      else if (message.received === undefined) [kind, note] = ["open", ": no line about its receipt"];
    } else if (received !== null && to !== undefined) ends = [to - way, y(received) - row / 2, to, y(received)];
    else return null;
    const [x1, y1, x2, y2] = ends, length = Math.hypot(x2 - x1, y2 - y1) || 1;
    const [ux, uy] = [(x2 - x1) / length, (y2 - y1) / length];
    const mark = kind === "lost" ? draw("path", { d: `M${x2 - 4} ${y2 - 4}l8 8m-8 0l8 -8` })
      : kind === "open" ? draw("circle", { class: "end", cx: x2, cy: y2, r: 2.5 })
      : draw("path", { class: "head", d: `M${x2} ${y2}L${x2 - ux * 8 - uy * 3.5} ${y2 - uy * 8 + ux * 3.5}L${x2 - ux * 8 + uy * 3.5} ${y2 - uy * 8 - ux * 3.5}Z` });
    return draw("g", { class: kind }, draw("title", {}, `${message.kind} ${message.from} → ${message.to}${note}`), draw("path", { d: `M${x1} ${y1}L${x2} ${y2}` }), mark);
  };

  const drawLine = (number, { x, y, row, column, peers }) => {
    const fields = lines[number].split("\t");
    const isEvent = topic[number] !== NO_EVENT, at = isEvent ? x.get(peer[number]) : undefined;
    const text = isEvent ? fields[3] : fields[1];
    const room = Math.floor(((at === undefined ? peers.length * COLUMN : COLUMN - 52) * 10) / 67);
    const cut = text.length > room ? `${text.slice(0, room - 1)}…` : text;
    const kind = isEvent ? `t${topic[number]} ${levelClass(number)}` : fields[0];
    const line = draw("g", { class: `line ${kind}${number === cursor ? " chosen" : ""}` }, draw("title", {}, isEvent ? `${fields[0]} ${text}` : text));
    if (number === cursor) line.append(draw("rect", { class: "mark", x: 0, y: y - row / 2, width: "100%", height: row }));
    if (at !== undefined) line.append(draw("circle", { cx: at, cy: y, r: Math.max(1.5, 3.5 * zoom) }));
    if (zoom >= 0.7 || at === undefined) line.append(draw("text", { x: (at ?? 0) + 12, y: y + 4, "font-size": 11 * Math.min(zoom, 1.5) }, cut));
    line.onclick = () => choose(number, true);
    return line;
  };

  // A line is chosen, here or in the log: it is marked in both, with the state of all peers after it.
  const choose = (number, isFromDiagram = false) => {
    cursor = number;
    document.querySelector(".chosen")?.classList.remove("chosen");
    if (isFromDiagram) goTo(number);
    const at = position(number), block = blocks[Math.floor(at / BLOCK)];
    block?.children[at - block.from]?.classList.add("chosen");
    if (panel.hidden) return;
    if (!isFromDiagram) scroller.scrollTop = (at + 1) * ROW * zoom - scroller.clientHeight / 2;
    drawDiagram();
    const keys = ["role", "term", "vote", "commit", "applied", "last"];
    const cells = (name, values, tag) => $("tr", {}, $("th", {}, name), ...values.map((value) => $(tag, {}, value ?? "")));
    table.replaceChildren(cells("", keys, "th"), ...lifelines().map(([name, number]) => {
      const state = stateOf(number, cursor);
      return cells(name, keys.map((key) => state[key]), "td");
    }));
  };

  const toggleDiagram = () => {
    panel.hidden = !panel.hidden;
    document.body.classList.toggle("with-diagram", !panel.hidden);
    writeLink();
    if (panel.hidden) return;
    drawDiagram();
    choose(cursor < 0 ? topLine() : cursor);
  };
  const setZoom = (wanted) => {
    const middle = (scroller.scrollTop + scroller.clientHeight / 2) / zoom;
    zoom = Math.min(3, Math.max(0.2, wanted));
    drawDiagram();
    scroller.scrollTop = middle * zoom - scroller.clientHeight / 2;
  };
  scroller.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    setZoom(zoom * (event.deltaY < 0 ? 1.1 : 1 / 1.1));
  }, { passive: false });
  let isDrawing = false;
  scroller.onscroll = () => {
    if (isDrawing) return;
    isDrawing = true;
    requestAnimationFrame(() => { isDrawing = false; drawDiagram(); });
  };
  // Dragging moves the sheet.
  let grip = null;
  scroller.onpointerdown = (event) => { if (event.button === 0) grip = [event.clientX, event.clientY]; };
  onpointermove = (event) => {
    if (!grip || !(event.buttons & 1)) { grip = null; return; }
    scroller.scrollBy(grip[0] - event.clientX, grip[1] - event.clientY);
    grip = [event.clientX, event.clientY];
  };
