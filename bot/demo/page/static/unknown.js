// What this page does not know is shown as such, and never left out in silence.

import { h } from "./dom.js";

export function unknown(what, object) {
  return h(
    "details",
    { class: "unknown" },
    h("summary", {}, `This page does not know this ${what}: ${String(object?.type ?? "no type")}`),
    h("pre", { tabindex: "0" }, JSON.stringify(object, null, 1)),
  );
}
