/** Charts as SVG, that read on a light page and on a dark one. */

export interface Line {
  readonly name: string;
  /** `[x, y]`, by rising x. */
  readonly points: readonly (readonly [number, number])[];
}

export interface ChartSpec {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** The places of the x axis; they stand at equal distances. */
  readonly ticks: readonly number[];
  readonly lines: readonly Line[];
}

const [WIDTH, HEIGHT] = [640, 360];
const PLOT = { left: 64, top: 48, right: 500, bottom: 304 };
/** For each line in turn. */
const STROKES = ['line-1', 'line-2', 'line-3'] as const;
const STYLE = `
    text { font: 13px system-ui, sans-serif; fill: #1f2328 }
    .title { font-weight: 600; font-size: 15px }
    .grid { stroke: #d1d9e0; stroke-width: 1 }
    .line { fill: none; stroke-width: 2.5; stroke-linejoin: round }
    .line-1 { stroke: #0969da } .dot-1 { fill: #0969da }
    .line-2 { stroke: #bc4c00 } .dot-2 { fill: #bc4c00 }
    .line-3 { stroke: #59636e; stroke-dasharray: 5 4 } .dot-3 { fill: #59636e }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc }
      .grid { stroke: #3d444d }
      .line-1 { stroke: #4493f8 } .dot-1 { fill: #4493f8 }
      .line-2 { stroke: #f0883e } .dot-2 { fill: #f0883e }
      .line-3 { stroke: #9198a1 } .dot-3 { fill: #9198a1 }
    }`;

/** Steps of 1, 2 or 5 times a power of ten: at most five of them up to the highest value. */
export function gridStep(highest: number): number {
  const power = 10 ** Math.floor(Math.log10(highest / 5));
  return power * ([1, 2, 5, 10].find((factor) => highest / (power * factor) <= 5) ?? 10);
}

/** @throws RangeError if there is nothing to draw */
export function chart({ title, xLabel, yLabel, ticks, lines }: ChartSpec): string {
  const highest = Math.max(...lines.flatMap(({ points }) => points.map(([, y]) => y)));
  if (!(highest > 0 && highest < Infinity)) throw new RangeError('a chart needs a value above 0');
  const step = gridStep(highest);
  const top = Math.ceil(highest / step) * step;
  const xOf = (x: number): number =>
    PLOT.left + ((ticks.indexOf(x) + 0.5) * (PLOT.right - PLOT.left)) / Math.max(1, ticks.length);
  const yOf = (y: number): number => PLOT.bottom - (y / top) * (PLOT.bottom - PLOT.top);
  const grid = Array.from({ length: Math.round(top / step) + 1 }, (_, index) => {
    const y = yOf(index * step);
    return (
      `<path class="grid" d="M${PLOT.left} ${y.toFixed(1)}H${PLOT.right}"/>` +
      text(PLOT.left - 8, y + 4, thousands(index * step), 'end')
    );
  });
  const names = placeNames(lines.map(({ points }) => yOf(points.at(-1)?.[1] ?? 0)));
  const drawn = lines.map(({ name, points }, index) => {
    const stroke = STROKES[index % STROKES.length] ?? STROKES[0];
    const path = points
      .map(([x, y], at) => `${at === 0 ? 'M' : 'L'}${xOf(x).toFixed(1)} ${yOf(y).toFixed(1)}`)
      .join('');
    const dots = points.map(
      ([x, y]) =>
        `<circle class="${stroke.replace('line', 'dot')}" cx="${xOf(x).toFixed(1)}" cy="${yOf(y).toFixed(1)}" r="3.5"/>`,
    );
    return `<path class="line ${stroke}" d="${path}"/>${dots.join('')}${text(PLOT.right + 4, (names[index] ?? 0) + 4, name)}`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img">`,
    `  <title>${escape(title)}</title>`,
    `  <style>${STYLE}\n  </style>`,
    `  ${text(PLOT.left - 48, 24, title, 'start', 'title')}`,
    ...grid.map((element) => `  ${element}`),
    ...ticks.map((tick) => `  ${text(xOf(tick), PLOT.bottom + 20, String(tick), 'middle')}`),
    `  ${text((PLOT.left + PLOT.right) / 2, PLOT.bottom + 42, xLabel, 'middle')}`,
    `  ${text(PLOT.right + 4, PLOT.top - 8, yLabel)}`,
    ...drawn.map((element) => `  ${element}`),
    '</svg>',
    '',
  ].join('\n');
}

/** Names stand beside the ends of their lines, but not over one another. */
function placeNames(ends: readonly number[]): readonly number[] {
  const order = ends.map((_, index) => index).sort((a, b) => (ends[a] ?? 0) - (ends[b] ?? 0));
  const places: number[] = [];
  let free = 0;
  for (const index of order) {
    const place = Math.max(ends[index] ?? 0, free);
    places[index] = place;
    free = place + 18;
  }
  return places;
}

const thousands = (value: number): string => (value >= 1000 ? `${value / 1000} k` : String(value));

const escape = (words: string): string => words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

function text(x: number, y: number, words: string, anchor = 'start', name = ''): string {
  const attributes = name === '' ? '' : ` class="${name}"`;
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}"${attributes}>${escape(words)}</text>`;
}
