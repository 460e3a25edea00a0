/* What is done to many lines at once: bulk decisions, sheets in and out, sign-off. */

/** How many of some lines have which flags, in words. */
const flagCounts = (report, grants) => {
  const counts = [0, 0, 0, 0];
  for (const grant of grants) counts[report.insight.level(grant)] += 1;
  return [3, 2, 1].filter((level) => counts[level] > 0).map((level) => `${number(counts[level])} with a ${lower(LEVELS[level][0])} flag`);
};

const ownCount = (decisions, grants) => grants.filter((grant) => decisions.isOwn(grant)).length;

/** Asks, then keeps many lines. Says whether it did. */
const keepMany = async (report, decisions, grants, what, note) => {
  if (grants.length === 0 || !(await mayDecide(decisions))) return false;
  const own = ownCount(decisions, grants);
  const count = grants.length - own;
  const flags = flagCounts(report, grants);
  const reason = field("Reason (optional)", { value: note || null });
  const answer = await ask(
    `Keep ${plural(count, "line")}?`,
    [
      h("p", null, what),
      flags.length > 0 && h("p", null, h("strong", null, flags.join(", ")), "."),
      own > 0 && h("p", null, `${plural(own, "line")} of your own access stay undecided.`),
      reason.element,
    ],
    [
      ["keep", `Keep ${number(count)}`, "main", () => count > 0],
      ["no", "Cancel"],
    ],
  );
  if (answer !== "keep") return false;
  decisions.decide(grants, "keep", { note: reason.input.value.trim() || undefined, label: `Kept ${plural(count, "line")}` });
  say(`Kept ${plural(count, "line")}`);
  return true;
};

/** Asks for the number and a reason, then revokes many lines. */
const revokeMany = async (report, decisions, grants, what) => {
  if (grants.length === 0 || !(await mayDecide(decisions))) return false;
  const own = ownCount(decisions, grants);
  const count = grants.length - own;
  const typed = field(`Type ${count} to confirm`, { inputmode: "numeric" });
  const reason = field("Reason", { required: true });
  const answer = await ask(
    `Revoke ${plural(count, "line")}?`,
    [
      h("p", null, what),
      h("p", null, "The sheet will ask to take all of this access away. ", own > 0 && `${plural(own, "line")} of your own access stay undecided.`),
      reason.element,
      typed.element,
    ],
    [
      ["revoke", `Revoke ${number(count)}`, "danger", () => count > 0 && typed.input.value.replace(/[\s,.]/g, "") === String(count) && reason.input.value.trim() !== ""],
      ["no", "Cancel", ""],
    ],
    { started: () => reason.input.focus() },
  );
  if (answer !== "revoke") return false;
  decisions.decide(grants, "revoke", { note: reason.input.value.trim(), label: `Revoked ${plural(count, "line")}` });
  say(`Revoked ${plural(count, "line")}`);
  return true;
};

const sheetName = (decisions, report) => {
  const plain = (text) => lower(text).normalize("NFKD").replace(/[^a-z0-9.]+/g, "-").replace(/^-+|-+$/g, "");
  return `review-${plain(short(report.head.tenant))}-${report.head.started_at.slice(0, 10)}-${plain(decisions.reviewer) || "nobody"}.csv`;
};

/** What the program refuses unless a flag says otherwise. */
const MAX_REVOCATIONS = 50;
const OLD_DAYS = 60;

const exportSheet = async (report, decisions, grants, scope) => {
  if (!(await askReviewer(decisions))) return;
  download(sheetName(decisions, report), decisions.sheet(grants, scopeName(decisions, scope)));
  const { lines, decided, open, revoke } = decisions.counts(grants);
  const age = Math.floor((Date.now() - Date.parse(report.head.started_at)) / 86_400_000);
  const inside = new Set(grants);
  const outside = [...decisions.all].filter(([grant, line]) => line.decision && !inside.has(grant)).length;
  await ask(
    "The sheet was exported",
    [
      h("p", null, `${plural(lines, "line")}: ${number(decided)} decided, ${number(open)} open${decisions.signed ? ", signed off" : ", not signed off"}.`),
      open > 0 && h("p", null, "The open lines are in the sheet too. ", h("code", null, "apply-review"), " refuses it as incomplete unless it is told otherwise."),
      revoke > MAX_REVOCATIONS && h("p", null, `${number(revoke)} revocations: `, h("code", null, "apply-review"), " needs ", h("code", null, `--max-revocations ${revoke}`), " for more than 50."),
      age >= OLD_DAYS && h("p", { class: "notice" }, `The sync is ${plural(age, "day")} old. `, h("code", null, "apply-review"), ` refuses one older than ${OLD_DAYS} days unless `, h("code", null, "--max-age"), " allows it."),
      outside > 0 && h("p", { class: "notice" }, `${plural(outside, "decision")} outside this scope are not in the sheet. Choose a wider scope to export them.`),
    ],
    [["ok", "Close", "main"]],
  );
};

/** Takes a file in: a sheet of this report is merged, one of an earlier report is shown beside the lines. */
const importSheet = async (report, decisions, file) => {
  if (decisions.signed && !(await mayDecide(decisions))) return;
  let found;
  try {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : "utf-8";
    found = decisions.compareSheet(new TextDecoder(encoding, { fatal: true }).decode(bytes));
  } catch (error) {
    await ask("This sheet cannot be imported", h("p", { role: "alert" }, `${file.name}: ${error instanceof TypeError ? "it is not text in UTF-8" : error.message}.`), [["ok", "Close", "main"]]);
    return;
  }
  if (found.earlier) await importEarlier(report, decisions, found);
  else await importSame(report, decisions, found);
};

const importEarlier = async (report, decisions, found) => {
  const when = found.header.sync_started_at;
  const answer = await ask(
    "This sheet is of another report",
    [
      h("p", null, when ? `It is of the sync of ${time(when)}` : "It is of another sync", found.header.reviewers && [", reviewed by ", name(found.header.reviewers)], "."),
      h("p", null, "It can be shown as the last review beside the lines of this one: who kept what, and what was to be revoked. It decides nothing here."),
    ],
    [
      ["last", "Show as the last review", "main"],
      ["no", "Cancel"],
    ],
  );
  if (answer !== "last") return;
  const lines = decisions.setLast(found);
  say(`${plural(lines, "line")} of the last review are shown`);
};

const MOST_CONFLICTS = 100;

const importSame = async (report, decisions, found) => {
  const { same, theirs, conflicts, notes, refused, header, rows } = found;
  const choices = new Map();
  const statement = (line) => [h("strong", null, line.decision), " by ", name(line.reviewer), h("span", { class: "under" }, time(line.at), line.note && [" · ", name(line.note)])];
  const left = h("p", { id: "conflicts-left", role: "status" });
  let box = null;
  const changed = () => {
    left.textContent = conflicts.length === 0 ? "" : `${number(choices.size)} of ${plural(conflicts.length, "conflict")} chosen`;
    for (const one of choosers) one.refresh();
    box?.dispatchEvent(new Event("changed"));
  };
  const chooser = ([grant, line]) => {
    const button = (word, label, content) =>
      h("button", { type: "button", class: `choose ${word}`, onclick: () => { choices.set(grant, word); changed(); } }, h("span", { class: "under" }, label, h("span", { class: "unseen" }, `, ${decisions.nameOf([grant])}:`)), " ", content);
    const both = [button("mine", "Here", statement(decisions.get(grant))), button("theirs", "In the sheet", statement(line))];
    const element = h("li", null, h("span", { class: "name" }, name(decisions.nameOf([grant]))), h("div", { class: "turn" }, both));
    element.refresh = () => both.forEach((one, n) => one.setAttribute("aria-pressed", String(choices.get(grant) === ["mine", "theirs"][n])));
    return element;
  };
  const choosers = conflicts.slice(0, MOST_CONFLICTS).map(chooser);
  const all = (word) => () => {
    for (const [grant] of conflicts) choices.set(grant, word);
    changed();
  };
  changed();
  const answer = await ask(
    "Import decisions",
    [
      h("p", null, header.reviewers ? ["A sheet of ", name(header.reviewers), ", "] : "A sheet, ", `${plural(rows.length, "line")}${header.signed_off_by ? ", signed off" : ""}. Every decision keeps its reviewer, time and reason.`),
      h(
        "ul",
        { class: "sums" },
        h("li", { "data-sum": "theirs" }, h("strong", null, number(theirs.length)), " decided only there: taken over"),
        h("li", { "data-sum": "same" }, h("strong", null, number(same.length)), " the same here: stay as they are"),
        h("li", { "data-sum": "conflicts" }, h("strong", null, number(conflicts.length)), " decided otherwise here: choose below"),
        notes.length > 0 && h("li", null, h("strong", null, number(notes.length)), " notes on open lines: taken over"),
        refused.length > 0 && h("li", { "data-sum": "refused" }, h("strong", null, number(refused.length)), " refused", h("ul", null, refused.slice(0, 10).map((line) => h("li", null, name(line))), refused.length > 10 && h("li", null, `and ${number(refused.length - 10)} more`))),
      ),
      conflicts.length > 0 && [
        h("h3", null, "Conflicts"),
        h("p", { class: "quiet" }, "What is not chosen stays in the sheet as superseded."),
        h("div", { class: "turn" }, h("button", { type: "button", class: "button", onclick: all("mine") }, "All as here"), h("button", { type: "button", class: "button", onclick: all("theirs") }, "All as in the sheet")),
        h("ul", { class: "conflicts" }, choosers),
        conflicts.length > MOST_CONFLICTS && h("p", { class: "quiet" }, `and ${number(conflicts.length - MOST_CONFLICTS)} more, which are chosen all at once`),
      ],
      left,
    ],
    [
      ["merge", "Import", "main", () => choices.size === conflicts.length && same.length + theirs.length + conflicts.length + notes.length > 0],
      ["no", "Cancel"],
    ],
    { started: (made) => { box = made; } },
  );
  if (answer !== "merge") return;
  decisions.merge(found, choices);
  say(`Imported: ${plural(theirs.length, "decision")} taken over, ${plural(conflicts.length, "conflict")} settled`);
};

/** Signing off: everything is decided, or it is said why not. */
const signOff = async (report, decisions, grants) => {
  if (!(await mayDecide(decisions))) return false;
  const { lines, keep, revoke, open, self, unexplained } = decisions.counts(grants);
  const undecided = decisions.undecided(grants);
  const reason = field(open > 0 ? "Why these lines stay open" : "Remark (optional)", {});
  const counts = h("p", null, `${number(keep)} kept, ${number(revoke)} revoked, ${number(open)} open of ${plural(lines, "line")}.`);
  const answer = await ask(
    "Sign off the review",
    [
      counts,
      self > 0 && h("p", { class: "notice" }, `${plural(self, "self-review")}: they count as open until another reviewer decides.`),
      unexplained > 0 && h("p", { class: "notice" }, `${plural(unexplained, "revocation")} without a reason. Give one first: Show, Revoked without a reason.`),
      h("p", { class: "quiet" }, "Signed by ", h("strong", null, name(decisions.reviewer)), ". Decisions are locked afterwards, and the sheet says who signed off and when."),
      reason.element,
    ],
    [
      ["sign", open > 0 ? `Sign off with ${number(open)} open` : "Sign off", "main", () => unexplained === 0 && (open === 0 || reason.input.value.trim() !== "")],
      open > 0 && ["revoke", `Revoke the ${number(open)} open…`],
      ["no", "Cancel"],
    ].filter(Boolean),
    { started: () => reason.input.focus() },
  );
  if (answer === "revoke") return revokeMany(report, decisions, undecided, "All lines that are still undecided.");
  if (answer !== "sign") return false;
  decisions.signOff(grants, reason.input.value.trim());
  say("Signed off");
  return true;
};

const KEYS = [
  ["J", "next line"],
  ["K", "previous line"],
  ["Y", "keep, and go on to the next undecided line"],
  ["R", "revoke, and give the reason; Enter goes on"],
  ["U", "undo, also Ctrl Z or ⌘ Z, as often as you like"],
  ["N", "note: give or change the reason"],
  ["X", "select or unselect the line"],
  ["O", "next undecided line"],
  ["G", "keep all undecided lines of this group"],
  ["Enter", "everything about this person"],
  ["/", "search"],
  ["?", "this list"],
];

const showKeys = async (keys) => {
  const id = newId("keys");
  const box = h("input", { type: "checkbox", id });
  box.checked = keys.on;
  await ask(
    "Keys",
    [
      h("dl", { class: "facts keys" }, KEYS.map(([key, text]) => [h("dt", null, h("kbd", null, key)), h("dd", null, text)])),
      h("p", { class: "quiet" }, "The arrow keys go up and down and decide nothing."),
      h("p", null, box, " ", h("label", { for: id }, "Letters are keys on the review")),
    ],
    [["ok", "Close", "main"]],
  );
  keys.on = box.checked;
};
