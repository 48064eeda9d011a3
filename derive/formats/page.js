// What answers a click or a pointer.  The page reads completely without it; levels and the switch are the style sheet's.
"use strict";
for (const root of document.querySelectorAll(".derive:not([data-awake])")) {
  root.dataset.awake = "";
  const all = (selector, within = root) => [...within.querySelectorAll(selector)];
  const told = root.querySelector(".told");
  const words = (element) => (element.dataset.path || "").split(" ").filter(Boolean);
  const uses = (place, keys) => all("[data-q]", place).some((part) => keys.has(part.dataset.q));

  function clear() {
    for (const element of all(".lit, .uses")) element.classList.remove("lit", "uses");
    for (const element of all("[aria-pressed=true]")) element.setAttribute("aria-pressed", "false");
    if (told) told.replaceChildren(told.dataset.hint || "");
  }

  // One quantity: the edges its gradient travels, its own step, and every step that uses it.
  function choose(key, keys, name) {
    clear();
    const drawn = all("svg [data-key]").filter((part) => part.dataset.key === key);
    const edges = new Set(drawn.flatMap(words));
    for (const edge of all("svg [data-edge]")) if (edges.has(edge.dataset.edge)) edge.classList.add("lit");
    for (const part of drawn) {
      part.classList.add("lit");
      if (part.hasAttribute("aria-pressed")) part.setAttribute("aria-pressed", "true");
    }
    const found = [];
    for (const step of all(".step")) {
      const own = keys.has(step.dataset.goal);
      if (!own && !uses(step, keys)) continue;
      step.classList.add(own ? "lit" : "uses");
      found.push(step);
    }
    for (const line of all("tbody tr")) if (uses(line, keys)) line.classList.add("uses");
    if (!told) return;
    told.replaceChildren(told.dataset.said.replace("{name}", name).replace("{n}", edges.size) + " ");
    for (const step of found) {
      const link = document.createElement("a");
      link.href = "#" + step.id;
      link.textContent = step.dataset.name;
      told.append(link, " ");
    }
  }

  const derivative = (key) => root.dataset.of && "d" + root.dataset.of + "/d" + key;
  const pick = (part) => choose(part.dataset.key, new Set([part.dataset.key, derivative(part.dataset.key)]), part.dataset.name);

  function light(row) {
    const step = row.closest(".step");
    choose(step.dataset.key, new Set([step.dataset.goal]), step.dataset.name);
    row.classList.add("lit");
  }

  // A step is shown as far as the whole page is, or as far as its own button says.
  function turn(button) {
    const step = button.closest(".step");
    const order = ["brief", "steps", "full"].filter((level) => root.querySelector(`[data-switch=level] [value=${level}]`));
    const here = step.dataset.level || root.querySelector("[data-switch=level] :checked")?.value || "full";
    step.dataset.level = order[(order.indexOf(here) + 1) % order.length];
    button.textContent = button.dataset[step.dataset.level];
    step.open = true;
  }

  // What is too broad for its place can be scrolled by keys.
  function reach() {
    for (const place of all(".chain")) {
      const scroll = place.parentElement;
      if (scroll.scrollWidth > scroll.clientWidth) scroll.tabIndex = 0;
      else scroll.removeAttribute("tabindex");
    }
  }

  for (const button of all(".more")) button.hidden = false;
  reach();
  new ResizeObserver(reach).observe(root);
  root.addEventListener("change", (event) => {
    if (!event.target.closest("[data-switch=level]")) return;
    for (const step of all(".step[data-level]")) delete step.dataset.level;
    for (const button of all(".more")) button.textContent = button.dataset[event.target.value];
  });
  root.addEventListener("click", (event) => {
    const part = event.target.closest("svg [data-key][tabindex]");
    const row = event.target.closest(".row");
    if (event.target.closest(".more")) turn(event.target.closest(".more"));
    else if (part) pick(part);
    else if (row && row.closest(".step")) light(row);
  });
  root.addEventListener("focusin", (event) => {
    const part = event.target.closest("svg [data-key][tabindex]");
    if (part && event.target.matches(":focus-visible")) pick(part);
    else if (event.target.matches(".step > summary:focus-visible")) {
      const step = event.target.parentElement;
      choose(step.dataset.key, new Set([step.dataset.goal]), step.dataset.name);
    } else if (event.target.matches(".row")) light(event.target);
  });
  root.addEventListener("keydown", (event) => {
    if (event.key === "Escape") clear();
    if (["Enter", " "].includes(event.key) && event.target.matches("svg [data-key][tabindex]")) {
      event.preventDefault();
      pick(event.target);
    }
    if (!["ArrowDown", "ArrowUp"].includes(event.key)) return;
    const step = event.target.closest(".step");
    if (!step || !event.target.matches("summary, .row")) return;
    const rows = [step.querySelector("summary"), ...(step.open ? all(".row", step).filter((row) => row.offsetParent) : [])];
    const next = rows[rows.indexOf(event.target) + (event.key === "ArrowDown" ? 1 : -1)];
    if (next) {
      event.preventDefault();
      next.focus();
    }
  });
  const places = new Map();
  for (const part of all("[data-q]")) places.set(part.dataset.q, [...(places.get(part.dataset.q) || []), part]);
  for (const kind of ["pointerover", "pointerout"]) {
    root.addEventListener(kind, (event) => {
      const part = event.target.closest("[data-q]");
      if (!part) return;
      for (const other of places.get(part.dataset.q)) other.classList.toggle("echo", kind === "pointerover");
    });
  }
  clear();
}
