"use strict";
(() => {
  const loaded = Date.now();
  let quiet = 0; // until then nothing can be approved

  function settle() {
    const wait = quiet - Date.now();
    document.querySelectorAll("button.yes").forEach(b => { b.disabled = wait > 0; });
    if (wait > 0) setTimeout(settle, wait + 1);
  }

  const ids = () => [...document.querySelectorAll("article.question")].map(q => q.id).join();
  const reasons = () => new Map([...document.querySelectorAll("input[name=reason]")].filter(i => i.value).map(i => [i.id, i.value]));

  // refresh puts the page's main part in anew, and keeps what is being typed.
  async function refresh() {
    let answer, text;
    try {
      answer = await fetch(location.pathname, { cache: "no-store", credentials: "same-origin" });
      text = await answer.text();
    } catch {
      return; // sallyport has ended; what is shown stays
    }
    if (answer.status === 401) { location.reload(); return; }
    // From here on nobody waits, and nobody can type.
    const typed = reasons(), focus = document.activeElement && document.activeElement.id;
    const before = ids();
    const said = document.querySelector("main > .notice[role=status]");
    const next = new DOMParser().parseFromString(text, "text/html");
    document.querySelector("main").replaceWith(document.adoptNode(next.querySelector("main")));
    document.title = next.title;
    const main = document.querySelector("main");
    if (said && Date.now() - loaded < 8000 && !main.querySelector(":scope > .notice[role=status]")) main.prepend(said);
    for (const [id, value] of typed) {
      const input = document.getElementById(id);
      if (input) input.value = value;
    }
    // What moves under a pointer that is about to press must not take the press.
    if (ids() !== before) quiet = Date.now() + 700;
    settle();
    if (focus) document.getElementById(focus)?.focus();
    count();
  }

  function count() {
    for (const t of document.querySelectorAll("time[data-expires]")) {
      const s = Math.max(0, Math.round((Date.parse(t.dateTime) - Date.now()) / 1000));
      t.textContent = s >= 60 ? `${Math.floor(s / 60)}m${String(s % 60).padStart(2, "0")}s` : `${s}s`;
    }
  }

  new EventSource("/events").addEventListener("changed", refresh);
  setInterval(count, 1000);
  count();
  if (location.search) history.replaceState(null, "", location.pathname);
})();
