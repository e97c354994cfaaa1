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

  const open = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let around = target; around; around = around.parentElement) if (around.tagName === "DETAILS") around.open = true;
    const folded = target && target.classList.contains("group") && target.querySelector("details");
    if (folded) folded.open = true;
    if (target) target.scrollIntoView();
  };
  open();
  addEventListener("hashchange", open);

  const form = document.getElementById("filters");
  if (!form) return;
  const cards = [...document.querySelectorAll(".card")];
  const fields = ["text", "document", "family", "verdict", "machine", "backend", "device"];
  const places = ["machine", "backend", "device"];
  const says = (answer, verdict) => !verdict || answer.dataset.verdict === verdict || (verdict === "surprising" && answer.dataset.surprising === "yes");
  const apply = () => {
    const want = Object.fromEntries(fields.map((name) => [name, form.elements[name].value.trim()]));
    const words = want.text.toLowerCase().split(/\s+/).filter(Boolean);
    const placed = places.some((name) => want[name]);
    let shown = 0;
    for (const card of cards) {
      const answers = [...card.querySelectorAll(".answer")];
      const there = placed ? answers.filter((answer) => places.every((name) => !want[name] || answer.dataset[name] === want[name])) : answers.slice(0, 1);
      const found = there.find((answer) => says(answer, want.verdict));
      const fits = (!want.family || card.dataset.family === want.family)
        && (!want.document || card.dataset.documents.split("|").includes(want.document))
        && words.every((word) => card.dataset.text.includes(word));
      card.hidden = !(fits && found);
      for (const answer of answers) answer.hidden = answer !== (found || answers[0]);
      shown += !card.hidden;
    }
    document.querySelectorAll(".tally a").forEach((link) => {
      if (want.verdict && link.hash === `#verdict=${want.verdict}`) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    });
    document.getElementById("count").textContent = `${shown} of ${cards.length} rules`;
    document.getElementById("nothing").hidden = shown > 0;
    return fields.filter((name) => want[name]).map((name) => `${name}=${encodeURIComponent(want[name])}`);
  };
  const changed = () => {
    const set = apply();
    try { history.replaceState(null, "", set.length ? `#${set.join("&")}` : location.pathname + location.search); } catch { /* not from a file in every browser */ }
  };
  const addressed = () => {
    const given = new URLSearchParams(location.hash.slice(1));
    if (location.hash && !fields.some((name) => given.has(name))) return;
    for (const name of fields) form.elements[name].value = given.get(name) || "";
  };
  form.hidden = false;
  form.addEventListener("input", changed);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(changed));
  addEventListener("hashchange", () => { addressed(); apply(); });
  addressed();
  apply();
})();
