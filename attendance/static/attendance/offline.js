/* Says that this device has lost its connection, and takes it back. */
"use strict";
(() => {
  const notice = document.getElementById("offline");
  const show = () => {
    notice.textContent = navigator.onLine ? "" : notice.dataset.words;
  };
  for (const change of ["online", "offline"]) addEventListener(change, show);
  show();
})();
