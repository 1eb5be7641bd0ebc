"use strict";
// Everything can be read without this: it adds copy buttons, filter, sort and search, and unfolding.
const cases = [...document.querySelectorAll(".case")];
const list = document.querySelector(".list");
const unfold = (open) => cases.forEach((one) => { if (!one.hidden) { fill(one); one.open = open; } });

// the cases after the first fifty are one text each until they are wanted, or until there is nothing else to do
const fill = (one) => { const kept = one.querySelector(":scope > noscript"); if (kept) kept.outerHTML = kept.textContent; };
const idle = window.requestIdleCallback ?? ((work) => setTimeout(work, 50));
const waiting = cases.filter((one) => one.querySelector(":scope > noscript"));
const work = () => { waiting.splice(0, 10).forEach(fill); if (waiting.length) idle(work); };
if (waiting.length) addEventListener("load", () => idle(work));

// copy buttons: in a case only once it is opened, so that five hundred cases open as fast as one
const button = (words, content, shown, after) => {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "copy";
  made.textContent = words;
  made.addEventListener("click", async () => {
    let copied = true;
    try { await navigator.clipboard.writeText(content()); } catch {
      getSelection().selectAllChildren(shown);
      copied = document.execCommand("copy");
    }
    made.textContent = copied ? "Copied" : "Selected: copy it now";
    setTimeout(() => { made.textContent = words; }, 2000);
  });
  after.after(made);
};
const dress = (where) => {
  for (const one of where.querySelectorAll(".copyable:not([data-dressed])")) {
    one.dataset.dressed = "";
    const command = one.matches("pre") ? one : one.querySelector("pre");
    const text = one.querySelector(".step");
    if (command) button("Copy command", () => command.textContent, command, command);
    else button("Copy step", () => text.textContent, text, one.lastElementChild);
  }
};
document.querySelectorAll(".incidents, .case[open]").forEach(dress);
document.addEventListener("toggle", (event) => { if (event.target.matches(".case[open]")) { fill(event.target); dress(event.target); } }, true);

const follow = (hash) => {
  const found = cases.find((one) => "#" + one.id === hash);
  if (found) { fill(found); found.hidden = false; found.open = true; found.scrollIntoView(); }
};
addEventListener("click", (event) => { const link = event.target.closest('a[href^="#case-"]'); if (link) follow(link.hash); });
addEventListener("hashchange", () => follow(location.hash));

// paper shows what the filter shows, unfolded
let folded = [];
addEventListener("beforeprint", () => { folded = cases.filter((one) => !one.hidden && !one.open); unfold(true); });
addEventListener("afterprint", () => { folded.forEach((one) => { one.open = false; }); });

const tools = document.querySelector(".tools");
if (tools) {
  tools.hidden = cases.length < 2;
  const { find, sort, found, fold, unfold: open } = tools.elements;
  const kinds = ["cause", "verdict", "state", "gateway"].filter((kind) => tools.elements[kind]);
  let texts = null;
  // what was ruled out names every cause there is: a search for a cause wants the cases that have it
  const said = (one) => one.textContent.replace(one.querySelector(".others").textContent, " ").toLowerCase();
  const filter = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = kinds.map((kind) => [kind, tools.elements[kind].value]).filter(([, value]) => value);
    if (words.length && !texts) cases.forEach(fill);
    if (words.length) texts ??= new Map(cases.map((one) => [one, said(one)]));
    let shown = 0;
    for (const one of cases) {
      one.hidden = !(wanted.every(([kind, value]) => one.dataset[kind] === value) && words.every((word) => texts.get(one).includes(word)));
      shown += !one.hidden;
    }
    found.textContent = words.length || wanted.length ? `${shown} of ${cases.length} cases` : "";
  };
  const orders = {
    worst: (a, b) => a.dataset.worst - b.dataset.worst,
    failures: (a, b) => b.dataset.failures - a.dataset.failures,
    last: (a, b) => b.dataset.last - a.dataset.last,
    first: (a, b) => a.dataset.first - b.dataset.first,
    backend: (a, b) => a.querySelector("h3").textContent.localeCompare(b.querySelector("h3").textContent),
  };
  tools.addEventListener("input", (event) => {
    if (event.target === sort) list.append(...cases.sort((a, b) => orders[sort.value](a, b) || orders.worst(a, b)));
    else filter();
  });
  tools.addEventListener("reset", () => setTimeout(() => { list.append(...cases.sort(orders.worst)); filter(); }));
  tools.addEventListener("submit", (event) => event.preventDefault());
  open.addEventListener("click", () => unfold(true));
  fold.addEventListener("click", () => unfold(false));
}
follow(location.hash);
