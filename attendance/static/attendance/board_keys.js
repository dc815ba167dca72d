/* The register by keyboard, and a reason in one more click. Arrows go from row to row, the letters
   on the buttons press them, Ctrl-Z takes the last word back, / looks for somebody. */
"use strict";
(() => {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("reasons"));
  const typed = /** @type {HTMLInputElement} */ (document.getElementById("reason-typed"));
  const isTyping = (target) =>
    target.closest("input:not([type=checkbox], [type=radio]), textarea, select, dialog") !== null;
  const rowsNow = () => [...document.querySelectorAll(".register tr[id]")];
  const rowOf = (element) => element?.closest(".register tr[id]");
  const focusRow = (row) => {
    const at = row?.querySelector(".set [aria-pressed=true]") ?? row?.querySelector(".set button");
    at?.focus();
    return Boolean(at);
  };
  const step = (by) => {
    const rows = rowsNow();
    const place = rows.indexOf(rowOf(document.activeElement));
    return focusRow(rows[place < 0 ? 0 : Math.min(Math.max(place + by, 0), rows.length - 1)]);
  };
  /* What has just come is not htmx's for some milliseconds: sent by the browser alone, it would load
     the whole page, and the place in it would be lost. */
  const click = (/** @type {any} */ button) => {
    if (button) htmx.process(button.form);
    button?.click();
    return Boolean(button);
  };
  const press = (key) => {
    const wanted = key.toLocaleUpperCase(document.documentElement.lang);
    const buttons = rowOf(document.activeElement)?.querySelectorAll(".set button") ?? [];
    const button = [...buttons].find((each) => each.textContent === wanted);
    return click(button);
  };
  const undo = () => click(document.getElementById("undo"));
  const find = () => {
    const search = document.getElementById("search");
    search?.focus();
    return Boolean(search);
  };

  const act = (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") return undo();
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    if (event.key === "ArrowDown") return step(1);
    if (event.key === "ArrowUp") return step(-1);
    // A letter does something only where a row has the focus: whoever dictates is not surprised.
    if (event.key === "/") return Boolean(rowOf(document.activeElement)) && find();
    return event.key.length === 1 && press(event.key);
  };
  document.addEventListener("keydown", (event) => {
    if (!isTyping(event.target) && act(event)) event.preventDefault();
  });

  /* An excuse has a reason: the dialog asks for it, and sends what the button would have sent. */
  document.addEventListener("click", (event) => {
    const pressed = event.target instanceof Element && event.target.closest(".set .excused");
    const button = pressed instanceof HTMLButtonElement ? pressed : null;
    if (!button || button.getAttribute("aria-pressed") === "true") return;
    event.preventDefault();
    for (const field of dialog.querySelectorAll("input")) {
      const own = button.form.elements.namedItem(field.name);
      if (field.name === "mark") field.value = button.value;
      else if (field.type === "hidden" && own instanceof HTMLInputElement) field.value = own.value;
    }
    dialog.querySelector("[role=alert]").textContent = "";
    dialog.querySelector("bdi").textContent = rowOf(button).querySelector("bdi").textContent;
    dialog.showModal();
  }, true);
  document.getElementById("reason-none").addEventListener("click", () => dialog.close());
  dialog.addEventListener("htmx:afterRequest", (/** @type {any} */ event) => {
    // Without an answer what was typed stays, and can be sent again.
    if (!event.detail.successful) return;
    typed.value = "";
    dialog.close();
  });
})();
