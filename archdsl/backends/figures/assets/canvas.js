// One drawn view: pan and zoom through the viewBox, and which boxes a box depends on.
const READABLE = 2; // pixels a point

class Canvas {
  constructor(section, facts) {
    this.section = section;
    this.name = section.dataset.view;
    this.facts = facts;
    this.svg = section.querySelector('svg');
    // As it was drawn: everything below changes it.
    this.drawn = new XMLSerializer().serializeToString(this.svg);
    const [x, y, w, h] = this.svg.getAttribute('viewBox').split(/[\s,]+/).map(Number);
    this.home = { x, y, w, h };
    this.box = this.home;
    this.nodes = new Map();
    this.before = new Map();
    this.after = new Map();
    this.collect();
  }

  collect() {
    const prefix = this.facts.prefix;
    for (const element of this.section.querySelectorAll('.node')) {
      const id = element.id.slice(prefix.length);
      this.nodes.set(id, element);
      this.before.set(id, []);
      this.after.set(id, []);
    }
    const link = (map, from, to) => {
      if (!map.has(from)) map.set(from, []);
      map.get(from).push(to);
    };
    this.edges = this.facts.edges.map(([source, target], i) => {
      link(this.after, source, target);
      link(this.before, target, source);
      return { source, target, element: document.getElementById(`${prefix}edge${i}`) };
    });
    const texts = [...this.section.querySelectorAll('.text')];
    this.texts = texts.length === this.facts.texts.length
      ? texts.map((element, i) => ({ element, owner: this.facts.texts[i] })) : [];
    // What stands for nothing and is joined to nothing, such as the legend, never fades.
    const joined = new Set(this.facts.edges.flatMap(([source, target]) => [source, target]));
    for (const [id, element] of this.nodes) {
      if (!joined.has(id) && !this.facts.boxes[id]?.nodes.length) element.classList.add('scenery');
    }
  }

  reach(id, next) {
    const seen = new Set([id]);
    for (const at of seen) for (const other of next.get(at) ?? []) seen.add(other);
    return seen;
  }

  // Leave what is upstream and downstream of a box; the rest fades.
  trace(id) {
    const up = this.reach(id, this.before);
    const down = this.reach(id, this.after);
    // An edge that joins no boxes is part of the legend.
    const isOn = (source, target) => (!this.nodes.has(source) && !this.nodes.has(target))
      || (up.has(source) && up.has(target)) || (down.has(source) && down.has(target));
    for (const [other, element] of this.nodes) {
      const on = up.has(other) || down.has(other) || element.classList.contains('scenery');
      element.classList.toggle('on', on);
      element.classList.toggle('here', other === id);
    }
    const drawn = this.edges.map(({ source, target, element }) => {
      const on = isOn(source, target);
      element?.classList.toggle('on', on);
      return on;
    });
    for (const { element, owner } of this.texts) {
      element.classList.toggle('off', owner !== null && !drawn[owner]);
    }
    this.section.classList.add('traced');
  }

  untrace() {
    this.section.classList.remove('traced');
    for (const element of this.nodes.values()) element.classList.remove('here');
  }

  setBox({ x, y, w, h }) {
    const { home } = this;
    const scale = Math.min(Math.max(w, home.w / 60), home.w * 2) / w;
    x += (w - w * scale) / 2;
    y += (h - h * scale) / 2;
    w *= scale;
    h *= scale;
    // Its middle stays over the figure: it cannot be lost.
    x = Math.min(Math.max(x + w / 2, home.x), home.x + home.w) - w / 2;
    y = Math.min(Math.max(y + h / 2, home.y), home.y + home.h) - h / 2;
    this.box = { x, y, w, h };
    this.svg.setAttribute('viewBox', [x, y, w, h].map((n) => +n.toFixed(3)).join(' '));
    this.measure();
  }

  // Outlines are as thick as a line of the page at every scale.
  measure() {
    const { clientWidth, clientHeight } = this.svg;
    const scale = Math.min(clientWidth / this.box.w, clientHeight / this.box.h) || 1;
    this.section.style.setProperty('--pixel', `${1 / scale}px`);
  }

  fit() {
    this.stop();
    this.setBox(this.home);
  }

  // Points of the window as points of the figure.
  point(clientX, clientY) {
    return new DOMPoint(clientX, clientY).matrixTransform(this.svg.getScreenCTM().inverse());
  }

  zoom(factor, clientX, clientY) {
    this.stop();
    const { x, y, w, h } = this.box;
    const at = clientX === undefined
      ? { x: x + w / 2, y: y + h / 2 } : this.point(clientX, clientY);
    const by = Math.min(Math.max(factor, this.home.w / 60 / w), (this.home.w * 2) / w);
    this.setBox({ x: at.x - (at.x - x) * by, y: at.y - (at.y - y) * by, w: w * by, h: h * by });
  }

  // Move the figure by pixels of the window.
  pan(dx, dy) {
    this.stop();
    const scale = this.svg.getScreenCTM().a;
    this.setBox({ ...this.box, x: this.box.x - dx / scale, y: this.box.y - dy / scale });
  }

  // Around some boxes, in points of the figure.
  around(ids) {
    const rects = ids.map((id) => this.nodes.get(id)?.getBoundingClientRect()).filter(Boolean);
    if (!rects.length) return null;
    const from = this.point(
      Math.min(...rects.map((r) => r.left)), Math.min(...rects.map((r) => r.top)));
    const to = this.point(
      Math.max(...rects.map((r) => r.right)), Math.max(...rects.map((r) => r.bottom)));
    return { x: from.x, y: from.y, w: to.x - from.x, h: to.y - from.y };
  }

  // Show some boxes and what is around them, at a size at which they can be read.
  show(ids, smoothly) {
    const found = this.around(ids);
    if (!found) return;
    const { home } = this;
    const { clientWidth: width, clientHeight: height } = this.svg;
    const whole = Math.min(width / home.w, height / home.h);
    const scale = Math.max(
      whole, Math.min(READABLE, width / (found.w + 60), height / (found.h + 60)));
    const [w, h] = [(home.w * whole) / scale, (home.h * whole) / scale];
    // Where more than the figure fits, its middle; else no free ground beside it.
    const within = (middle, seen, start, size) => (seen >= size ? start + size / 2
      : Math.min(Math.max(middle, start + seen / 2), start + size - seen / 2));
    const x = within(found.x + found.w / 2, width / scale, home.x, home.w) - w / 2;
    const y = within(found.y + found.h / 2, height / scale, home.y, home.h) - h / 2;
    this.glide({ x, y, w, h }, smoothly);
  }

  // Show a box that is outside of the window, or nearly so.
  reveal(id, smoothly) {
    const rect = this.nodes.get(id).getBoundingClientRect();
    const frame = this.section.getBoundingClientRect();
    const isSeen = rect.left >= frame.left && rect.right <= frame.right
      && rect.top >= frame.top && rect.bottom <= frame.bottom;
    if (!isSeen) this.show([id], smoothly);
  }

  glide(to, smoothly) {
    this.stop();
    if (!smoothly) return this.setBox(to);
    const from = this.box;
    const start = performance.now();
    const step = (now) => {
      const part = Math.min(1, Math.max(0, (now - start) / 220));
      const eased = 1 - (1 - part) ** 3;
      const mix = (key) => from[key] + (to[key] - from[key]) * eased;
      this.setBox({ x: mix('x'), y: mix('y'), w: mix('w'), h: mix('h') });
      this.frame = part < 1 ? requestAnimationFrame(step) : undefined;
    };
    this.frame = requestAnimationFrame(step);
  }

  stop() {
    if (this.frame !== undefined) cancelAnimationFrame(this.frame);
    this.frame = undefined;
  }

  // Drag with a mouse or a finger, pinch with two; `dragged` swallows the click at its end.
  listen() {
    const held = new Map();
    let spread = 0;
    const middle = () => {
      const points = [...held.values()];
      const mean = (key) => points.reduce((sum, p) => sum + p[key], 0) / points.length;
      return [mean('clientX'), mean('clientY')];
    };
    const span = () => {
      const [a, b] = [...held.values()];
      return b ? Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) : 0;
    };
    this.section.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      if (!held.size) this.dragged = false;
      held.set(event.pointerId, event);
      this.start = middle();
      spread = span();
    });
    this.section.addEventListener('pointermove', (event) => {
      if (!held.has(event.pointerId)) return;
      const [x0, y0] = this.dragged ? middle() : this.start;
      held.set(event.pointerId, event);
      const [x1, y1] = middle();
      if (!this.dragged && Math.hypot(x1 - x0, y1 - y0) < 4 && held.size < 2) return;
      if (!this.dragged) this.section.dispatchEvent(new Event('dragging'));
      this.dragged = true;
      this.section.setPointerCapture(event.pointerId);
      this.section.classList.add('dragged');
      this.pan(x1 - x0, y1 - y0);
      const now = span();
      if (spread && now) this.zoom(spread / now, x1, y1);
      spread = now;
    });
    const release = (event) => {
      held.delete(event.pointerId);
      spread = span();
      if (held.size) return;
      this.section.classList.remove('dragged');
      setTimeout(() => { this.dragged = false; });
    };
    this.section.addEventListener('pointerup', release);
    this.section.addEventListener('pointercancel', release);
    this.section.addEventListener('wheel', (event) => {
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 30 : event.deltaMode === 2 ? 300 : 1;
      const delta = Math.min(Math.max(event.deltaY * lines, -240), 240);
      this.zoom(Math.exp(delta * (event.ctrlKey ? 0.01 : 0.0016)), event.clientX, event.clientY);
    }, { passive: false });
  }
}
