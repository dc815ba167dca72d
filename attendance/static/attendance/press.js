/* Keeps a press that has no connection: the page stays, says so, and sends it when the connection is
   back. Only what was pressed is sent, from this page alone: the server takes the same press twice
   as one. The answer becomes the page, whatever it is. */
"use strict";
(() => {
  const AGAIN_MS = 4_000, ANSWER_MS = 20_000, SOON_MS = 1_000;

  const become = (address, page) => {
    history.replaceState(null, "", address);
    document.open();
    document.write(page);
    document.close();
  };

  const keep = (form, notice) => {
    const { sends, waits, over, seconds } = notice.dataset;
    const until = Date.now() + Number(seconds) * 1_000;
    let pressed = null, isSending = false, timer = 0;
    const say = (words) => {
      if (notice.textContent !== words) notice.textContent = words;
    };

    const send = async () => {
      clearTimeout(timer);
      isSending = true;
      const stopper = new AbortController();
      const late = setTimeout(() => stopper.abort(), ANSWER_MS);
      const slow = setTimeout(() => notice.textContent || say(sends), SOON_MS);
      try {
        const { signal } = stopper;
        const answer = await fetch(form.action, { method: "POST", body: pressed, signal });
        const page = await answer.text();
        pressed = null;
        become(answer.url, page);
      } catch {
        if (!pressed) return;
        say(waits);
        timer = setTimeout(again, AGAIN_MS);
      } finally {
        clearTimeout(late);
        clearTimeout(slow);
        isSending = false;
      }
    };
    const again = () => {
      if (!pressed || isSending) return;
      if (Date.now() < until) {
        send();
        return;
      }
      pressed = null;
      say(over);
    };

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (isSending) return;
      say("");
      pressed = new URLSearchParams(/** @type {any} */ (new FormData(form)));
      send();
    });
    const drop = () => {
      pressed = null;
      say("");
    };
    // What is typed now was not pressed, and what was pressed is not meant any more.
    form.addEventListener("input", drop);
    // Nobody waits on a page that was left, also where the browser keeps it for Back.
    addEventListener("pagehide", drop);
    // A connection that has just come back seldom carries anything in its first moment.
    addEventListener("online", () => {
      clearTimeout(timer);
      timer = setTimeout(again, SOON_MS);
    });
  };

  for (const notice of document.querySelectorAll("[data-press]")) {
    keep(notice.closest("form"), notice);
  }
})();
