// Where one types: messages, and commands that are completed as they are typed.

import { h, newId, fill } from "./dom.js";

export class Composer {
  constructor({ root, label, commands, send }) {
    this.commands = commands;
    this.send = send;
    this.found = [];
    this.at = -1;
    const list = newId("list");
    this.input = h("textarea", {
      rows: "1", role: "combobox", "aria-label": label, "aria-expanded": "false", "aria-controls": list,
      "aria-autocomplete": "list", "aria-haspopup": "listbox", placeholder: label, autocomplete: "off", spellcheck: "false",
    });
    this.list = h("ul", { class: "suggestions", role: "listbox", id: list, "aria-label": "Commands", hidden: true });
    const button = h("button", { class: "button primary", type: "button", onclick: () => this.submit() }, "Send");
    fill(root, this.list, h("div", { class: "row" }, this.input, button));
    this.input.addEventListener("input", () => { this.grow(); this.suggest(); });
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("blur", () => setTimeout(() => this.hide(), 150));
    this.input.addEventListener("focus", () => this.suggest());
  }

  name(label) {
    this.input.setAttribute("aria-label", label);
    this.input.placeholder = label;
  }

  grow() {
    this.input.rows = Math.min(6, this.input.value.split("\n").length);
  }

  suggest() {
    const typed = this.input.value.toLowerCase();
    const known = this.commands();
    const fits = (each) => each.full.startsWith(typed) || typed.startsWith(`${each.full} `);
    this.found = typed.startsWith("/") && !typed.includes("\n") ? known.filter(fits) : [];
    this.at = -1;
    fill(this.list, this.found.map((each, index) => this.option(each, index)));
    this.list.hidden = this.found.length === 0;
    this.input.setAttribute("aria-expanded", String(!this.list.hidden));
    this.input.removeAttribute("aria-activedescendant");
  }

  option(each, index) {
    return h(
      "li",
      { role: "option", id: `${this.list.id}-${index}`, "aria-selected": "false", onmousedown: (event) => { event.preventDefault(); this.complete(index); } },
      h("code", {}, each.usage), h("span", {}, each.does),
    );
  }

  key(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      if (this.at >= 0 && this.found[this.at].full !== this.input.value.trim()) this.complete(this.at);
      else this.submit();
    } else if (event.key === "Escape") this.hide();
    else if (this.list.hidden) return;
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      this.mark((this.at + step + this.found.length) % this.found.length);
    } else if (event.key === "Tab" && !event.shiftKey && this.found.length && this.input.value.trim() !== this.found[Math.max(this.at, 0)].full) {
      event.preventDefault();
      this.complete(Math.max(this.at, 0));
    }
  }

  mark(index) {
    this.list.children[this.at]?.setAttribute("aria-selected", "false");
    this.at = index;
    const chosen = this.list.children[index];
    chosen.setAttribute("aria-selected", "true");
    chosen.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", chosen.id);
  }

  complete(index) {
    const { full, takes } = this.found[index];
    this.input.value = takes ? `${full} ` : full;
    this.input.focus();
    this.suggest();
  }

  hide() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  async submit() {
    const text = this.input.value.trim();
    if (!text) return;
    this.input.value = "";
    this.grow();
    this.hide();
    const answer = await this.send(text);
    if (answer.error && !this.input.value) this.input.value = text;
  }
}
