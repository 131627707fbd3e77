/* What the wallboard does beside listening: one queue after the other, the curves as news of them come, and the whole
   screen. Runs for weeks: nothing here grows. */
(() => {
  "use strict";
  const wall = document.getElementById("live");
  const pause = document.getElementById("pause"), whole = document.getElementById("whole-screen");
  const narrow = matchMedia("(max-width: 48rem)");
  const boards = () => [...wall.querySelectorAll(".board")];

  // --- one after the other --------------------------------------------------------------------------------------

  const turn = Number(wall.dataset.turn) * 1000;
  let shown = null, since = Date.now(), paused = false;

  const turning = () => turn && !narrow.matches && boards().length > 1;

  const show = () => {
    const all = boards(), on = turning();
    wall.classList.add("begun");
    wall.classList.toggle("turning", Boolean(on));
    if (on && !all.some((board) => board.id === shown)) shown = all[0].id;
    for (const board of all) board.classList.toggle("away", Boolean(on && board.id !== shown));
  };

  const next = () => {
    const all = boards(), at = all.findIndex((board) => board.id === shown);
    shown = all[(at + 1) % all.length].id;
    since = Date.now();
    show();
  };

  setInterval(() => {
    if (!turning() || paused || wall.matches(":hover, :focus-within") || Date.now() - since < turn) return;
    next();
  }, 500);
  narrow.addEventListener("change", show);
  document.addEventListener("keydown", (event) => {
    if (event.key === "ArrowRight" && turning()) next();
  });

  if (pause && turn) {
    pause.hidden = false;
    pause.addEventListener("click", () => {
      paused = !paused;
      pause.setAttribute("aria-pressed", String(paused));
    });
  }

  // --- the curves -----------------------------------------------------------------------------------------------

  const draw = (data) => {
    for (const [name, figure] of Object.entries(data || {})) {
      document.querySelector(`[id="${CSS.escape(name)}"] figure`)?.dispatchEvent(
        new CustomEvent("chart:data", { detail: figure, bubbles: true }));
    }
  };
  // A queue that is new has no drawing yet: the page is loaded anew, at most every two minutes.
  const complete = () => {
    const last = Number(sessionStorage.getItem("completed") || 0);
    if (!wall.querySelector(".curve:empty") || Date.now() - last < 120000) return;
    sessionStorage.setItem("completed", String(Date.now()));
    location.reload();
  };

  wall.addEventListener("live:part", (event) => {
    show();
    draw(event.detail.data);
    complete();
  });
  document.addEventListener("htmx:after:swap", () => {
    show();
    const sent = document.getElementById("curves");
    if (sent) draw(JSON.parse(sent.textContent));
    sent?.remove();
  });

  // --- the whole screen -----------------------------------------------------------------------------------------

  if (whole && document.fullscreenEnabled) {
    whole.hidden = false;
    whole.addEventListener("click", () => document.documentElement.requestFullscreen());
    document.addEventListener("fullscreenchange", () =>
      document.body.classList.toggle("whole-screen", Boolean(document.fullscreenElement)));
  }
  show();
})();
