/* What keeps pages fresh, beside htmx: the ETag of what is shown, the stream of news, the time of the last of them, the
   word when there has been none for too long, and one polite sentence for whoever listens instead of looking.

   A part that refreshes has data-live="SECONDS" (how often) and htmx's hx-get. Its answer may carry a data-etag and an
   `Updated` header. With data-stream="URL" it listens there (something comes at least as often), and asks by itself (its
   hx-trigger is "refresh") only while it cannot. data-always keeps the stream open in a hidden tab too, data-reload loads the page anew once its files have
   changed. A part that gets data beside HTML hears the event "live:part", with what was sent as its detail. */
(() => {
  "use strict";
  const MISSED = 2; // refreshes without news until it is said
  const AGAIN_MS = 30000; // until a stream that was refused is tried again

  const heard = new WeakMap();
  const streams = new Map(); // part -> EventSource
  const parts = () => [...document.querySelectorAll("[data-live]")];
  const ask = (part) => part.dispatchEvent(new CustomEvent(part.dataset.stream ? "refresh" : "every"));

  const news = (part, at) => {
    heard.set(part, Date.now());
    document.body.classList.remove("is-late");
    if (at) for (const time of document.querySelectorAll("#updated, [data-updated]")) time.textContent = at;
  };

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
    const tag = response.headers.get("ETag"); // a newer one of the same words says more of when they held
    if (tag && response.status === 304) (part.querySelector("[data-etag]") || part).dataset.etag = tag;
    news(part, response.headers.get("Updated"));
  });

  document.addEventListener("htmx:after:swap", () => {
    const said = document.getElementById("said");
    const heading = document.querySelector("#now h1");
    if (said && heading && said.textContent !== heading.textContent) said.textContent = heading.textContent;
  });

  // --- the stream of news ---------------------------------------------------------------------------------------

  const version = document.querySelector('meta[name="pages-version"]')?.content;

  // While old and new run side by side, either may answer: not more than once in two minutes.
  const reload = () => {
    const last = Number(sessionStorage.getItem("reloaded") || 0);
    if (Date.now() - last < 120000) return;
    sessionStorage.setItem("reloaded", String(Date.now()));
    location.reload();
  };

  const listen = (part) => {
    if (streams.has(part) || !part.dataset.stream || !window.EventSource) return;
    const stream = new EventSource(part.dataset.stream);
    streams.set(part, stream);
    const on = (name, act) => stream.addEventListener(name, (event) => act(JSON.parse(event.data)));
    on("hello", (hello) => {
      if (part.hasAttribute("data-reload") && version && hello.version !== version) reload();
    });
    on("part", (sent) => {
      news(part, sent.at);
      htmx.swap({ sourceElement: part, target: part, text: sent.html, swap: "innerMorph" });
      part.dispatchEvent(new CustomEvent("live:part", { detail: sent, bubbles: true }));
    });
    on("changed", () => ask(part)); // the answer is the news
    on("fresh", (sent) => news(part, sent.at));
    stream.addEventListener("error", () => {
      if (stream.readyState !== EventSource.CLOSED) return; // the browser comes back by itself
      streams.delete(part);
      setTimeout(() => part.isConnected && !document.hidden && listen(part), AGAIN_MS * (0.5 + Math.random()));
      ask(part); // which also leads to the door, when the session is over
    });
  };

  const hush = (part) => {
    streams.get(part)?.close();
    streams.delete(part);
  };

  const alone = (part) => !streams.has(part) || streams.get(part).readyState !== EventSource.OPEN;

  // A browser has few connections for one house: a tab that nobody sees lets go of its own. Whatever slept or was
  // hidden catches up the moment it is looked at.
  document.addEventListener("visibilitychange", () => {
    for (const part of parts()) {
      if (document.hidden) {
        if (!part.hasAttribute("data-always")) hush(part);
      } else {
        listen(part);
        ask(part);
      }
    }
  });
  window.addEventListener("pagehide", () => [...streams.keys()].forEach(hush));

  // --- late or not ----------------------------------------------------------------------------------------------

  const begun = Date.now();
  const patience = (part) => (Number(part.dataset.live) * MISSED + 1) * 1000;
  let asked = 0;
  setInterval(() => {
    const now = Date.now();
    document.body.classList.toggle("is-late", parts().some((part) => now - (heard.get(part) || begun) > patience(part)));
    if (document.hidden) return;
    for (const part of parts()) {
      const every = Number(part.dataset.live) * 1000;
      if (part.dataset.stream && alone(part) && now - Math.max(heard.get(part) || begun, asked) >= every) {
        asked = now;
        ask(part);
      }
    }
  }, 500);
  if (!document.hidden) parts().forEach(listen);
})();
