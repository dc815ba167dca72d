/* Reads the code on the screen with the camera, where the browser can. It opens only an address of
   this site's codes, and nothing that the camera sees is kept or sent. */
"use strict";
(async () => {
  const QR = "qr_code", LOOK_MS = 200;
  const OURS = /^\/c\/[a-z0-9]{4}\/[0-9a-f]{20}\/?$/i;
  const place = document.getElementById("camera");
  const Detector = globalThis.BarcodeDetector;
  if (!place || !Detector || !navigator.mediaDevices?.getUserMedia) return;
  const formats = await Detector.getSupportedFormats().catch(() => []);
  if (!formats.includes(QR)) return;

  const button = place.querySelector("button"), video = place.querySelector("video");
  const notice = place.querySelector("p");
  const detector = new Detector({ formats: [QR] });
  const words = button.dataset, toStart = button.textContent;
  let stream = null;
  const say = (text) => {
    if (notice.textContent !== text) notice.textContent = text;
  };

  const pathOf = (text) => {
    const url = URL.canParse(text) ? new URL(text) : null;
    return url?.origin === location.origin && OURS.test(url.pathname) ? url.pathname : "";
  };
  const stop = () => {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    video.srcObject = null;
    video.hidden = true;
    button.textContent = toStart;
  };
  const look = async () => {
    if (!stream) return;
    // A picture that is not there yet cannot be read: the next one is.
    const found = await detector.detect(video).catch(() => []);
    if (!stream) return;
    const path = found.map((each) => pathOf(each.rawValue)).find(Boolean);
    if (path) {
      stop();
      location.assign(path);
      return;
    }
    if (found.length) say(words.other);
    setTimeout(look, LOOK_MS);
  };
  const start = async () => {
    say("");
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      video.srcObject = stream;
      video.hidden = false;
      button.textContent = words.stop;
      look();
      // Rejected where the camera is stopped before its first picture.
      await video.play().catch(() => {});
    } catch {
      stop();
      say(words.refused);
    }
  };

  button.addEventListener("click", () => {
    if (stream) stop();
    else start();
  });
  addEventListener("pagehide", stop);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) stop();
  });
  place.hidden = false;
})();
