"use strict";
// Reads the JSON of the page, draws the charts in the colours of the theme, and runs the table of round trips.
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const root = document.documentElement;
  const narrow = matchMedia("screen and (max-width: 760px)");
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");

  // --- theme ---
  const store = {
    get() { try { return localStorage.getItem("algo_trade.theme"); } catch { return null; } },
    set(value) { try { localStorage.setItem("algo_trade.theme", value); } catch { /* a file may have no storage */ } },
  };
  const chosen = store.get();
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  const theme = () => root.dataset.theme ?? (prefersDark.matches ? "dark" : "light");

  // --- charts ---
  // The figures come in light colours, each of which stands for one role; the palette has its dark counterpart.
  const chartsText = document.getElementById("charts").textContent;
  const palette = read("palette");
  const colours = new RegExp(Object.keys(palette).join("|"), "g");
  const elements = [...document.querySelectorAll("[data-chart]")];
  const timed = (element) => element.dataset.chart !== "pnl";
  let figures = {};
  let scale = "linear";
  let range = null;

  const PRINT_WIDTH = 670; // fits A4 and letter, upright, at the browser's own margins
  const layoutFor = (element, print) => {
    const { layout } = figures[element.dataset.chart];
    if (print) layout.width = PRINT_WIDTH;
    const touch = matchMedia("(pointer: coarse)").matches;
    layout.dragmode = touch ? false : "zoom";
    if (element.dataset.chart === "equity") layout.yaxis.type = scale;
    if (timed(element) && range) layout.xaxis.range = range;
    if (narrow.matches && !print) {
      layout.xaxis.nticks = 5;
      layout.legend = { ...layout.legend, x: 0, xanchor: "left", y: -0.3, yanchor: "top", font: { size: 11 } };
      if (layout.annotations?.length) layout.annotations[0].yshift = 18;
      layout.margin = { ...layout.margin, l: 4, r: 6, t: 30 };
    }
    return layout;
  };
  const config = { responsive: true, displayModeBar: false, doubleClick: "reset" };
  const draw = async (print = false) => {
    const dark = theme() === "dark" && !print;
    figures = JSON.parse(dark ? chartsText.replace(colours, (colour) => palette[colour]) : chartsText);
    for (const element of elements) {
      if (element.closest("[hidden]")) continue;
      const figure = figures[element.dataset.chart];
      await Plotly.react(element, figure.data, layoutFor(element, print), config);
      if (timed(element) && !element.dataset.linked) link(element);
    }
  };

  // All charts over time show the same stretch of it.
  let linking = false;
  const link = (element) => {
    element.dataset.linked = "yes";
    element.on("plotly_relayout", async (change) => {
      if (linking) return;
      if (change["xaxis.range[0]"] !== undefined) range = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
      else if (change["xaxis.autorange"]) range = null;
      else return;
      linking = true;
      const update = range ? { "xaxis.range": range } : { "xaxis.autorange": true, "yaxis.autorange": true };
      const others = elements.filter((other) => other !== element && timed(other) && !other.closest("[hidden]"));
      await Promise.all(others.map((other) => Plotly.relayout(other, structuredClone(update))));
      linking = false;
    });
  };

  document.getElementById("theme").addEventListener("click", () => {
    root.dataset.theme = theme() === "dark" ? "light" : "dark";
    store.set(root.dataset.theme);
    draw();
  });
  prefersDark.addEventListener("change", () => draw());
  narrow.addEventListener("change", () => draw());
  addEventListener("beforeprint", () => draw(true));
  addEventListener("afterprint", () => draw());

  const scaleButtons = [...document.querySelectorAll("[data-scale]")];
  for (const button of scaleButtons) {
    button.addEventListener("click", () => {
      scale = button.dataset.scale;
      for (const other of scaleButtons) other.setAttribute("aria-pressed", String(other === button));
      draw();
    });
  }
  document.getElementById("price-picker")?.addEventListener("change", (event) => {
    for (const box of document.querySelectorAll("[data-price]")) box.hidden = box.dataset.price !== event.target.value;
    draw();
  });

  // --- the table of round trips ---
  const table = document.getElementById("trades");
  if (table) {
    const PAGE = narrow.matches ? 8 : 20;
    const data = read("trades-data");
    // Times come as steps: an entry from the row before, an exit from its entry.
    data.columns.entry_time.forEach((step, row, times) => { times[row] = step + (row ? times[row - 1] : 0); });
    data.columns.exit_time.forEach((step, row, times) => { times[row] = step + data.columns.entry_time[row]; });
    data.columns.duration_s = data.columns.exit_time.map((time, row) => (time - data.columns.entry_time[row]) * data.unit_ms / 1000);
    const headings = [...table.tHead.rows[0].cells];
    const columns = headings.map((heading) => heading.dataset.column);
    const titles = headings.map((heading) => heading.textContent);
    const body = table.tBodies[0];
    const search = document.getElementById("trades-search");
    const picker = document.getElementById("trades-sort");
    const direction = document.getElementById("trades-direction");
    const sides = ["long", "short"];
    const all = Array.from({ length: data.rows }, (_, row) => row);
    const state = { rows: all, page: 0, column: "entry_time", ascending: true };

    // One number of decimals a column, so that they line up: as many as its finest value has, or three digits of its largest.
    const columnValues = (column) => data.columns[column].filter((value) => value !== null);
    const decimals = (value) => { const text = String(value); return text.includes("e-") ? 8 : text.split(".")[1]?.length ?? 0; };
    const finest = (column) => Math.min(8, columnValues(column).reduce((most, value) => Math.max(most, decimals(value)), 0));
    const rounded = (column) => {
      const largest = columnValues(column).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      return largest >= 1 || largest === 0 ? 2 : Math.min(6, 2 - Math.floor(Math.log10(largest)));
    };
    const minus = (text) => text.replace("-", "−");
    const fixed = (digits) => {
      const format = new Intl.NumberFormat("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
      return (value) => minus(format.format(value));
    };
    const time = (value) => new Date(value * data.unit_ms).toISOString().replace("T", " ").slice(0, data.unit_ms < 60000 ? 19 : 16);
    const held = (seconds) => {
      const parts = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
      let left = Math.round(seconds);
      const out = [];
      for (const [unit, size] of parts) {
        if (left >= size) { out.push(`${Math.floor(left / size)} ${unit}`); left %= size; }
      }
      return out.slice(0, 2).join(" ") || "0 s";
    };
    const shown = {
      symbol: (value) => data.symbols[value], side: (value) => sides[value], entry_time: time, exit_time: time, duration_s: held,
      return: (value) => `${minus((value * 100).toFixed(2))} %`,
    };
    for (const column of columns) {
      if (["quantity", "entry_price", "exit_price"].includes(column)) shown[column] = fixed(finest(column));
      else shown[column] ??= fixed(rounded(column));
    }
    // Symbols are compared by name, everything else by number; what is missing comes last.
    const order = data.symbols.map((name, index) => [name, index]).sort((a, b) => (a[0] < b[0] ? -1 : 1)).map(([, index]) => index);
    const rank = new Map(order.map((index, position) => [index, position]));

    const show = () => {
      const pages = Math.max(1, Math.ceil(state.rows.length / PAGE));
      state.page = Math.min(Math.max(state.page, 0), pages - 1);
      const from = state.page * PAGE;
      body.replaceChildren(...state.rows.slice(from, from + PAGE).map((row) => {
        const line = document.createElement("tr");
        for (const [index, column] of columns.entries()) {
          const value = data.columns[column][row];
          const cell = line.insertCell();
          cell.textContent = value === null ? "–" : shown[column](value);
          cell.dataset.name = titles[index];
          cell.dataset.column = column;
          if (column !== "symbol" && column !== "side") cell.classList.add("number");
          if (column === "side") cell.classList.add("side", sides[value]);
          if ((column === "pnl" || column === "return") && value) cell.classList.add(value > 0 ? "gain-text" : "loss-text");
        }
        return line;
      }));
      const [first, last, of] = [from + 1, Math.min(from + PAGE, state.rows.length), state.rows.length].map((n) => n.toLocaleString("en-US"));
      const range = state.rows.length ? `${first}–${last} of ${of}` : "none found";
      document.getElementById("trades-count").textContent = range;
      for (const button of document.querySelectorAll("[data-page]")) {
        const back = button.dataset.page === "first" || button.dataset.page === "previous";
        button.disabled = back ? state.page === 0 : state.page === pages - 1;
      }
      for (const heading of headings) {
        if (heading.dataset.column === state.column) heading.setAttribute("aria-sort", state.ascending ? "ascending" : "descending");
        else heading.removeAttribute("aria-sort");
      }
      picker.value = state.column;
      direction.textContent = state.ascending ? "↑" : "↓";
    };
    const arrange = () => {
      const words = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
      const name = (row) => `${data.symbols[data.columns.symbol[row]]} ${sides[data.columns.side[row]]}`.toLowerCase();
      const values = data.columns[state.column];
      const key = (row) => (state.column === "symbol" ? rank.get(values[row]) : values[row]);
      const sign = state.ascending ? 1 : -1;
      state.rows = all.filter((row) => words.every((word) => name(row).includes(word))).sort((a, b) => {
        const x = key(a), y = key(b);
        if (x === null || y === null) return (x === null) - (y === null) || a - b;
        return sign * (x - y) || a - b;
      });
      state.page = 0;
      show();
    };
    for (const heading of headings) {
      heading.addEventListener("click", () => {
        state.ascending = state.column === heading.dataset.column ? !state.ascending : true;
        state.column = heading.dataset.column;
        arrange();
      });
    }
    picker.addEventListener("change", () => { state.column = picker.value; arrange(); });
    direction.addEventListener("click", () => { state.ascending = !state.ascending; arrange(); });
    search.addEventListener("input", arrange);
    for (const button of document.querySelectorAll("[data-page]")) {
      button.addEventListener("click", () => {
        state.page = { first: 0, previous: state.page - 1, next: state.page + 1, last: Infinity }[button.dataset.page];
        show();
      });
    }
    arrange();
  }

  // --- reproduce ---
  const command = document.getElementById("command");
  const file = decodeURIComponent(location.pathname.split("/").pop() ?? "");
  if (/^[\w.-]+\.html?$/.test(file)) command.textContent = `algo-trade reproduce ${file}`;
  document.getElementById("copy").addEventListener("click", async (event) => {
    try { await navigator.clipboard.writeText(command.textContent); event.target.textContent = "Copied"; } catch { getSelection().selectAllChildren(command); }
  });

  draw().then(() => { root.dataset.ready = "yes"; });
})();
