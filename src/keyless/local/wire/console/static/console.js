"use strict";
// The console's one script: rows that come in, a call that opens beside them, forms that answer in place, and copying.

const ROWS = 200; // With more of them in the page, browsers get slow.

function live(list) {
  const pause = document.getElementById("pause");
  const query = new URLSearchParams(location.search);
  const lost = document.getElementById("lost");
  const older = document.getElementById("older");
  let next = list.dataset.next;
  let source = null;

  function take(event) {
    const told = JSON.parse(event.data);
    next = String(told.recorded);
    document.getElementById("recorded").textContent = told.recorded.toLocaleString("en");
    if (!told.html) return;
    if (told.fresh) list.replaceChildren();
    list.insertAdjacentHTML("afterbegin", told.html);
    const trimmed = told.fresh || list.children.length > ROWS;
    while (list.children.length > ROWS) list.lastElementChild.remove();
    document.getElementById("empty").hidden = true;
    if (trimmed) { older.hidden = false; lead(older.firstElementChild, list.lastElementChild); }
  }

  function lead(link, row) {
    const asked = new URLSearchParams(location.search);
    asked.set("before", row.dataset.number);
    link.search = `?${asked}`;
  }

  function listen() {
    query.set("start", next);
    source = new EventSource(`${list.dataset.stream}?${query}`);
    source.onmessage = take;
    source.onopen = () => { lost.hidden = true; };
    source.onerror = () => { lost.hidden = false; };
  }

  pause.addEventListener("click", () => {
    const paused = source !== null;
    if (paused) { source.close(); source = null; } else { listen(); }
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? "Resume" : "Pause";
  });
  listen();
}

async function part(address, options = {}) {
  const answer = await fetch(address, { ...options, headers: { "X-Fragment": "1" } });
  return answer.text();
}

// What the console itself has made is put in as it is: every value in it is escaped there.
function fill(place, html) {
  place.innerHTML = html;
  place.hidden = false;
  place.closest(".flow")?.classList.add("open");
}

let opener = null;

async function openBeside(link) {
  const place = document.getElementById(link.dataset.open);
  fill(place, await part(link.href));
  document.querySelectorAll("[aria-current=true]").forEach((each) => each.removeAttribute("aria-current"));
  link.setAttribute("aria-current", "true");
  opener = link;
  place.focus({ preventScroll: true });
}

function close(place) {
  place.hidden = true;
  place.replaceChildren();
  place.closest(".flow").classList.remove("open");
  if (opener) { opener.removeAttribute("aria-current"); opener.focus(); }
}

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    await navigator.clipboard.writeText(document.getElementById(copy.dataset.copy).textContent);
    copy.textContent = "Copied";
    return;
  }
  const link = event.target.closest("a[data-open]");
  // Where there is no room beside it, a call opens as a page of its own.
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && innerWidth >= 1000) {
    event.preventDefault();
    await openBeside(link);
  }
});

document.addEventListener("keydown", (event) => {
  const place = document.getElementById("detail");
  if (event.key === "Escape" && place && !place.hidden) close(place);
});

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const place = form.closest("[data-slot], #detail");
  if (form.method !== "post" || !place) return;
  event.preventDefault();
  fill(place, await part(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) }));
  place.querySelector("[data-focus]")?.focus();
});

const calls = document.querySelector("[data-stream]");
if (calls) live(calls);
