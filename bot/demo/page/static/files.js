// Uploaded files by id, and how a message shows them.

import { h } from "./dom.js";

const known = new Map();

export const files = {
  get: (id) => known.get(id),
  learn(file) {
    known.set(file.id, file);
  },
};

const SIZES = ["bytes", "kB", "MB"];

function sizeText(bytes) {
  let size = bytes;
  let step = 0;
  while (size >= 1000 && step < 2) { size /= 1000; step += 1; }
  return `${step ? size.toFixed(1) : size} ${SIZES[step]}`;
}

export function attached(shared) {
  const file = known.get(shared.id) ?? null;
  if (!file) return h("p", { class: "missing" }, `A file that is not here: ${shared.name ?? shared.id}`);
  if (file.mimetype.startsWith("image/")) {
    return h("figure", { class: "picture" }, h("figcaption", {}, file.title), h("img", { src: file.url, alt: file.alt || file.title, loading: "lazy" }));
  }
  return h(
    "a",
    { class: "file", href: file.url, target: "_blank" },
    h("strong", {}, file.title || file.name),
    h("span", {}, `${file.name} · ${sizeText(file.size)}`),
  );
}
