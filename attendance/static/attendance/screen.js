/* The projector: shows how long the code holds, and hides one that is no longer valid. With the
   connection lost, an old one would send a whole hall to a refusal. */
"use strict";
(() => {
  const LOOK = "attn.look", STEP_MS = 250;
  const root = document.documentElement;
  const stale = document.getElementById("stale");
  let endsAt = Number.POSITIVE_INFINITY;

  const watch = () => {
    const seconds = Number.parseFloat(document.getElementById("shown").dataset.validSeconds);
    endsAt = seconds > 0 ? Date.now() + seconds * 1_000 : Number.POSITIVE_INFINITY;
    show();
  };
  const show = () => {
    const isOver = Date.now() >= endsAt;
    document.body.classList.toggle("stale", isOver);
    stale.hidden = !isOver;
    const bar = document.querySelector("#shown progress");
    const whole = Number(document.getElementById("shown").dataset.codeSeconds) * 1_000;
    if (bar instanceof HTMLProgressElement) {
      bar.value = Math.min(Math.max((endsAt - Date.now()) / whole, 0), 1);
    }
  };
  document.body.addEventListener("htmx:afterSettle", watch);
  setInterval(show, STEP_MS);
  watch();

  const remembered = () => {
    try {
      return localStorage.getItem(LOOK);
    } catch {
      return null;
    }
  };
  const wear = (look) => {
    root.dataset.look = look;
    root.style.colorScheme = look;
  };
  const isDark = () =>
    root.dataset.look
      ? root.dataset.look === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
  const look = remembered();
  if (look) wear(look);

  const larger = document.getElementById("larger");
  const full = document.getElementById("full");
  document.getElementById("tools").hidden = false;
  full.hidden = !document.fullscreenEnabled;
  full.addEventListener(
    "click",
    () => document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen(),
  );
  larger.addEventListener("click", () => {
    const isLarger = document.body.classList.toggle("larger");
    larger.setAttribute("aria-pressed", String(isLarger));
  });
  document.getElementById("look").addEventListener("click", () => {
    wear(isDark() ? "light" : "dark");
    try {
      localStorage.setItem(LOOK, root.dataset.look);
    } catch { /* full, or forbidden: it holds for this page */ }
  });
})();
