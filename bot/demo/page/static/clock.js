// The simulated clock on top, and the pace that it may be given.

import { byId, fill, h } from "./dom.js";
import { setNow } from "./time.js";

const PACES = [1, 10, 60];

export function startClock(choose) {
  let told = { now: Date.now() / 1000, since: Date.now() / 1000, speed: 1, chosen: 1, why: "" };
  let at = performance.now();
  const now = () => told.now + ((performance.now() - at) / 1000) * told.speed;
  setNow(() => now() * 1000);

  const show = () => {
    const passed = Math.max(0, now() - told.since);
    const rest = Math.floor(passed % 60);
    byId("clock").textContent = `T+${Math.floor(passed / 60)}:${String(rest).padStart(2, "0")}`;
  };
  setInterval(show, 200);

  return {
    set(news) {
      told = news;
      at = performance.now();
      fill(byId("why"), news.why ? `${round(news.speed)}× ${news.why}` : "");
      const offered = [...new Set([...PACES, news.chosen])].sort((a, b) => a - b);
      fill(byId("speeds"), offered.map((pace) => h(
        "button",
        { class: "plain", type: "button", "aria-pressed": String(pace === news.chosen), "aria-label": `${round(pace)} times as fast as life`, onclick: () => choose(pace) },
        `${round(pace)}×`,
      )));
      show();
    },
  };
}

const round = (pace) => (Number.isInteger(pace) ? pace : pace.toFixed(1));
