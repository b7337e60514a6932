// What one reader knows of a channel.

export class Room {
  constructor() {
    this.messages = new Map();
    this.counts = new Map();
  }

  has(ts) {
    return this.messages.has(ts);
  }

  // Returns the messages that look different now: a reply changes its parent's line, too.
  put(message) {
    const known = this.messages.has(message.ts);
    this.messages.set(message.ts, message);
    const parent = this.isReply(message) ? this.messages.get(message.thread_ts) : null;
    if (!parent || known) return [message];
    const { count = 0 } = this.counts.get(parent.ts) ?? {};
    this.counts.set(parent.ts, { count: count + 1, last: message.ts });
    return [message, parent];
  }

  remove(ts) {
    this.messages.delete(ts);
  }

  isReply(message) {
    return Boolean(message.thread_ts) && message.thread_ts !== message.ts;
  }

  inMainLine(message) {
    return !this.isReply(message) || message.subtype === "thread_broadcast";
  }

  repliesTo(message) {
    return this.counts.get(message.ts) ?? null;
  }

  all() {
    return [...this.messages.values()].sort((a, b) => (a.ts < b.ts ? -1 : 1));
  }

  thread(ts) {
    return this.all().filter((each) => each.ts === ts || each.thread_ts === ts);
  }
}
