/* Looks whether a page that waits has something new, and loads it only then: whoever reads, or hears
   it read, is not interrupted for nothing. */
"use strict";
(() => {
  const MS = Number(document.currentScript.dataset.seconds) * 1_000;
  const TRY_LATER = [429, 500, 502, 503, 504];
  const words = (page) => page.getElementById("main")?.textContent.replace(/\s+/g, " ").trim();

  const look = async () => {
    try {
      const answer = await fetch(location.href);
      if (!TRY_LATER.includes(answer.status)) {
        const found = new DOMParser().parseFromString(await answer.text(), "text/html");
        if (answer.redirected || words(found) !== words(document)) {
          location.replace(answer.url);
          return;
        }
      }
    } catch { /* offline: the next look may find it */ }
    setTimeout(look, MS);
  };
  setTimeout(look, MS);
})();
