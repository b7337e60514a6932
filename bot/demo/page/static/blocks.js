// Block Kit, as Slack shows it. `where` says what an element does when it is used.

import { h } from "./dom.js";
import { element, inputBlock } from "./elements.js";
import { files } from "./files.js";
import { textObject } from "./mrkdwn.js";
import { markdown, richText } from "./richtext.js";
import { unknown } from "./unknown.js";

export const blocks = (several, where) => (several ?? []).map((block) => one(block, where));

function one(block, where) {
  switch (block.type) {
    case "header": return h("p", { class: "block header", role: "heading", "aria-level": "3" }, textObject(block.text));
    case "section": return section(block, where);
    case "context": return h("div", { class: "block context" }, (block.elements ?? []).map(fine));
    case "actions": return h("div", { class: "block actions" }, (block.elements ?? []).map((each) => element(each, block, where)));
    case "divider": return h("hr", { class: "block" });
    case "image": return picture(block);
    case "rich_text": return richText(block);
    case "table": return table(block);
    case "markdown": return markdown(String(block.text ?? ""));
    case "input": return inputBlock(block, where);
    case "alert": return h("p", { class: `block alert ${block.level ?? "default"}` }, textObject(block.text));
    default: return unknown("block", block);
  }
}

function section(block, where) {
  const fields = block.fields?.length
    ? h("div", { class: "fields" }, block.fields.map((field) => h("div", {}, textObject(field))))
    : null;
  const accessory = block.accessory ? h("div", { class: "accessory" }, element(block.accessory, block, where)) : null;
  const text = block.text ? h("div", { class: "text" }, textObject(block.text)) : null;
  return h("div", { class: "block section" }, h("div", { class: "words" }, text, fields), accessory);
}

function fine(each) {
  if (each.type === "image") return h("img", { src: each.image_url, alt: each.alt_text ?? "", class: "icon" });
  if (each.type === "mrkdwn" || each.type === "plain_text") return h("span", {}, textObject(each));
  return unknown("element", each);
}

function picture(block) {
  const title = block.title ? h("figcaption", {}, textObject(block.title)) : null;
  if (!block.slack_file) return h("figure", { class: "block picture" }, title, outside(block));
  const file = files.get(block.slack_file.id);
  if (!file) return h("p", { class: "block missing" }, `A picture that is not here: ${block.alt_text ?? ""}`);
  const image = h("img", { src: file.url, alt: block.alt_text ?? file.alt, loading: "lazy" });
  return h("figure", { class: "block picture" }, title, h("a", { href: file.url, target: "_blank" }, image));
}

// Pictures of other servers are not fetched: the page speaks to its own only.
const outside = (block) => h("p", {}, `A picture from outside: ${block.alt_text ?? ""}`);

function table(block) {
  const [head = [], ...rows] = block.rows ?? [];
  const cell = (tag) => (each) => h(tag, tag === "th" ? { scope: "col" } : {}, cellText(each));
  return h(
    "div",
    { class: "block table", tabindex: "0", role: "region", "aria-label": "Table" },
    h("table", {}, h("thead", {}, h("tr", {}, head.map(cell("th")))), h("tbody", {}, rows.map((row) => h("tr", {}, row.map(cell("td")))))),
  );
}

function cellText(cell) {
  if (cell?.type === "raw_text") return String(cell.text ?? "");
  if (cell?.type === "raw_number") return String(cell.value ?? "");
  if (cell?.type === "rich_text") return richText(cell);
  return unknown("cell", cell);
}
