// Draws the report's charts with plotly and makes its trial table sortable. Runs without a
// network. Every text that comes from a run passes through `safe` before plotly sees it, because
// plotly reads a small HTML (links among it) in its texts.
(function () {
  "use strict";

  const data = JSON.parse(document.getElementById("report-data").textContent);
  const touch = matchMedia("(pointer: coarse)").matches;
  const config = { displayModeBar: false, responsive: true, doubleClick: "reset", showTips: false };

  const color = (name) =>
    getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

  const onPaper = () => document.documentElement.classList.contains("printing");

  function safe(text, most) {
    let value = String(text);
    if (most && value.length > most) value = value.slice(0, most - 1) + "…";
    return value
      .replace(/&/g, "&amp;")
      .replace(/</g, "&lt;")
      .replace(/>/g, "&gt;")
      .replace(/\n/g, "<br>");
  }

  function fade(hex, opacity) {
    const part = (at) => parseInt(hex.slice(at, at + 2), 16);
    return "rgba(" + part(1) + "," + part(3) + "," + part(5) + "," + opacity + ")";
  }

  function axis(title, more) {
    return Object.assign(
      {
        title: { text: title ? safe(title, 40) : "", standoff: 8, font: { size: 12 } },
        gridcolor: color("line"),
        linecolor: color("line"),
        zeroline: false,
        automargin: true,
        fixedrange: touch,
        tickfont: { size: 11, color: color("muted") },
        exponentformat: "power",
      },
      more,
    );
  }

  // A log axis: 1, 2 and 5 of each decade over a short span, else the decades alone.
  function logAxis(title, values, more) {
    const known = values.filter((value) => typeof value === "number" && value > 0);
    const span = Math.log10(Math.max(...known) / Math.min(...known));
    const steps = { type: "log", dtick: span < 2.4 ? "D2" : Math.ceil(span / 6), tickangle: 0 };
    return axis(title, Object.assign(steps, more));
  }

  // Epochs are whole numbers: at most nine ticks, never 1, 1, 2, 2.
  function epochAxis(epochs) {
    const last = epochs.reduce((most, epoch) => Math.max(most, epoch || 0), 1);
    return axis("epoch", { dtick: Math.ceil(last / 9), tick0: 0, range: [0, last * 1.04] });
  }

  function layout(x, y, more) {
    const family = getComputedStyle(document.body).fontFamily;
    return Object.assign(
      {
        xaxis: x,
        yaxis: y,
        margin: { l: 48, r: 12, t: 10, b: 40 },
        paper_bgcolor: "rgba(0,0,0,0)",
        plot_bgcolor: "rgba(0,0,0,0)",
        font: { family: family, size: 12, color: color("muted") },
        hoverlabel: {
          align: "left",
          bgcolor: color("card"),
          bordercolor: color("line"),
          font: { family: family, size: 12, color: color("ink") },
        },
        hovermode: "closest",
        dragmode: touch ? false : "zoom",
        showlegend: false,
        legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { size: 11.5 } },
      },
      more,
    );
  }

  function draw(id, traces, shape) {
    const place = document.getElementById(id);
    if (!place) return;
    // Paper does not wait for plotly to notice a new size, so there the size is stated.
    const size = { width: place.clientWidth, height: place.clientHeight };
    Plotly.react(place, traces, Object.assign(shape, onPaper() ? size : { autosize: true }), config);
  }

  function dashed(direction, at, text) {
    const along = direction === "y" ? { x0: 0, x1: 1, xref: "paper", y0: at, y1: at } :
      { y0: 0, y1: 1, yref: "paper", x0: at, x1: at };
    return {
      shapes: [Object.assign({
        type: "line", line: { color: color("muted"), width: 1.2, dash: "dot" }, layer: "below",
      }, along)],
      annotations: [Object.assign({
        text: safe(text, 40), showarrow: false, font: { size: 11, color: color("muted") },
        bgcolor: fade(color("card"), 0.8),
      }, direction === "y" ? { x: 1, xref: "paper", xanchor: "right", y: at, yanchor: "bottom" } :
        { y: 0.02, yref: "paper", yanchor: "bottom", x: at, xanchor: "right" })],
    };
  }

  function targetLine(chart) {
    return typeof chart.target === "number" ? dashed("y", chart.target, "target") : {};
  }

  function drawProgress(chart) {
    const titles = { order: "trials ended", time: chart.unit };
    for (const by of ["order", "time"]) {
      const traces = [
        {
          x: chart.points[by], y: chart.points.value, mode: "markers", name: "trials",
          text: chart.points.text.map((text) => safe(text)), hoverinfo: "text",
          marker: {
            size: chart.points.value.length > 300 ? 4 : 7, line: { width: 0 },
            opacity: chart.points.value.length > 300 ? 0.45 : 0.75,
            color: chart.points.feasible.map((ok) => (ok ? color("step3") : color("stopped"))),
            symbol: chart.points.feasible.map((ok) => (ok ? "circle" : "x-thin-open")),
          },
        },
        {
          x: chart.best[by], y: chart.best.value, mode: "lines", name: "best so far",
          line: { shape: "hv", width: 2.5, color: color("best") }, hoverinfo: "skip",
        },
      ];
      const x = axis(titles[by], { rangemode: "tozero" });
      draw("progress-" + by, traces, layout(x, axis(chart.metric), targetLine(chart)));
    }
  }

  function curveTrace(group, style) {
    return {
      x: group.x, y: group.y, mode: "lines+markers", connectgaps: false,
      text: group.trial.map((n, i) => "trial " + n + ", epoch " + group.x[i] + "<br>" +
        (group.y[i] === null ? "no finite value" : group.y[i].toPrecision(4))),
      hoverinfo: "text", name: style.name,
      line: { color: style.color, width: style.width, dash: style.dash },
      marker: { size: style.width + 2, color: style.color }, opacity: style.opacity,
    };
  }

  function drawCurves(chart) {
    const dashes = { complete: "solid", stopped: "dot", failed: "dash", running: "solid" };
    const few = chart.shown <= 60;
    const traces = chart.groups.map((group) => curveTrace(group, {
      name: group.state + " (" + group.trials + ")", color: color(group.state),
      width: 1.4, dash: dashes[group.state], opacity: few ? 0.75 : 0.35,
    }));
    if (chart.best) {
      const name = "best: trial " + chart.best.trial[0];
      traces.push(curveTrace(chart.best, {
        name: name, color: color("best"), width: 3, dash: "solid", opacity: 1,
      }));
    }
    const more = Object.assign({ showlegend: true }, targetLine(chart));
    const x = epochAxis(chart.groups.concat(chart.best || []).flatMap((group) => group.x));
    draw("curves", traces, layout(x, axis(chart.metric), more));
  }

  function parallelTraces(chart) {
    const traces = [];
    for (let step = 0; step < 8; step += 1) {
      const isBest = step === 7;
      const lines = chart.lines.filter((line) => (isBest ? line.best : line.step === step));
      const trace = {
        x: [], y: [], text: [], mode: "lines+markers", hoverinfo: "text", connectgaps: false,
        line: {
          width: isBest ? 3.2 : 1.5, color: isBest ? color("best") : color("step" + step),
        },
        marker: { size: isBest ? 7 : 3.5 }, opacity: isBest ? 1 : (chart.lines.length > 100 ? 0.2 : 0.45) + step * 0.08,
      };
      for (const line of lines) {
        const text = safe(line.text);
        line.y.forEach((y, i) => { trace.x.push(i); trace.y.push(y); trace.text.push(text); });
        trace.x.push(null); trace.y.push(null); trace.text.push("");
      }
      if (lines.length) traces.push(trace);
    }
    return traces;
  }

  function scaleTrace(chart) {
    const steps = [0, 1, 2, 3, 4, 5, 6].map((step) => [step / 6, color("step" + step)]);
    const low = Math.min(chart.range[0], chart.range[1]);
    const high = Math.max(chart.range[0], chart.range[1]);
    return {
      x: [null], y: [null], mode: "markers", hoverinfo: "skip",
      marker: {
        color: [low], cmin: low, cmax: high === low ? low + 1 : high, showscale: true,
        colorscale: steps, reversescale: chart.range[0] > chart.range[1],
        colorbar: {
          thickness: 10, len: 0.9, outlinewidth: 0, x: 1.01, tickfont: { size: 11 }, nticks: 5,
          title: { text: safe(chart.metric, 24), side: "top", font: { size: 11.5 } },
        },
      },
    };
  }

  function parallelNotes(chart) {
    const notes = [];
    const shapes = chart.axes.map((_, i) => ({
      type: "line", x0: i, x1: i, y0: 0, y1: 1, layer: "below",
      line: { color: color("muted"), width: 1 },
    }));
    chart.axes.forEach((one, i) => one.ticks.forEach((tick) => notes.push({
      x: i, y: tick.at, text: safe(tick.text, 18), showarrow: false, xanchor: "left", xshift: 5,
      font: { size: 10.5, color: color("ink") }, bgcolor: fade(color("card"), 0.82), borderpad: 1,
    })));
    if (chart.inactive !== null) {
      notes.push({
        x: 0, y: chart.inactive, text: "inactive", showarrow: false, xanchor: "right", xshift: -6,
        font: { size: 10.5, color: color("muted") },
      });
    }
    return { shapes: shapes, annotations: notes };
  }

  function drawParallel(chart) {
    const place = document.getElementById("parallel");
    place.style.minWidth = onPaper() ? "0" : chart.axes.length * 84 + "px"; // scrolls on a phone
    const x = axis("", {
      tickvals: chart.axes.map((_, i) => i), ticktext: chart.axes.map((a) => safe(a.name, 16)),
      side: "top", showgrid: false, range: [-0.35, chart.axes.length - 0.4], fixedrange: true,
      tickfont: { size: 12, color: color("ink") }, showline: false, tickangle: 0,
    });
    const low = chart.inactive === null ? -0.05 : -0.14;
    const y = axis("", { visible: false, range: [low, 1.06], fixedrange: true });
    const more = Object.assign({ margin: { l: 30, r: 20, t: 40, b: 10 } }, parallelNotes(chart));
    draw("parallel", [...parallelTraces(chart), scaleTrace(chart)], layout(x, y, more));
  }

  function drawImportance(chart) {
    const names = chart.names.map((_, i) => i);
    const trace = {
      type: "bar", orientation: "h", y: names, x: chart.shares, hoverinfo: "text",
      text: chart.shares.map((s) => (s * 100).toFixed(s < 0.1 ? 1 : 0) + "%"),
      textposition: "none", marker: { color: color("step4"), cornerradius: 4 }, width: 0.62,
      error_x: { array: chart.spreads, color: color("muted"), thickness: 1.2, width: 4 },
    };
    const x = axis("share of importance", { tickformat: ".0%", rangemode: "tozero" });
    const y = axis("", {
      tickvals: names, ticktext: chart.names.map((n) => safe(n, 22)), autorange: "reversed",
      showgrid: false, tickfont: { size: 12, color: color("ink") }, fixedrange: true,
    });
    draw("importance", [trace], layout(x, y));
  }

  function drawCosts(chart) {
    const traces = [
      {
        x: chart.x, y: chart.y, mode: "markers", hoverinfo: "text",
        text: chart.text.map((text) => safe(text)),
        marker: {
          size: chart.x.length > 300 ? 5 : 8, opacity: chart.x.length > 300 ? 0.5 : 0.8,
          color: chart.feasible.map((ok) => color(ok ? "step3" : "stopped")),
          symbol: chart.feasible.map((ok) => (ok ? "circle" : "x-thin-open")),
        },
      },
      {
        x: chart.front.x, y: chart.front.y, mode: "lines+markers", hoverinfo: "skip",
        line: { shape: "hv", color: color("best"), width: 1.8 },
        marker: { size: 9, color: color("best") },
      },
    ];
    const title = chart.bytes ? chart.cost + " (bytes)" : chart.cost;
    const x = logAxis(title, chart.x, { tickformat: "~s" });
    const limit = chart.bound === null ? {} : dashed("x", chart.bound, "limit");
    if (chart.bound !== null && limit.annotations) limit.annotations[0].x = Math.log10(chart.bound);
    draw("costs", traces, layout(x, axis(chart.metric), limit));
  }

  function drawLayers(chart) {
    const many = chart.layers.length;
    const shade = (i) => color("step" + Math.round(many < 2 ? 4 : 1 + (i / (many - 1)) * 5));
    for (const what of ["gradient", "weight"]) {
      const traces = chart.layers.map((layer, i) => ({
        x: chart.epochs, y: layer[what], mode: "lines+markers", name: safe(layer.name, 28),
        text: chart.epochs.map((epoch, at) => safe(layer.name) + "<br>epoch " + epoch + ": " +
          (layer[what][at] === null ? "not finite" : layer[what][at].toPrecision(3))),
        hoverinfo: "text", line: { width: 2, color: shade(i) }, marker: { size: 5 },
      }));
      const more = { showlegend: many <= 8 };
      const norms = chart.layers.flatMap((layer) => layer[what]);
      const isLog = what === "gradient" && norms.some((norm) => norm > 0);
      const y = isLog ? logAxis("norm", norms, { tickformat: "~g" }) : axis("norm");
      draw("layers-" + what, traces, layout(epochAxis(chart.epochs), y, more));
    }
  }

  const drawers = {
    progress: drawProgress, curves: drawCurves, parallel: drawParallel,
    importance: drawImportance, costs: drawCosts, layers: drawLayers,
  };

  function drawAll() {
    for (const name of Object.keys(drawers)) if (data[name]) drawers[name](data[name]);
  }

  // ---- the trial table ----

  function cellValue(row, column, kind) {
    const cell = row.cells[column];
    if (kind === "text") return cell.textContent.trim().toLowerCase();
    const raw = cell.dataset.value;
    return raw === "" || raw === undefined ? null : Number(raw);
  }

  function compare(a, b, sign) {
    if (a === null || b === null) return (a === null) - (b === null); // the empty ones last
    return sign * (typeof a === "number" ? a - b : a.localeCompare(b));
  }

  function sortBy(table, head) {
    const heads = [...head.parentNode.cells];
    const column = heads.indexOf(head);
    const down = head.getAttribute("aria-sort") === "ascending";
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [cellValue(row, column, head.dataset.kind), row]);
    rows.sort((a, b) => compare(a[0], b[0], down ? -1 : 1));
    body.append(...rows.map((pair) => pair[1]));
  }

  function makeSortable(table) {
    for (const head of table.tHead.rows[0].cells) {
      if (head.dataset.kind === "none") continue;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => sortBy(table, head));
    }
  }

  function makeFilter(table, field, output) {
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      for (const row of table.tBodies[0].rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        if (!row.hidden) count += 1;
      }
      output.value = words.length ? count + " shown" : "";
    });
  }

  const table = document.getElementById("trial-table");
  if (table) {
    makeSortable(table);
    makeFilter(table, document.getElementById("filter"), document.getElementById("filter-count"));
  }

  // Charts take their size from the screen: on paper they get the paper's width and light colors.
  function printing(on) {
    document.documentElement.classList.toggle("printing", on);
    drawAll();
    if (on) return;
    for (const place of document.querySelectorAll(".js-plotly-plot")) Plotly.Plots.resize(place);
  }

  drawAll();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  addEventListener("beforeprint", () => printing(true));
  addEventListener("afterprint", () => printing(false));
})();
