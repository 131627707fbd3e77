/* The agent's desk beside htmx: clocks that go on by themselves, keys, the transfer's dialog, and the word that there is
   no connection. Whatever is done is done by a form of the page: a key presses its button. */
(() => {
  "use strict";
  const now = document.getElementById("now");
  if (!now) return;
  const state = () => now.querySelector("[data-status]");
  const shown = (element) => element && !element.disabled && element.offsetParent !== null;

  /* --- clocks: the server's time, carried on by ours ------------------------------------------------------------- */
  let ahead = 0;
  const tune = () => {
    const at = Number(state()?.dataset.now);
    if (at) ahead = at - Date.now() / 1000;
  };
  const written = (seconds) => {
    const whole = Math.max(Math.round(seconds), 0);
    const hours = Math.floor(whole / 3600);
    const two = (part) => String(part).padStart(2, "0");
    const minutes = Math.floor((whole % 3600) / 60);
    return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
  };
  const tick = () => {
    const present = Date.now() / 1000 + ahead;
    for (const one of document.querySelectorAll("[data-since]")) one.textContent = written(present - one.dataset.since);
    for (const one of document.querySelectorAll("[data-until]")) one.textContent = written(one.dataset.until - present);
  };
  /* --- the title: the state, and by turns that it rings ------------------------------------------------------------ */
  const name = document.title.split(" · ").pop();
  let odd = false;
  const titled = () => {
    const phone = document.getElementById("phone");
    const heading = now.querySelector("h1")?.textContent.trim().replace(/\s+/g, " ");
    odd = !odd && phone?.dataset.phone === "ringing";
    const wanted = odd ? `☎ ${phone.dataset.ringing}` : `${heading} · ${name}`;
    if (document.title !== wanted) document.title = wanted;
  };
  tune();
  setInterval(() => { tick(); titled(); }, 1000);

  /* --- what follows from another talk or another state ------------------------------------------------------------ */
  const talk = () => `${state()?.dataset.token} ${state()?.dataset.status}`;
  let last = talk();
  const changed = () => {
    tune();
    tick();
    if (talk() === last) return;
    last = talk();
    if (!document.activeElement?.closest("#wrap-up")) document.body.dispatchEvent(new CustomEvent("desk:talk"));
    document.body.dispatchEvent(new CustomEvent("desk:state", { detail: { status: state()?.dataset.status } }));
    if (state()?.dataset.status !== "busy") closeTransfer();
  };
  document.addEventListener("htmx:after:swap", changed);

  /* --- an outcome says at first whether the matter is resolved ----------------------------------------------------- */
  document.addEventListener("change", (event) => {
    const picked = event.target;
    if (picked.name !== "code" || !picked.dataset.resolved) return;
    const form = picked.closest("form");
    if (form.dataset.said) return;
    const answer = form.querySelector(`input[name=resolved][value=${picked.dataset.resolved}]`);
    if (answer) answer.checked = true;
  }, true);
  document.addEventListener("change", (event) => {
    if (event.target.name === "resolved") event.target.closest("form").dataset.said = "yes";
  });
  document.addEventListener("htmx:after:request", (event) => {
    const source = event.detail.ctx.sourceElement;
    if (source.id === "wrap-form") document.body.dispatchEvent(new CustomEvent("desk:saved"));
  });

  /* --- the transfer's dialog --------------------------------------------------------------------------------------- */
  const transfer = document.getElementById("transfer");
  const closeTransfer = () => transfer?.open && transfer.close();
  document.addEventListener("htmx:after:swap", () => {
    const body = document.getElementById("transfer-body");
    const fresh = body?.firstElementChild && !body.dataset.seen;
    if (fresh && shown(document.getElementById("open-transfer"))) {
      body.dataset.seen = "yes";
      transfer.showModal();
      body.querySelector("button, input:not([type=hidden])")?.focus();
    }
  });
  transfer?.addEventListener("close", () => {
    const body = document.getElementById("transfer-body");
    body.replaceChildren();
    delete body.dataset.seen;
  });
  transfer?.addEventListener("submit", () => setTimeout(closeTransfer, 0));

  /* --- keys ---------------------------------------------------------------------------------------------------------- */
  const keys = document.getElementById("keys");
  const openKeys = document.getElementById("open-keys");
  for (const hidden of document.querySelectorAll(".needs-script")) hidden.hidden = false;
  openKeys?.addEventListener("click", () => keys.showModal());

  const typing = (target) => target.closest("input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]");
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || typing(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "?") return keys.showModal();
    if (event.key === "Enter" && event.target.closest("a, button, summary, input")) return;
    if (event.key.toLowerCase() === "n") {
      const first = document.querySelector("#wrap-form input:checked, #wrap-form input[name=code]");
      if (first) event.preventDefault();
      return first?.focus();
    }
    const pressed = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const wanted = [...document.querySelectorAll("[data-press]")].find((one) => one.dataset.press === pressed && shown(one));
    if (!wanted) return;
    event.preventDefault();
    wanted.click();
  });

  /* --- the connection ------------------------------------------------------------------------------------------------ */
  const lost = document.getElementById("lost");
  setInterval(() => {
    const late = document.body.classList.contains("is-late") || !navigator.onLine;
    if (lost.hidden === late) lost.hidden = !late;
  }, 500);
  window.addEventListener("online", () => now.dispatchEvent(new CustomEvent("refresh")));
})();
