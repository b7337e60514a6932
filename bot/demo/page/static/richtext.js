// rich_text blocks, and the markdown block's modest part of Markdown.

import { h } from "./dom.js";
import { link, mention } from "./mrkdwn.js";
import { people } from "./people.js";
import { dateText, fullText } from "./time.js";
import { unknown } from "./unknown.js";

export function richText(block) {
  return h("div", { class: "rich" }, (block.elements ?? []).map(part));
}

function part(element) {
  const inner = () => (element.elements ?? []).map(piece);
  switch (element.type) {
    case "rich_text_section": return h("div", {}, inner());
    case "rich_text_preformatted": return h("pre", { tabindex: "0" }, inner());
    case "rich_text_quote": return h("blockquote", {}, inner());
    case "rich_text_list": {
      const items = (element.elements ?? []).map((item) => h("li", {}, part(item)));
      return h(element.style === "ordered" ? "ol" : "ul", { class: `indent-${element.indent ?? 0}` }, items);
    }
    default: return unknown("part of a text", element);
  }
}

function piece(element) {
  switch (element.type) {
    case "text": return styled(String(element.text ?? ""), element.style);
    case "link": return styled(link(String(element.url ?? ""), element.text ?? null), element.style);
    case "user": return mention(people.nameOf(element.user_id), element.user_id === people.me);
    case "usergroup": return mention(people.handleOf(element.usergroup_id), false);
    case "channel": return mention(element.channel_id, false, "#");
    case "broadcast": return mention(element.range, true);
    case "emoji": return emoji(element);
    case "date": return h("time", { title: fullText(element.timestamp) }, dateText(element.timestamp, element.format ?? "{date} {time}"));
    case "color": return h("code", {}, element.value);
    default: return unknown("piece of a text", element);
  }
}

function emoji(element) {
  const points = String(element.unicode ?? "").split("-").map((point) => parseInt(point, 16));
  return points.every((point) => point > 0) ? String.fromCodePoint(...points) : `:${element.name}:`;
}

function styled(node, style = {}) {
  let out = node;
  if (style.code) out = h("code", {}, out);
  if (style.bold) out = h("strong", {}, out);
  if (style.italic) out = h("em", {}, out);
  if (style.strike) out = h("s", {}, out);
  if (style.underline) out = h("u", {}, out);
  return out;
}

export function markdown(text) {
  const out = [];
  let list = null;
  let code = null;
  for (const line of text.split("\n")) {
    if (line.startsWith("```")) {
      if (code) code = null;
      else out.push((code = h("pre", { tabindex: "0" })));
      list = null;
    } else if (code) {
      code.append(`${line}\n`);
    } else {
      const item = /^\s*(?:[-*]|\d+\.) (.*)/.exec(line);
      const heading = /^(#{1,6}) (.*)/.exec(line);
      if (item) {
        if (!list) out.push((list = h("ul")));
        list.append(h("li", {}, markdownInline(item[1])));
        continue;
      }
      list = null;
      if (heading) out.push(h("p", { class: `heading heading-${heading[1].length}` }, markdownInline(heading[2])));
      else if (line.trim()) out.push(h("p", {}, markdownInline(line)));
    }
  }
  return h("div", { class: "rich" }, out);
}

const PIECES = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*]+)\*|~~([^~]+)~~|\[([^\]]+)\]\(([^)\s]+)\)/g;

function markdownInline(text) {
  const out = [];
  let from = 0;
  for (const found of text.matchAll(PIECES)) {
    out.push(text.slice(from, found.index));
    const [whole, code, bold, italic, strike, label, url] = found;
    if (code) out.push(h("code", {}, code));
    else if (bold) out.push(h("strong", {}, markdownInline(bold)));
    else if (italic) out.push(h("em", {}, italic));
    else if (strike) out.push(h("s", {}, strike));
    else out.push(link(url, label));
    from = found.index + whole.length;
  }
  return [...out, text.slice(from)];
}
