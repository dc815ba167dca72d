/* Ticks every absence of the page at once; without this script each is ticked by hand. */
"use strict";
(() => {
  const button = document.getElementById("select-all");
  if (!button) {
    return;
  }
  button.hidden = false;
  button.addEventListener("click", () => {
    const boxes = [...document.querySelectorAll("input")].filter((box) => box.name === "ids");
    const all = boxes.every((box) => box.checked);
    for (const box of boxes) {
      box.checked = !all;
    }
  });
})();
