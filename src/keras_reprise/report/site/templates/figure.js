/* A figure's page: its curves drawn anew so that they can be read off, and its numbers to take away. */
(() => {
  const { name, chart, limits } = JSON.parse(document.getElementById("numbers").textContent);
  const live = document.getElementById("live"), still = document.getElementById("still"), said = document.getElementById("said");
  const COLORS = ["#0173b2", "#de8f05", "#029e73", "#d55e00", "#cc78bc", "#ca9161", "#949494", "#56b4e9"];
  const DASHES = [[], [9, 4], [2, 3], [10, 4, 2, 4], [5, 2], [14, 4]];
  const LEVELS = { printed: [2, 3], limit: [8, 5], level: [2, 4] };
  const axes = chart.axes || [], marks = chart.marks || [];
  const style = (property) => getComputedStyle(document.documentElement).getPropertyValue(property).trim();
  const ink = () => getComputedStyle(document.body).color, grid = () => getComputedStyle(document.querySelector("footer")).borderTopColor;
  const short = (value) => value === null || value === undefined ? "–" : String(Number(value.toPrecision(4)));
  /* What stands at an axis: small and large numbers by their power, which the library would round to 0. */
  const tick = (value) => value === null ? "" : value && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5) ? value.toExponential().replace("e+", "e") : short(value);
  const unique = (list) => [...new Set(list)];
  const arms = unique(chart.series.map((one) => one.of[1]));
  /* Colours tell arms apart and dashes curves; where there is but one of the one, dashes tell the others apart too. */
  const look = ({ of }, names) => {
    const arm = arms.indexOf(of[1]), curve = names.indexOf(of[2]);
    const color = arms.length > 1 ? arm : curve, dash = names.length > 1 ? curve : arm;
    return { color: COLORS[color % COLORS.length], dash: DASHES[dash % DASHES.length], points: of[2].endsWith(", printed") };
  };
  const text = () => Math.round(Math.max(13, Math.min(36, innerHeight / 30, live.clientWidth / 26)));

  const levels = (panel, number) => [
    ...(panel.level === undefined || panel.level === null ? [] : [{ y: panel.level, label: panel.level_label || "", dash: LEVELS.level }]),
    ...limits.filter((one) => one.panel === number).map((one) => ({ ...one, dash: one.label.startsWith("printed") ? LEVELS.printed : LEVELS.limit })),
  ];

  /* Lines across the axes: where a number must lie, what is printed, where something happens. */
  const rulers = (panel, number) => (u) => {
    const { ctx, bbox } = u, px = text() * devicePixelRatio;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = ink();
    ctx.lineWidth = 1.5 * devicePixelRatio;
    ctx.font = `${px}px system-ui, sans-serif`;
    for (const one of levels(panel, number)) {
      const y = u.valToPos(one.y, "y", true);
      if (!(y >= bbox.top && y <= bbox.top + bbox.height)) continue;
      ctx.setLineDash(one.dash.map((part) => part * devicePixelRatio));
      ctx.beginPath(); ctx.moveTo(bbox.left, y); ctx.lineTo(bbox.left + bbox.width, y); ctx.stroke();
      ctx.textAlign = "right";
      ctx.fillText(one.label, bbox.left + bbox.width - 4, y - px * 0.3);
    }
    for (const one of marks) {
      const x = u.valToPos(one.x, "x", true);
      if (!(x >= bbox.left && x <= bbox.left + bbox.width)) continue;
      ctx.setLineDash([8 * devicePixelRatio, 5 * devicePixelRatio]);
      ctx.beginPath(); ctx.moveTo(x, bbox.top); ctx.lineTo(x, bbox.top + bbox.height); ctx.stroke();
      const said = `${one.label || ""}${(one.arms || []).length < arms.length ? ` (${(one.arms || []).join(", ")})` : ""}`;
      const fits = x + 5 + ctx.measureText(said).width < bbox.left + bbox.width;
      ctx.textAlign = fits ? "left" : "right";
      ctx.fillText(said, fits ? x + 5 : x - 5, bbox.top + px);
    }
    ctx.restore();
  };

  /* The ordinate's ends: the middles with their spread, and the lines across, as far as the panel goes. */
  const ends = (panel, number) => (u, low, high) => {
    const across = levels(panel, number).map((one) => one.y).filter((y) => !panel.log || y > 0);
    const from = Math.min(low ?? Infinity, ...across), to = Math.max(high ?? -Infinity, ...across);
    if (!Number.isFinite(from) || !Number.isFinite(to)) return [panel.log ? 0.1 : 0, 1];
    if (panel.log) return uPlot.rangeLog(from, Math.min(to, panel.top ?? Infinity), 10, false);
    const margin = 0.05 * (to - from || Math.abs(to) || 1);
    return [from - margin, panel.top ?? to + margin];
  };

  const swatch = ({ color, dash }, points) => {
    const canvas = document.createElement("canvas"), ctx = canvas.getContext("2d");
    [canvas.width, canvas.height] = [96, 30];
    ctx.strokeStyle = ctx.fillStyle = color;
    ctx.lineWidth = 6;
    ctx.setLineDash(dash.map((part) => 2 * part));
    ctx.beginPath();
    if (points) { ctx.arc(48, 15, 9, 0, 7); ctx.fill(); } else { ctx.moveTo(0, 15); ctx.lineTo(96, 15); ctx.stroke(); }
    canvas.setAttribute("aria-hidden", "true");
    return canvas;
  };

  /* One panel: its plot, and the legend that says values and turns series on and off. */
  const draw = (panel, index, hidden) => {
    const number = String(index + 1), found = chart.series.filter((one) => one.of[0] === number);
    if (!found.length) return null;
    const curves = unique(found.map((one) => one.of[2]));
    const box = document.createElement("div"), legend = document.createElement("ul"), at = document.createElement("li");
    box.className = "panel"; legend.className = "legend"; at.className = "at";
    legend.setAttribute("aria-label", `Series of ${panel.label || "the panel"}`);
    const values = [], series = [{}], bands = [];
    const data = uPlot.join(found.map((one) => {
      const order = one.values[0].map((x, i) => i).filter((i) => one.values[0][i] !== null).sort((a, b) => one.values[0][a] - one.values[0][b]);
      return one.values.map((column) => order.map((i) => column[i]));
    }), found.map(() => [1, 1, 1, 1]));
    const px = text();
    /* Between whole abscissas a tick would stand for nothing. */
    const whole = data[0].every(Number.isInteger) && !chart.x_log;
    const steps = whole ? { incrs: [...Array(9).keys()].flatMap((power) => [1, 2, 5].map((one) => one * 10 ** power)) } : {};
    for (const one of found) {
      const seen = look(one, curves), few = one.values[0].length <= 15, key = one.of.join("\u0000");
      const show = !hidden.has(key), first = series.length;
      const plain = { scale: "y", show, points: { show: false }, stroke: "transparent", width: 0 };
      series.push({ scale: "y", show, stroke: seen.points ? ink() : seen.color, width: 2.5, dash: seen.dash, points: { show: seen.points || panel.cloud || few, size: px * 0.45, fill: seen.points ? ink() : seen.color } }, plain, { ...plain });
      if (seen.points || panel.cloud) series[first].paths = () => null;
      bands.push({ series: [first + 2, first + 1], fill: `${seen.color}2b` });
      const item = document.createElement("li"), button = document.createElement("button"), value = document.createElement("output");
      button.type = "button";
      button.setAttribute("aria-pressed", String(show));
      button.append(swatch({ ...seen, color: seen.points ? ink() : seen.color }, seen.points || panel.cloud), [arms.length > 1 ? one.of[1] : "", curves.length > 1 ? one.of[2] : ""].filter(Boolean).join(" · ") || one.of[1], value);
      button.addEventListener("click", () => {
        const on = button.getAttribute("aria-pressed") === "false";
        button.setAttribute("aria-pressed", String(on));
        if (on) hidden.delete(key); else hidden.add(key);
        plot.batch(() => [0, 1, 2].forEach((more) => plot.setSeries(first + more, { show: on })));
      });
      item.append(button);
      legend.append(item);
      values.push((i) => {
        const [middle, low, high] = [0, 1, 2].map((more) => data[first + more][i]);
        value.textContent = i === null ? "" : `${short(middle)}${low === null || low === undefined ? "" : ` (${short(low)} to ${short(high)})`}`;
      });
    }
    legend.append(at);
    const axis = { stroke: ink, values: (u, splits) => splits.map(tick), font: `${px}px system-ui, sans-serif`, labelFont: `${px}px system-ui, sans-serif`, labelSize: px * 1.5, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
    const plot = new uPlot({
      width: live.clientWidth, height: Math.round(Math.max(260, Math.min(innerHeight * 0.72, live.clientWidth * 0.62))),
      legend: { show: false }, series, bands, cursor: { drag: { x: true, y: false } },
      scales: { x: { time: false, ...(chart.x_log ? { distr: 3 } : {}) }, y: { range: ends(panel, number), ...(panel.log ? { distr: 3 } : {}) } },
      axes: [{ ...axis, ...steps, label: chart.x_label || "", size: px * 2, space: px * 4 }, { ...axis, scale: "y", label: panel.label || "", size: px * 4, space: px * 2.4 }],
      hooks: {
        draw: [rulers(panel, number)],
        setCursor: [(u) => {
          const i = u.cursor.left >= 0 ? u.cursor.idx : null;
          at.textContent = i === null || i === undefined ? "" : `${chart.x_label || "at"}: ${short(data[0][i])}`;
          values.forEach((say) => say(i === undefined ? null : i));
        }],
      },
    }, data, box);
    box.append(legend);
    return { box, plot };
  };

  const hidden = axes.map(() => new Set());
  let drawn = [];
  const show = () => {
    drawn.forEach(({ plot }) => plot.destroy());
    live.replaceChildren();
    drawn = axes.map((panel, index) => {
      const one = draw(panel, index, hidden[index]);
      if (one) live.append(one.box);
      return one;
    }).filter(Boolean);
  };
  if (axes.length && chart.series.length) {
    live.hidden = false;
    still.hidden = true;
    show();
    let waiting;
    const later = () => { clearTimeout(waiting); waiting = setTimeout(show, 120); };
    addEventListener("resize", later);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", later);
    new MutationObserver(later).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  }

  const save = (content, ending) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(content);
    link.download = `${name}.${ending}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  };

  const cell = (value) => {
    const plain = value === null || value === undefined ? "" : String(value);
    const safe = typeof value === "string" && /^[=+@\-\t\r]/.test(plain) ? `'${plain}` : plain; /* no formula of a spreadsheet */
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const table = () => [
    [...chart.names, ...chart.columns],
    ...chart.series.flatMap((one) => one.values[0].map((_, i) => [...one.of, ...one.values.map((column) => column[i])])),
  ].map((row) => row.map(cell).join(",")).join("\n");
  const csv = document.getElementById("csv");
  csv.hidden = !chart.series.length;
  csv.addEventListener("click", () => save(new Blob([`${table()}\n`], { type: "text/csv" }), "csv"));

  /* The still figure as a picture; of a page from a file a browser may allow the plots only. */
  const picture = (paint, width, height) => new Promise((done, fail) => {
    const canvas = document.createElement("canvas"), ctx = canvas.getContext("2d");
    [canvas.width, canvas.height] = [width, height];
    ctx.fillStyle = style("--page") && getComputedStyle(document.body).backgroundColor;
    ctx.fillRect(0, 0, width, height);
    paint(ctx);
    canvas.toBlob((blob) => blob ? done(blob) : fail(new Error("no picture")), "image/png");
  });
  const png = document.getElementById("png");
  png.hidden = false;
  png.addEventListener("click", async () => {
    said.textContent = "";
    try {
      await still.decode();
      const wide = 2400, high = Math.round(wide * still.naturalHeight / still.naturalWidth);
      save(await picture((ctx) => ctx.drawImage(still, 0, 0, wide, high), wide, high), "png");
    } catch {
      if (!drawn.length) { said.textContent = "This browser lets no page from a file read its pictures: take the SVG, or open the report from a web server."; return; }
      const all = drawn.map(({ plot }) => plot.ctx.canvas), tall = all.reduce((sum, one) => sum + one.height, 0);
      let top = 0;
      save(await picture((ctx) => all.forEach((one) => { ctx.drawImage(one, 0, top); top += one.height; }), Math.max(...all.map((one) => one.width)), tall), "png");
    }
  });

  const embed = document.getElementById("embed");
  if (location.protocol.startsWith("http")) embed.textContent = embed.textContent.replace(still.getAttribute("src"), still.src);
  document.querySelectorAll("[data-copy]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const source = document.getElementById(button.dataset.copy);
      try { await navigator.clipboard.writeText(source.textContent); } catch {
        const range = document.createRange();
        range.selectNodeContents(source);
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        document.execCommand("copy");
      }
      said.textContent = "Copied.";
      button.textContent = "Copied";
    });
  });
})();
