// What the pages' scripts use beside the browser's own names.

declare const htmx: { process(element: Element): void; trigger(target: string, event: string): void };

// Not in every browser, and not in TypeScript's names.
declare var BarcodeDetector: any;

// In a service worker.
interface Window {
  shell: { name: string; files: string[]; page: string };
  skipWaiting(): Promise<void>;
}

interface LongEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}

interface WindowEventMap {
  install: LongEvent;
  activate: LongEvent;
  fetch: LongEvent & { request: Request; respondWith(answer: Promise<Response>): void };
}

interface Element {
  readonly dataset: DOMStringMap;
}

interface HTMLElementEventMap {
  "htmx:beforeRequest": CustomEvent & { target: HTMLElement };
  "htmx:afterSettle": CustomEvent & { target: HTMLElement };
  "htmx:afterOnLoad": CustomEvent;
}
