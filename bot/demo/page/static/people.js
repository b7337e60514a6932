// Who is in the workspace, and who reads.

export const people = {
  me: "",
  bot: "",
  all: {},
  groups: {},

  learn({ me, bot, people: all, groups }) {
    Object.assign(this, { me, bot, all, groups });
  },
  nameOf(id) {
    return this.all[id]?.name ?? id;
  },
  handleOf(id) {
    return this.groups[id] ?? id;
  },
  isBot(id) {
    return Boolean(this.all[id]?.bot);
  },
  // One of eight tones, always the same for the same person.
  toneOf(id) {
    let sum = 0;
    for (const letter of id) sum = (sum * 31 + letter.codePointAt(0)) % 997;
    return sum % 8;
  },
};
