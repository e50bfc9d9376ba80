'use strict';
// Draws what run.json and embeddings.json say, for as long as somebody looks.
const byId = (id) => document.getElementById(id);
const SVG = 'http://www.w3.org/2000/svg';

function make(tag, attributes = {}, ...children) {
  const svg = ['svg', 'path', 'line', 'text', 'circle', 'rect', 'title', 'g'].includes(tag);
  const node = svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function number(value, digits = 4) {
  if (value === null || value === undefined || !isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(2);
  return String(Number(value.toPrecision(digits)).toLocaleString('en', {maximumFractionDigits: 6}));
}

function duration(seconds) {
  if (seconds === null || !isFinite(seconds)) return '–';
  const s = Math.max(0, Math.round(seconds)), pad = (n) => String(n).padStart(2, '0');
  if (s >= 86400) return `${Math.floor(s / 86400)} d ${Math.floor(s / 3600) % 24} h`;
  return s >= 3600 ? `${Math.floor(s / 3600)}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}`
      : `${Math.floor(s / 60)}:${pad(s % 60)}`;
}

function bytes(count) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let i = 0;
  while (count >= 1024 && i < units.length - 1) { count /= 1024; ++i; }
  return `${number(count, 3)} ${units[i]}`;
}

function definitions(list, rows) {
  list.replaceChildren(...rows.map(([name, value]) => make('div', {}, make('dt', {}, name),
      make('dd', {}, value))));
}

// A line chart. lines: [{name, values}] over the same steps; a value may be null.
function chart(title, steps, lines) {
  const known = lines.map((line) => line.values.filter((v) => v !== null)).flat();
  if (known.length === 0) return null;
  const width = 340, height = 150, left = 48, bottom = 20, top = 6;
  let low = Math.min(...known), high = Math.max(...known);
  if (low === high) { const pad = Math.abs(low) * 0.1 || 1; low -= pad; high += pad; }
  const first = steps[0], last = Math.max(steps[steps.length - 1], first + 1);
  const x = (step) => left + (step - first) / (last - first) * (width - left - 6);
  const y = (value) => top + (high - value) / (high - low) * (height - top - bottom);
  const latest = lines.map((line) => number(line.values.findLast((v) => v !== null)));
  const now = lines.map((line, i) => lines.length > 1 ? `${line.name} ${latest[i]}` : latest[i]).join(', ');
  const svg = make('svg', {viewBox: `0 0 ${width} ${height}`, role: 'img',
    'aria-label': `${title}, steps ${first} to ${last}: now ${now}; ` +
        `between ${number(low)} and ${number(high)}`});
  for (const value of [low, (low + high) / 2, high]) {
    svg.append(make('line', {class: 'grid', x1: left, x2: width - 6, y1: y(value), y2: y(value)}));
    svg.append(make('text', {x: left - 6, y: y(value) + 4, 'text-anchor': 'end'}, number(value, 3)));
  }
  svg.append(make('text', {x: left, y: height - 4}, String(first)));
  svg.append(make('text', {x: width - 6, y: height - 4, 'text-anchor': 'end'}, String(last)));
  lines.forEach((line, index) => {
    let path = '', pen = false;
    line.values.forEach((value, i) => {
      if (value === null || value === undefined) { pen = false; return; }
      path += `${pen ? 'L' : 'M'}${x(steps[i]).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = true;
    });
    const only = line.values.filter((v) => v !== null).length === 1;
    if (only) {
      const at = line.values.findIndex((v) => v !== null);
      svg.append(make('circle', {class: `mark k${index % 6 + 1}`, cx: x(steps[at]), cy: y(line.values[at]),
          r: 3}));
    }
    svg.append(make('path', {class: `line k${index % 6 + 1}`, d: path}));
  });
  const figure = make('figure', {},
      make('figcaption', {}, title, make('span', {}, lines.length > 1 ? '' : now)), svg);
  if (lines.length > 1)
    figure.append(make('ul', {class: 'legend'}, ...lines.map((line, i) =>
      make('li', {class: `k${i % 6 + 1}`}, `${line.name} `, make('b', {}, latest[i])))));
  return figure;
}

function drawCurves(run) {
  const figures = [];
  const add = (title, names) => {
    const lines = names.filter(([key]) => run.curves[key])
        .map(([key, name]) => ({name, values: run.curves[key]}))
      .filter((line) => line.values.some((v) => v !== null));
    if (lines.length) figures.push(chart(title, run.steps, lines));
  };
  add('Loss', [['loss', 'loss']]);
  if (run.evaluations.length) {
    const steps = run.evaluations.map((e) => e.step);
    const lines = run.metrics
      .map(({name, title}) => ({name: title, values: run.evaluations.map((e) => e[name] ?? null)}))
      .filter((line) => line.values.some((v) => v !== null));
    figures.push(chart('Evaluation', steps, lines));
  }
  add('Cosine', [['positive_similarity', 'positives'], ['negative_similarity', 'negatives']]);
  add('Distance', [['positive_distance', 'positives'], ['negative_distance', 'negatives'],
    ['hardest_positive_distance', 'hardest positives'], ['hardest_negative_distance', 'hardest negatives']]);
  add('Effective rank', [['effective_rank', 'directions']]);
  add('Active share', [['active_ratio', 'active']]);
  add('Alignment and uniformity', [['alignment', 'alignment'], ['uniformity', 'uniformity']]);
  add('Gradient norm', [['gradient_norm', 'norm']]);
  add('Learning rate', [['learning_rate', 'rate']]);
  add('Samples a second', [['samples_per_second', 'samples']]);
  byId('curves').replaceChildren(...figures.filter((f) => f));
}

function table(id, titles, rows, none) {
  if (rows.length === 0) {
    byId(id).replaceChildren(make('tbody', {}, make('tr', {}, make('td', {}, none))));
    return;
  }
  byId(id).replaceChildren(
    make('thead', {}, make('tr', {}, ...titles.map((title) => make('th', {scope: 'col'}, title)))),
    make('tbody', {}, ...rows.map((cells) => make('tr', {}, ...cells.map((cell) =>
      cell instanceof Node ? make('td', {}, cell) : make('td', {}, String(cell)))))));
}

function drawPhases(run) {
  const total = run.phases.reduce((sum, [, seconds]) => sum + (seconds || 0), 0) || 1;
  byId('phases').replaceChildren(make('caption', {class: 'unseen'}, 'Seconds of a step by phase'),
    make('tbody', {}, ...run.phases.map(([name, seconds]) => make('tr', {}, make('th', {scope: 'row'}, name),
      make('td', {},
          make('meter', {min: 0, max: 1, value: (seconds || 0) / total,
          'aria-label': `${name}, share of the step`})),
      make('td', {},
          `${number((seconds || 0) * 1000, 3)} ms, ${Math.round(100 * (seconds || 0) / total)} %`)))));
}

// A step that takes ten times as long as usual, and a minute at least, is worth a word.
function drawState(run) {
  const late = run.step_age !== null && run.step_age > Math.max(60, 10 * run.step_seconds);
  if (run.step >= run.total_steps) return setState('All steps are done; the model is evaluated.');
  setState(run.step_age === null ? 'No step is done yet.' : late
      ? `No step for ${Math.floor(run.step_age / 60)} min.`
    : 'Training. Figures come in every two seconds.', late);
}

function drawRun(run) {
  drawState(run);
  document.title = `${run.run}: step ${run.step} of ${run.total_steps}`;
  byId('run').textContent = run.run;
  const progress = byId('progress');
  progress.max = Math.max(run.total_steps, 1);
  progress.value = run.step;
  progress.textContent = `${run.step} of ${run.total_steps}`;
  const last = (key) => (run.curves[key] || []).findLast((v) => v !== null);
  const evaluated = run.evaluations.length ? run.evaluations[run.evaluations.length - 1] : {};
  const first = run.metrics.find(({name}) => typeof evaluated[name] === 'number') || run.metrics[0],
      value = evaluated[first.name] ?? null;
  definitions(byId('figures'), [
    ['Step', `${number(run.step, 9)} of ${number(run.total_steps, 9)}`], ['Epoch', String(run.epoch)],
    ['Time left', run.step >= run.total_steps ? 'done' : duration(run.seconds_left)],
    ['Running for', duration(run.now - run.began)],
    ['Loss', number(last('loss'))], [first.title, first.rate && typeof value === 'number'
        ? `${number(100 * value)} %` : number(value)],
    ['Samples a second', number(last('samples_per_second'), 3)],
    ['A step', `${number(run.step_seconds * 1000, 3)} ms`],
    ['Ranks', String(run.world)], ['Restarts', String(run.restarts)]]);
  drawCurves(run);
  drawPhases(run);
  // What is heard of a rank is some time old: steps that it may have done since are not held against it.
  const front = Math.max(...run.ranks.map((rank) => rank.step));
  const behind = (rank) => Math.max(0, front - rank.step - Math.ceil(rank.silent_seconds / run.step_seconds));
  table('ranks', ['Rank', 'Step', 'Behind', 'Waited for', 'Last heard'],
      run.ranks.map((rank) => [rank.rank, rank.step, behind(rank),
    rank.awaited_seconds < 1 ? '–' : make('span', {class: 'bad'},
        `${duration(rank.awaited_seconds)}${rank.place ? ' in ' + rank.place : ''}`),
    rank.silent_seconds > 5 ? make('span', {class: 'bad'}, `silent for ${duration(rank.silent_seconds)}`)
        : `${number(rank.silent_seconds, 2)} s ago`]),
    run.world === 1 ? 'One rank, this one.' : 'No heartbeat yet.');
  table('checkpoints', ['Step', 'Age', 'Took', 'Size'], run.checkpoints.slice().reverse()
      .map((c) => c.failed !== undefined
    ? [c.step, duration(run.now - c.time), make('span', {class: 'bad'}, 'failed'), c.failed]
    : [c.step, duration(run.now - c.time), `${number(c.seconds, 3)} s`, bytes(c.bytes)]),
        'None since this process began.');
  byId('notices').replaceChildren(...(run.notices.length ? run.notices.slice().reverse().map((n) =>
    make('li', {}, `Step ${n.step}, ${duration(run.now - n.time)} ago: ${n.sentence}`))
        : [make('li', {}, 'None.')]));
  definitions(byId('facts'), run.facts);
  if (byId('config').textContent !== run.config) byId('config').textContent = run.config;
}

function mark(shape, x, y, kind, label) {
  const attributes = {class: `mark k${kind}`};
  const node = shape === 0 ? make('circle', {...attributes, cx: x, cy: y, r: 4})
    : shape === 1 ? make('rect', {...attributes, x: x - 3.5, y: y - 3.5, width: 7, height: 7})
    : make('path', {...attributes, d: `M${x} ${y - 5}l4.5 8h-9z`});
  node.append(make('title', {}, label));
  return node;
}

function drawPlane(shown) {
  const points = shown.points;
  if (!points.length) {
    byId('plane').replaceChildren(make('p', {class: 'note'}, 'Comes with the next step.'));
    return;
  }
  const width = Math.min(700, byId('plane').clientWidth - 30), height = 0.6 * width, pad = 12,
      xs = points.map((p) => p.x), ys = points.map((p) => p.y);
  const span = Math.max(Math.max(...xs) - Math.min(...xs), (Math.max(...ys) - Math.min(...ys))
      * width / height, 1e-9);
  const scale = (width - 2 * pad) / span, midX = (Math.max(...xs) + Math.min(...xs)) / 2,
      midY = (Math.max(...ys) + Math.min(...ys)) / 2;
  const classes = [...new Set(points.map((p) => p.group))].sort((a, b) => a - b);
  const svg = make('svg', {viewBox: `0 0 ${width} ${height}`, role: 'img',
    'aria-label': `${points.length} embeddings of ${classes.length} classes at step ${shown.step}, ` +
        'along their two principal components'});
  for (const point of points) {
    const kind = classes.indexOf(point.group);
    svg.append(mark(Math.floor(kind / 6) % 3, width / 2 + (point.x - midX) * scale,
        height / 2 - (point.y - midY) * scale, kind % 6 + 1, point.label));
  }
  byId('plane').replaceChildren(svg,
      make('p', {class: 'note'}, `Step ${shown.step}: ${points.length} rows of ${classes.length} classes.`));
}

function sample(role, shown) {
  const figure = make('figure');
  if (shown.picture) figure.append(make('img', {src: shown.picture, alt: `${role}: ${shown.label}`}));
  if (shown.text) figure.append(make('blockquote', {}, shown.text));
  figure.append(make('figcaption', {}, make('b', {}, role), shown.label));
  return figure;
}

function drawTriplets(shown) {
  byId('triplets').replaceChildren(...(shown.triplets.length ? shown.triplets.map((t) => make('li', {},
    make('div', {class: 'row'}, sample('Anchor', t.anchor), sample('Positive', t.positive),
        sample('Negative', t.negative)),
    make('p', {}, t.violation > 0 ? `The negative is nearer by ${number(t.violation, 3)}.`
        : `The positive is nearer by ${number(-t.violation, 3)}.`)))
    : [make('li', {}, 'None yet: a batch needs two samples of a class and one of another on rank 0.')]));
}

// Without the name and password that the page's own address may hold: browsers fetch no such address, and
// send them by themselves.
async function get(path) {
  const answer = await fetch(location.origin + location.pathname + path,
      {cache: 'no-store', signal: AbortSignal.timeout(4000)});
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer.json();
}

let failures = 0;
async function look(path, draw, milliseconds) {
  if (!document.hidden) {
    try {
      draw(await get(path));
      if (path === 'run.json') failures = 0;
    } catch (error) {
      if (path === 'run.json' && ++failures > 1) {
        setState('No answer: the run has ended or cannot be reached. What follows is what was last seen.',
            true);
      }
    }
  }
  setTimeout(look, milliseconds, path, draw, milliseconds);
}

// Only a change is written, since a screen reader says each.
function setState(sentence, bad) {
  byId('state').className = bad ? 'state lost' : 'state';
  if (byId('state').textContent !== sentence) byId('state').textContent = sentence;
}

let drawn = null;
look('run.json', drawRun, 2000);
look('embeddings.json', (shown) => {
  if (drawn === shown.step && shown.points.length) return;
  drawn = shown.step;
  drawPlane(shown);
  drawTriplets(shown);
}, 4000);
document.addEventListener('visibilitychange',
    () => { if (!document.hidden) get('run.json').then(drawRun, () => {}); });
