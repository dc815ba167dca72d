/* Puts what was typed before a session had ended back into its form. Where the form has nothing to
   type into, or without this script, a button sends it as it was. */
"use strict";
(() => {
  const kept = document.getElementById("unsent");
  const sender = kept.querySelector("form");
  const typed = new FormData(sender);
  const pathOf = (address) => new URL(address, location.href).pathname;
  const action = pathOf(kept.dataset.action);
  const isForTyping = (field) =>
    field.name && typed.has(field.name) &&
    !["hidden", "submit", "button", "file"].includes(field.type);
  const fill = (field) => {
    if (["checkbox", "radio"].includes(field.type)) {
      field.checked = typed.getAll(field.name).includes(field.value);
    } else {
      field.value = typed.get(field.name);
    }
  };

  for (const form of document.forms) {
    const isIts = form !== sender && form.method === "post" && pathOf(form.action) === action;
    const fields = isIts ? [...form.elements].filter(isForTyping) : [];
    if (!fields.length) continue;
    fields.forEach(fill);
    const folded = form.closest("details");
    if (folded) folded.open = true;
    sender.hidden = true;
    const [asItWas, inItsForm] = kept.querySelectorAll("span");
    asItWas.hidden = true;
    inItsForm.hidden = false;
    if (fields[0] instanceof HTMLElement) fields[0].focus();
    return;
  }
})();
