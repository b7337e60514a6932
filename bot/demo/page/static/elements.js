// Interactive elements. In a modal they keep what was chosen; elsewhere they act at once.

import { h, newId } from "./dom.js";
import { confirmed } from "./confirm.js";
import { textObject } from "./mrkdwn.js";
import { people } from "./people.js";
import { unknown } from "./unknown.js";

export const plain = (object) => String(object?.text ?? "");

// `where` has act(element, block, value), and for forms valueOf, keep and errorOf.
export function element(each, block, where) {
  switch (each.type) {
    case "button": return button(each, block, where);
    case "image": return h("span", { class: "icon" }, each.alt_text ?? "");
    case "overflow": return overflow(each, block, where);
    case "static_select": return select(each, block, where);
    case "users_select": return select(withUsers(each), block, where);
    case "multi_static_select": return several(each, block, where);
    case "checkboxes": return several(each, block, where);
    case "radio_buttons": return radios(each, block, where);
    case "plain_text_input": case "email_text_input": case "url_text_input":
    case "number_input": case "datepicker": case "timepicker": return typed(each, block, where);
    default: return unknown("element", each);
  }
}

export const chosenIn = (state) => {
  if (!state) return null;
  const one = state.value ?? state.selected_option?.value ?? state.selected_user ?? state.selected_date ?? state.selected_time;
  if (one) return one;
  const all = (state.selected_options ?? []).map((option) => option.value);
  return all.length ? all : null;
};

function button(each, block, where) {
  const made = h(
    "button",
    { class: `button ${each.style ?? ""}`, type: "button", "aria-label": each.accessibility_label, "data-action": each.action_id },
    textObject(each.text),
  );
  made.addEventListener("click", () => act(made, each, block, where));
  if (!each.url) return made;
  return h("a", { class: "button", href: /^https?:/.test(each.url) ? each.url : "#", target: "_blank", rel: "noopener noreferrer" }, textObject(each.text));
}

// Asks first where the element says so; pressed again while it is under way does nothing.
async function act(control, each, block, where, value) {
  if (control.getAttribute("aria-busy")) return false;
  if (each.confirm && !(await confirmed(each.confirm))) return false;
  control.setAttribute("aria-busy", "true");
  try {
    await where.act(each, block, value);
  } finally {
    control.removeAttribute("aria-busy");
  }
  return true;
}

const optionsOf = (each) => [...(each.options ?? []), ...(each.option_groups ?? []).flatMap((group) => group.options ?? [])];

function withUsers(each) {
  const options = Object.entries(people.all).map(([id, { name }]) => ({ value: id, text: { type: "plain_text", text: name } }));
  return { ...each, options };
}

function overflow(each, block, where) {
  const menu = h("div", { class: "menu", role: "menu" });
  const details = h("details", { class: "overflow" }, h("summary", { "aria-label": "More" }, "⋯"), menu);
  for (const option of optionsOf(each)) {
    menu.append(h("button", { class: "plain", role: "menuitem", type: "button", onclick: () => { details.open = false; act(details, each, block, where, option.value); } }, textObject(option.text)));
  }
  return details;
}

function select(each, block, where) {
  const now = where.valueOf?.(each, block) ?? each.initial_option?.value ?? each.initial_user ?? "";
  const item = (option) => h("option", { value: option.value }, plain(option.text));
  const groups = (each.option_groups ?? []).map((group) => h("optgroup", { label: plain(group.label) }, (group.options ?? []).map(item)));
  const made = h("select", { ...named(each, block, where), "data-action": each.action_id }, h("option", { value: "" }, plain(each.placeholder) || "Choose …"), (each.options ?? []).map(item), groups);
  made.value = now;
  made.addEventListener("change", () => changed(made, each, block, where, made.value, () => { made.value = now; }));
  return made;
}

function radios(each, block, where) {
  const now = where.valueOf?.(each, block) ?? each.initial_option?.value ?? null;
  const name = newId("radio");
  const group = h("div", { class: "choices", role: "radiogroup", ...named(each, block, where), "data-action": each.action_id });
  for (const option of optionsOf(each)) {
    const box = h("input", { type: "radio", name, value: option.value, checked: option.value === now, onchange: () => changed(group, each, block, where, option.value) });
    group.append(choice(box, option));
  }
  return group;
}

function several(each, block, where) {
  const initial = (each.initial_options ?? []).map((option) => option.value);
  const now = new Set([where.valueOf?.(each, block) ?? initial].flat());
  const group = h("div", { class: "choices", role: "group", ...named(each, block, where), "data-action": each.action_id });
  for (const option of optionsOf(each)) {
    const box = h("input", { type: "checkbox", value: option.value, checked: now.has(option.value) });
    box.addEventListener("change", () => {
      if (box.checked) now.add(option.value); else now.delete(option.value);
      changed(group, each, block, where, [...now]);
    });
    group.append(choice(box, option));
  }
  return group;
}

const choice = (box, option) =>
  h("label", { class: "choice" }, box, h("span", {}, textObject(option.text), option.description ? h("small", {}, textObject(option.description)) : null));

const KINDS = { email_text_input: "email", url_text_input: "url", number_input: "number", datepicker: "date", timepicker: "time" };

function typed(each, block, where) {
  const now = where.valueOf?.(each, block) ?? each.initial_value ?? each.initial_date ?? each.initial_time ?? "";
  const common = { ...named(each, block, where), placeholder: plain(each.placeholder), maxlength: each.max_length, minlength: each.min_length, "data-action": each.action_id };
  const made = each.multiline ? h("textarea", { ...common, rows: "3" }) : h("input", { ...common, type: KINDS[each.type] ?? "text" });
  made.value = now;
  made.addEventListener("input", () => where.keep?.(each, block, made.value));
  return made;
}

// A form keeps a choice; an element that stands alone, or says so, acts at once.
async function changed(control, each, block, where, value, undo) {
  where.keep?.(each, block, value);
  if (block.type === "input" && !block.dispatch_action) return;
  if (value !== "" && !(await act(control, each, block, where, value))) undo?.();
}

function named(each, block, where) {
  const id = where.idOf?.(block) ?? null;
  const error = where.errorOf?.(block) ?? "";
  if (block.type !== "input" || !id) return { "aria-label": plain(each.placeholder) || plain(block.text) || each.action_id };
  const about = [block.hint ? `${id}-hint` : "", error ? `${id}-error` : ""].filter(Boolean).join(" ");
  return { "aria-labelledby": `${id}-label`, "aria-describedby": about || null, "aria-invalid": error ? "true" : null, "aria-required": block.optional ? null : "true" };
}

export function inputBlock(block, where) {
  const id = where.idOf?.(block) ?? newId("input");
  const error = where.errorOf?.(block) ?? "";
  return h(
    "div",
    { class: "block input" },
    h("p", { class: "label", id: `${id}-label` }, textObject(block.label), block.optional ? h("small", {}, " (optional)") : null),
    element(block.element ?? {}, block, where),
    block.hint ? h("p", { class: "hint", id: `${id}-hint` }, textObject(block.hint)) : null,
    error ? h("p", { class: "error", id: `${id}-error`, role: "alert" }, error) : null,
  );
}
