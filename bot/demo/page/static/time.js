// Instants as the reader's own clock shows them.

const format = (options) => new Intl.DateTimeFormat(undefined, options);
const time = format({ hour: "numeric", minute: "2-digit" });
const seconds = format({ hour: "numeric", minute: "2-digit", second: "2-digit" });
const full = format({ dateStyle: "full", timeStyle: "medium" });
const dates = {
  date_num: format({ year: "numeric", month: "2-digit", day: "2-digit" }),
  date_slash: format({ year: "numeric", month: "2-digit", day: "2-digit" }),
  date_short: format({ year: "numeric", month: "short", day: "numeric" }),
  date: format({ year: "numeric", month: "long", day: "numeric" }),
  date_long: format({ weekday: "long", year: "numeric", month: "long", day: "numeric" }),
};

let simulated = () => Date.now();
export const setNow = (now) => { simulated = now; };

function day(instant) {
  return new Date(instant.getFullYear(), instant.getMonth(), instant.getDate()).getTime();
}

function pretty(instant, plain) {
  const apart = Math.round((day(instant) - day(new Date(simulated()))) / 86400000);
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[apart] ?? plain.format(instant);
}

// Slack's <!date^…> tokens; one that is not known keeps its braces, as in Slack.
export function dateText(unix, form) {
  const instant = new Date(unix * 1000);
  return form.replace(/\{(\w+)\}/g, (token, name) => {
    if (name === "time") return time.format(instant);
    if (name === "time_secs") return seconds.format(instant);
    if (name === "ago") return ago(unix);
    const base = name.replace(/_pretty$/, "");
    if (!dates[base]) return token;
    return base === name ? dates[base].format(instant) : pretty(instant, dates[base]);
  });
}

function ago(unix) {
  const minutes = Math.round((simulated() / 1000 - unix) / 60);
  return new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }).format(-minutes, "minute");
}

export const clockText = (unix) => time.format(new Date(unix * 1000));
export const secondsText = (unix) => seconds.format(new Date(unix * 1000));
export const fullText = (unix) => full.format(new Date(unix * 1000));
