// The bot's modals: the newest of the stack is shown, and what was typed survives its updates.

import { blocks } from "./blocks.js";
import { h, fill, newId } from "./dom.js";
import { chosenIn, plain } from "./elements.js";
import { textObject } from "./mrkdwn.js";

export class Modals {
  constructor(ask) {
    this.ask = ask;
    this.typed = new Map();
    this.errors = {};
    this.view = null;
    this.dialog = h("dialog", { class: "modal" });
    this.dialog.addEventListener("cancel", (event) => { event.preventDefault(); this.close(); });
    document.body.append(this.dialog);
  }

  show(stack) {
    const view = stack.at(-1) ?? null;
    if (view?.id !== this.view?.id) this.errors = {};
    this.view = view;
    for (const id of this.typed.keys()) if (!stack.some((each) => each.id === id)) this.typed.delete(id);
    if (!view) { if (this.dialog.open) this.dialog.close(); return; }
    this.render();
    if (!this.dialog.open) this.dialog.showModal();
  }

  render() {
    const view = this.view;
    const held = document.activeElement?.dataset?.action;
    const title = newId("modal");
    this.dialog.setAttribute("aria-labelledby", title);
    const form = h("form", { novalidate: true, onsubmit: (event) => { event.preventDefault(); this.submit(); } });
    form.append(
      h("h2", { id: title }, textObject(view.title)),
      h("div", { class: "content", tabindex: "0", role: "region", "aria-labelledby": title }, blocks(view.blocks, this.where(view))),
      h(
        "div",
        { class: "ends" },
        h("button", { class: "button", type: "button", onclick: () => this.close() }, plain(view.close) || "Close"),
        view.submit ? h("button", { class: "button primary", type: "submit", disabled: view.submit_disabled }, plain(view.submit)) : null,
      ),
    );
    fill(this.dialog, form);
    if (held) this.dialog.querySelector(`[data-action="${CSS.escape(held)}"]`)?.focus();
  }

  where(view) {
    const kept = this.kept(view);
    const key = (element, block) => `${block.block_id} ${element.action_id}`;
    return {
      act: (element, block, value) => this.ask({ do: "click", view: view.id, action: element.action_id, block: block.block_id, value, confirm: Boolean(element.confirm) }),
      valueOf: (element, block) => kept.get(key(element, block)) ?? chosenIn(view.state?.values?.[block.block_id]?.[element.action_id]),
      keep: (element, block, value) => kept.set(key(element, block), value),
      idOf: (block) => `${view.id}-${block.block_id}`.replace(/[^\w-]/g, "_"),
      errorOf: (block) => this.errors[block.block_id] ?? "",
    };
  }

  kept(view) {
    if (!this.typed.has(view.id)) this.typed.set(view.id, new Map());
    return this.typed.get(view.id);
  }

  async submit() {
    const view = this.view;
    const where = this.where(view);
    const values = {};
    this.errors = {};
    for (const block of view.blocks.filter((each) => each.type === "input")) {
      const value = where.valueOf(block.element, block);
      const empty = value === null || value === undefined || value === "" || (Array.isArray(value) && !value.length);
      if (!empty) values[block.element.action_id] = value;
      else if (!block.optional) this.errors[block.block_id] = "Please complete this required field.";
    }
    if (!Object.keys(this.errors).length) {
      this.dialog.setAttribute("aria-busy", "true");
      const answer = await this.ask({ do: "submit", view: view.id, values });
      this.dialog.removeAttribute("aria-busy");
      this.errors = answer.errors ?? {};
    }
    if (Object.keys(this.errors).length && this.view?.id === view.id) {
      this.render();
      this.dialog.querySelector("[aria-invalid]")?.focus();
    }
  }

  close() {
    if (this.view) this.ask({ do: "close", view: this.view.id });
  }
}
