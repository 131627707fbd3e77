/* A form that has been typed into says so, and asks before its page is left: <form data-unsaved> with a .unsaved in it.
   What the server sent counts as saved, except with data-dirty: it came back with mistakes, or from a preview.
   It is sent only to a server that answers: the browser's own page about one that does not would have lost it all. */
(() => {
  "use strict";
  const ALIVE = "/healthz", PATIENCE_MS = 5000;
  const ASIDE = new Set(["why", "csrf_token"]); // no loss worth a question

  const state = (form) => JSON.stringify([...new FormData(form)].filter(([name]) => !ASIDE.has(name)));

  for (const form of document.querySelectorAll("form[data-unsaved]")) {
    const line = form.querySelector(".unsaved");
    if (!line) continue; // only to be looked at
    const saved = form.hasAttribute("data-dirty") ? "" : state(form);
    let leaving = false, asking = false, away = false;
    const look = () => {
      const said = away ? line.dataset.away : state(form) === saved ? "" : line.dataset.said;
      if (line.textContent !== said) line.textContent = said;
      for (const field of form.querySelectorAll(".field")) {
        const input = field.querySelector("input:not([type=hidden]), select");
        if (!input) continue;
        const same = input.type === "checkbox" ? input.checked === input.defaultChecked
          : input.tagName === "SELECT" ? !input.selectedOptions[0] || input.selectedOptions[0].defaultSelected || ![...input.options].some((one) => one.defaultSelected)
          : input.value === input.defaultValue;
        field.classList.toggle("changed", !same && !ASIDE.has(input.name));
      }
    };
    const alive = async () => {
      try {
        return (await fetch(ALIVE, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) })).status < 500; // a proxy may keep this path to itself
      } catch {
        return false;
      }
    };
    form.addEventListener("input", look);
    form.addEventListener("change", look);
    form.addEventListener("submit", async (event) => {
      if (leaving) return;
      event.preventDefault();
      if (asking) return;
      asking = true;
      away = !(await alive());
      asking = false;
      look();
      if (away || !form.reportValidity()) return; // it can be typed into meanwhile
      leaving = true;
      form.requestSubmit(event.submitter);
    });
    addEventListener("pageshow", () => { leaving = false; look(); }); // the browser may have kept what was typed
    addEventListener("beforeunload", (event) => {
      if (!leaving && state(form) !== saved) event.preventDefault();
    });
  }
})();
