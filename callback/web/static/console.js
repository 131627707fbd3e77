/* What the console's pages do better with a script: menus close on Escape and on a click elsewhere, and what is shown
   once can be copied. */
(() => {
  "use strict";
  const MENUS = "details.menu[open], details.dropdown-plain[open]";

  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll(MENUS)) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll(MENUS)) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  for (const button of document.querySelectorAll("[data-copy]")) {
    if (!navigator.clipboard) break;
    const named = button.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const from = document.getElementById(button.dataset.copy);
      await navigator.clipboard.writeText(from.value ?? from.innerText.trim());
      button.textContent = button.dataset.copied;
      setTimeout(() => { button.textContent = named; }, 2000);
    });
  }

  // Long sections are folded where they would make a page without end, but never the one that an address names, and
  // are whole on paper.
  const folds = () => [...document.querySelectorAll("details.fold")];
  const target = () => document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const unfold = () => { const fold = target()?.closest("details.fold"); if (fold) fold.open = true; };
  if (matchMedia("(max-width: 44rem)").matches) for (const fold of folds()) fold.open = fold === target();
  window.addEventListener("hashchange", unfold);
  let folded = [];
  window.addEventListener("beforeprint", () => { folded = folds().filter((fold) => !fold.open); for (const fold of folded) fold.open = true; });
  window.addEventListener("afterprint", () => { for (const fold of folded) fold.open = false; });
})();
