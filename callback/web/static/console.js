/* What menus and disclosures of the console do better with a script: close on Escape and on a click elsewhere. */
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
})();
