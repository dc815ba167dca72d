/* The service worker: keeps the files of the look and one page without people for a browser that has
   no connection. It keeps no page of anybody, sends nothing, and marks nobody. /sw.js says what the
   files are. */
"use strict";
(() => {
  const { name, files, page } = self.shell;

  const fill = async () => {
    const cache = await caches.open(name);
    // Without cookies: what is kept is the same for everybody.
    await cache.addAll([...files, page].map((each) => new Request(each, { credentials: "omit" })));
    await self.skipWaiting();
  };
  const forgetOthers = async () => {
    const others = (await caches.keys()).filter((each) => each !== name);
    await Promise.all(others.map((each) => caches.delete(each)));
  };
  const orKept = async (request, kept) => {
    try {
      return await fetch(request);
    } catch (error) {
      const found = await (await caches.open(name)).match(kept);
      if (found) return found;
      throw error;
    }
  };

  self.addEventListener("install", (event) => event.waitUntil(fill()));
  self.addEventListener("activate", (event) => event.waitUntil(forgetOthers()));
  self.addEventListener("fetch", (event) => {
    const { request } = event;
    const { origin, pathname } = new URL(request.url);
    if (request.method !== "GET" || origin !== location.origin) return;
    if (request.mode === "navigate") event.respondWith(orKept(request, page));
    else if (files.includes(pathname)) event.respondWith(orKept(request, pathname));
  });
})();
