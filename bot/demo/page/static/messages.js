// A list of messages that grows at its end, and changes in place.

import { blocks } from "./blocks.js";
import { h, newId } from "./dom.js";
import { attached } from "./files.js";
import { mrkdwn } from "./mrkdwn.js";
import { people } from "./people.js";
import { clockText, fullText } from "./time.js";

const NEAR = 80; // pixels from the end within which the list follows what comes

export class MessageList {
  constructor({ list, scroll, down, act, openThread }) {
    Object.assign(this, { list, scroll, down, act, openThread });
    this.shown = new Map();
    this.follow = true;
    scroll.addEventListener("scroll", () => {
      this.follow = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR;
      if (this.follow && down) down.hidden = true;
    });
    down?.addEventListener("click", () => { this.follow = true; this.toEnd(); scroll.focus(); });
    // A picture that arrives late must not push the newest message out of sight.
    new ResizeObserver(() => { if (this.follow) this.toEnd(); }).observe(list);
  }

  clear() {
    this.shown.clear();
    this.list.replaceChildren();
    this.follow = true;
  }

  put(message, replies) {
    const made = this.article(message, replies);
    const old = this.shown.get(message.ts);
    this.shown.set(message.ts, made);
    if (old) {
      const held = old.contains(document.activeElement) ? document.activeElement.dataset.action : null;
      old.replaceWith(made);
      if (held) made.querySelector(`[data-action="${CSS.escape(held)}"]`)?.focus();
    } else {
      this.insert(made, message.ts);
      if (!this.follow && this.down) this.down.hidden = false;
    }
  }

  // Nearly always at the end; a message from before goes where its time says.
  insert(made, ts) {
    let before = null;
    for (let last = this.list.lastElementChild; last && last.dataset.ts > ts; last = last.previousElementSibling) before = last;
    this.list.insertBefore(made, before);
  }

  remove(ts) {
    this.shown.get(ts)?.remove();
    this.shown.delete(ts);
  }

  toEnd() {
    this.scroll.scrollTop = this.scroll.scrollHeight;
    if (this.down) this.down.hidden = true;
  }

  article(message, replies) {
    const id = newId("by");
    const name = people.nameOf(message.user);
    const unix = Number(message.ts);
    const where = { act: (element, block, value) => this.act({ channel: message.channel, ts: message.ts }, element, block, value) };
    return h(
      "article",
      { class: `message${message.reader ? " own" : ""}`, "data-ts": message.ts, "aria-labelledby": id },
      h("span", { class: `face tone-${message.bot ? 1 : people.toneOf(message.user)}`, "aria-hidden": "true" }, message.bot ? "✓" : name.slice(0, 1).toUpperCase()),
      h(
        "div",
        { class: "said" },
        message.reader ? h("p", { class: "only" }, "Only visible to you") : null,
        broadcastNote(message),
        h("p", { class: "by", id }, h("strong", {}, name), " ", message.bot ? h("span", { class: "app-tag" }, "APP") : null, " ", h("time", { title: fullText(unix) }, clockText(unix))),
        body(message, where),
        this.threadLink(message, replies),
      ),
    );
  }

  threadLink(message, replies) {
    if (!this.openThread || message.reader) return null;
    const count = replies?.count ?? 0;
    const words = count ? `${count} ${count === 1 ? "reply" : "replies"}, last at ${clockText(Number(replies.last))}` : "Reply in thread";
    return h("button", { class: count ? "thread-link" : "thread-link quiet", type: "button", onclick: () => this.openThread(message.thread_ts ?? message.ts) }, words);
  }
}

const broadcastNote = (message) =>
  message.subtype === "thread_broadcast" ? h("p", { class: "only" }, "Also sent to the channel from a thread") : null;

// As Slack has it: the text stands where there are no blocks, attachments stand below either.
function body(message, where) {
  const text = message.blocks?.length ? [] : message.text ? [h("div", { class: "text" }, mrkdwn(message.text))] : [];
  const edited = message.edited ? h("span", { class: "edited" }, "(edited)") : null;
  return h(
    "div",
    { class: "body" },
    text,
    blocks(message.blocks, where),
    (message.attachments ?? []).map((each) => attachment(each, where)),
    (message.files ?? []).map(attached),
    edited,
  );
}

// Set through the object model, which the page's policy allows; a style attribute it would not.
function attachment(each, where) {
  const made = h("div", { class: "attachment" }, h("div", { class: "inner" }, blocks(each.blocks, where), each.blocks ? null : mrkdwn(each.text ?? each.fallback ?? "")));
  if (/^#?[0-9a-f]{6}$/i.test(each.color ?? "")) made.style.setProperty("--stripe", `#${each.color.replace("#", "")}`);
  return made;
}

