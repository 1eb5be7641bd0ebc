"use strict";
// Everything can be read without this: it adds copy buttons, the search, and unfolding.
const cases = [...document.querySelectorAll(".case")];
const unfold = (open) => cases.forEach((one) => { if (!one.hidden) one.open = open; });

const follow = (hash) => {
  const found = cases.find((one) => "#" + one.id === hash);
  if (found) { found.hidden = false; found.open = true; found.scrollIntoView(); }
};
addEventListener("click", (event) => { const link = event.target.closest('a[href^="#case-"]'); if (link) follow(link.hash); });
addEventListener("beforeprint", () => cases.forEach((one) => { one.open = true; }));

for (const block of document.querySelectorAll("pre")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy command";
  button.addEventListener("click", async () => {
    getSelection().selectAllChildren(block);
    let copied = true;
    try { await navigator.clipboard.writeText(block.textContent); } catch { copied = document.execCommand("copy"); }
    button.textContent = copied ? "Copied" : "Selected: copy it now";
  });
  block.after(button);
}

const tools = document.querySelector(".tools");
if (tools) {
  tools.hidden = cases.length < 2;
  const find = tools.querySelector("input"), found = tools.querySelector("output");
  let texts = null;
  find.addEventListener("input", () => {
    texts ??= cases.map((one) => one.textContent.toLowerCase());
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    cases.forEach((one, place) => {
      one.hidden = !words.every((word) => texts[place].includes(word));
      shown += !one.hidden;
    });
    found.textContent = words.length ? `${shown} of ${cases.length}` : "";
  });
  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.querySelector("#unfold").addEventListener("click", () => unfold(true));
  tools.querySelector("#fold").addEventListener("click", () => unfold(false));
}
follow(location.hash);
