"use strict";
(() => {
  const remember = (name, value) => { try { localStorage.setItem(name, value); } catch { /* a page from a file may have no storage */ } };
  const recall = (name) => { try { return localStorage.getItem(name); } catch { return null; } };

  const button = document.getElementById("theme"), themes = ["automatic", "light", "dark"];
  const show = (theme) => {
    if (theme === "automatic") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.textContent = `Theme: ${theme}`;
  };
  let theme = themes.includes(recall("reprise-theme")) ? recall("reprise-theme") : "automatic";
  show(theme);
  button.hidden = false;
  button.addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    show(theme);
    remember("reprise-theme", theme);
  });

  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((details) => { details.open = true; }));
  document.querySelectorAll(".scroll").forEach((box) => {
    if (box.scrollWidth > box.clientWidth) { box.tabIndex = 0; box.setAttribute("role", "region"); box.setAttribute("aria-label", "table, scrolls sideways"); }
  });

  const form = document.getElementById("filters");
  if (!form) return;
  const rows = [...document.querySelectorAll(".claims tr[data-text]")];
  const fields = ["text", "family", "document", "verdict", "machine"];
  const apply = () => {
    const want = Object.fromEntries(fields.map((name) => [name, form.elements[name].value.trim()]));
    const words = want.text.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const fits = (!want.family || row.dataset.family === want.family)
        && (!want.document || row.dataset.documents.split("|").includes(want.document))
        && words.every((word) => row.dataset.text.includes(word));
      let any = false;
      for (const result of row.querySelectorAll(".results > li")) {
        const keep = (!want.verdict || result.dataset.verdict === want.verdict) && (!want.machine || result.dataset.machine === want.machine);
        result.hidden = !keep;
        any ||= keep;
      }
      row.hidden = !(fits && any);
      shown += !row.hidden;
    }
    document.querySelectorAll(".claims > tbody").forEach((body) => { body.hidden = !body.querySelector("tr[data-text]:not([hidden])"); });
    document.getElementById("count").textContent = `${shown} of ${rows.length} claims`;
    document.getElementById("nothing").hidden = shown > 0;
    const set = fields.filter((name) => want[name]).map((name) => `${name}=${encodeURIComponent(want[name])}`);
    try { history.replaceState(null, "", set.length ? `#${set.join("&")}` : location.pathname + location.search); } catch { /* not from a file in every browser */ }
  };
  const given = new URLSearchParams(location.hash.slice(1));
  for (const name of fields) if (given.has(name)) form.elements[name].value = given.get(name);
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
  if (fields.some((name) => given.has(name)) || !location.hash) apply();
  else document.getElementById("count").textContent = `${rows.length} of ${rows.length} claims`;
})();
