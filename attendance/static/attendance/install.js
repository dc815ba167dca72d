/* Registers the service worker, with which ATTN can be put on the home screen. */
"use strict";
navigator.serviceWorker?.register("/sw.js").catch(() => {/* The site works without it. */});
