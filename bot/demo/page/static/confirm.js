// The dialog that asks before something is sent, with the words that the bot gave it.

import { h, newId } from "./dom.js";
import { textObject } from "./mrkdwn.js";

export function confirmed(object) {
  return new Promise((resolve) => {
    const title = newId("confirm");
    const answer = (yes) => () => { dialog.close(); dialog.remove(); resolve(yes); };
    const dialog = h(
      "dialog",
      { class: "modal confirm", role: "alertdialog", "aria-labelledby": title, "aria-describedby": `${title}-text` },
      h("h2", { id: title }, textObject(object.title)),
      h("p", { id: `${title}-text` }, textObject(object.text)),
      h(
        "div",
        { class: "ends" },
        h("button", { class: "button", type: "button", onclick: answer(false), "data-confirm": "deny" }, textObject(object.deny)),
        h("button", { class: `button ${object.style ?? "primary"}`, type: "button", onclick: answer(true), "data-confirm": "confirm" }, textObject(object.confirm)),
      ),
    );
    dialog.addEventListener("cancel", (event) => { event.preventDefault(); answer(false)(); });
    document.body.append(dialog);
    dialog.showModal();
  });
}
