// What is wrong with a figure: measured where the browser has put things, in points of the figure.
function (text, font) {
  const parsed = new DOMParser().parseFromString(text, 'image/svg+xml');
  const broken = parsed.querySelector('parsererror');
  if (broken) return [`not well-formed: ${broken.textContent}`];
  const ALL = 2; // pixels a point: what is small is measured well
  const SLACK = 0.35; // points that do not count
  const svg = document.adoptNode(parsed.documentElement);
  const view = svg.viewBox.baseVal;
  svg.style.cssText =
    `position:absolute;left:0;top:0;overflow:visible;width:${view.width * ALL}px;height:${view.height * ALL}px`;
  const style = document.createElement('style');
  style.textContent = font === null ? '' : `svg text{font-family:"${font}"!important}`;
  document.head.replaceChildren(style);
  document.body.replaceChildren(svg);

  const origin = svg.getBoundingClientRect();
  const unit = origin.width / view.width;
  const canvas = { left: 0, top: 0, right: view.width, bottom: view.height };
  const rectOf = (element) => {
    const r = element.getBoundingClientRect();
    return {
      left: (r.left - origin.left) / unit, right: (r.right - origin.left) / unit,
      top: (r.top - origin.top) / unit, bottom: (r.bottom - origin.top) / unit,
    };
  };
  const area = (r) => Math.max(0, r.right - r.left) * Math.max(0, r.bottom - r.top);
  const common = (a, b) => ({
    left: Math.max(a.left, b.left), right: Math.min(a.right, b.right),
    top: Math.max(a.top, b.top), bottom: Math.min(a.bottom, b.bottom),
  });
  const meet = (a, b, slack = SLACK) => {
    const c = common(a, b);
    return c.right - c.left > slack && c.bottom - c.top > slack;
  };
  const lies = (a, b, slack = SLACK) => a.left >= b.left - slack && a.right <= b.right + slack
    && a.top >= b.top - slack && a.bottom <= b.bottom + slack;
  const has = (r, x, y, slack) => x > r.left + slack && x < r.right - slack
    && y > r.top + slack && y < r.bottom - slack;
  const place = (element, x, y) => {
    const p = new DOMPoint(x, y).matrixTransform(element.getScreenCTM());
    return [(p.x - origin.left) / unit, (p.y - origin.top) / unit];
  };

  // The ink of a text: its width, and the height of its letters rather than that of its line.
  const ink = (element) => {
    const size = parseFloat(getComputedStyle(element).fontSize)
      * Math.hypot(element.getScreenCTM().c, element.getScreenCTM().d) / unit;
    const r = rectOf(element);
    const base = place(element, 0, element.y.baseVal[0]?.value ?? 0)[1]
      + (element.dy.baseVal[0]?.value ?? 0);
    const low = /[gjpqyQ@|,;()[\]{}_]/.test(element.textContent) ? 0.22 : 0.01;
    return { left: r.left, right: r.right, top: base - 0.74 * size, bottom: base + low * size };
  };
  // The border of a box: the last of its large shapes, for what is drawn before lies below.
  const border = (element) => {
    const shapes = [...element.querySelectorAll('path,polygon,ellipse,circle,rect')].map(rectOf);
    const largest = Math.max(...shapes.map(area));
    return shapes.filter((r) => area(r) >= 0.6 * largest).at(-1);
  };
  const groups = (selector) => [...svg.querySelectorAll(selector)];
  const nodes = groups('g.node[class*="r-"]').map((g) => ({ g, id: g.id, rect: border(g) }))
    .filter((node) => node.rect);
  const home = new Map(nodes.map((node) => [node.g, node]));
  const texts = groups('text').filter((t) => t.textContent.trim()).map((t) => ({
    said: t.textContent, rect: ink(t), node: home.get(t.closest('g.node[class*="r-"]')),
  }));
  const trace = (path) => {
    const length = path.getTotalLength();
    const steps = Math.max(2, Math.ceil(length));
    return Array.from({ length: steps + 1 }, (_, i) => {
      const p = path.getPointAtLength((length * i) / steps);
      return place(path, p.x, p.y);
    });
  };
  const edges = groups('g.edge').flatMap((g) => [...g.querySelectorAll('path,polyline')]
    .map((path) => ({ id: g.id, points: trace(path) })));
  const frames = groups('g.frame').flatMap((g) => [...g.querySelectorAll('path,polygon,rect')]
    .slice(0, 1).map((shape) => ({ id: g.id, points: trace(shape) })));

  const found = new Set();
  if (!texts.length || !nodes.length) found.add('nothing is drawn');
  texts.forEach((a, i) => {
    for (const b of texts.slice(i + 1)) {
      if (meet(a.rect, b.rect)) found.add(`text over text: ${a.said} / ${b.said}`);
    }
    if (a.node && !lies(a.rect, a.node.rect)) {
      found.add(`text outside its box: ${a.said} / ${a.node.id}`);
    }
    if (!lies(a.rect, canvas)) found.add(`text off the canvas: ${a.said}`);
    for (const node of nodes) {
      if (node !== a.node && meet(a.rect, node.rect)) {
        found.add(`text over a box: ${a.said} / ${node.id}`);
      }
    }
  });
  nodes.forEach((a, i) => {
    for (const b of nodes.slice(i + 1)) {
      if (meet(a.rect, b.rect)) found.add(`box over box: ${a.id} / ${b.id}`);
    }
    if (!lies(a.rect, canvas, 0.6)) found.add(`box off the canvas: ${a.id}`);
  });
  const cross = (lines, what) => {
    for (const { id, points } of lines) {
      for (const t of texts) {
        if (points.some(([x, y]) => has(t.rect, x, y, SLACK))) {
          found.add(`${what} through a text: ${id} / ${t.said}`);
        }
      }
      const [first, last] = [points[0], points.at(-1)];
      for (const node of nodes) {
        // It begins and ends at boxes: what is near its ends is theirs.
        const within = points.filter(([x, y]) => has(node.rect, x, y, 1)
          && [first, last].every((e) => what !== 'edge' || Math.hypot(e[0] - x, e[1] - y) > 7));
        if (within.length) found.add(`${what} through a box: ${id} / ${node.id}`);
      }
    }
  };
  cross(edges, 'edge');
  cross(frames, 'frame');
  return [...found];
}
