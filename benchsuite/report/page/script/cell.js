/**
 * Cells as pictures, laid out in layers from left to right.
 *
 * Sugiyama, Tagawa & Toda, "Methods for Visual Understanding of Hierarchical System
 * Structures", IEEE Transactions on Systems, Man, and Cybernetics 11(2), 1981: the layer
 * of a vertex is the longest way to it, arrows over several layers get a place in each,
 * and the order within a layer follows the barycentres of the neighbours.
 */

const [LETTER, LANE, SWEEPS] = [7, 46, 6];
let arrowheads = 0;

/** Draw one cell. */
function drawCell({ title, vertices, edges }) {
  const layers = layersOf(vertices.length, edges);
  const { places, ways } = spread(layers, edges);
  order(places, ways);
  const { width, height } = arrange(places, ways, vertices, edges);
  const head = `arrowhead-${arrowheads++}`;
  const labels = labelled(edges, ways);
  const picture = drawn(
    "svg",
    {
      class: "cell",
      width,
      height: height + 16,
      viewBox: `0 -8 ${width} ${height + 16}`,
      role: "img",
      "aria-label": inWords(title, vertices, edges),
    },
    drawn("defs", {}, arrowhead(head)),
    ways.map((way) => arrow(way, head)),
    labels.map(operation),
    places
      .flat()
      .filter(({ vertex }) => vertex !== null)
      .map((place) => box(place, vertices)),
  );
  return element(
    "figure",
    {},
    title ? element("figcaption", {}, title) : [],
    element("div", { class: "scroll", tabindex: 0 }, picture),
  );
}

function layersOf(count, edges) {
  const layers = new Array(count).fill(0);
  const ordered = [...edges].sort(([a], [b]) => a - b); // arrows go forward
  for (const [from, to] of ordered) layers[to] = Math.max(layers[to], layers[from] + 1);
  const before = Math.max(0, ...layers.slice(0, -1));
  if (count > 1) layers[count - 1] = before + 1; // the output stands last, and alone
  return layers;
}

/** Give vertices a place in their layers, and arrows one in every layer they cross. */
function spread(layers, edges) {
  const places = Array.from({ length: Math.max(0, ...layers) + 1 }, () => []);
  const own = layers.map((layer, vertex) => {
    const place = { vertex, weight: vertex };
    places[layer].push(place);
    return place;
  });
  const ways = edges.map(([from, to]) => {
    const between = [];
    for (let layer = layers[from] + 1; layer < layers[to]; layer++) {
      const place = { vertex: null, weight: from };
      places[layer].push(place);
      between.push(place);
    }
    return [own[from], ...between, own[to]];
  });
  return { places, ways };
}

/** Order each layer by the mean place of what its members are joined to. */
function order(places, ways) {
  const near = new Map(places.flat().map((place) => [place, [[], []]]));
  for (const way of ways)
    for (let k = 1; k < way.length; k++) {
      near.get(way[k])[0].push(way[k - 1]);
      near.get(way[k - 1])[1].push(way[k]);
    }
  const settle = (own) =>
    own.forEach((place, k) => (place.rank = k - (own.length - 1) / 2));
  places.forEach(settle);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const side = sweep % 2;
    for (const own of side ? [...places].reverse() : places) {
      for (const place of own) {
        const joined = near.get(place)[side];
        const sum = joined.reduce((total, other) => total + other.rank, 0);
        place.weight = joined.length ? sum / joined.length : place.rank;
      }
      own.sort((a, b) => a.weight - b.weight);
      settle(own);
    }
  }
}

const textWidth = (text) => LETTER * text.length;

/** Give places their middle and half of their width, and say how large all is. */
function arrange(places, ways, vertices, edges) {
  const height = LANE * Math.max(...places.map((own) => own.length));
  const gaps = gapsBetween(places, ways, edges);
  let x = 4;
  places.forEach((own, layer) => {
    const halves = own.map(({ vertex }) =>
      vertex === null ? 0 : textWidth(vertices[vertex]) / 2 + 10,
    );
    const widest = Math.max(12, ...halves);
    x += widest;
    own.forEach((place, k) => {
      place.x = x;
      place.y = height / 2 + LANE * (k - (own.length - 1) / 2);
      place.half = halves[k] || widest; // what crosses a layer runs level there
    });
    x += widest + gaps[layer];
  });
  return { width: x - gaps.at(-1) + 10, height };
}

/** How far the layers stand apart: what is written between them has to fit. */
function gapsBetween(places, ways, edges) {
  const gaps = places.map(() => 34);
  const layerOf = new Map(
    places.flatMap((own, layer) => own.map((place) => [place, layer])),
  );
  ways.forEach((way, k) => {
    const text = edges[k][2];
    if (!text) return;
    const { from, at } = middle(way);
    const layer = layerOf.get(from);
    const needs = at
      ? { [layer - 1]: textWidth(text) / 2 + 12, [layer]: textWidth(text) / 2 + 12 }
      : { [layer]: textWidth(text) + 44 };
    for (const [gap, wide] of Object.entries(needs))
      gaps[gap] = Math.max(gaps[gap], wide);
  });
  return gaps;
}

/** The middle of a way: a place of its own, or between two of them. */
function middle(way) {
  const half = (way.length - 1) / 2;
  return Number.isInteger(half)
    ? { from: way[half], at: way[half] }
    : { from: way[Math.floor(half)], to: way[Math.ceil(half)], at: null };
}

/** Place what is written at arrows, one beside the other. */
function labelled(edges, ways) {
  const labels = ways.map((way, k) => {
    const { from, to, at } = middle(way);
    const [x, y] = at ? [at.x, at.y] : [(from.x + to.x) / 2, (from.y + to.y) / 2];
    return { x, y, text: edges[k][2] };
  });
  const told = labels.filter(({ text }) => text).sort((a, b) => a.y - b.y);
  told.forEach((label, k) => {
    for (const other of told.slice(0, k)) {
      const apart = Math.abs(label.x - other.x);
      const touching = (textWidth(label.text) + textWidth(other.text)) / 2;
      if (apart < touching && label.y < other.y + 16) label.y = other.y + 16;
    }
  });
  return told;
}

/** Bend between layers, and run level where one is crossed. */
function arrow(way, head) {
  const points = way.flatMap(({ x, y, half }, k) => [
    ...(k > 0 ? [[x - half, y]] : []),
    ...(k < way.length - 1 ? [[x + half, y]] : []),
  ]);
  points.at(-1)[0] -= 3; // for the head
  const path = points.slice(1).map(([x, y], k) => {
    const [u, v] = points[k];
    const bend = (u + x) / 2;
    return `C${bend} ${v} ${bend} ${y} ${x} ${y}`;
  });
  const d = `M${points[0].join(" ")}${path.join("")}`;
  return drawn("path", { class: "arrow", d, "marker-end": `url(#${head})` });
}

function arrowhead(id) {
  const size = {
    markerWidth: 8,
    markerHeight: 8,
    viewBox: "0 0 8 8",
    refX: 6,
    refY: 4,
  };
  const shape = drawn("path", { class: "head", d: "M0 1L7 4L0 7Z" });
  return drawn("marker", { id, orient: "auto", ...size }, shape);
}

/** What stands at an arrow, on a ground of its own. */
function operation({ x, y, text }) {
  const half = textWidth(text) / 2 + 2;
  return drawn(
    "g",
    { class: "operation" },
    drawn("rect", { x: x - half, y: y - 9, width: 2 * half, height: 18 }),
    drawn("text", { x, y: y + 4 }, text),
  );
}

function box({ x, y, half, vertex }, vertices) {
  const shape = { x: x - half, y: y - 14, width: 2 * half, height: 28, rx: 6 };
  return drawn(
    "g",
    { class: "vertex" },
    drawn("rect", shape),
    drawn("text", { x, y: y + 4 }, vertices[vertex]),
  );
}

function inWords(title, vertices, edges) {
  const told = edges.map(
    ([from, to, text]) =>
      `${vertices[from]} to ${vertices[to]}${text ? ` by ${text}` : ""}`,
  );
  return `${title || "Cell"}: ${told.join("; ") || "nothing is joined"}`;
}
