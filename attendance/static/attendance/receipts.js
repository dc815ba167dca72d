/* The receipt of each mark stays on this phone. It is sent again when a page of ours is opened:
   the server takes it only where it has lost the mark. Each time that the server knows it, the
   next time is twice as far away. */
"use strict";
(() => {
  const KEY = "attn.receipts", MOST = 50, AGAIN_MS = 600_000, SELDOM_MS = 86_400_000;

  const read = () => {
    try {
      return JSON.parse(localStorage.getItem(KEY)) ?? {};
    } catch {
      return {};
    }
  };
  const write = (kept) => {
    const newest = Object.entries(kept).sort((a, b) => b[1].at - a[1].at).slice(0, MOST);
    try {
      localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(newest)));
    } catch { /* full, or forbidden */ }
  };

  const keep = () => {
    const found = document.querySelector("[data-receipt]");
    if (!found) return;
    const kept = read();
    kept[found.dataset.lesson] ??= { at: Date.now(), sent: Date.now() };
    kept[found.dataset.lesson].receipt = found.dataset.receipt;
    write(kept);
  };

  const send = async (receipt) => {
    const csrf = JSON.parse(document.body.getAttribute("hx-headers"))["x-csrftoken"];
    const answer = await fetch("/api/v1/receipts/", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": csrf },
      body: JSON.stringify({ receipt }),
    });
    if (answer.ok) return (await answer.json()).outcome;
    if (answer.status === 410) return "expired";
    // Somebody else's, not one at all, or of a deleted lesson: it is hardly ever taken from here.
    return [400, 403, 409].includes(answer.status) ? "refused" : "";
  };

  const sendAll = async () => {
    const kept = read();
    const lost = document.querySelector("[data-lost]")?.dataset.lost;
    for (const [lesson, each] of Object.entries(kept)) {
      const wait = Math.min(AGAIN_MS * 2 ** (each.times ?? 0), SELDOM_MS);
      if (lesson !== lost && Date.now() - each.sent < wait) continue;
      let outcome;
      try {
        outcome = await send(each.receipt);
      } catch {
        return; /* offline: the next page tries again */
      }
      if (!outcome) continue;
      if (outcome === "expired") {
        delete kept[lesson];
        write(kept);
        continue;
      }
      if (lesson === lost && outcome === "waits") {
        document.querySelector("[data-waits]")?.removeAttribute("hidden");
      }
      each.sent = Date.now();
      each.times = outcome === "restored" ? 0 : (each.times ?? 0) + 1;
      write(kept);
      // Only a mark that has come back changes the page: anything else would load it for ever.
      if (lesson === lost && outcome === "restored") location.reload();
    }
  };

  keep();
  sendAll();
})();
