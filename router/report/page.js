// What the report does beyond being read: sliders that show the nearest computed point, a cursor over time, looking
// closer. It fetches nothing, keeps nothing, and writes text only as text.
"use strict";
(() => {
  const told = JSON.parse(document.getElementById("numbers").textContent);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const one = (name) => document.getElementById(name);
  const between = (number, low, high) => Math.min(high, Math.max(low, number));

  function plain(number) {
    if (number === null || number === undefined) return "–";
    if (number !== 0 && (Math.abs(number) < 1e-4 || Math.abs(number) >= 1e7)) return number.toExponential(2);
    return Number(number.toPrecision(3)).toLocaleString("en-US", { maximumSignificantDigits: 3 });
  }

  function minus(text) {
    return text.replace("-", "\u2212");
  }

  function clock(seconds) {
    const whole = Math.max(0, Math.round(seconds));
    const two = (number) => String(number).padStart(2, "0");
    return `${Math.floor(whole / 3600)}:${two(Math.floor((whole % 3600) / 60))}:${two(whole % 60)}`;
  }

  // -- the front: what is under the pointer, or has the focus, in words ------------------------------------------------

  const marked = one("marked");
  for (const mark of all(".mark")) {
    const tell = () => { marked.textContent = mark.getAttribute("aria-label"); };
    mark.addEventListener("focus", tell);
    mark.addEventListener("pointerenter", tell);
    mark.addEventListener("click", tell);
  }

  // -- the sliders -------------------------------------------------------------------------------------------------------

  const tuning = told.tuning;
  const inputs = all("input[data-dial]");

  function stopsNow() {
    // The nearest stop of each dial; one that has no slider has but one stop.
    return tuning.dials.map((dial) => {
      const input = inputs.find((each) => each.dataset.dial === dial.field);
      return input ? between(Math.round(Number(input.value) / tuning.steps), 0, dial.stops.length - 1) : 0;
    });
  }

  function meant(dial, position) {
    // What a position between two stops stands for, on the scale that the stops are on.
    const place = position / tuning.steps;
    const below = Math.min(dial.stops.length - 1, Math.floor(place));
    const above = Math.min(dial.stops.length - 1, below + 1);
    const [low, high, part] = [dial.stops[below], dial.stops[above], place - below];
    return low > 0 ? low * (high / low) ** part : low + (high - low) * part;
  }

  function tune() {
    const stops = stopsNow();
    const found = tuning.points.find((point) => point.stops.every((stop, number) => stop === stops[number]));
    const own = tuning.dials.every((dial, number) => dial.own === stops[number]);
    const said = [];
    tuning.dials.forEach((dial, number) => {
      const input = inputs.find((each) => each.dataset.dial === dial.field);
      if (!input) return;
      const exact = dial.stops[stops[number]];
      const wanted = meant(dial, Number(input.value));
      const near = Math.abs(wanted - exact) > 1e-9 * Math.max(1, Math.abs(exact));
      const text = near ? `${plain(wanted)}, shown for ${plain(exact)}` : plain(exact);
      one(`dial-${dial.field}-value`).textContent = text;
      input.setAttribute("aria-valuetext", text);
      if (dial.own !== stops[number]) said.push(`${dial.field} = ${plain(exact).replace(/,/g, "")}`);
    });
    for (const chart of all(".chart")) {
      const { x, y, x0, x1, y0, y1 } = chart.dataset;
      const at = (found.at[tuning.axes.indexOf(x)] - Number(x0)) / (Number(x1) - Number(x0));
      const level = 1 - (found.at[tuning.axes.indexOf(y)] - Number(y0)) / (Number(y1) - Number(y0));
      const ring = chart.querySelector(".tuned");
      ring.setAttribute("x", `${(100 * at).toFixed(2)}%`);
      ring.setAttribute("y", `${(100 * level).toFixed(2)}%`);
    }
    for (const cell of all("[data-tuned]")) {
      const number = tuning.axes.indexOf(cell.dataset.tuned);
      cell.textContent = number >= 0 ? plain(found.at[number]) : found.score === null ? "–" : minus(found.score.toFixed(2));
    }
    const shares = Object.entries(found.shares).map(([target, share]) => `${target} ${plain(share)} %`).join(", ");
    one("so-weighted").textContent = `Answered by: ${shares}.`;
    const toml = one("as-toml");
    toml.hidden = own;
    toml.textContent = own ? "" : `[worth]\n${said.join("\n")}`;
  }

  if (inputs.length) {
    all(".sliders").forEach((each) => { each.hidden = false; });
    inputs.forEach((input) => input.addEventListener("input", tune));
    tune();
  }

  // -- over time ---------------------------------------------------------------------------------------------------------

  const day = told.day;
  const cursor = one("cursor");
  const runs = all(".run");
  let from = 0;
  let width = day.slices;
  const LEAST = Math.min(12, day.slices);

  function ticks(low, high) {
    const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];
    const wanted = matchMedia("(max-width: 40rem)").matches ? 3 : 6;
    let step = steps.find((each) => each * wanted >= high - low);
    if (!step) step = Math.ceil((high - low) / wanted / 86400) * 86400;
    const found = [];
    for (let number = Math.ceil(low / step - 1e-9); number * step <= high + 1e-9; number += 1) found.push(number * step);
    return found;
  }

  function axis() {
    const [low, high] = [from * day.slice_s, (from + width) * day.slice_s];
    const long = day.slices * day.slice_s >= 60;
    for (const svg of all(".time")) {
      const texts = ticks(low, high).map((at) => {
        const share = (at - low) / (high - low);
        const text = document.createElementNS("http://www.w3.org/2000/svg", "text");
        text.setAttribute("x", `${(100 * share).toFixed(2)}%`);
        text.setAttribute("y", "14");
        text.setAttribute("text-anchor", share < 0.06 ? "start" : share > 0.94 ? "end" : "middle");
        text.textContent = long ? clock(at) : `${plain(at)} s`;
        return text;
      });
      svg.replaceChildren(...texts);
    }
  }

  function look(start, slices) {
    width = between(Math.round(slices), LEAST, day.slices);
    from = between(Math.round(start), 0, day.slices - width);
    for (const svg of all(".paths")) svg.setAttribute("viewBox", `${from} 0 ${width} 100`);
    one("look-closer").disabled = width === LEAST;
    one("look-wider").disabled = one("look-all").disabled = width === day.slices;
    one("look-earlier").disabled = from === 0;
    one("look-later").disabled = from + width === day.slices;
    cursor.min = String(from);
    cursor.max = String(from + width - 1);
    axis();
    point(between(Number(cursor.value), from, from + width - 1));
  }

  function point(slice) {
    cursor.value = String(slice);
    const at = clock(slice * day.slice_s);
    one("at").textContent = at;
    const share = `${(100 * (slice - from + 0.5) / width).toFixed(3)}%`;
    const said = [at];
    for (const run of runs) {
      for (const line of all(".cross", run)) {
        line.setAttribute("x1", share);
        line.setAttribute("x2", share);
        line.setAttribute("visibility", "visible");
      }
      const shown = getComputedStyle(run).display !== "none";
      const panels = day.runs[Number(run.dataset.run)];
      all(".under", run).forEach((output, number) => {
        const panel = panels[number];
        const text = panel.series
          .filter((series) => series.numbers[slice] !== null && series.numbers[slice] !== undefined)
          .map((series) => `${series.called} ${plain(series.numbers[slice])} ${series.unit}`.trim())
          .join(" \u00b7 ");
        output.textContent = text;
        if (shown && text) said.push(text);
      });
    }
    cursor.setAttribute("aria-valuetext", said.slice(0, 8).join("; "));
  }

  function under(event, run) {
    const box = run.querySelector(".trace").getBoundingClientRect();
    return from + between(Math.floor((event.clientX - box.left) / box.width * width), 0, width - 1);
  }

  for (const run of runs) {
    let began = null;
    let rects = [];
    run.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "mouse" && event.button === 0 && event.target.closest(".trace")) began = under(event, run);
      point(under(event, run));
    });
    run.addEventListener("pointermove", (event) => {
      const now = under(event, run);
      point(now);
      if (began === null) return;
      const [low, high] = [Math.min(began, now), Math.max(began, now) + 1];
      if (!rects.length) {
        rects = all(".trace", run).map((svg) => {
          const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
          rect.setAttribute("class", "picked");
          rect.setAttribute("y", "0");
          rect.setAttribute("height", "100%");
          svg.append(rect);
          return rect;
        });
      }
      for (const rect of rects) {
        rect.setAttribute("x", `${(100 * (low - from) / width).toFixed(3)}%`);
        rect.setAttribute("width", `${(100 * (high - low) / width).toFixed(3)}%`);
      }
    });
    const ended = (event) => {
      rects.forEach((rect) => rect.remove());
      rects = [];
      if (began === null) return;
      const now = under(event, run);
      const [low, high] = [Math.min(began, now), Math.max(began, now) + 1];
      began = null;
      if (event.type === "pointerup" && high - low >= 3) look(low - Math.max(0, LEAST - (high - low)) / 2, high - low);
    };
    run.addEventListener("pointerup", ended);
    run.addEventListener("pointerleave", ended);
    run.addEventListener("pointercancel", ended);
    run.addEventListener("dblclick", () => look(0, day.slices));
  }

  if (runs.length) {
    all(".controls").forEach((each) => { each.hidden = false; });
    const middle = () => (width === day.slices ? Number(cursor.value) : between(Number(cursor.value), from, from + width));
    one("look-closer").addEventListener("click", () => look(middle() - width / 4, width / 2));
    one("look-wider").addEventListener("click", () => look(from - width / 2, width * 2));
    one("look-earlier").addEventListener("click", () => look(from - width / 2, width));
    one("look-later").addEventListener("click", () => look(from + width / 2, width));
    one("look-all").addEventListener("click", () => look(0, day.slices));
    cursor.addEventListener("input", () => point(Number(cursor.value)));
    all("input[name=run]").forEach((input) => input.addEventListener("change", () => point(Number(cursor.value))));
    for (const link of all("a[data-at]")) {
      // To the decision's place in the day: its link leads there, and this looks closer.
      link.addEventListener("click", () => {
        const chosen = one(`run-${link.dataset.run}`);
        chosen.checked = true;
        const slice = between(Math.floor(Number(link.dataset.at) / day.slice_s), 0, day.slices - 1);
        look(slice - day.slices / 24, day.slices / 12);
        point(slice);
      });
    }
    cursor.value = String(Math.floor(day.slices / 2));
    look(0, day.slices);
  }
})();
