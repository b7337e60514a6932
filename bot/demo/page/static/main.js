// The page: a client of the local workspace, for whoever is chosen on its side.

import { blocks } from "./blocks.js";
import { Composer } from "./composer.js";
import { Connection } from "./connection.js";
import { byId, fill, h } from "./dom.js";
import { files } from "./files.js";
import { MessageList } from "./messages.js";
import { Modals } from "./modals.js";
import { Panel } from "./panel.js";
import { people } from "./people.js";
import { Room } from "./room.js";
import { startClock } from "./clock.js";

const state = { channels: [], commands: [], channel: "", home: null, thread: null };
const rooms = new Map();

const connection = new Connection({ told, state: linkState });
const ask = (what) => connection.ask(what);
const clock = startClock((speed) => ask({ do: "speed", speed }));
const panel = new Panel(byId("panel"));
const modals = new Modals(ask);

const press = (where, element, block, value) =>
  ask({ do: "click", ...where, action: element.action_id, block: block.block_id, value, confirm: Boolean(element.confirm) });

const list = new MessageList({ list: byId("messages"), scroll: byId("scroll"), down: byId("down"), act: press, openThread });
const replies = new MessageList({ list: byId("replies"), scroll: byId("threadscroll"), act: press });

const commands = () => state.commands;
const composer = new Composer({ root: byId("composer"), label: "Message", commands, send: (text) => write(text, null) });
new Composer({ root: byId("reply"), label: "Reply", commands: () => [], send: (text) => write(text, state.thread) });

function write(text, thread) {
  const command = !thread && text.startsWith("/");
  return ask(command ? { do: "command", channel: state.channel, text } : { do: "say", channel: state.channel, text, thread });
}

// --- news -------------------------------------------------------------------------------------

function told(batch) {
  for (const news of batch) handlers[news.t]?.(news);
  if (list.follow) list.toEnd();
  if (replies.follow) replies.toEnd();
}

const handlers = {
  hello(news) {
    people.learn(news);
    connection.me = news.me;
    news.files.forEach((file) => files.learn(file));
    rooms.clear();
    state.channels = news.channels;
    state.commands = news.commands.map((each) => ({ ...each, full: `${news.slash} ${each.name}`, takes: each.usage !== `${news.slash} ${each.name}` }));
    panel.clear();
    if (!state.channels.some((each) => each.id === state.channel)) state.channel = state.channels[0]?.id ?? "";
    showPeople(news);
    showChannels();
    open(state.channel, state.thread);
  },
  message({ message }) {
    const room = roomOf(message.channel);
    const touched = room.put(message);
    if (message.channel !== state.channel) return showUnread(message.channel);
    for (const each of touched) show(room, each);
    return null;
  },
  deleted({ channel, ts }) {
    roomOf(channel).remove(ts);
    if (channel === state.channel) { list.remove(ts); replies.remove(ts); }
  },
  views: ({ stack }) => modals.show(stack),
  home({ view }) { state.home = view; if (!byId("homeview").hidden) showHome(); },
  file({ file }) { files.learn(file); },
  log: ({ lines }) => panel.addLines(lines),
  figures: (news) => panel.show(news.list),
  calls: (news) => panel.addCalls(news.list),
  clock: (news) => clock.set(news),
  scenario: ({ about }) => fill(byId("scenario"), about),
  ready: () => document.body.setAttribute("data-ready", "true"),
};

function roomOf(channel) {
  if (!rooms.has(channel)) rooms.set(channel, new Room());
  return rooms.get(channel);
}

// A message in the main line, in the open thread, or in both.
function show(room, message) {
  if (room.inMainLine(message)) list.put(message, room.repliesTo(message));
  if (state.thread && (message.ts === state.thread || message.thread_ts === state.thread)) replies.put(message, null);
}

// --- places -----------------------------------------------------------------------------------

function open(channel, thread = null) {
  state.channel = channel;
  byId("homeview").hidden = true;
  byId("scroll").hidden = byId("composer").hidden = false;
  const name = `#${state.channels.find((each) => each.id === channel)?.name ?? ""}`;
  fill(byId("title"), name);
  fill(byId("topic"), state.channels.find((each) => each.id === channel)?.shared ? "People from outside are in this channel." : "");
  composer.name(`Message ${name}`);
  list.clear();
  const room = roomOf(channel);
  for (const message of room.all()) if (room.inMainLine(message)) list.put(message, room.repliesTo(message));
  list.toEnd();
  if (thread && room.has(thread)) openThread(thread); else closeThread();
  showChannels();
}

function openThread(ts) {
  state.thread = ts;
  byId("thread").hidden = false;
  byId("app").classList.add("threaded");
  replies.clear();
  for (const message of roomOf(state.channel).thread(ts)) replies.put(message, null);
  replies.toEnd();
  byId("threadscroll").focus({ preventScroll: true });
}

function closeThread() {
  state.thread = null;
  byId("thread").hidden = true;
  byId("app").classList.remove("threaded");
}

function showHome() {
  closeThread();
  fill(byId("title"), "golive");
  fill(byId("topic"), "App Home");
  byId("scroll").hidden = byId("composer").hidden = byId("down").hidden = true;
  const view = state.home;
  const where = { act: (element, block, value) => ask({ do: "click", view: view.id, action: element.action_id, block: block.block_id, value, confirm: Boolean(element.confirm) }) };
  fill(byId("homeview"), view ? blocks(view.blocks, where) : h("p", {}, "The app has shown nothing here yet."));
  byId("homeview").hidden = false;
  showChannels();
}

function showChannels() {
  const inHome = !byId("homeview").hidden;
  fill(byId("channels"), state.channels.map((each) =>
    h("li", {}, h("button", { class: "place", "data-channel": each.id, "aria-current": !inHome && each.id === state.channel ? "page" : null, onclick: () => { fold(); open(each.id); } }, `# ${each.name}`))));
  byId("home").toggleAttribute("aria-current", inHome);
}

function showUnread(channel) {
  document.querySelector(`[data-channel="${CSS.escape(channel)}"]`)?.classList.add("unread");
}

function showPeople({ me, roles }) {
  fill(byId("me"), roles.map(({ id, about }) => h("option", { value: id }, `${people.nameOf(id)} · ${about}`)));
  byId("me").value = me;
}

function linkState(now) {
  fill(byId("link"), now === "open" ? "Connected" : "The connection was lost; trying again …");
  byId("link").classList.toggle("lost", now !== "open");
}

// --- the frame --------------------------------------------------------------------------------

function fold() {
  byId("app").classList.remove("menu");
  byId("menu").setAttribute("aria-expanded", "false");
}

byId("menu").addEventListener("click", () => {
  const shown = byId("app").classList.toggle("menu");
  byId("menu").setAttribute("aria-expanded", String(shown));
});
byId("sees").addEventListener("click", () => {
  const narrow = window.matchMedia("(max-width: 1100px)").matches;
  const app = byId("app");
  const shown = narrow ? app.classList.toggle("peek") : !app.classList.toggle("blind");
  byId("sees").setAttribute("aria-expanded", String(shown));
});
byId("home").addEventListener("click", async () => { fold(); showHome(); await ask({ do: "home" }); });
byId("me").addEventListener("change", (event) => { document.body.removeAttribute("data-ready"); ask({ do: "be", user: event.target.value }); });
byId("shut").addEventListener("click", () => { closeThread(); byId("scroll").focus(); });
document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "");
  if (event.key === "/" && !typing && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    composer.input.focus();
  }
  if (event.key === "Escape" && state.thread && !typing && !document.querySelector("dialog[open]")) byId("shut").click();
});

connection.open();
