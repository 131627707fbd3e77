/* What refreshing in place needs beside htmx: the ETag of what is shown, the time of the last news, the word when there
   has been none for too long, and one polite sentence for whoever listens instead of looking.

   A part that refreshes has data-live="SECONDS" (how often). Its answer may carry a data-etag and an `Updated` header. */
(() => {
  "use strict";
  const MISSED = 2; // refreshes without news until it is said

  const heard = new WeakMap();
  const parts = () => document.querySelectorAll("[data-live]");

  document.addEventListener("htmx:config:request", (event) => {
    const part = event.detail.ctx.sourceElement;
    if (!part.matches("[data-live]")) return;
    const shown = part.querySelector("[data-etag]") || part;
    if (shown.dataset.etag) event.detail.ctx.request.headers["If-None-Match"] = shown.dataset.etag;
  });

  document.addEventListener("htmx:after:request", (event) => {
    const { sourceElement: part, response } = event.detail.ctx;
    if (!part.matches("[data-live]")) return;
    if (response.status !== 200 && response.status !== 304) return;
    heard.set(part, Date.now());
    document.body.classList.remove("is-late");
    const updated = response.headers.get("Updated");
    for (const time of document.querySelectorAll("#updated, [data-updated]")) if (updated) time.textContent = updated;
  });

  document.addEventListener("htmx:after:swap", () => {
    const said = document.getElementById("said");
    const heading = document.querySelector("#now h1");
    if (said && heading && said.textContent !== heading.textContent) said.textContent = heading.textContent;
  });

  // A phone that slept, or a hidden tab, catches up the moment it is looked at.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) parts().forEach((part) => part.dispatchEvent(new CustomEvent("every")));
  });

  const begun = Date.now();
  setInterval(() => {
    const late = [...parts()].some((part) => {
      const every = Number(part.dataset.live) * 1000;
      return Date.now() - (heard.get(part) || begun) > every * MISSED + 1000;
    });
    document.body.classList.toggle("is-late", late);
  }, 500);
})();
