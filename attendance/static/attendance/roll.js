/* Calling the roll by keyboard: the first letter of a status presses its button. */
"use strict";
(() => {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.key.length !== 1) return;
    const key = event.key.toLocaleUpperCase(document.documentElement.lang);
    const button = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (button instanceof HTMLButtonElement) {
      event.preventDefault();
      button.click();
    }
  });
})();
