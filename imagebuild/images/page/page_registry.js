// SPDX-License-Identifier: Apache-2.0
"use strict";
/* The page's view of the registry: for each hive its keys that differ as a tree that opens and closes, values beside
   their old selves. `tools` are the functions of page.js that make elements; all texts are put in as text. */
function registryView(hives, query, tools) {
  const {el, plural, MARKS, WORDS} = tools, CHUNK = 200, ROWS_OPEN = 150, words = query.toLowerCase();

  const trees = hives.map(raw => {
    const children = new Map(), keep = new Set(), parents = [], way = [], paths = [];
    raw.d.forEach((depth, row) => {
      way.length = depth;
      parents.push(depth ? way[depth - 1] : -1);
      paths.push(depth ? paths[way[depth - 1]] + "\\" + raw.n[row] : raw.n[row]);
      if (depth) {
        const list = children.get(way[depth - 1]);
        if (list) list.push(row); else children.set(way[depth - 1], [row]);
      }
      way.push(row);
      if (words && raw.c[row] && fits(paths[row], raw.c[row])) for (let at = row; at >= 0; at = parents[at]) keep.add(at);
    });
    return {raw, children, keep, paths};
  }).filter(tree => !words || tree.keep.size || tree.raw.name.toLowerCase().includes(words));

  function fits(path, change) {
    return path.toLowerCase().includes(words) || change[2].some(([name, before, after]) =>
      [name, before, after].some(text => text && text.toLowerCase().includes(words)));
  }

  const below = (tree, row) => (tree.children.get(row) || []).filter(child => !words || tree.keep.has(child));
  let rows = 0;
  for (const tree of trees) {  // show where the changes are, as far as they fit
    tree.open = new Set();
    for (const queue = [0]; queue.length;) {
      const row = queue.shift(), kids = below(tree, row);
      if (rows + kids.length > ROWS_OPEN) continue;
      rows += kids.length;
      tree.open.add(row);
      queue.push(...kids);
    }
  }

  function what(change) {
    const [mark, told, values, more, acl] = change, box = el("div", {class: "what"});
    for (const [name, before, after] of told) box.append(el("div", {}, name + ": ",
      before ? el("span", {class: "del"}, before) : null, " ", after ? el("span", {class: "ins"}, after) : null));
    if (values.length) box.append(el("div", {class: "wide"}, el("table", {}, el("tbody", {}, ...values.map(([name, before, after]) =>
      el("tr", {class: MARKS[before == null ? "+" : after == null ? "-" : "~"]},
        el("td", {title: WORDS[before == null ? "+" : after == null ? "-" : "~"]}, before == null ? "+" : after == null ? "-" : "~"),
        el("td", {class: "text mono"}, name), el("td", {class: "text mono"},
          before != null ? el("div", {}, el("span", {class: "del"}, before)) : null,
          after != null ? el("div", {}, el("span", {class: "ins"}, after)) : null)))))));
    if (more) box.append(el("div", {class: "empty"}, "and " + plural(more, "value") + " more"));
    if (acl.length) box.append(el("h3", {}, "ACL, entries that came and went"), el("ul", {class: "acl"},
      ...acl[0].map(text => el("li", {}, el("span", {class: "del"}, "− " + text))),
      ...acl[1].map(text => el("li", {}, el("span", {class: "ins"}, "+ " + text))),
      acl[2] ? el("li", {}, "the same entries in another order") : null));
    return box.childNodes.length ? box : null;
  }

  function list(tree, rows, into) {
    let drawn = 0;
    const more = () => {
      for (const row of rows.slice(drawn, drawn + CHUNK)) into.append(node(tree, row));
      drawn = Math.min(drawn + CHUNK, rows.length);
      if (drawn < rows.length) {
        const button = el("button", {type: "button", class: "quiet more", on: {click: () => { button.remove(); more(); }}},
          "Show more of " + plural(rows.length, "key"));
        into.append(button);
      }
    };
    more();
    return into;
  }

  function node(tree, row) {
    let name = tree.raw.n[row], last = row;
    while (!tree.raw.c[last] && below(tree, last).length === 1) {  // keys on the way to one change stand in one line
      last = below(tree, last)[0];
      name += "\\" + tree.raw.n[last];
    }
    const change = tree.raw.c[last], kids = below(tree, last), mark = change ? change[0] : "";
    const label = [el("span", {class: "mark " + (MARKS[mark] || ""), title: WORDS[mark] || ""}, mark || "·"), " ",
      el("span", {class: "mono"}, name), kids.length ? el("span", {class: "to"}, "  " + kids.length.toLocaleString("en")) : null];
    const inner = change ? what(change) : null;
    if (!inner && !kids.length) return el("div", {class: "key-row bare", title: tree.paths[last]}, ...label);
    const box = el("details", {class: "key-row"}, el("summary", {title: tree.paths[last]}, ...label));
    let full = false;
    const fill = () => {
      if (full) return;
      full = true;
      if (inner) box.append(inner);
      if (kids.length) box.append(list(tree, kids, el("div", {class: "below"})));
    };
    box.addEventListener("toggle", () => { if (box.open) fill(); });
    if (tree.open.has(last)) { fill(); box.open = true; }
    return box;
  }

  function hive(tree) {
    const raw = tree.raw, out = el("section", {class: "hive"}, el("h2", {}, raw.name));
    if (raw.why) out.append(el("p", {class: "empty"}, "Not compared key by key: " + raw.why + ". It was told by "
      + plural(raw.before, "hive") + ", now by " + raw.after + "."));
    if (raw.like) out.append(el("p", {class: "empty"}, "Compared with " + raw.like + ", of which it is a copy at first."));
    const counts = [["added", "came"], ["removed", "went"], ["changed", "other"]].filter(([word]) => raw[word])
      .map(([word, kind]) => el("span", {class: kind}, raw[word].toLocaleString("en") + " " + word + "  "));
    if (counts.length) out.append(el("p", {class: "counts"}, "Keys: ", ...counts));
    if (Object.keys(raw.c).length) out.append(el("div", {class: "keys"}, ...(raw.c[0]
      ? [node(tree, 0)] : [list(tree, below(tree, 0), el("div", {}))])));
    if (raw.left) out.append(el("p", {class: "empty left"}, plural(raw.left, "key") + " more that differ are left out of the page; "
      + "'wcow diff' has all."));
    return out;
  }

  return trees.length ? trees.map(hive) : [el("p", {class: "empty"}, words ? "No key or value that differs has that in it."
    : "The registry does not differ.")];
}
