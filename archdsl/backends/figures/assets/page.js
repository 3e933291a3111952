// The page: views, hover card, path highlight, find, theme, saving. Texts are only ever set as text.
const $ = (name) => document.getElementById(`page-${name}`);
const data = JSON.parse($('data').textContent);
const root = document.documentElement;
const sections = [...document.querySelectorAll('.view')];
const canvases = new Map(sections.filter((s) => data.views[s.dataset.view])
  .map((s) => [s.dataset.view, new Canvas(s, data.views[s.dataset.view])]));
const card = $('card');
const find = $('find');
const isCalm = matchMedia('(prefers-reduced-motion: reduce)');
let current = null;
let shown = null; // the box that the card is about
let pinned = false;
let first = null; // the view that is shown before any is asked for
let mouse = [];

const make = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });
const canvas = () => canvases.get(current);
const factsOf = (id) => canvas().facts.boxes[id];

// Views

function show(name) {
  if (name === current || !sections.some((s) => s.dataset.view === name)) return;
  hide();
  current = name;
  for (const section of sections) section.hidden = section.dataset.view !== name;
  for (const button of document.querySelectorAll('.tabs button')) {
    button.setAttribute('aria-pressed', String(button.dataset.opens === name));
  }
  for (const id of ['in', 'out', 'fit', 'save']) $(id).disabled = !canvas();
  canvas()?.measure();
  search();
}

// The address says which view is shown, so that the back button goes back.
function open(name) {
  show(name);
  if (location.hash !== `#${name}`) location.hash = name;
}

function openBoxes(name, ids) {
  open(name);
  const target = canvas();
  target.show(ids, !isCalm.matches);
  for (const id of ids) target.nodes.get(id)?.classList.add('hit');
  target.nodes.get(ids[0])?.focus({ preventScroll: true });
}

// `#full`, or `#full/17` for a layer in it.
function follow() {
  const [name, layer] = location.hash.slice(1).split('/');
  if (layer === undefined || !canvases.has(name)) return show(name || first);
  const boxes = Object.entries(canvases.get(name).facts.boxes);
  const ids = boxes.filter(([, facts]) => facts.nodes.includes(Number(layer))).map(([id]) => id);
  if (ids.length) openBoxes(name, ids);
}

// The card

function fill(facts) {
  const layers = facts.opens?.[1].length ?? 0;
  const more = layers > 1 ? `Click or Enter: show its ${layers} boxes in every layer`
    : layers ? 'Click or Enter: show it in every layer' : '';
  const list = document.createElement('dl');
  for (const [name, value] of facts.lines) list.append(make('dt', name), make('dd', value));
  card.replaceChildren(make('h2', facts.title));
  if (facts.operator && facts.operator !== facts.title) card.append(make('p', facts.operator));
  if (facts.lines.length) card.append(list);
  if (more) card.append(Object.assign(make('p', more), { className: 'more' }));
}

const overlap = (a, b) =>
  Math.max(0, Math.min(a.right, b.right) - Math.max(a.left, b.left))
  * Math.max(0, Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top));

// Beside the box, within the window, where it hides least of what is highlighted.
function place(element) {
  card.style.left = card.style.top = '0';
  const { width, height } = card.getBoundingClientRect();
  const box = element.getBoundingClientRect();
  const [gap, edge] = [12, 8];
  const top = Math.min($('main').getBoundingClientRect().top + edge, innerHeight / 3);
  const highest = { x: innerWidth - width - edge, y: innerHeight - height - edge };
  const clamp = (value, low, high) => Math.max(Math.min(value, high), Math.min(low, high));
  const xs = [box.left - gap - width, box.left, (box.left + box.right - width) / 2,
    box.right - width, box.right + gap];
  const ys = [box.top - gap - height, box.top, (box.top + box.bottom - height) / 2,
    box.bottom - height, box.bottom + gap];
  const others = [...canvas().nodes.values()].filter((other) => other !== element)
    .map((other) => [other.getBoundingClientRect(), other.matches('.on:not(.scenery)') ? 3 : 0.5]);
  let best = null;
  for (const x of xs) {
    for (const y of ys) {
      const left = Math.max(edge, Math.min(x, highest.x));
      const upper = clamp(y, top, highest.y);
      const rect = { left, top: upper, right: left + width, bottom: upper + height };
      const away = Math.hypot((rect.left + rect.right - box.left - box.right) / 2,
        (rect.top + rect.bottom - box.top - box.bottom) / 2);
      const hidden = others.reduce((sum, [other, by]) => sum + by * overlap(rect, other), 0);
      const cost = overlap(rect, box) * 20 + hidden + away * 40;
      if (!best || cost < best.cost) best = { cost, left, top: upper };
    }
  }
  card.style.left = `${Math.max(0, best.left)}px`;
  card.style.top = `${Math.max(0, best.top)}px`;
}

function describe(id) {
  if (pinned || id === shown || !factsOf(id)) return;
  shown = id;
  fill(factsOf(id));
  card.hidden = false;
  canvas().trace(id);
  place(canvas().nodes.get(id));
}

function hide() {
  pinned = false;
  shown = null;
  card.hidden = true;
  card.classList.remove('pinned');
  canvas()?.untrace();
}

function unmark() {
  for (const element of canvas()?.nodes.values() ?? []) element.classList.remove('hit');
  canvas()?.section.classList.remove('found');
}

function activate(id) {
  const facts = factsOf(id);
  if (facts?.opens) return openBoxes(facts.opens[0], facts.opens[1]);
  const again = pinned && shown === id;
  hide();
  if (again || !facts) return;
  describe(id);
  pinned = true;
  card.classList.add('pinned');
}

function setUp(view) {
  const boxOf = (event) => event.target.closest?.('.node')?.id.slice(view.facts.prefix.length);
  view.listen();
  for (const [id, element] of view.nodes) {
    const facts = view.facts.boxes[id];
    // The browser's own tooltip would lie over the card.
    for (const title of element.querySelectorAll('title')) title.remove();
    if (!facts || element.classList.contains('scenery')) continue;
    const said = facts.lines.map(([name, value]) => `${name} ${value}`);
    element.setAttribute('tabindex', '0');
    element.setAttribute('role', facts.opens ? 'link' : 'button');
    element.setAttribute('aria-label', [facts.title, facts.operator, ...said].join(', '));
    if (facts.opens) element.dataset.opens = facts.opens[0];
  }
  view.svg.setAttribute('role', 'group');
  view.section.addEventListener('pointermove', (event) => {
    // Boxes that move below a mouse at rest are not what it points at.
    const isAtRest = event.screenX === mouse[0] && event.screenY === mouse[1];
    mouse = [event.screenX, event.screenY];
    if (view.dragged || isAtRest || event.pointerType === 'touch') return;
    const id = boxOf(event);
    if (id !== undefined && factsOf(id)) describe(id);
    else if (shown !== null && !pinned) hide();
  });
  view.section.addEventListener('pointerleave', () => pinned || hide());
  view.section.addEventListener('dragging', hide);
  view.section.addEventListener('wheel', hide);
  view.section.addEventListener('focusin', (event) => {
    const id = boxOf(event);
    if (id === undefined || !event.target.matches(':focus-visible')) return;
    hide();
    view.reveal(id, false);
    describe(id);
  });
  view.section.addEventListener('focusout', () => pinned || hide());
  view.section.addEventListener('click', (event) => {
    if (view.dragged) return;
    if (!find.value) unmark();
    const id = boxOf(event);
    if (id === undefined) return hide();
    // A finger cannot hover: its first tap shows the card, the second one opens.
    if (event.pointerType === 'touch' && shown !== id) {
      hide();
      return describe(id);
    }
    activate(id);
  });
}

// Find

let hits = [];
let at = -1;
const words = () => find.value.toLowerCase().split(/\s+/).filter(Boolean);
const fits = (text) => words().every((word) => text.includes(word));
const searchable = (facts) => [
  facts.title, facts.operator, ...facts.lines.filter(([name]) => name === 'defined at').flat(),
  ...facts.nodes.map((n) => data.layers[n]),
].join('\n').toLowerCase();
const matches = (view) => Object.entries(view.facts.boxes)
  .filter(([id, facts]) => fits(searchable(facts)) && view.nodes.get(id)?.tabIndex === 0)
  .map(([id]) => id);

function search() {
  const isOn = words().length > 0;
  unmark();
  at = -1;
  hits = [];
  let said = '';
  if (canvas()) {
    hits = isOn ? matches(canvas()) : [];
    canvas().section.classList.toggle('found', hits.length > 0);
    for (const id of hits) canvas().nodes.get(id).classList.add('hit');
    said = `${hits.length} found`;
  } else {
    const rows = [...document.querySelectorAll('tbody tr')];
    for (const row of rows) row.hidden = isOn && !fits(row.textContent.toLowerCase());
    said = `${rows.filter((row) => !row.hidden).length} found`;
  }
  $('found').textContent = isOn ? said : '';
}

// Enter goes from hit to hit, and to another view if this one has none.
function next(step) {
  if (!hits.length && canvas() && words().length) {
    const other = [...canvases.values()].find((view) => matches(view).length);
    if (other) open(other.name);
  }
  if (!hits.length) return;
  at = (at + step + hits.length) % hits.length;
  $('found').textContent = `${at + 1} of ${hits.length}`;
  hide();
  canvas().show([hits[at]], false);
  describe(hits[at]);
}

// Theme and saving

function setTheme(name) {
  root.dataset.theme = name;
  $('theme').textContent = name === 'dark' ? 'Light' : 'Dark';
  $('theme').title = name === 'dark' ? 'Light background' : 'Dark background';
  $('theme').setAttribute('aria-pressed', String(name === 'dark'));
}

// The figure as it was drawn, with the styles that the page took out of it.
function drawing(view) {
  const style = view.facts.style ? `<style>${view.facts.style}</style>` : '';
  return view.drawn.replace(/^<svg[^>]*>/, (opening) => opening + style);
}

function save() {
  const text = `<?xml version="1.0" encoding="UTF-8"?>\n${drawing(canvas())}\n`;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'image/svg+xml' }));
  link.download = `${data.file}_${current}.svg`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// Keys

function press(event) {
  const view = canvas();
  const isTyping = event.target === find;
  if (event.key === 'Escape') {
    if (isTyping && find.value) find.value = '';
    else if (isTyping) find.blur();
    hide();
    search();
    return;
  }
  if (isTyping) {
    if (event.key === 'Enter') {
      event.preventDefault();
      next(event.shiftKey ? -1 : 1);
    }
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const node = event.target.closest?.('.node');
  const moves = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
  if (event.key === '/') find.select();
  else if (!view || event.target.closest?.('.diagnostics')) return;
  else if (node && (event.key === 'Enter' || event.key === ' ')) {
    activate(node.id.slice(view.facts.prefix.length));
  } else if (moves[event.key]) view.pan(...moves[event.key]);
  else if (event.key === '+' || event.key === '=') view.zoom(1 / 1.25);
  else if (event.key === '-' || event.key === '_') view.zoom(1.25);
  else if (event.key === '0') view.fit();
  else return;
  event.preventDefault();
  if (shown && !card.hidden) place(view.nodes.get(shown));
}

// A page that is loaded anew (it was written again, say) shows what it showed before.
const KEY = `archdsl ${location.pathname}`;
function remember() {
  const isMoved = ({ box, home }) => ['x', 'y', 'w', 'h'].some((key) => box[key] !== home[key]);
  const moved = [...canvases].filter(([, view]) => isMoved(view));
  const boxes = Object.fromEntries(moved.map(([name, view]) => [name, view.box]));
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ current, boxes, theme: chosen }));
  } catch { /* storage may be forbidden: then nothing is remembered */ }
}

function remembered() {
  try {
    if (performance.getEntriesByType('navigation')[0]?.type !== 'reload') return {};
    return JSON.parse(sessionStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

const prefersDark = matchMedia('(prefers-color-scheme: dark)');
const past = remembered();
let chosen = past.theme ?? root.dataset.wants ?? null;
setTheme(chosen ?? (prefersDark.matches ? 'dark' : 'light'));
prefersDark.addEventListener('change', () => {
  if (!chosen) setTheme(prefersDark.matches ? 'dark' : 'light');
});
if (sections.length) {
  for (const view of canvases.values()) setUp(view);
  first = innerWidth <= 640 && canvases.has('column') ? 'column' : sections[0].dataset.view;
  show(canvases.has(past.current) || past.current === 'table' ? past.current : first);
  for (const [name, view] of canvases) if (past.boxes?.[name]) view.setBox(past.boxes[name]);
  if (location.hash) follow();
  for (const button of document.querySelectorAll('.tabs button')) {
    button.addEventListener('click', () => open(button.dataset.opens));
  }
  $('fit').addEventListener('click', () => { hide(); canvas().fit(); });
  $('in').addEventListener('click', () => { hide(); canvas().zoom(1 / 1.4); });
  $('out').addEventListener('click', () => { hide(); canvas().zoom(1.4); });
  $('save').addEventListener('click', save);
  $('form').addEventListener('submit', (event) => event.preventDefault());
  find.addEventListener('input', () => { hide(); search(); });
  addEventListener('hashchange', follow);
  addEventListener('keydown', press);
  addEventListener('resize', () => { hide(); canvas()?.measure(); });
  addEventListener('beforeprint', () => { hide(); canvas()?.fit(); });
}
addEventListener('pagehide', remember);
$('theme').addEventListener('click', () => {
  chosen = root.dataset.theme === 'dark' ? 'light' : 'dark';
  setTheme(chosen);
});
