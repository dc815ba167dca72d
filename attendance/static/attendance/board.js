/* Tells the rows to load when the stream says that the lesson has changed, has a minute less, or is
   over. Without a stream the rows ask by themselves every two seconds: the same page, the same rows.
   After the end they always do: how it is saved, the stream does not know. */
"use strict";
(() => {
  const board = document.getElementById("board");
  const line = document.getElementById("connection");
  const say = (what) => {
    if (line.textContent !== board.dataset[what]) line.textContent = board.dataset[what];
  };
  const load = () => htmx.trigger("#rows", "changed");
  const isOpen = () => document.querySelector("#rows[data-open]") !== null;
  const sayHow = () => say(isStreaming ? "live" : isOpen() ? "asking" : "later");
  let isStreaming = false;
  let source = null;

  const stop = () => {
    source?.close();
    source = null;
    isStreaming = false;
    sayHow();
  };

  const listen = () => {
    source = new EventSource(board.dataset.stream);
    source.addEventListener("open", () => {
      isStreaming = true;
      sayHow();
    });
    source.addEventListener("changed", () => {
      isStreaming = true;
      load();
    });
    // The live store does not answer: asking shows when it does, also where the stream does not.
    source.addEventListener("away", () => {
      isStreaming = false;
      load();
    });
    source.addEventListener("gone", () => {
      stop();
      load();
    });
    source.addEventListener("error", () => {
      isStreaming = false;
      sayHow();
      // A ticket lasts a minute: a new page has a new one. Until then the rows ask.
      if (source?.readyState === EventSource.CLOSED) setTimeout(renew, 5_000);
    });
  };

  const renew = async () => {
    try {
      const text = await (await fetch(location.href)).text();
      const found = new DOMParser().parseFromString(text, "text/html").getElementById("board");
      if (found?.dataset.stream) {
        board.dataset.stream = found.dataset.stream;
        listen();
      }
    } catch {
      setTimeout(renew, 5_000);
    }
  };

  /* A row that was marked may move to another group: then the focus goes to the one that has taken
     its place, so that names are marked one after another. Where it stays, so does the focus. */
  const rows = () => [...document.querySelectorAll(".register tr[id]")];
  let place = -1, status = "", isFound = false;
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    const button = event.detail.requestConfig.triggeringEvent?.submitter;
    if (!button) return;
    const own = button.closest(".register tr[id]");
    place = own ? rows().indexOf(own) : -1;
    status = button.className;
    isFound = button.closest("#people") !== null;
  });
  const focusPlace = () => {
    const left = rows();
    const at = left[Math.min(place, left.length - 1)];
    const button = at?.querySelector(`.set .${status}`) ?? document.getElementById("search");
    if (button instanceof HTMLElement) button.focus();
    place = -1;
  };
  // Not when it has settled: a key that was pressed by then has led to another row.
  document.body.addEventListener("htmx:afterSwap", (/** @type {any} */ event) => {
    if (event.detail.requestConfig?.verb !== "post") return;
    if (isFound) {
      // The next one is looked for: what was found is typed over.
      isFound = false;
      const find = document.getElementById("find");
      if (find instanceof HTMLInputElement) find.select();
    }
    if (place >= 0) focusPlace();
  });

  /* Rows that ask wait for a press that is on its way: its answer replaces them, and they would
     take from it the place where its answer goes. What was missed meanwhile is asked for then. */
  let pressed = 0, isMissed = false;
  const answered = () => {
    pressed -= 1;
    if (pressed > 0 || !isMissed) return;
    isMissed = false;
    load();
  };
  const isAsking = (event) =>
    event.detail.requestConfig.verb === "get" && event.detail.elt.id === "rows";
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    const { elt, requestConfig, xhr } = event.detail;
    if (isAsking(event)) {
      if (pressed > 0) isMissed = true;
      // While the stream speaks, asking as well would only cost.
      if (pressed > 0 || (isStreaming && !requestConfig.triggeringEvent)) event.preventDefault();
      const load = xhr.onload;
      xhr.onload = () => elt.isConnected && load.call(xhr);
    } else if (requestConfig.verb === "post") {
      pressed += 1;
      xhr.addEventListener("loadend", answered);
    }
  });
  document.body.addEventListener("htmx:beforeSwap", (/** @type {any} */ event) => {
    if (pressed === 0 || !isAsking(event)) return;
    isMissed = true;
    event.detail.shouldSwap = false;
  });
  /* A press without an answer is named, where it was pressed: the row shows what is known. */
  const sayUnconfirmed = (button) => {
    const dialog = button.closest("dialog");
    const pressed = dialog?.querySelector("h2") ?? button;
    const what = pressed.getAttribute("aria-label") ?? pressed.textContent;
    const words = board.dataset.unconfirmed.replace("{what}", what);
    if (dialog) {
      dialog.querySelector("[role=alert]").textContent = words;
      return;
    }
    const line = document.createElement("p");
    line.className = "message error";
    line.textContent = words;
    document.getElementById("said").replaceChildren(line);
  };
  for (const failure of ["htmx:sendError", "htmx:responseError"]) {
    document.body.addEventListener(failure, (/** @type {any} */ event) => {
      say("offline");
      const button = event.detail.requestConfig.triggeringEvent?.submitter;
      if (button) sayUnconfirmed(button);
    });
  }
  // It comes after an error, too.
  document.body.addEventListener("htmx:afterOnLoad", (event) => {
    if (event.detail.xhr.status < 400) sayHow();
  });
  document.body.addEventListener("htmx:afterSettle", () => {
    if (source && !isOpen()) stop();
  });

  if (board.dataset.stream) listen();
  else sayHow();
})();
