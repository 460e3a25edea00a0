/* What a reviewer decided, kept in this browser until it is exported. */

const SHEET = [
  "decision",
  "reviewer",
  "decided_at",
  "note",
  "entitlement_id",
  "principal_type",
  "principal_id",
  "entitlement_name",
  "resource_name",
  "principal_name",
  "principal_login",
  "can_be_revoked",
  "tenant",
  "sync_id",
  "report_sha256",
];

class Decisions {
  constructor(report) {
    this.report = report;
    this.place = `baton-ninja-one review ${report.head.sync_id}`;
    this.all = new Map();
    this.reviewer = "";
    this.saved = true;
    this.restore();
  }

  get(grant) {
    return this.all.get(grant);
  }

  /** Decides, or takes a decision back if there is none. */
  set(grant, decision) {
    const before = this.all.get(grant);
    if (decision === null) this.all.delete(grant);
    else this.all.set(grant, { note: before?.note || "", decision, at: new Date().toISOString() });
    this.keep();
  }

  note(grant, text) {
    const before = this.all.get(grant);
    if (before) this.all.set(grant, { ...before, note: text });
    else if (text) this.all.set(grant, { decision: null, note: text, at: new Date().toISOString() });
    this.keep();
  }

  /** Decides on many at once, and gives a way back. */
  setMany(grants, decision) {
    const before = grants.map((grant) => [grant, this.all.get(grant)]);
    const at = new Date().toISOString();
    for (const grant of grants) this.all.set(grant, { note: this.all.get(grant)?.note || "", decision, at });
    this.keep();
    return () => {
      for (const [grant, old] of before) {
        if (old) this.all.set(grant, old);
        else this.all.delete(grant);
      }
      this.keep();
    };
  }

  count(decision) {
    let count = 0;
    for (const row of this.all.values()) if (row.decision === decision) count += 1;
    return count;
  }

  setReviewer(text) {
    this.reviewer = text;
    this.keep();
  }

  keep() {
    clearTimeout(this.pause);
    this.pause = setTimeout(() => this.store(), 300);
  }

  store() {
    const rows = [...this.all].map(([grant, { decision, note, at }]) => [...this.key(grant), decision, note, at]);
    try {
      localStorage.setItem(this.place, JSON.stringify({ reviewer: this.reviewer, rows }));
      this.saved = true;
    } catch {
      this.saved = false;
    }
  }

  restore() {
    try {
      const { reviewer, rows } = JSON.parse(localStorage.getItem(this.place) || '{"reviewer":"","rows":[]}');
      this.reviewer = reviewer;
      for (const [entitlement, type, id, decision, note, at] of rows) {
        const grant = this.find(entitlement, type, id);
        if (grant >= 0) this.all.set(grant, { decision, note, at });
      }
    } catch {
      this.saved = false;
    }
  }

  key(grant) {
    return [this.report.access.ids[this.report.entitlementOf[grant]], ...this.report.principalKey(this.report.principals[grant])];
  }

  find(entitlementId, type, id) {
    const { report } = this;
    const entitlement = report.findEntitlement(entitlementId);
    if (entitlement < 0) return -1;
    let principal = report.findPerson(type, id);
    if (principal < 0) {
      const other = report.access.others.findIndex((row) => row.resource_type === type && row.id === id);
      if (other < 0) return -1;
      principal = report.count + other;
    }
    return report.findGrant(entitlement, principal);
  }

  csv(fingerprint) {
    const { report } = this;
    const { access, head } = report;
    const decided = [...this.all].filter(([, row]) => row.decision).sort(([a], [b]) => a - b);
    const rows = decided.map(([grant, { decision, note, at }]) => {
      const entitlement = report.entitlementOf[grant];
      const principal = report.principals[grant];
      const [type, id] = report.principalKey(principal);
      return [
        decision,
        this.reviewer,
        at,
        note,
        access.ids[entitlement],
        type,
        id,
        access.names[entitlement],
        access.resource_names[entitlement],
        report.principalName(principal),
        report.isPerson(principal) ? report.people.logins[principal] : null,
        report.canBeRevoked(entitlement) && report.isDirect(grant) ? "yes" : "no",
        head.tenant,
        head.sync_id,
        fingerprint,
      ];
    });
    return toCsv(SHEET, rows);
  }

  /** Takes an exported sheet over. Says how many rows were taken and how many name nothing here. */
  take(text) {
    let [taken, unknown] = [0, 0];
    for (const row of fromCsv(text)) {
      const grant = this.find(row.entitlement_id, row.principal_type, row.principal_id);
      if (grant < 0 || !["keep", "revoke"].includes(row.decision)) {
        unknown += 1;
        continue;
      }
      this.all.set(grant, { decision: row.decision, note: row.note, at: row.decided_at });
      if (!this.reviewer) this.reviewer = row.reviewer;
      taken += 1;
    }
    this.keep();
    return { taken, unknown };
  }
}
