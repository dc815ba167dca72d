// What the pages' scripts use beside the browser's own names.

declare const htmx: { trigger(target: string, event: string): void };

interface Element {
  readonly dataset: DOMStringMap;
}

interface HTMLElementEventMap {
  "htmx:beforeRequest": CustomEvent & { target: HTMLElement };
  "htmx:afterSettle": CustomEvent & { target: HTMLElement };
  "htmx:afterOnLoad": CustomEvent;
}
