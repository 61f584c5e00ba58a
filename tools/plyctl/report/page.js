"use strict";
// The page of `plyctl report`. Names of files are hostile: they only ever become text, never markup. Nothing is loaded.
(() => {
const data = JSON.parse(document.getElementById("data").textContent);
const SHOWN = 0, WHITEOUT = 3;
const STATES = ["shown", "replaced", "deleted", "whiteout", "moved elsewhere", "can't be read"];
const KINDS = { d: "folder", f: "file", l: "symbolic link", o: "special file", w: "whiteout", "+": "small objects" };
const nodes = data.nodes, layers = data.layers, N = nodes.length;
const PARENT = 0, NAME = 1, KIND = 2, FIRST = 3; // of a node; from FIRST on: layer, bytes, state, by, for each version

const $ = (id) => document.getElementById(id);
// text, children or attributes; never HTML
function make(tag, attributes, ...content) {
	const element = document.createElement(tag);
	for (const [key, value] of Object.entries(attributes || {})) {
		if (key === "hue")
			element.style.setProperty("--h", value);
		else if (key === "style")
			Object.assign(element.style, value);
		else if (key.startsWith("on"))
			element.addEventListener(key.slice(2), value);
		else if (value !== null && value !== undefined && value !== false)
			element.setAttribute(key, value);
	}
	for (const item of content)
		if (item !== null && item !== undefined)
			element.append(item);
	return element;
}

function size(bytes) {
	const units = ["B", "kB", "MB", "GB", "TB", "PB"];
	let at = 0;
	while (bytes >= 999.5 && at + 1 < units.length) {
		bytes /= 1000;
		at++;
	}
	return (at && bytes < 99.95 ? parseFloat(bytes.toPrecision(3)) : Math.round(bytes)) + " " + units[at];
}
const count = (n) => n.toLocaleString("en");
const percent = (part, all) => part && part < all / 1000 ? "under 0.1 %" : (all ? Math.round((1000 * part) / all) / 10 : 0) + " %";
// Control characters, and what turns text around, as a terminal would have to print them.
const show = (name) => name.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
	(c) => "\\" + c.charCodeAt(0).toString(8).padStart(3, "0"));
const short = (id) => (id || "").replace(/^sha256:/, "").slice(0, 12);
const hue = (layer) => layers.length < 2 ? 250 : Math.round(40 + (250 - 40) * (layer / (layers.length - 1)));
const date = (text) => (text || "").replace("T", " ").replace(/(\.\d+)?Z$/, "");

// --- sums ----------------------------------------------------------------------------------------------------------

// Children of each node in the order of the data, and the bytes of each subtree.
const first = new Int32Array(N).fill(-1), next = new Int32Array(N).fill(-1);
for (let i = N - 1; i > 0; i--) {
	next[i] = first[nodes[i][PARENT]];
	first[nodes[i][PARENT]] = i;
}
let mode = "all", chosen = -1; // the layer, or -1
let weight = new Float64Array(N), hidden = new Float64Array(N), main = new Int16Array(N);
const isDrawn = (layer, state) => (chosen < 0 || layer === chosen) && (mode === "all" || (state === SHOWN) === (mode === "shown"));
function sumUp() {
	const best = new Float64Array(N);
	weight.fill(0);
	hidden.fill(0);
	main.fill(-1);
	for (let i = N - 1; i >= 0; i--) {
		const node = nodes[i];
		let mine = -1;
		for (let v = FIRST; v < node.length; v += 4) {
			if (!isDrawn(node[v], node[v + 2]))
				continue;
			weight[i] += node[v + 1];
			if (node[v + 2] !== SHOWN)
				hidden[i] += node[v + 1];
			// The version that shows stands for the path, though a larger one may be hidden.
			const rank = node[v + 1] + (node[v + 2] === SHOWN ? 2 ** 50 : 0);
			if (rank > mine) {
				mine = rank;
				if (node[v + 1] >= best[i] || first[i] < 0) {
					main[i] = node[v];
					best[i] = node[v + 1];
				}
			}
		}
		if (!i)
			break;
		const p = node[PARENT];
		weight[p] += weight[i];
		hidden[p] += hidden[i];
		if (main[i] >= 0 && (main[p] < 0 || best[i] > best[p])) {
			main[p] = main[i];
			best[p] = best[i];
		}
	}
}
function children(i) {
	const list = [];
	for (let c = first[i]; c >= 0; c = next[c])
		list.push(c);
	return list;
}
const drawnChildren = (i) => children(i).filter((c) => weight[c] > 0).sort((a, b) => weight[b] - weight[a]);
const isFolder = (i) => first[i] >= 0 || nodes[i][KIND] === "d";
function chain(i) {
	const list = [];
	for (; i > 0; i = nodes[i][PARENT])
		list.unshift(i);
	return list;
}
const label = (i) => nodes[i][KIND] === "+" ? count(nodes[i][NAME]) + " small objects" : i ? show(nodes[i][NAME]) : "/";
const pathOf = (i) => "/" + chain(i).map(label).join("/");

// --- the figures and the stack -------------------------------------------------------------------------------------

function figures() {
	const t = data.totals;
	const add = (value, text, warn) => $("figures").append(make("li", null, make("b", warn ? { class: "warn" } : null, value),
		make("span", null, text)));
	document.title = data.stack + " – layers";
	$("name").textContent = show(data.stack);
	$("about").textContent = [data.kind, data.found, data.os, data.architecture,
		data.image && short(data.image)].filter(Boolean).map(show).join(" · ");
	add(size(t.size), "in all layers");
	add(size(t.shown), "shown by the union");
	add(size(t.hidden), "hidden: " + percent(t.hidden, t.size) + " of all", t.hidden > t.size / 20);
	add(count(layers.length), layers.length === 1 ? "layer" : "layers");
	add(count(t.entries), "paths");
	if (data.folded)
		$("notes").append(make("p", { class: "note" }, "To keep this page small, " + count(data.folded.objects) + " of " +
			count(t.entries) + " paths, each with less than " + size(data.folded.below) +
			", are folded together with their neighbours. All sums are complete; the search knows the other paths only."));
	for (const text of data.notes)
		$("notes").append(make("p", { class: "note" }, show(text)));
	$("made").textContent = "Made " + date(data.made) + " UTC by plyctl " + data.version +
		". Sizes are " + (data.on_disk ? "bytes on disk" : "bytes of content") + "; a file with several names counts once.";
}

function facts(layer) {
	const l = layers[layer], list = make("dl", { class: "facts" });
	const add = (name, value) => value !== null && value !== "" && list.append(make("dt", null, name), make("dd", null, value));
	add("id", l.id);
	add("made", date(l.created) || null);
	add("by", l.created_by && show(l.created_by));
	add("directory", l.directory && show(l.directory));
	add("holds", [[l.files, "files"], [l.directories, "folders"], [l.links, "links"], [l.others, "special files"],
		[l.whiteouts, "whiteouts"], [l.opaque, "opaque folders"]].filter(([n]) => n).map(([n, t]) => count(n) + " " + t).join(", ") || "nothing");
	add("adds", size(l.size));
	add("hides", size(l.hides) + " of layers below");
	add("hidden", size(l.hidden) + " of it, by layers above");
	return list;
}

function stack() {
	const all = layers.reduce((sum, l) => sum + l.size, 0) || 1, most = Math.max(1, ...layers.map((l) => l.size));
	layers.forEach((l, i) => {
		const part = (bytes, hatch) => make("i", { class: hatch ? "hatch" : null, style: { width: (100 * bytes) / most + "%" } });
		const block = make("div", { hue: hue(i), "data-layer": i, title: "@" + i + "  " + size(l.size), style: { height: (100 * l.size) / all + "%" },
			onclick: () => choose(i) });
		block.append(make("i", { class: "hatch", style: { height: l.size ? (100 * l.hidden) / l.size + "%" : 0 } }));
		$("column").append(block);
		const button = make("button", { type: "button", "aria-pressed": "false", onclick: () => choose(i) },
			make("span", { class: "row" },
				make("span", null, make("b", null, "@" + i + " "), make("span", { class: "mono" }, short(l.id)), l.upper ? " upper" : ""),
				make("span", { class: "num" }, size(l.size))),
			make("span", { class: "bar" }, part(l.size - l.hidden), part(l.hidden, true)),
			make("span", { class: "clip dim small" }, show(l.created_by || l.directory || "")));
		$("layers").append(make("li", { hue: hue(i), "data-layer": i }, button));
	});
}

function choose(layer) {
	chosen = chosen === layer ? -1 : layer;
	const panel = document.querySelector(".stack");
	panel.classList.toggle("chosen", chosen >= 0);
	for (const old of panel.querySelectorAll(".facts"))
		old.remove();
	for (const element of panel.querySelectorAll("[data-layer]")) {
		const on = Number(element.dataset.layer) === chosen;
		element.classList.toggle("on", on);
		if (element.tagName === "LI") {
			element.firstChild.setAttribute("aria-pressed", String(on));
			if (on) {
				element.append(facts(chosen));
				element.scrollIntoView({ block: "nearest" });
			}
		}
	}
	redraw();
}

// --- the treemap ---------------------------------------------------------------------------------------------------

// Squarified (Bruls, Huizing, van Wijk): rows along the shorter side, each as long as its worst tile gets better.
function squarify(items, x, y, w, h, put) {
	let total = items.reduce((sum, c) => sum + weight[c], 0), at = 0;
	while (at < items.length && w > 0.5 && h > 0.5 && total > 0) {
		const side = Math.min(w, h), scale = (w * h) / total;
		let sum = 0, worst = Infinity, end = at;
		while (end < items.length) {
			const grown = sum + weight[items[end]], s = grown * scale;
			const large = weight[items[at]] * scale, small = weight[items[end]] * scale;
			const ratio = Math.max((side * side * large) / (s * s), (s * s) / (side * side * small));
			if (ratio > worst)
				break;
			worst = ratio;
			sum = grown;
			end++;
		}
		const thick = (sum * scale) / side;
		let offset = 0;
		for (; at < end; at++) {
			const long = (weight[items[at]] / sum) * side;
			if (w >= h)
				put(items[at], x, y + offset, thick, long);
			else
				put(items[at], x + offset, y, long, thick);
			offset += long;
		}
		if (w >= h) {
			x += thick;
			w -= thick;
		} else {
			y += thick;
			h -= thick;
		}
		total -= sum;
	}
}

let here = 0, focused = -1;
const place = (x, y, w, h) => ({ left: x + "px", top: y + "px", width: w + "px", height: h + "px" });
function hint(i) {
	return pathOf(i) + "\n" + size(weight[i]) + (hidden[i] ? ", hidden " + size(hidden[i]) : "") + (main[i] >= 0 ? ", mostly of @" + main[i] : "");
}
// What is in a folder, as far as there is room for it; else the part of it that is hidden.
function fill(element, i, w, h, level) {
	if (isFolder(i) && w > 60 && h > 60 && level < 4) {
		squarify(drawnChildren(i).slice(0, 80), 3, 20, w - 6, h - 23, (c, x, y, cw, ch) => {
			if (cw < 3 || ch < 3)
				return;
			const inner = make("i", { class: nodes[c][KIND] === "+" ? "sink" : null, hue: hue(Math.max(main[c], 0)), style: place(x, y, cw, ch) },
				cw > 40 && ch > 15 ? make("span", null, label(c) + (isFolder(c) ? "/" : "")) : null,
				cw > 60 && ch > 60 && !isFolder(c) ? make("span", null, size(weight[c])) : null);
			fill(inner, c, cw, ch, level + 1);
			element.append(inner);
		});
	} else if (hidden[i] && weight[i]) {
		let from = main[i], most = -1;
		for (let v = FIRST; v < nodes[i].length; v += 4)
			if (nodes[i][v + 2] !== SHOWN && isDrawn(nodes[i][v], nodes[i][v + 2]) && nodes[i][v + 1] > most)
				[from, most] = [nodes[i][v], nodes[i][v + 1]];
		element.append(make("i", { class: "veil hatch", hue: hue(Math.max(from, 0)), style: { height: (100 * hidden[i]) / weight[i] + "%" } }));
	}
}
function tile(i, x, y, w, h) {
	const folder = isFolder(i), nested = folder && w > 60 && h > 60;
	const element = make("button", { type: "button", class: "tile" + (folder ? " dir" : "") + (nodes[i][KIND] === "+" ? " sink" : ""),
		hue: hue(Math.max(main[i], 0)), style: place(x, y, w, h), tabindex: "-1", title: hint(i), "data-node": i,
		"aria-label": label(i) + ", " + KINDS[nodes[i][KIND]] + ", " + size(weight[i]), onclick: () => open(i) });
	if (w > 34 && h > 17)
		element.append(make("span", null, label(i) + (folder ? "/" : "") + (nested ? "  " + size(weight[i]) : "")));
	if (w > 44 && h > 36 && !nested)
		element.append(make("span", null, size(weight[i])));
	fill(element, i, w, h, 1);
	return element;
}

function drawMap() {
	const map = $("map"), box = map.getBoundingClientRect(), items = drawnChildren(here);
	map.replaceChildren();
	squarify(items.slice(0, 600), 0, 0, box.width, box.height, (i, x, y, w, h) => {
		if (w >= 2 && h >= 2)
			map.append(tile(i, x, y, w, h));
	});
	if (!items.length)
		map.append(make("p", { class: "dim" }, chosen >= 0 ? "Layer @" + chosen + " has no such bytes here." : "There are no such bytes here."));
	const start = map.querySelector('[data-node="' + focused + '"]') || map.querySelector(".tile");
	if (start)
		start.tabIndex = 0;
}

function drawCrumbs() {
	const crumbs = $("crumbs"), list = [0, ...chain(here)];
	crumbs.replaceChildren();
	list.forEach((i, at) => {
		if (at > 1)
			crumbs.append(make("span", { class: "dim" }, "/"));
		crumbs.append(i === here ? make("b", null, label(i)) : make("button", { type: "button", onclick: () => enter(i) }, label(i)));
	});
	crumbs.append(make("span", { class: "num small" }, size(weight[here]) + (mode === "all" && hidden[here] ? ", hidden " + size(hidden[here]) : "")));
}

function chips(i) {
	const cell = make("span"), seen = new Set();
	for (let v = FIRST; v < nodes[i].length; v += 4)
		seen.add(nodes[i][v]);
	for (const layer of [...seen].sort((a, b) => a - b).slice(0, 8))
		cell.append(make("span", { class: "chip", hue: hue(layer) }, "@" + layer));
	if (seen.size > 8)
		cell.append("+" + (seen.size - 8));
	return cell;
}
function table(items, name, more) {
	const body = make("tbody");
	for (const i of items)
		body.append(make("tr", null, make("td", { class: "path" }, make("button", { type: "button", onclick: () => open(i, true) }, name(i))),
			make("td", { class: "n" }, size(weight[i])), make("td", { class: "n w" }, hidden[i] ? size(hidden[i]) : "–"),
			make("td", { class: "l" }, chips(i))));
	return make("div", null, make("table", null, make("thead", null, make("tr", null, make("th", null, "Name"), make("th", { class: "n" }, "Size"),
		make("th", { class: "n w" }, "Hidden"), make("th", { class: "l" }, "Layers"))), body), more);
}
function drawList(all) {
	const items = children(here).filter((i) => weight[i] > 0 || (chosen < 0 && mode === "all") || main[i] >= 0)
		.sort((a, b) => weight[b] - weight[a]);
	const some = all === true ? items.slice(0, 2000) : items.slice(0, 12);
	const more = items.length > some.length && all !== true ? make("button", { type: "button", class: "more",
		onclick: () => drawList(true) }, "Show all " + count(items.length)) : null;
	$("list").replaceChildren(items.length ? table(some, (i) => label(i) + (isFolder(i) ? "/" : ""), more) : "");
}

// Every version of a path, topmost first.
function drawDetail(i) {
	const box = $("detail"), list = make("ol");
	box.hidden = i <= 0;
	if (i <= 0)
		return;
	for (let v = FIRST; v < nodes[i].length; v += 4) {
		const [layer, bytes, state, by] = nodes[i].slice(v, v + 4);
		list.append(make("li", null, make("span", { class: "chip", hue: hue(layer) }, "@" + layer),
			make("span", { class: "num" }, state === WHITEOUT ? "" : size(bytes)),
			make("span", null, STATES[state] + (state === WHITEOUT ? ": hides the path in the layers below" : by >= 0 ? " by @" + by : "")),
			make("span", { class: "clip dim small" }, show(layers[layer].created_by || ""))));
	}
	box.replaceChildren(make("h3", null, pathOf(i)), make("p", { class: "dim small" }, KINDS[nodes[i][KIND]]), list);
}

function redraw() {
	sumUp();
	drawCrumbs();
	drawMap();
	drawList();
	find();
}

// The place is in the address too, so the browser's own way back works.
function enter(i, keep) {
	focused = here;
	here = i;
	const hash = "#/" + chain(i).map((c) => encodeURIComponent(nodes[c][NAME])).join("/");
	if (!keep && location.hash !== hash && !(i === 0 && location.hash === ""))
		history.pushState(null, "", hash);
	drawDetail(-1);
	drawCrumbs();
	drawMap();
	drawList();
}
function open(i, fromList) {
	if (isFolder(i) && first[i] >= 0) {
		enter(i);
		if (!fromList)
			(document.querySelector("#map .tile") || $("map")).focus();
		return;
	}
	if (nodes[i][PARENT] !== here)
		enter(nodes[i][PARENT]);
	drawDetail(i);
	focused = i;
	if (fromList)
		$("detail").scrollIntoView({ block: "nearest" });
}
function goUp() {
	if (!here)
		return;
	const from = here;
	enter(nodes[here][PARENT]);
	const back = document.querySelector('#map [data-node="' + from + '"]') || document.querySelector("#map .tile");
	if (back)
		back.focus();
}
function follow() {
	let i = 0;
	try {
		for (const part of location.hash.replace(/^#\/?/, "").split("/").filter(Boolean)) {
			const name = decodeURIComponent(part);
			i = children(i).find((c) => nodes[c][NAME] === name && isFolder(c)) ?? -1;
			if (i < 0)
				break;
		}
	} catch {
		i = 0;
	}
	enter(Math.max(i, 0), true);
}

// The next tile in the direction of an arrow key: the nearest middle.
function moveFocus(from, dx, dy) {
	const a = from.getBoundingClientRect(), ax = a.left + a.width / 2, ay = a.top + a.height / 2;
	let best = null, least = Infinity;
	for (const element of $("map").querySelectorAll(".tile")) {
		const b = element.getBoundingClientRect(), x = b.left + b.width / 2 - ax, y = b.top + b.height / 2 - ay;
		const along = x * dx + y * dy, across = Math.abs(x * dy) + Math.abs(y * dx);
		if (element !== from && along > 1 && along + 2 * across < least) {
			least = along + 2 * across;
			best = element;
		}
	}
	if (!best)
		return;
	from.tabIndex = -1;
	best.tabIndex = 0;
	best.focus();
}

// --- search and history --------------------------------------------------------------------------------------------

const FOUND_MAX = 100;
function find() {
	const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean), box = $("found"), hits = [];
	let more = 0;
	box.hidden = !words.length;
	if (!words.length)
		return;
	// A path is the parent's and its own name; a child comes after its parent.
	const paths = new Array(N);
	for (let i = 0; i < N; i++) {
		paths[i] = i ? (nodes[i][PARENT] ? paths[nodes[i][PARENT]] : "") + "/" + String(nodes[i][NAME]).toLowerCase() : "";
		if (nodes[i][KIND] !== "+" && i && words.every((w) => paths[i].includes(w)))
			if (hits.length < FOUND_MAX)
				hits.push(i);
			else
				more++;
	}
	box.replaceChildren(make("p", { class: "dim small" }, hits.length ? count(hits.length + more) + " found" +
		(more ? ", the first " + FOUND_MAX + " are" : "") : "No path has it" + (data.folded ? " among those that aren't folded" : "") + "."));
	if (hits.length)
		box.append(table(hits, pathOf, null));
}

function past() {
	const entries = data.history;
	for (const h of entries) {
		const layer = h.layer;
		$("history").append(make("li", { class: h.empty ? "empty" : null },
			make("span", { class: "num" }, h.empty ? "–" : size(layer === null ? 0 : layers[layer].size)),
			make("span", { class: "num dim small" }, date(h.created) || "–"),
			layer === null ? make("span", { class: "dim small" }, h.empty ? "no layer" : "–") : make("button", { type: "button", class: "mono",
				onclick: () => { if (chosen !== layer) choose(layer); document.querySelector(".stack").scrollIntoView({ block: "nearest" }); } },
				short(layers[layer].id) || "@" + layer),
			make("span", { class: "mono command" }, show(h.created_by || (layer !== null && layers[layer].directory) || "–"))));
	}
}

function modes() {
	for (const [name, text] of [["all", "All"], ["shown", "Shown"], ["hidden", "Hidden"]])
		$("modes").append(make("button", { type: "button", "aria-pressed": String(name === mode), "data-mode": name, onclick: () => {
			mode = name;
			for (const b of $("modes").children)
				b.setAttribute("aria-pressed", String(b.dataset.mode === mode));
			redraw();
		} }, text));
}

$("theme").addEventListener("click", () => {
	const root = document.documentElement;
	const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
	root.dataset.theme = dark ? "light" : "dark";
});
let waiting = 0;
$("search").addEventListener("input", () => {
	clearTimeout(waiting);
	waiting = setTimeout(find, 120);
});
document.addEventListener("keydown", (event) => {
	if (event.ctrlKey || event.altKey || event.metaKey)
		return;
	const typing = event.target.tagName === "INPUT", element = event.target.closest && event.target.closest("#map .tile");
	const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
	if (event.key === "Escape" && typing) {
		event.target.value = "";
		find();
		event.target.blur();
	} else if (typing) {
		return;
	} else if (event.key === "/") {
		event.preventDefault();
		$("search").focus();
	} else if (element && arrow) {
		event.preventDefault();
		moveFocus(element, ...arrow);
	} else if (event.key === "Backspace" || event.key === "Escape") {
		event.preventDefault();
		goUp();
	}
});
addEventListener("popstate", follow);
addEventListener("hashchange", follow);
let drawn = 0;
new ResizeObserver(() => {
	const width = $("map").clientWidth;
	if (width !== drawn) {
		drawn = width;
		drawMap();
	}
}).observe($("map"));

figures();
modes();
stack();
past();
sumUp();
follow();
})();
