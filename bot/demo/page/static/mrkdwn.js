// Slack's mrkdwn as nodes.

import { h } from "./dom.js";
import { people } from "./people.js";
import { dateText, fullText } from "./time.js";

const ENTITIES = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };
export const decode = (text) => text.replace(/&(lt|gt|amp);/g, (entity) => ENTITIES[entity]);

const FENCE = /```([\s\S]+?)```/;

// A mark opens after no letter and closes before none, and holds no line break.
const MARKS = new RegExp(
  [
    "`(?<code>[^`\\n]+)`",
    "<(?<token>[^<>\\n]+)>",
    "(?<![\\p{L}\\p{N}*])\\*(?<bold>\\S|\\S[^*\\n]*\\S)\\*(?![\\p{L}\\p{N}*])",
    "(?<![\\p{L}\\p{N}_])_(?<italic>\\S|\\S[^_\\n]*\\S)_(?![\\p{L}\\p{N}_])",
    "(?<![\\p{L}\\p{N}~])~(?<strike>\\S|\\S[^~\\n]*\\S)~(?![\\p{L}\\p{N}~])",
  ].join("|"),
  "gu",
);

export function mrkdwn(text) {
  return text.split(FENCE).flatMap((part, index) =>
    index % 2 ? [h("pre", { tabindex: "0" }, decode(part.replace(/^\n/, "")))] : lines(part));
}

function lines(text) {
  const out = [];
  let quote = null;
  for (const [index, line] of text.split("\n").entries()) {
    const quoted = /^(&gt;|>) ?/.exec(line);
    if (quoted) {
      if (!quote) out.push((quote = h("blockquote")));
      else quote.append(h("br"));
      quote.append(...inline(line.slice(quoted[0].length)));
      continue;
    }
    if (index > 0 && !quote) out.push(h("br"));
    quote = null;
    out.push(...inline(line));
  }
  return out;
}

function inline(text) {
  const out = [];
  let from = 0;
  for (const found of text.matchAll(MARKS)) {
    if (found.index > from) out.push(decode(text.slice(from, found.index)));
    out.push(marked(found.groups, found[0]));
    from = found.index + found[0].length;
  }
  if (from < text.length) out.push(decode(text.slice(from)));
  return out;
}

function marked({ code, token, bold, italic, strike }, whole) {
  if (code !== undefined) return h("code", {}, decode(code));
  if (bold !== undefined) return h("strong", {}, inline(bold));
  if (italic !== undefined) return h("em", {}, inline(italic));
  if (strike !== undefined) return h("s", {}, inline(strike));
  return reference(token) ?? decode(whole);
}

// What stands between < and >: a mention, a date, a link.
function reference(token) {
  const [target, label] = split(token);
  const date = /^!date\^(\d+)\^([^^]+)/.exec(target);
  if (date) {
    const [, unix, form] = date;
    const instant = new Date(Number(unix) * 1000);
    return h("time", { datetime: instant.toISOString(), title: fullText(Number(unix)) }, dateText(Number(unix), decode(form)));
  }
  if (target.startsWith("@")) return mention(people.nameOf(target.slice(1)), target.slice(1) === people.me);
  if (target.startsWith("!subteam^")) return mention(people.handleOf(target.slice(9)), false);
  if (target.startsWith("!")) return mention(target.slice(1), true);
  if (target.startsWith("#")) return mention(label || target.slice(1), false, "#");
  return link(decode(target), label ? decode(label) : null);
}

function split(token) {
  const bar = token.indexOf("|");
  return bar < 0 ? [token, ""] : [token.slice(0, bar), token.slice(bar + 1)];
}

export const mention = (name, mine, sign = "@") =>
  h("span", { class: mine ? "mention mine" : "mention" }, `${sign}${name}`);

// Only addresses of the web become links: no other scheme is ever followed.
export function link(url, label) {
  let parsed = null;
  try { parsed = new URL(url); } catch { return label ?? url; }
  if (parsed.protocol === "mailto:") return label ?? url;
  if (!["http:", "https:"].includes(parsed.protocol)) return label ?? url;
  return h("a", { href: parsed.href, target: "_blank", rel: "noopener noreferrer" }, label ?? url);
}

// A text object of Block Kit.
export function textObject(object) {
  if (!object) return [];
  if (object.type === "mrkdwn") return mrkdwn(String(object.text ?? ""));
  const lines = String(object.text ?? "").split("\n");
  return lines.flatMap((line, index) => (index ? [h("br"), line] : [line]));
}
