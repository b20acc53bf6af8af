// SPDX-License-Identifier: Apache-2.0
"use strict";
(() => {
  // Everything that comes from an image is put on the page as text, never as markup.
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = id => document.getElementById(id);
  const panel = $("panel");
  const NS = "http://www.w3.org/2000/svg";
  const CHUNK = 400, HITS = 300, CELLS = 3000, CELLS_IN_ONE = 120;
  const MARKS = {"+": "came", "-": "went", "~": "other"};
  const WORDS = {"+": "added", "-": "removed", "~": "changed"};
  const folder = data.kinds.indexOf("directory"), gone = data.kinds.indexOf("whiteout");
  const hard = data.kinds.indexOf("hard link");

  function el(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name === "on") for (const [type, run] of Object.entries(value)) node.addEventListener(type, run);
      else if (value === true) node.setAttribute(name, "");
      else if (value !== false && value != null) node.setAttribute(name, value);
    }
    return put(node, ...children);
  }
  function put(node, ...children) {
    node.append(...children.filter(child => child != null && child !== ""));
    return node;
  }
  function svg(tag, attributes) {
    const node = document.createElementNS(NS, tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    return node;
  }
  const bytes = size => {
    const units = ["B", "kB", "MB", "GB", "TB"];
    let unit = 0, value = Math.abs(size);
    while (value >= 1000 && unit < 4) { value /= 1000; unit++; }
    return (size < 0 ? "−" : "") + (unit ? Number(value.toPrecision(3)) : value) + " " + units[unit];
  };
  const plural = (count, word) => count.toLocaleString("en") + " " + word + (count === 1 ? "" : "s");
  const hue = layer => "var(--l" + (layer ? (layer - 1) % 7 + 1 : 0) + ")";
  const colour = (node, value) => (node.style.setProperty("--c", value), node);

  // --- trees: columns become parents, children, sums -----------------------------------------------------------------

  const trees = data.trees.map(raw => {
    const count = raw.d.length, parent = new Int32Array(count), children = new Map(), sum = new Float64Array(count);
    const touched = new Int32Array(count), files = new Int32Array(count), way = [];
    for (let row = 0; row < count; row++) {
      way.length = raw.d[row];
      parent[row] = way.length ? way[way.length - 1] : -1;
      if (parent[row] >= 0) {
        const list = children.get(parent[row]);
        if (list) list.push(row); else children.set(parent[row], [row]);
      }
      way.push(row);
    }
    for (let row = count - 1; row >= 0; row--) {
      const change = raw.c[row];
      if (raw.k[row] !== folder && raw.k[row] !== hard && !(change && change[0] === "-")) sum[row] += raw.s[row];
      if (raw.k[row] !== folder) files[row]++;
      if (change) touched[row]++;
      if (parent[row] >= 0) {
        sum[parent[row]] += sum[row];
        touched[parent[row]] += touched[row];
        files[parent[row]] += files[row];
      }
    }
    return {raw, count, parent, children, sum, touched, files, open: new Set([0])};
  });
  const below = (tree, row) => tree.children.get(row) || [];
  function pathOf(tree, row) {
    const names = [];
    for (let at = row; at >= 0; at = tree.parent[at]) names.unshift(tree.raw.n[at]);
    const top = names[0], separator = top.endsWith("\\") ? "\\" : "/";
    return names.length < 2 ? top : (top === "/" || top.endsWith("\\") ? top : top + "/") + names.slice(1).join(separator);
  }
  const markOf = (tree, row) => tree.raw.c[row] ? tree.raw.c[row][0] : "";

  const state = {tab: "files", tree: 0, row: 0, zoom: 0, only: false, query: "", paint: data.before ? "change" : "layer"};
  if (data.before && trees[0].touched[0] && trees[0].count > 60) state.only = true;

  // --- head ----------------------------------------------------------------------------------------------------------

  function head() {
    const title = $("title");
    if (data.before) title.append(data.before.name, el("span", {class: "arrow"}, "→"), data.after.name);
    else title.append(data.after.name);
    $("subtitle").append([data.after.platform, data.after.created && "created " + data.after.created.slice(0, 16)
      .replace("T", " "), data.after.digest].filter(Boolean).join("  ·  "));
    const chips = $("chips"), add = (text, kind) => chips.append(el("li", {class: kind || ""}, text));
    const counts = data.counts, shared = data.layers.filter(pair => pair.mark === "=" || pair.mark === "≈").length;
    if (data.before) {
      if (data.identical) add("identical");
      else if (data.equal) add("equal, though not the same bytes");
      for (const [word, kind, sign] of [["added", "came", "+"], ["removed", "went", "−"], ["changed", "other", "~"]])
        if (counts[word]) add(sign + " " + plural(counts[word], "path") + " " + word, kind);
      if (counts.bytes) add((counts.bytes > 0 ? "+" : "") + bytes(counts.bytes) + " of files");
      for (const [word, kind, sign] of [["added", "came", "+"], ["removed", "went", "−"], ["changed", "other", "~"]]) {
        const count = data.registry.reduce((sum, hive) => sum + hive[word], 0);
        if (count) add(sign + " " + plural(count, "key") + " " + word, kind);
      }
      if (data.layers.length) add(plural(shared, "layer") + " shared");
    } else {
      add(plural(trees[0].files[0], "file"));
      add(bytes(trees[0].sum[0]) + " unpacked");
      if (data.layers.length) add(plural(data.layers.length, "layer") + ", " + bytes(data.after.size) + " stored");
      if (data.acls.length) add(plural(data.acls.length, "distinct ACL"));
    }
    if (data.findings) {
      const bad = data.findings.filter(one => one.severity === "error").length;
      add(data.findings.length ? plural(data.findings.length, "finding") : "no findings", bad ? "went" : "");
    }
  }

  const tabs = [["files", "Files", null]];
  if (data.before) tabs.push(["changes", "Changes", Object.keys(trees[0].raw.c).length]);
  if (data.registry.length) tabs.push(["registry", "Registry", data.registry.reduce((sum, hive) => sum + hive.added
    + hive.removed + hive.changed + (hive.why ? 1 : 0), 0)]);
  tabs.push(["layers", "Layers", data.layers.length], ["config", "Config", data.before
    ? data.config.filter(field => field[3]).length : null], ["acls", "ACLs", data.acls.length]);
  if (data.findings) tabs.push(["findings", "Findings", data.findings.length]);
  const views = {files, changes, registry, layers, config, acls, findings};

  function bar() {
    const list = $("tabs");
    for (const [id, name, count] of tabs) {
      list.append(el("button", {type: "button", role: "tab", id: "tab-" + id, "aria-controls": "panel", on: {
        click: () => show(id)}}, name, count == null ? null : el("span", {class: "count"}, count.toLocaleString("en"))));
    }
    list.addEventListener("keydown", event => {
      const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
      if (!step) return;
      const at = tabs.findIndex(tab => tab[0] === state.tab);
      show(tabs[(at + step + tabs.length) % tabs.length][0]);
      $("tab-" + state.tab).focus();
      event.preventDefault();
    });
  }

  function show(id) {
    state.tab = id;
    for (const [name] of tabs) {
      $("tab-" + name).setAttribute("aria-selected", String(name === id));
      $("tab-" + name).tabIndex = name === id ? 0 : -1;
    }
    panel.setAttribute("aria-labelledby", "tab-" + id);
    panel.className = id === "files" ? "split" : "";
    panel.replaceChildren();
    views[id]();
    if (location.hash.slice(1) !== id) history.replaceState(null, "", "#" + id);
  }

  // --- files: tree, map, details -------------------------------------------------------------------------------------

  let ui = {};
  function files() {
    const choose = el("select", {"aria-label": "Which tree", on: {change: event => {
      Object.assign(state, {tree: Number(event.target.value), row: 0, zoom: 0});
      show("files");
    }}}, ...trees.map((one, number) => el("option", {value: number, selected: number === state.tree},
      number ? one.raw.name : one.raw.name + (data.layers.length ? " (all layers)" : ""))));
    const only = el("input", {type: "checkbox", on: {change: event => { state.only = event.target.checked; list(); }}});
    only.checked = state.only;
    ui = {tree: el("div", {class: "scroll tall"}), map: el("div", {class: "map"}), details: el("div", {class: "details"}),
      trail: el("span", {class: "mono"}), legend: el("span", {class: "tools-keys"})};
    const paint = el("select", {"aria-label": "Colours of the map", on: {change: event => {
      state.paint = event.target.value;
      map();
    }}}, ...[["layer", "Colour by layer"], ["change", "Colour by change"]].filter(one => data.before || one[0] === "layer")
      .map(([value, name]) => el("option", {value, selected: value === state.paint}, name)));
    put(panel,
      el("div", {class: "pane"}, el("div", {class: "tools"}, choose, data.before && !state.tree
        ? el("label", {}, only, "Only what changed") : null), ui.tree),
      el("div", {class: "pane"}, el("div", {class: "tools"}, el("button", {type: "button", class: "quiet", title:
        "One folder up (Backspace)", on: {click: up}}, "↑ Up"), ui.trail, paint, ui.legend), ui.map,
      el("div", {class: "scroll"}, ui.details)));
    list();
    map();
    details();
    if (window.ResizeObserver) new ResizeObserver(map).observe(ui.map);
  }

  function visible(tree, row) {
    return !state.only || !data.before || state.tree || tree.touched[row] > 0;
  }

  function line(tree, row, level, text) {
    const raw = tree.raw, mark = markOf(tree, row), isFolder = raw.k[row] === folder, target = raw.g[row];
    const kids = isFolder ? below(tree, row) : [];
    const node = el("div", {class: "row " + (MARKS[mark] === "went" ? "went" : "") + (raw.k[row] === gone ? " dim" : ""),
      role: "treeitem", tabindex: row === state.row ? 0 : -1, "aria-level": level + 1,
      "aria-selected": String(row === state.row), "aria-expanded": kids.length ? String(tree.open.has(row)) : null});
    node.row = row;
    node.style.paddingLeft = 8 + Math.min(level, 24) * 16 + "px";
    put(node,
      el("span", {class: "twist", "aria-hidden": "true"}, kids.length && text == null ? tree.open.has(row) ? "▼" : "▶" : ""),
      data.before && !state.tree ? el("span", {class: "mark " + (MARKS[mark] || ""), title: WORDS[mark] || ""}, mark
        || (tree.touched[row] ? "·" : "")) : null,
      el("span", {class: "name", title: pathOf(tree, row)}, text == null ? raw.n[row] : text,
        target ? el("span", {class: "to"}, (raw.k[row] === hard ? " = " : " → ") + target) : null,
        raw.k[row] === gone ? el("span", {class: "to"}, " taken away") : null),
      el("span", {class: "size"}, raw.k[row] === gone ? "" : isFolder ? bytes(tree.sum[row]) : target && raw.k[row] !== hard
        ? data.kinds[raw.k[row]] : bytes(raw.s[row])),
      colour(el("span", {class: "dot", title: "from layer " + raw.l[row]}, String(raw.l[row])), hue(raw.l[row])));
    return node;
  }

  function list() {
    const tree = trees[state.tree];
    const box = el("div", {role: "tree", "aria-label": "Files of " + tree.raw.name, on: {click: clicked, keydown: pressed}});
    if (state.query) hits(tree, box); else branch(tree, box);
    ui.tree.replaceChildren(box);
    if (!box.querySelector('[tabindex="0"]') && box.querySelector(".row")) box.querySelector(".row").tabIndex = 0;
  }

  function branch(tree, box) {
    const draw = (row, level) => {
      box.append(line(tree, row, level));
      if (!tree.open.has(row)) return;
      const shown = below(tree, row).filter(child => visible(tree, child)), limit = (tree.limit || {})[row] || CHUNK;
      for (const child of shown.slice(0, limit)) draw(child, level + 1);
      if (shown.length > limit) box.append(el("button", {type: "button", class: "quiet more", on: {click: () => {
        (tree.limit = tree.limit || {})[row] = limit + CHUNK;
        list();
      }}}, "Show " + Math.min(CHUNK, shown.length - limit) + " more of " + shown.length.toLocaleString("en")));
    };
    if (tree.count) draw(0, 0);
    else box.append(el("p", {class: "empty"}, "Nothing here."));
  }

  function hits(tree, box) {
    const words = state.query.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (let row = 0; row < tree.count; row++) {
      if (!visible(tree, row)) continue;
      const name = tree.raw.n[row].toLowerCase();
      if (!words.some(word => name.includes(word.split(/[\\/]/).pop()))) continue;
      const path = pathOf(tree, row), low = path.toLowerCase().replaceAll("\\", "/");
      if (!words.every(word => low.includes(word.replaceAll("\\", "/")))) continue;
      if (++found <= HITS) box.append(line(tree, row, 0, path));
    }
    box.prepend(el("p", {class: "empty", "aria-live": "polite"}, found ? plural(found, "path") + (found > HITS
      ? ", the first " + HITS + " are shown" : "") : "Nothing has that name."));
  }

  function clicked(event) {
    const node = event.target.closest(".row");
    if (!node) return;
    const tree = trees[state.tree];
    if (!state.query && below(tree, node.row).length && (event.target.classList.contains("twist") || node.row === state.row))
      toggle(tree, node.row);
    pick(node.row, true);
  }

  function toggle(tree, row) {
    if (tree.open.has(row)) tree.open.delete(row); else tree.open.add(row);
  }

  function pick(row, focus) {
    const tree = trees[state.tree];
    state.row = row;
    state.zoom = tree.raw.k[row] === folder && below(tree, row).length ? row : Math.max(0, tree.parent[row]);
    list();
    map();
    details();
    const node = ui.tree.querySelector('[aria-selected="true"]');
    if (node && focus) node.focus({preventScroll: true});
    if (node) node.scrollIntoView({block: "nearest"});
  }

  function pressed(event) {
    const rows = [...ui.tree.querySelectorAll(".row")], node = event.target.closest(".row"), at = rows.indexOf(node);
    if (!node || event.ctrlKey || event.metaKey || event.altKey) return;
    const tree = trees[state.tree], kids = below(tree, node.row).length, open = tree.open.has(node.row) && !state.query;
    let next = null;
    if (event.key === "ArrowDown") next = rows[at + 1];
    else if (event.key === "ArrowUp") next = rows[at - 1];
    else if (event.key === "Home") next = rows[0];
    else if (event.key === "End") next = rows[rows.length - 1];
    else if (event.key === "ArrowRight" && kids && !state.query) {
      if (open) next = rows[at + 1];
      else { tree.open.add(node.row); next = node; }
    } else if (event.key === "ArrowLeft" && !state.query) {
      if (open && kids) { tree.open.delete(node.row); next = node; }
      else if (tree.parent[node.row] >= 0) next = rows.find(row => row.row === tree.parent[node.row]);
    } else if (event.key === "Enter" || event.key === " ") {
      if (kids && !state.query) toggle(tree, node.row);
      next = node;
    } else if (event.key === "Backspace") { up(); event.preventDefault(); return; }
    else return;
    event.preventDefault();
    if (next) pick(next.row, true);
  }

  function up() {
    const tree = trees[state.tree];
    if (state.zoom > 0) reveal(state.tree, tree.parent[state.zoom]);
  }

  function reveal(number, row) {
    const tree = trees[number];
    for (let at = tree.parent[row]; at >= 0; at = tree.parent[at]) tree.open.add(at);
    if (tree.raw.k[row] === folder) tree.open.add(row);
    state.tree = number;
    state.query = $("search").value = "";
    if (!visible(tree, row)) state.only = false;
    if (state.tab !== "files") { state.row = row; show("files"); }
    pick(row, false);
  }

  // The squarified map: Bruls, Huizing, van Wijk, "Squarified Treemaps" (2000).
  function squares(items, x, y, width, height, place) {
    const total = items.reduce((sum, item) => sum + item.weight, 0);
    if (!total || width < 2 || height < 2) return;
    const scale = width * height / total;
    const worst = (row, sum, side) => {
      const area = sum * scale, ratio = side * side / (area * area);
      return Math.max(ratio * row[0].weight * scale, 1 / (ratio * row[row.length - 1].weight * scale));
    };
    let at = 0;
    while (at < items.length && width > 1 && height > 1) {
      const side = Math.min(width, height), row = [items[at]];
      let sum = items[at++].weight;
      while (at < items.length && worst([...row, items[at]], sum + items[at].weight, side) <= worst(row, sum, side))
        { sum += items[at].weight; row.push(items[at++]); }
      const thick = sum * scale / side;
      let along = 0;
      for (const item of row) {
        const long = item.weight * scale / thick;
        if (width >= height) place(item, x, y + along, thick, long); else place(item, x + along, y, long, thick);
        along += long;
      }
      if (width >= height) { x += thick; width -= thick; } else { y += thick; height -= thick; }
    }
  }

  function shade(tree, row) {
    if (state.paint === "layer") return hue(tree.raw.l[row]);
    const mark = markOf(tree, row);
    return mark ? "var(--map-" + MARKS[mark] + ")" : tree.touched[row] ? "var(--map-other)" : "var(--l0)";
  }

  function map() {
    if (state.tab !== "files" || !ui.map) return;
    const tree = trees[state.tree], width = ui.map.clientWidth, height = ui.map.clientHeight, raw = tree.raw;
    ui.trail.textContent = tree.count ? pathOf(tree, state.zoom) : "";
    legend(tree);
    if (!tree.count || !tree.sum[state.zoom] || !width) {
      ui.map.replaceChildren(el("p", {class: "empty"}, "No bytes in this folder."));
      return;
    }
    const root = svg("svg", {viewBox: `0 0 ${width} ${height}`, role: "group",
      "aria-label": "Sizes in " + pathOf(tree, state.zoom) + "; arrow keys go from one to the next, Enter goes in"});
    let drawn = 0, first = true;
    // Folder by folder, the large ones first: when there is no room for more, what is left out is small everywhere.
    const waiting = [[state.zoom, 1, 1, width - 2, height - 2, 0]];
    const inside = (row, x, y, w, h, level) => {
      const items = below(tree, row).map(child => ({child, weight: tree.sum[child]})).filter(item => item.weight > 0)
        .sort((one, other) => other.weight - one.weight);
      const most = Math.max(CELLS_IN_ONE, Math.floor(CELLS * w * h / (width * height)));
      if (items.length > most) {
        const rest = items.splice(most - 1);
        items.push({child: -1, count: rest.length, weight: rest.reduce((sum, item) => sum + item.weight, 0)});
      }
      squares(items, x, y, w, h, ({child, count, weight}, left, top, wide, high) => {
        if (wide < 3 || high < 3 || drawn >= CELLS) return;
        drawn++;
        if (child < 0) { root.append(others(count, weight, left, top, wide, high)); return; }
        const isFolder = raw.k[child] === folder;
        const cell = svg("g", {class: "cell" + (isFolder ? " folder" : "") + (child === state.row ? " picked" : ""),
          role: "button", tabindex: first && !level ? 0 : -1});
        if (!level) first = false;
        cell.row = child;
        cell.top = !level;
        colour(cell, shade(tree, child));
        const label = raw.n[child], size = bytes(tree.sum[child]), name = svg("title", {});
        name.textContent = pathOf(tree, child) + ", " + size + (markOf(tree, child) ? ", " + WORDS[markOf(tree, child)] : "");
        cell.setAttribute("aria-label", name.textContent);
        cell.append(name, svg("rect", {x: left, y: top, width: wide, height: high, rx: 2}));
        const room = Math.floor((wide - 8) / 6.6);
        if (room > 3 && high > 15) {
          const text = svg("text", {x: left + 5, y: top + 12.5});
          text.textContent = label.length > room ? label.slice(0, room - 1) + "…" : label;
          cell.append(text);
          if (isFolder && label.length + size.length + 2 <= room) {
            const second = svg("text", {x: left + wide - 5, y: top + 12.5, class: "soft", "text-anchor": "end"});
            second.textContent = size;
            cell.append(second);
          } else if (!isFolder && high > 30 && size.length <= room) {
            const second = svg("text", {x: left + 5, y: top + 26, class: "soft"});
            second.textContent = size;
            cell.append(second);
          }
        }
        root.append(cell);
        if (isFolder && level < 5 && wide > 24 && high > 34)
          waiting.push([child, left + 3, top + 17, wide - 6, high - 20, level + 1]);
      });
    };
    while (waiting.length) {
      waiting.sort((one, other) => other[3] * other[4] - one[3] * one[4]);
      inside(...waiting.shift());
    }
    root.addEventListener("click", event => {
      const cell = event.target.closest(".cell");
      if (cell) reveal(state.tree, cell.row);
    });
    root.addEventListener("keydown", event => {
      const cell = event.target.closest(".cell");
      if (!cell) return;
      const cells = [...root.querySelectorAll(".cell")].filter(one => one.top), at = cells.indexOf(cell);
      const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
      if (step) {
        const next = cells[(at + step + cells.length) % cells.length];
        cell.setAttribute("tabindex", -1);
        next.setAttribute("tabindex", 0);
        next.focus();
      } else if (event.key === "Enter" || event.key === " ") {
        reveal(state.tree, cell.row);
        const again = ui.map.querySelector('[tabindex="0"]');
        if (again) again.focus();
      } else if (event.key === "Backspace" || event.key === "Escape") {
        up();
        const again = ui.map.querySelector('[tabindex="0"]');
        if (again) again.focus();
      } else return;
      event.preventDefault();
    });
    ui.map.replaceChildren(root);
  }

  function others(count, weight, left, top, wide, high) {
    const cell = svg("g", {class: "others"}), name = svg("title", {});
    name.textContent = count.toLocaleString("en") + " smaller ones, " + bytes(weight);
    cell.append(name, svg("rect", {x: left, y: top, width: wide, height: high, rx: 2}));
    if (wide > 7 * name.textContent.length && high > 16) {
      const text = svg("text", {x: left + 5, y: top + 12.5});
      text.textContent = name.textContent;
      cell.append(text);
    }
    return cell;
  }

  function legend(tree) {
    const keys = [];
    if (state.paint === "change") keys.push(["var(--map-came)", "added"], ["var(--map-other)", "changed"], ["var(--l0)", "as before"]);
    else for (const layer of [...new Set(tree.raw.l)].sort((a, b) => a - b).slice(0, 9)) keys.push([hue(layer), "layer " + layer]);
    ui.legend.replaceChildren(...keys.map(([value, name]) => el("span", {class: "key"}, colour(el("i"), value), name, " ")));
    for (const key of ui.legend.children) key.style.marginRight = "10px";
  }

  function acl(number) {
    const one = data.acls[number];
    return [el("ul", {class: "acl"}, ...one.words.map(text => el("li", {}, text))),
      el("details", {}, el("summary", {}, "SDDL"), el("code", {}, one.sddl))];
  }

  function aclChange(number) {
    const one = data.acl_changes[number];
    return el("ul", {class: "acl"}, ...one.gone.map(text => el("li", {}, el("span", {class: "del"}, "− " + text))),
      ...one.came.map(text => el("li", {}, el("span", {class: "ins"}, "+ " + text))),
      one.moved ? el("li", {}, "the same entries in another order") : null,
      one.moved || one.gone.length || one.came.length ? null : el("li", {}, "differs in its bytes only"));
  }

  function told(change) {
    return change[1].map(([name, before, after]) => before || after ? el("div", {}, name + ": ", before
      ? el("span", {class: "del"}, before) : null, " ", after ? el("span", {class: "ins"}, after) : null)
      : el("div", {}, name));
  }

  function details() {
    const tree = trees[state.tree], raw = tree.raw, row = state.row, box = ui.details;
    box.replaceChildren();
    if (!tree.count) return;
    const change = raw.c[row], isFolder = raw.k[row] === folder, pairs = [];
    const say = (name, value) => { if (value) pairs.push(el("dt", {}, name), el("dd", {}, value)); };
    box.append(el("div", {class: "path"}, pathOf(tree, row)));
    if (change) box.append(el("p", {class: MARKS[change[0]]}, {"+": "Added.", "-": "Removed.", "~": "Changed:"}[change[0]]));
    if (change && change[0] === "~") {
      box.append(...told(change));
      if (change[2] >= 0) box.append(el("h3", {}, "ACL, entries that came and went"), aclChange(change[2]));
    }
    say("Kind", data.kinds[raw.k[row]]);
    if (isFolder) say("Below it", plural(tree.files[row], "file") + ", " + bytes(tree.sum[row]));
    else if (raw.k[row] !== gone && (!raw.g[row] || raw.k[row] === hard)) say("Size", raw.s[row].toLocaleString("en")
      + " bytes");
    say(raw.k[row] === hard ? "Same file as" : "Leads to", raw.g[row]);
    const made = data.layers.find(pair => (change && change[0] === "-" ? pair.before : pair.after) === raw.l[row]);
    say("Layer", raw.l[row] + (made && made.by ? ", " + made.by : ""));
    say("Attributes", raw.t[row] >= 0 ? data.attributes[raw.t[row]] : "");
    say("Modified", raw.m[row] >= 0 ? data.times[raw.m[row]] : "");
    box.append(el("dl", {}, ...pairs));
    if (raw.a[row] >= 0) box.append(el("h3", {}, "Owner and ACL"), ...acl(raw.a[row]));
    else if (raw.k[row] !== gone) box.append(el("p", {class: "empty"}, "The layer says nothing of its ACL."));
  }

  // --- the other views -----------------------------------------------------------------------------------------------

  function page(...children) {
    panel.append(el("div", {class: "narrow"}, ...children));
  }
  const table = (names, rows) => el("div", {class: "wide"}, el("table", {}, el("thead", {}, el("tr", {}, ...names.map(name =>
    el("th", {scope: "col", class: name.startsWith("#") ? "number" : name ? "" : "slim"}, name.replace("#", ""))))), el("tbody", {}, ...rows)));
  const empty = text => el("p", {class: "empty"}, text);

  function changes() {
    const tree = trees[0], rows = Object.keys(tree.raw.c).map(Number), box = el("div", {});
    const words = state.query.toLowerCase();
    const fits = rows.filter(row => !words || pathOf(tree, row).toLowerCase().includes(words));
    let limit = CHUNK;
    const draw = () => {
      const lines = fits.slice(0, limit).map(row => {
        const change = tree.raw.c[row];
        return el("tr", {class: MARKS[change[0]]}, el("td", {title: WORDS[change[0]]}, change[0]),
          el("td", {class: "text"}, el("button", {type: "button", class: "link mono", on: {click: () => reveal(0, row)}},
            pathOf(tree, row))),
          el("td", {class: "text"}, ...(change[0] === "~" ? told(change) : [WORDS[change[0]] + ", "
            + data.kinds[tree.raw.k[row]]]), change[2] >= 0 ? aclChange(change[2]) : null),
          el("td", {class: "number"}, tree.raw.k[row] === folder ? "" : bytes(tree.raw.s[row])));
      });
      box.replaceChildren(fits.length ? table(["", "Path", "What", "#Size"], lines)
        : empty(words ? "No change has that name." : "No file differs."),
        fits.length > limit ? el("button", {type: "button", class: "quiet more", on: {click: () => {
          limit += CHUNK;
          draw();
        }}}, "Show more of " + fits.length.toLocaleString("en")) : "");
    };
    draw();
    page(el("h2", {}, "Files"), box);
  }

  function registry() {
    page(...registryView(data.registry, state.query, {el, plural, MARKS, WORDS}));
  }

  function layers() {
    const most = Math.max(1, ...data.layers.map(pair => Math.max(pair.size_before, pair.size_after)));
    const notes = {"=": "both", "≈": "both, compressed otherwise", "+": "new", "-": "gone"};
    const rows = data.layers.map(pair => {
      const bar = colour(el("i"), hue(pair.after != null ? pair.after : pair.before));
      const size = pair.after != null ? pair.size_after : pair.size_before;
      bar.style.width = Math.max(1, 100 * size / most) + "%";
      return el("tr", {class: data.before ? MARKS[pair.mark] || "" : ""},
        el("td", {}, [pair.before, pair.after].filter((one, at, all) => one != null && all.indexOf(one) === at).join(" → ")),
        data.before ? el("td", {}, notes[pair.mark]) : null, el("td", {class: "number"}, bytes(size)),
        el("td", {}, el("div", {class: "weight"}, bar)),
        el("td", {class: "text"}, pair.by || "", el("div", {class: "mono"}, pair.diff_id)));
    });
    page(el("h2", {}, "Layers, the lowest first"), rows.length ? table(["Number", ...(data.before ? ["In"] : []), "#Stored", "Share", "Made by, diff id"], rows)
      : empty("No layers."), el("h2", {}, "History"), data.history.length ? table(["", "Created", "Step"],
      data.history.map(([mark, created, by, none]) => el("tr", {class: MARKS[mark] || ""}, el("td", {}, mark),
        el("td", {}, created.slice(0, 16).replace("T", " ")), el("td", {class: "text mono"}, by || "-",
          none ? el("span", {class: "to"}, " (no layer)") : null)))) : empty("The image has no history."));
  }

  function config() {
    const rows = data.config.map(([name, before, after, differs]) => {
      const mark = !differs ? "" : before == null ? "+" : after == null ? "-" : "~";
      return el("tr", {class: MARKS[mark] || ""}, el("td", {}, mark), el("td", {}, name), el("td", {class: "text mono"},
        differs && before != null ? el("div", {}, el("span", {class: "del"}, before || "(empty)")) : null,
        after != null ? differs ? el("div", {}, el("span", {class: "ins"}, after || "(empty)")) : after : null));
    });
    page(el("h2", {}, "Config"), rows.length ? table(["", "Field", "Value"], rows) : empty("The config says nothing."));
  }

  function acls() {
    const tree = trees[state.tree], uses = new Map();
    tree.raw.a.forEach((number, row) => {
      if (number < 0) return;
      const use = uses.get(number);
      if (use) use[0]++; else uses.set(number, [1, row]);
    });
    const rows = [...uses].sort((one, other) => other[1][0] - one[1][0]).map(([number, [count, row]]) => el("tr", {},
      el("td", {class: "number"}, count.toLocaleString("en")), el("td", {class: "text"}, ...acl(number)),
      el("td", {class: "text"}, el("button", {type: "button", class: "link mono", on: {click: () => reveal(state.tree, row)}},
        pathOf(tree, row)))));
    page(el("h2", {}, "ACLs of " + tree.raw.name + ", the most used first"), rows.length
      ? table(["#Entries", "Owner and ACL", "First seen at"], rows) : empty("No entry has an ACL."));
  }

  function findings() {
    const rank = {error: 0, warning: 1, note: 2}, kinds = {error: "went", warning: "other"};
    const rows = [...data.findings].sort((one, other) => (rank[one.severity] ?? 3) - (rank[other.severity] ?? 3)).map(one =>
      el("tr", {class: kinds[one.severity] || ""}, el("td", {}, one.severity), el("td", {}, el("code", {}, one.rule),
        one.importer ? el("div", {class: "to"}, one.importer) : null),
      el("td", {class: "text"}, one.text, one.hint ? el("div", {class: "to"}, one.hint) : null,
        one.source ? el("div", {class: "mono"}, one.source) : null),
      el("td", {class: "text mono"}, (one.layer == null ? "" : "layer " + one.layer + " ") + one.path)));
    page(el("h2", {}, "What Windows may say"), rows.length ? table(["Severity", "Rule", "Finding", "Where"], rows)
      : empty("The linter has nothing to say."));
  }

  // --- start ---------------------------------------------------------------------------------------------------------

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const themed = name => { document.documentElement.dataset.theme = name; };
  themed(dark.matches ? "dark" : "light");
  dark.addEventListener("change", () => themed(dark.matches ? "dark" : "light"));
  $("theme").addEventListener("click", () => themed(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
  let wait = 0;
  $("search").addEventListener("input", event => {
    clearTimeout(wait);
    wait = setTimeout(() => {
      state.query = event.target.value.trim();
      if (state.tab === "files") list(); else show(["changes", "registry"].includes(state.tab) ? state.tab : "files");
    }, 120);
  });
  $("search").addEventListener("keydown", event => {
    if (event.key === "ArrowDown" && state.tab === "files") {
      const row = ui.tree.querySelector(".row");
      if (row) { row.focus(); event.preventDefault(); }
    }
  });
  document.addEventListener("keydown", event => {
    if (event.key === "/" && event.target.tagName !== "INPUT" && event.target.tagName !== "SELECT") {
      $("search").focus();
      event.preventDefault();
    }
  });
  addEventListener("hashchange", () => { if (views[location.hash.slice(1)]) show(location.hash.slice(1)); });
  head();
  bar();
  if (state.only) {  // show where the changes are, as far as they fit
    const tree = trees[0], queue = [0];
    for (let rows = 1; queue.length && rows < 30;) {
      const row = queue.shift(), kids = below(tree, row).filter(child => visible(tree, child));
      if (!kids.length || rows + kids.length > 40) continue;
      rows += kids.length;
      tree.open.add(row);
      queue.push(...kids);
    }
  }
  for (const tree of trees) {  // open the way to the first folder that has more than one thing in it
    let row = 0;
    while (below(tree, row).length === 1 && tree.raw.k[below(tree, row)[0]] === folder) tree.open.add(row = below(tree, row)[0]);
  }
  const asked = location.hash.slice(1);
  show(tabs.some(tab => tab[0] === asked) ? asked : "files");
})();
