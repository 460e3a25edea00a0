/*
 * What was decided. A decision is a statement: who, when, what, why. It is never changed by anybody else: what replaces it
 * keeps it as superseded. Everything stays in this browser until it is exported.
 */

const STATES_OF_LINES = ["open", "keep", "revoke"];
const UNDO_DEPTH = 500;
/** Lines in steps that are kept over a reload. */
const UNDO_LINES = 5_000;

const sameStatement = (one, other) => one.decision === other.decision && one.reviewer === other.reviewer && one.at === other.at;

class Decisions {
  constructor(report) {
    this.report = report;
    this.review = report.head.review || null;
    this.base = this.review?.report_sha256 || FINGERPRINT;
    this.place = `baton-ninja-one review ${FINGERPRINT}`;
    this.all = new Map();
    this.undone = [];
    this.reviewer = this.review?.reviewer || "";
    this.scope = "";
    this.signed = null;
    this.last = null;
    this.saved = true;
    this.stale = false;
    this.listeners = new Set();
    this.restore();
  }

  /* What is there. */

  get(grant) {
    return this.all.get(grant);
  }

  /** The decision that counts: a self-review counts as none until somebody else decides. */
  decided(grant) {
    const line = this.all.get(grant);
    return line?.decision && !line.self ? line.decision : null;
  }

  isMine(line) {
    return squashed(line.reviewer) === squashed(this.reviewer);
  }

  isOwn(grant, reviewer = this.reviewer) {
    return isSelfReview(reviewer, this.report.principalFacts(this.report.principals[grant]));
  }

  counts(grants) {
    const counts = { lines: grants.length, keep: 0, revoke: 0, self: 0, unexplained: 0 };
    for (const grant of grants) {
      const line = this.all.get(grant);
      if (!line?.decision) continue;
      if (line.self) counts.self += 1;
      else {
        counts[line.decision] += 1;
        if (line.decision === "revoke" && !line.note) counts.unexplained += 1;
      }
    }
    counts.decided = counts.keep + counts.revoke;
    counts.open = counts.lines - counts.decided;
    return counts;
  }

  undecided(grants) {
    return grants.filter((grant) => !this.decided(grant));
  }

  /** All reviewers, in the order of the lines. */
  reviewers(grants) {
    const names = new Set();
    for (const grant of grants) if (this.all.get(grant)?.decision) names.add(this.all.get(grant).reviewer);
    return [...names];
  }

  /* What changes it. */

  /** Puts lines in the place of others, as one step that can be undone. */
  change(label, lines) {
    const before = lines.map(([grant]) => [grant, this.all.get(grant)]);
    for (const [grant, line] of lines) {
      if (line) this.all.set(grant, line);
      else this.all.delete(grant);
    }
    this.undone.push({ label, before });
    if (this.undone.length > UNDO_DEPTH) this.undone.shift();
    this.tell(lines.map(([grant]) => grant));
  }

  /** Takes the last step back and says what it was. */
  undo() {
    if (this.signed) return null;
    const step = this.undone.pop();
    if (!step) return null;
    for (const [grant, line] of step.before) {
      if (line) this.all.set(grant, line);
      else this.all.delete(grant);
    }
    const grants = step.before.map(([grant]) => grant);
    this.tell(grants);
    return { label: step.label, grants };
  }

  statement(grant, decision, note) {
    const before = this.all.get(grant);
    const lost = before?.superseded || [];
    const others = before?.decision && !this.isMine(before) ? [...lost, { decision: before.decision, reviewer: before.reviewer, at: before.at, note: before.note }] : lost;
    return { decision, reviewer: this.reviewer, at: new Date().toISOString(), note: note ?? before?.note ?? "", superseded: others, self: this.isOwn(grant) };
  }

  /** Decides lines; whose own access it is does not decide it. Returns how many were decided. */
  decide(grants, decision, { note, label } = {}) {
    const mine = grants.filter((grant) => !this.isOwn(grant));
    if (mine.length > 0) this.change(label || `${decision === "keep" ? "Kept" : "Revoked"} ${this.nameOf(mine)}`, mine.map((grant) => [grant, this.statement(grant, decision, note)]));
    return mine.length;
  }

  /** Takes the reviewer's own decision back; the note stays. */
  reopen(grant) {
    const before = this.all.get(grant);
    if (!before?.decision) return;
    const rest = before.note || before.superseded.length > 0 ? { ...before, decision: null, reviewer: "", at: "", self: false } : undefined;
    this.change(`Took back ${this.nameOf([grant])}`, [[grant, rest]]);
  }

  /** The reason is part of the statement: a new one is a new statement of the same reviewer. */
  note(grant, text) {
    const before = this.all.get(grant);
    if ((before?.note || "") === text) return;
    const at = before?.decision ? new Date().toISOString() : "";
    const line = before ? { ...before, note: text, at } : { decision: null, reviewer: "", at: "", note: text, superseded: [], self: false };
    const empty = !line.decision && !line.note && line.superseded.length === 0;
    this.change(`Note on ${this.nameOf([grant])}`, [[grant, empty ? undefined : line]]);
  }

  nameOf(grants) {
    if (grants.length !== 1) return plural(grants.length, "line");
    const { report } = this;
    return `${report.principalName(report.principals[grants[0]])} – ${report.title(report.entitlementOf[grants[0]])}`;
  }

  setReviewer(text) {
    // Names are listed with semicolons between them.
    this.reviewer = text.trim().replace(/;/g, ",").replace(/\s+/g, " ");
    this.tell([]);
  }

  signOff(grants, reason) {
    const { decided, open } = this.counts(grants);
    this.signed = { by: this.reviewer, at: new Date().toISOString(), reason, decided, open };
    this.tell([]);
  }

  withdraw() {
    this.signed = null;
    this.tell([]);
  }

  /* Who wants to know of changes, and what is kept. */

  tell(grants) {
    this.keep();
    for (const listener of this.listeners) listener(grants);
  }

  keep() {
    clearTimeout(this.pause);
    this.pause = setTimeout(() => this.store(), 300);
  }

  store() {
    clearTimeout(this.pause);
    if (this.stale) return;
    const reviewers = [];
    const place = (who) => {
      const at = reviewers.indexOf(who);
      return at >= 0 ? at : reviewers.push(who) - 1;
    };
    const packed = (line) => [STATES_OF_LINES.indexOf(line.decision || "open"), place(line.reviewer), line.at, line.note || 0, line.superseded?.length > 0 ? line.superseded : 0];
    const rows = [...this.all].map(([grant, line]) => [grant, ...packed(line)]);
    const last = this.last && { about: this.last.about, rows: [...this.last.lines].map(([grant, line]) => [grant, ...packed(line)]), revoked: [...this.last.revoked] };
    const { reviewer, scope, signed } = this;
    const text = rows.length === 0 && !reviewer && !last ? null : JSON.stringify({ reviewer, scope, signed, reviewers, rows, last });
    const was = this.saved;
    try {
      if (text === null) localStorage.removeItem(this.place);
      else localStorage.setItem(this.place, text);
      this.saved = true;
    } catch {
      this.saved = false;
    }
    this.storeUndo();
    if (this.saved !== was) for (const listener of this.listeners) listener([]);
  }

  /** The way back survives a reload, as far as it is not too long, and ends with the window. */
  storeUndo() {
    let lines = 0;
    const steps = [];
    for (const step of [...this.undone].reverse()) {
      lines += step.before.length;
      if (lines > UNDO_LINES) break;
      steps.unshift({ label: step.label, before: step.before.map(([grant, line]) => [grant, line ?? null]) });
    }
    try {
      sessionStorage.setItem(`${this.place} undo`, JSON.stringify(steps));
    } catch {
      // It ends with the page then.
    }
  }

  restoreUndo() {
    try {
      const steps = JSON.parse(sessionStorage.getItem(`${this.place} undo`) || "[]");
      this.undone = steps.map(({ label, before }) => ({ label, before: before.map(([grant, line]) => [grant, line ?? undefined]) }));
    } catch {
      this.undone = [];
    }
  }

  restore() {
    try {
      const { reviewer, scope, signed, reviewers, rows, last } = JSON.parse(localStorage.getItem(this.place) || '{"rows":[]}');
      const line = ([state, who, at, note, lost]) => ({ decision: state > 0 ? STATES_OF_LINES[state] : null, reviewer: reviewers[who], at, note: note || "", superseded: lost || [] });
      this.reviewer = reviewer || this.reviewer;
      this.scope = scope || "";
      this.signed = signed || null;
      for (const [grant, ...packed] of rows) {
        if (grant >= this.report.grantCount) continue;
        const kept = line(packed);
        this.all.set(grant, { ...kept, self: Boolean(kept.decision) && this.isOwn(grant, kept.reviewer) });
      }
      if (last) this.last = { about: last.about, lines: new Map(last.rows.map(([grant, ...packed]) => [grant, line(packed)])), revoked: new Map(last.revoked) };
    } catch {
      this.saved = false;
    }
    if (this.saved) this.restoreUndo();
    this.resumed = this.all.size;
    // Two windows over one file would overwrite each other: the one that was changed elsewhere stops saving and says so.
    window.addEventListener("storage", (event) => {
      if (event.key !== this.place || this.stale) return;
      this.stale = true;
      for (const listener of this.listeners) listener([]);
    });
  }

  /* Sheets out and in. */

  key(grant) {
    return [this.report.access.ids[this.report.entitlementOf[grant]], ...this.report.principalKey(this.report.principals[grant])];
  }

  find(entitlementId, type, id) {
    const { report } = this;
    const entitlement = report.findEntitlement(entitlementId);
    const principal = report.findPrincipal(type, id);
    return entitlement < 0 || principal < 0 ? -1 : report.findGrant(entitlement, principal);
  }

  /** The sheet of all lines of a scope. */
  sheet(grants, scope) {
    const { report, base, review, signed } = this;
    const { access, head } = report;
    const counts = this.counts(grants);
    const header = [
      ["program", head.program],
      ["tenant", head.tenant],
      ["sync_id", head.sync_id],
      ["sync_started_at", head.started_at],
      ["report_sha256", base],
      ["file_sha256", FINGERPRINT],
      ["review_id", review?.id],
      ["assigned_to", review?.role === "reviewer" ? review.reviewer : null],
      ["due", review?.due],
      ["scope", scope],
      ["lines", counts.lines],
      ["decided", counts.decided],
      ["open", counts.open],
      ["reviewers", this.reviewers(grants).join("; ")],
      ["exported_at", new Date().toISOString()],
      ["signed_off_by", signed?.by],
      ["signed_off_at", signed?.at],
      ["sign_off_reason", signed?.reason],
    ];
    const rows = grants.map((grant) => {
      const line = this.all.get(grant);
      const entitlement = report.entitlementOf[grant];
      const principal = report.principals[grant];
      const key = this.key(grant);
      return {
        decision: line?.decision || "open",
        reviewer: line?.decision ? line.reviewer : "",
        decided_at: line?.decision ? line.at : "",
        note: line?.note || "",
        entitlement_id: key[0],
        principal_type: key[1],
        principal_id: key[2],
        entitlement_name: access.names[entitlement],
        resource_name: access.resource_names[entitlement],
        principal_name: report.principalName(principal),
        principal_login: report.isPerson(principal) ? report.people.logins[principal] : null,
        can_be_revoked: report.canBeRevoked(entitlement) && report.isDirect(grant) ? "yes" : "no",
        tenant: head.tenant,
        sync_id: head.sync_id,
        report_sha256: base,
        line_id: lineId(base, key),
        self_review: line?.self ? "yes" : "",
        superseded: superseded(line?.superseded || []),
      };
    });
    return sheetText(header, rows);
  }

  /** What a sheet would do here, without doing it. Throws if it is none, or of another report of the same sync. */
  compareSheet(text) {
    const { head } = this.report;
    const { header, rows } = readSheet(text);
    const of = (key) => header[key] || rows[0]?.[key] || "";
    if (of("tenant") && of("tenant") !== head.tenant) throw new Error(`it is of another tenant, ${of("tenant")}`);
    const hash = of("report_sha256").toLowerCase();
    const found = { header, rows, same: [], theirs: [], conflicts: [], notes: [], refused: [], earlier: false };
    if (hash !== this.base) {
      if (!of("sync_id")) throw new Error("it does not say which report it is of");
      if (of("sync_id") === head.sync_id) throw new Error("it is of another report of the same sync, with other contents");
      found.earlier = true;
      return found;
    }
    for (const row of rows) this.compareRow(row, found);
    return found;
  }

  compareRow(row, found) {
    const key = [row.entitlement_id, row.principal_type, row.principal_id];
    const refuse = (why) => found.refused.push(`${row.principal_name || row.principal_id}, ${row.resource_name || row.entitlement_name || row.entitlement_id}: ${why}`);
    const grant = this.find(...key);
    if (grant < 0) return refuse("this report has no such line");
    if (row.line_id && row.line_id !== lineId(this.base, key)) return refuse("the line id does not belong to its ids");
    if (row.principal_name && squashed(row.principal_name) !== squashed(this.report.principalName(this.report.principals[grant]))) return refuse("the name does not belong to the id");
    const ours = this.all.get(grant);
    const decision = row.decision.toLowerCase();
    const lost = readSuperseded(row.superseded);
    if (decision === "" || decision === "open") {
      if (row.note && !ours?.note) found.notes.push([grant, row.note]);
      return null;
    }
    if (!["keep", "revoke"].includes(decision)) return refuse(`${row.decision} is neither keep, revoke nor open`);
    if (!row.reviewer) return refuse("the decision has no reviewer");
    if (Number.isNaN(Date.parse(row.decided_at))) return refuse("the decision has no time");
    const theirs = { decision, reviewer: row.reviewer, at: row.decided_at, note: row.note, superseded: lost, self: this.isOwn(grant, row.reviewer) };
    if (!ours?.decision) return found.theirs.push([grant, theirs]);
    if (sameStatement(ours, theirs)) return found.same.push([grant, theirs]);
    if (lost.some((one) => sameStatement(one, ours))) return found.theirs.push([grant, theirs]);
    if ((ours.superseded || []).some((one) => sameStatement(one, theirs))) return found.same.push([grant, theirs]);
    if (ours.self && !theirs.self) return found.theirs.push([grant, theirs]);
    if (theirs.self && !ours.self) return found.same.push([grant, theirs]);
    if (squashed(ours.reviewer) === squashed(theirs.reviewer)) return (Date.parse(theirs.at) > Date.parse(ours.at) ? found.theirs : found.same).push([grant, theirs]);
    if (ours.decision === theirs.decision) return found.same.push([grant, theirs]);
    return found.conflicts.push([grant, theirs]);
  }

  /** Takes a compared sheet over. `choices`: for each conflict `mine` or `theirs`. What loses is kept as superseded. */
  merge({ same, theirs, conflicts, notes, header }, choices) {
    const merged = (winner, loser) => {
      const lost = [...(winner.superseded || [])];
      for (const one of [...(loser?.superseded || []), loser]) {
        if (!one?.decision || sameStatement(one, winner) || lost.some((other) => sameStatement(other, one))) continue;
        lost.push({ decision: one.decision, reviewer: one.reviewer, at: one.at, note: one.note });
      }
      lost.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
      return { ...winner, note: winner.note || (sameStatement(winner, loser || {}) ? loser.note : "") || "", superseded: lost };
    };
    const lines = [];
    for (const [grant, line] of same) lines.push([grant, merged(this.all.get(grant), line)]);
    for (const [grant, line] of theirs) lines.push([grant, merged({ ...line, note: line.note || (this.all.get(grant)?.decision ? "" : this.all.get(grant)?.note) || "" }, this.all.get(grant))]);
    for (const [grant, line] of conflicts) {
      const ours = this.all.get(grant);
      lines.push([grant, choices.get(grant) === "theirs" ? merged(line, ours) : merged(ours, line)]);
    }
    for (const [grant, text] of notes) lines.push([grant, { decision: null, reviewer: "", at: "", superseded: [], self: false, ...this.all.get(grant), note: text }]);
    this.change(`Imported a sheet${header.reviewers ? ` of ${header.reviewers}` : ""}`, lines);
  }

  /** Shows a sheet of an earlier report beside the lines; it decides nothing. */
  setLast({ header, rows }) {
    const lines = new Map();
    const revoked = new Map();
    for (const row of rows) {
      const decision = row.decision.toLowerCase();
      if (!["keep", "revoke"].includes(decision) || row.self_review === "yes") continue;
      const line = { decision, reviewer: row.reviewer, at: row.decided_at, note: row.note };
      const key = [row.entitlement_id, row.principal_type, row.principal_id];
      const grant = this.find(...key);
      if (grant >= 0) lines.set(grant, line);
      if (decision === "revoke") revoked.set(key.join("\n"), { reviewer: line.reviewer, at: line.at, note: line.note });
    }
    this.last = { about: { sync_id: header.sync_id || rows[0]?.sync_id, started_at: header.sync_started_at || "", reviewers: header.reviewers || rows.find(({ reviewer }) => reviewer)?.reviewer || "" }, lines, revoked };
    this.tell([]);
    return lines.size;
  }
}
