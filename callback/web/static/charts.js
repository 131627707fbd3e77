/* Draws every <figure data-chart> from the JSON beside it, with uPlot. The table in the figure has the same values and
   stays: for whoever has no script, and for whoever listens. A figure takes new data by the event "chart:data", whose
   detail is the same JSON. */
(() => {
  "use strict";
  const lang = document.documentElement.lang || "en";
  const plots = new Map(); // figure -> {plot, data}
  const numbers = new Intl.NumberFormat(lang, { maximumFractionDigits: 1 });
  const money = new Intl.NumberFormat(lang, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  const duration = (seconds) => {
    const whole = Math.max(Math.round(seconds), 0), two = (part) => String(part).padStart(2, "0");
    const hours = Math.floor(whole / 3600), minutes = Math.floor((whole % 3600) / 60);
    return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
  };
  const WRITTEN = {
    seconds: duration,
    share: (value) => `${numbers.format(value * 100)}%`,
    count: (value) => numbers.format(value),
    money: (value) => money.format(value),
  };
  const written = (unit, value) => (value == null ? "–" : (WRITTEN[unit] || WRITTEN.count)(value));

  const LEAST = { seconds: 60, share: 0.05, count: 4, money: 1 }; // an axis reaches at least so far

  // Round steps for an axis in seconds; uPlot's own are right for the other units.
  const SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400];

  const zoned = (zone) => (at) => uPlot.tzDate(new Date(at * 1000), zone);
  const clock = (zone, seconds) =>
    new Intl.DateTimeFormat(lang, { timeZone: zone, hour: "2-digit", minute: "2-digit", ...(seconds && { second: "2-digit" }), hourCycle: "h23" });
  const day = (zone) => new Intl.DateTimeFormat(lang, { timeZone: zone, month: "short", day: "numeric" });

  // The names below bars, in as many lines as their room asks for: between words, or between signs where there are none.
  const folded = (text, room, px) => {
    const most = Math.max(Math.floor(room / (/[\u2e80-\uffef]/.test(text) ? px : px * 0.58)), 4);
    const lines = [""];
    for (const part of text.match(/[\u2e80-\uffef]|[^\s\u2e80-\uffef]+\s*|\s+/g) || []) {
      if (lines.at(-1) && (lines.at(-1) + part).trimEnd().length > most) lines.push("");
      lines[lines.length - 1] += part;
    }
    return lines.map((line) => line.trimEnd()).join("\n");
  };
  const linesOf = (labels) => Math.max(1, ...(labels || []).map((label) => String(label ?? "").split("\n").length));

  const columns = (data) => [data.timed ? data.x : data.x.map((_, at) => at), ...data.series.map((one) => one.values)];

  const bars = (data) => data.series.filter((one) => one.kind === "bars").length;

  const seriesOf = (data) => {
    let bar = 0, tone = 0;
    const wide = bars(data) > 1 ? 0.38 : 0.7;
    return data.series.map((one) => {
      const limit = one.kind === "limit", edge = one.kind === "band_low";
      const stroke = limit ? colour("warn") : colour(`series-${(edge ? tone : tone++) % 4}`);
      const drawn = { label: one.label, stroke, width: 2, points: { show: false }, value: (_, value) => written(data.unit, value) };
      if (limit) Object.assign(drawn, { dash: [6, 4], width: 1.5 });
      if (one.kind === "area") drawn.fill = `color-mix(in srgb, ${stroke} 16%, transparent)`;
      if (edge || one.kind === "band_high") drawn.width = 1;
      if (one.kind === "steps") drawn.paths = uPlot.paths.stepped({ align: 1 });
      if (one.kind === "bars") {
        const align = bars(data) > 1 ? (bar++ % 2 ? 1 : -1) : 0;
        Object.assign(drawn, { paths: uPlot.paths.bars({ size: [wide, 40], align, radius: 0.15 }), fill: stroke, width: 0 });
      }
      return drawn;
    });
  };

  const bandsOf = (data) => data.series.flatMap((one, at) =>
    one.kind === "band_low" ? [{ series: [at + 2, at + 1], fill: `color-mix(in srgb, ${colour("series-0")} 14%, transparent)` }] : []);

  const axesOf = (data, px) => {
    const look = { stroke: colour("calm"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false }, font: `${px}px system-ui, sans-serif` };
    const span = data.timed && data.x.length ? data.x[data.x.length - 1] - data.x[0] : 0;
    const time = data.timed && (span > 3 * 86400 ? day(data.zone) : clock(data.zone, false));
    const label = data.timed ? (at) => time.format(new Date(at * 1000)) : (at) => (Number.isInteger(at) ? (data.x[at] ?? "") : "");
    const x = { ...look, grid: { show: false }, gap: px * .75, space: px * 5.5, size: px * 2.8, values: (_, splits) => splits.map(label) };
    if (!data.timed) {
      x.incrs = [1, 2, 3, 4, 6, 12, 24, 48, 96];
      x.values = (_plot, splits, _axis, room) => splits.map((at) => folded(String(label(at)), room - px / 2, px));
      x.size = (_plot, labels) => px * (1.1 + 1.5 * linesOf(labels));
    }
    const y = { ...look, size: px * 5.2, space: px * 2.6, values: (_, splits) => splits.map((value) => written(data.unit, value)) };
    if (data.unit === "seconds") y.incrs = SECONDS;
    if (data.unit === "count") y.incrs = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 1000000];
    return [x, y];
  };

  const optionsOf = (figure, data) => {
    const canvas = figure.querySelector(".canvas");
    const room = bars(data) ? 0.6 : 0;
    const moment = data.timed && clock(data.zone, data.live);
    return {
      ...sizeOf(canvas),
      tzDate: zoned(data.zone),
      scales: {
        x: { time: data.timed, range: data.timed ? undefined : (_, low, high) => [low - room, high + room] },
        y: { range: (_, low, high) => [Math.min(0, low ?? 0), data.top ?? Math.max(high ?? 0, LEAST[data.unit] ?? 1) * 1.08] },
      },
      axes: axesOf(data, parseFloat(getComputedStyle(canvas).fontSize) || 12),
      series: [{ label: data.x_label || "\u00a0", value: (_, at) => (at == null ? "" : data.timed ? moment.format(new Date(at * 1000)) : data.x[at]) }, ...seriesOf(data)],
      bands: bandsOf(data),
      cursor: { drag: { x: false, y: false }, y: false, points: { size: 7 } },
      legend: { show: true },
      hooks: { setCursor: [(plot) => plot.cursor.idx == null && tellLast(plot)], setData: [tellLast] },
    };
  };

  // Without a pointer the legend tells the last values there are.
  const tellLast = (plot) => {
    let last = plot.data[0].length - 1;
    while (last > 0 && plot.data.slice(1).every((values) => values[last] == null)) last--;
    plot.setLegend({ idx: last });
  };

  const LEGEND_LINES = 2.8; // of the canvas's own letters, until there is one
  const sizeOf = (canvas) => {
    const letters = parseFloat(getComputedStyle(canvas).fontSize) || 12, legend = canvas.querySelector(".u-legend");
    const lines = legend?.offsetHeight ? legend.offsetHeight + letters / 2 : LEGEND_LINES * letters;
    return { width: canvas.clientWidth, height: Math.max(canvas.clientHeight - lines, 96) };
  };

  // Twice: how many lines the legend takes shows once the drawing is as wide as its place.
  const fit = (plot, canvas) => { plot.setSize(sizeOf(canvas)); plot.setSize(sizeOf(canvas)); };

  const dataOf = (figure) => JSON.parse(figure.querySelector('script[type="application/json"]').textContent);

  const draw = (figure, data) => {
    plots.get(figure)?.plot.destroy();
    plots.delete(figure);
    if (!data.x.length) return figure.classList.remove("drawn");
    figure.classList.add("drawn");
    const canvas = figure.querySelector(".canvas"), plot = new uPlot(optionsOf(figure, data), columns(data), canvas);
    fit(plot, canvas); // the legend stands there now
    plots.set(figure, { plot, data });
  };

  const drawAll = () => {
    for (const [figure, { plot }] of plots) if (!figure.isConnected) { plot.destroy(); plots.delete(figure); }
    for (const figure of document.querySelectorAll("figure[data-chart]")) {
      if (plots.has(figure)) continue;
      draw(figure, dataOf(figure));
      sizes.observe(figure.querySelector(".canvas"));
    }
  };

  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const found = plots.get(target.closest("figure"));
      if (found && target.clientWidth) fit(found.plot, target);
    }
  });

  document.addEventListener("chart:data", (event) => {
    const figure = event.target, found = plots.get(figure), data = event.detail;
    if (!found || found.data.series.length !== data.series.length || found.data.timed !== data.timed) return draw(figure, data);
    found.data.x = data.x;
    found.plot.setData(columns(data));
  });
  document.addEventListener("htmx:after:swap", drawAll);
  for (const other of ["(prefers-color-scheme: dark)", "print"]) // other colours
    matchMedia(other).addEventListener("change", () => {
      for (const [figure, { data }] of [...plots]) draw(figure, data);
    });
  drawAll();
})();
