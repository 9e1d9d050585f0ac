// What pages do beyond being read. Each part is an improvement of a page that works without it.
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);

  // The key "/" leads to the search box.
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, select, textarea, [contenteditable]");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      $("#where")?.select();
    }
  });

  // A digest is copied whole.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    let said = "copied";
    try { await navigator.clipboard.writeText(button.dataset.copy); } catch { said = "not allowed"; }
    const word = button.textContent;
    button.textContent = said;
    setTimeout(() => { button.textContent = word; }, 1500);
  });
  const offerCopies = (root) => root.querySelectorAll("button[data-copy][hidden]").forEach((button) => { button.hidden = false; });
  offerCopies(document);
  document.addEventListener("htmx:after:swap", () => offerCopies(document));

  // A select of a filter applies at once; its button is for readers without scripts.
  document.addEventListener("change", (event) => { if (event.target.matches("form[data-apply] :is(select, input[type=checkbox], input[type=range])")) event.target.form.requestSubmit(); });

  // The slider of hours says which moment it stands for while it moves.
  document.querySelectorAll(".scriptless").forEach((part) => { part.hidden = true; });
  document.addEventListener("input", (event) => {
    if (!event.target.matches("input[data-hours]")) return;
    const at = new Date(Date.now() + event.target.value * 3600000);
    const said = event.target.form.querySelector("output");
    if (said) said.textContent = event.target.value === "0" ? "now" : `${at.toISOString().slice(0, 16).replace("T", " ")} UTC`;
  });

  // Ages grow older while a page about the present is open.
  const age = (millis) => {
    const units = [[1000, "s", 60], [60000, "min", 60], [3600000, "h", 24], [86400000, "d", 60], [2592000000, "months", 24.33], [31536000000, "years", Infinity]];
    const distance = Math.abs(millis);
    if (distance < 1000) return "now";
    const [size, unit] = units.find(([size, , count]) => distance < size * count);
    const text = `${Math.floor(distance / size)} ${unit}`;
    return millis < 0 ? `in ${text}` : `${text} ago`;
  };
  let skew = 0;
  const growOlder = () => document.querySelectorAll("time[datetime]").forEach((time) => {
    const text = age(Date.now() + skew - Date.parse(time.dateTime));
    if (text && !text.startsWith("NaN") && time.textContent !== text) time.textContent = text;
  });

  // What moves is asked for again when the server says that something changed. Only elements that
  // are there and differ are replaced, so that nothing jumps under the pointer; what is new is
  // announced, and shown when the reader asks.
  const listen = document.body.dataset.changes;
  if (!listen) return;
  const live = $("#live"), more = $("#more-new");
  let source = null, busy = false, again = false;
  setInterval(growOlder, 10000);

  const inUse = (element) => element.matches(":active") || element.contains(document.activeElement) && document.activeElement !== document.body
    || (getSelection()?.toString() && getSelection().containsNode(element, true));

  const look = async () => {
    if (busy) { again = true; return; }
    busy = true; again = false;
    try {
      // Rows that the page has are told by their marks, and are not drawn and sent again.
      const headers = { accept: "text/html" };
      if ($("[data-rows]")) headers["portolan-has"] = Array.from(document.querySelectorAll("[data-mark]"), (row) => row.dataset.mark).join(",");
      const answer = await fetch(location.href, { headers });
      if (answer.ok) {
        const sent = Date.parse(answer.headers.get("date"));
        if (sent && Math.abs(sent - Date.now()) > 5000) skew = sent - Date.now();
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        let unseen = 0;
        for (const next of page.querySelectorAll("[data-moves][id]")) {
          const now = document.getElementById(next.id);
          if (!now) { if (next.matches("tr")) unseen += 1; continue; }
          if (now.outerHTML !== next.outerHTML && !inUse(now)) { const part = document.importNode(next, true); offerCopies(part); now.replaceWith(part); }
        }
        if (more) { more.hidden = unseen === 0; more.textContent = `${unseen} new, show`; more.href = location.pathname + location.search; }
      }
    } catch { /* The next call, or the next connection, tries again. */ }
    busy = false;
    if (again) look();
  };

  // A page that nobody sees holds no connection: browsers allow six to one server.
  const attend = () => {
    source?.close();
    source = null;
    if (document.hidden) return;
    source = new EventSource(listen);
    source.addEventListener("open", () => { live.hidden = false; live.classList.remove("lost"); live.textContent = "live"; look(); });
    source.addEventListener("changed", look);
    source.addEventListener("error", () => { live.classList.add("lost"); live.textContent = "not connected, trying again"; });
  };
  attend();
  document.addEventListener("visibilitychange", attend);
  addEventListener("pageshow", (event) => { if (event.persisted) attend(); });
  addEventListener("pagehide", () => source?.close());
})();
