// The live connection: news comes in batches, each request gets one answer, and it comes back.

import { toast } from "./dom.js";

const LONGEST_PAUSE = 5000;

export class Connection {
  constructor({ told, state }) {
    this.told = told;
    this.state = state;
    this.waiting = new Map();
    this.number = 0;
    this.pause = 250;
    this.me = "";
  }

  open() {
    const query = this.me ? `?as=${encodeURIComponent(this.me)}` : "";
    this.socket = new WebSocket(`ws://${location.host}/page/live${query}`);
    this.socket.addEventListener("open", () => { this.pause = 250; this.state("open"); });
    this.socket.addEventListener("message", (event) => this.receive(JSON.parse(event.data)));
    this.socket.addEventListener("close", () => this.lost());
  }

  lost() {
    this.state("lost");
    for (const { resolve } of this.waiting.values()) resolve({ error: "The connection was lost." });
    this.waiting.clear();
    setTimeout(() => this.open(), this.pause);
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
  }

  receive(batch) {
    for (const news of batch) {
      if (news.t !== "done") continue;
      this.waiting.get(news.re)?.resolve(news);
      this.waiting.delete(news.re);
    }
    this.told(batch.filter((news) => news.t !== "done"));
  }

  // Resolves to {} , {errors} or {error}; a sentence of trouble is shown as well.
  async ask(what, { quiet = false } = {}) {
    if (this.socket?.readyState !== WebSocket.OPEN) {
      toast("There is no connection to the workspace.");
      return { error: "There is no connection." };
    }
    this.number += 1;
    const id = this.number;
    const answer = await new Promise((resolve) => {
      this.waiting.set(id, { resolve });
      this.socket.send(JSON.stringify({ id, ...what }));
    });
    if (answer.error && !quiet) toast(answer.error);
    return answer;
  }
}
