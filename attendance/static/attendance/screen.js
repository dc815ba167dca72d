/* Hides a code that is no longer valid: with the connection lost, an old one would send a whole
   hall to a refusal. */
"use strict";
(() => {
  const stale = document.getElementById("stale");
  let timer;
  const watch = () => {
    const seconds = Number.parseFloat(document.getElementById("shown").dataset.validSeconds);
    document.body.classList.remove("stale");
    stale.hidden = true;
    clearTimeout(timer);
    if (seconds > 0) {
      timer = setTimeout(() => {
        document.body.classList.add("stale");
        stale.hidden = false;
      }, seconds * 1000);
    }
  };
  document.body.addEventListener("htmx:afterSettle", watch);
  watch();
})();
