// What the bot sees: the end of the log, the database in numbers, and every call to Slack.

import { h, fill } from "./dom.js";
import { secondsText } from "./time.js";

const LINES = 250;
const CALLS = 150;

export class Panel {
  constructor(root) {
    this.log = h("div", { class: "log", tabindex: "0", role: "log", "aria-live": "off", "aria-label": "The application's log" });
    this.numbers = h("dl", { class: "figures" });
    this.calls = h("ol", { class: "calls", "aria-label": "Calls, the newest first" });
    this.byNumber = new Map();
    this.byEnvelope = new Map();
    fill(
      root,
      h("section", { class: "box database" }, h("h2", {}, "Database"), this.numbers),
      h("section", { class: "box grows" }, h("h2", {}, "Log"), this.log),
      h("section", { class: "box grows" }, h("h2", {}, "Slack calls"), h("div", { class: "callscroll", tabindex: "0", role: "region", "aria-label": "Slack calls" }, this.calls)),
    );
  }

  clear() {
    for (const element of [this.log, this.numbers, this.calls]) element.replaceChildren();
    this.byNumber.clear();
    this.byEnvelope.clear();
  }

  addLines(lines) {
    const following = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 60;
    this.log.append(...lines.slice(-LINES).map((line) => h("div", { class: toneOf(line) }, line.replace(/^\d{4}-\d\d-\d\dT(\d\d:\d\d:\d\d)\.\d+Z /, "$1 "))));
    while (this.log.childElementCount > LINES) this.log.firstElementChild.remove();
    if (following) this.log.scrollTop = this.log.scrollHeight;
  }

  show(figures) {
    const before = new Map([...this.numbers.children].map((row) => [row.dataset.label, row.dataset.value]));
    fill(this.numbers, figures.map(({ label, value }) => {
      const moved = before.has(label) && before.get(label) !== String(value);
      return h("div", { class: moved ? "moved" : "", "data-label": label, "data-value": value }, h("dt", {}, label), h("dd", {}, String(value)));
    }));
  }

  addCalls(list) {
    for (const call of list) {
      if (call.n === undefined) this.answered(call);
      else this.called(call);
    }
    while (this.calls.childElementCount > CALLS) this.calls.lastElementChild.remove();
  }

  called(call) {
    const outcome = h("span", { class: "outcome" }, call.kind === "upload" ? "ok" : "…");
    const heading = h("summary", {}, h("span", { class: "arrow", "aria-hidden": "true" }, call.kind === "envelope" ? "→" : "←"), h("code", {}, call.name), outcome, h("span", { class: "says" }, call.says), h("time", {}, secondsText(call.at)));
    const details = h("details", {}, heading);
    // The body is put in when it is looked at: most never are.
    details.addEventListener("toggle", () => { if (details.childElementCount === 1) details.append(h("pre", { tabindex: "0" }, call.body)); }, { once: true });
    this.calls.prepend(h("li", {}, details));
    this.byNumber.set(call.n, outcome);
    if (call.ref) this.byEnvelope.set(call.ref, outcome);
  }

  answered({ about, ref, status, error }) {
    const key = about ?? ref;
    const found = about ? this.byNumber : this.byEnvelope;
    const outcome = found.get(key);
    if (!outcome) return;
    outcome.textContent = error || (about ? String(status ?? "ok") : "ack");
    outcome.classList.toggle("bad", Boolean(error) || (status ?? 0) >= 400);
    found.delete(key);
  }
}

function toneOf(line) {
  if (/\[ERROR\]|Failed|failed:|Unknown instance|status: 5\d\d/.test(line)) return "bad";
  if (/\[WARN\]|Retry|status: 4\d\d/.test(line)) return "warn";
  return "";
}
