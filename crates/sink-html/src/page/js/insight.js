/* What helps to decide: flags with their reasons, since when, and how many peers have the same. */

const LEVELS = { 3: ["High", "bad"], 2: ["Medium", "warn"], 1: ["Low", null] };

/** Every flag that there is: key, level, label. Levels that depend on more are the highest. */
const FLAG_LABELS = [
  ["admin-no-mfa", "Administrator without MFA"],
  ["privileged-no-mfa", "Privileged, no MFA"],
  ["no-mfa", "No MFA"],
  ["disabled", "Disabled account"],
  ["administrator", "System administrator"],
  ["privileged", "Right over the whole tenant"],
  ["expired", "Invitation expired"],
  ["pending", "Invitation pending"],
  ["new", "New since the last report"],
  ["rare", "Rare among peers"],
];
const FLAG_LABEL = new Map(FLAG_LABELS);

const RARE_PEERS = 10;
const RARE_SHARE = 10;

class Insight {
  constructor(report) {
    this.report = report;
    this.personFlags = new Map();
    this.peerGroups = null;
    const { changes, head } = report;
    this.newGrants = new Set(changes.filter(({ subject, kind }) => subject === "grant" && kind === "added").map(({ key }) => key.join("\n")));
    this.hasPrevious = Boolean(head.previous);
    this.rarity = new Map();
    this.levels = null;
  }

  /** MFA as far as it is known: who signs in through an identity provider may be asked for it there. */
  mfa(person) {
    const { report } = this;
    if (report.flag("mfa_enabled", person)) return "yes";
    if (report.flag("sso_enabled", person)) return "sso";
    return report.flag("mfa_enabled", person) === false ? "no" : "unknown";
  }

  /** Flags of a person: `[key, level, reason]`, the worst first. */
  ofPerson(person) {
    const known = this.personFlags.get(person);
    if (known) return known;
    const { report } = this;
    const flags = [];
    const disabled = report.word("status", person) === "disabled";
    const admin = report.roleFlag("administrator", person) === true;
    const invitation = lower(report.roleText("invitation", person));
    const mfa = this.mfa(person);
    if (!disabled && mfa === "no") {
      if (admin) flags.push(["admin-no-mfa", 3, "Full rights over the tenant behind a password alone"]);
      else if (report.schema.isCustomer(report.userType(person))) flags.push(["no-mfa", 1, "Signs in with a password alone"]);
      else flags.push(["no-mfa", 3, "Signs in with a password alone"]);
    }
    if (disabled) flags.push(["disabled", 2, "The access comes back when somebody enables the account"]);
    if (admin) flags.push(["administrator", 2, "Full rights over the tenant, whatever the roles"]);
    if (invitation === "expired") flags.push(["expired", 2, "Was invited and did not answer in time: never signed in"]);
    if (invitation === "pending") flags.push(["pending", 1, "Was invited and has not answered yet: never signed in"]);
    flags.sort((a, b) => b[1] - a[1]);
    this.personFlags.set(person, flags);
    return flags;
  }

  /** Flags of a line, the worst first. */
  ofLine(grant) {
    const { report } = this;
    const principal = report.principals[grant];
    const entitlement = report.entitlementOf[grant];
    const own = report.isPerson(principal) ? this.ofPerson(principal) : [];
    const flags = [...own];
    if (report.isPrivileged(entitlement)) {
      if (own.some(([key]) => key === "no-mfa")) flags.push(["privileged-no-mfa", 3, `${report.title(entitlement)} behind a password alone`]);
      else if (!own.some(([key]) => key === "administrator" || key === "admin-no-mfa")) flags.push(["privileged", 2, report.access.descriptions[entitlement] || "Holds over the whole tenant"]);
    }
    if (this.isNew(grant)) flags.push(["new", report.isPrivileged(entitlement) ? 2 : 1, `Was not there in the report of ${day(report.head.previous.started_at)}`]);
    const peers = this.peers(grant);
    if (peers && peers.of >= RARE_PEERS && peers.have * RARE_SHARE <= peers.of) flags.push(["rare", 1, `${number(peers.have)} of ${number(peers.of)} ${peers.who} have it`]);
    return flags.sort((a, b) => b[1] - a[1]);
  }

  level(grant) {
    const { report } = this;
    if (!this.levels) this.levels = new Int8Array(report.grantCount).fill(-1);
    if (this.levels[grant] < 0) this.levels[grant] = Math.max(0, ...this.ofLine(grant).map(([, level]) => level));
    return this.levels[grant];
  }

  isNew(grant) {
    if (this.newGrants.size === 0) return false;
    const { report } = this;
    return this.newGrants.has([report.access.ids[report.entitlementOf[grant]], ...report.principalKey(report.principals[grant])].join("\n"));
  }

  /** The first report that shows it, where reports say so: its time, and whether it may be older than that report. */
  since(grant) {
    const times = this.report.access.times || [];
    if (times.length === 0) return null;
    const place = this.report.since ? this.report.since[grant] : 0;
    return { at: times[place], earlier: place === 0 };
  }

  /** The same type of people in the same organization: how many there are, and how many of them have the same. */
  peers(grant) {
    const { report } = this;
    const principal = report.principals[grant];
    // A file of a review has a part of the people only.
    if (!report.isPerson(principal) || report.head.review) return null;
    if (!this.peerGroups) this.gatherPeers();
    const group = this.peerGroups.of[principal];
    const entitlement = report.entitlementOf[grant];
    let counts = this.rarity.get(entitlement);
    if (!counts) {
      counts = new Map();
      for (const holder of report.holders(entitlement)) {
        if (!report.isPerson(holder)) continue;
        const place = this.peerGroups.of[holder];
        counts.set(place, (counts.get(place) || 0) + 1);
      }
      this.rarity.set(entitlement, counts);
    }
    const organization = report.organizationName(principal);
    const who = `${lower(report.schema.typePlural(report.userType(principal), "people"))}${organization ? ` of ${organization}` : ""}`;
    return { of: this.peerGroups.sizes[group], have: counts.get(group), who };
  }

  gatherPeers() {
    const { report } = this;
    const { shared } = report.people;
    const columns = ["user_type", "organization_id"].map((role) => shared[report.schema.keyOf(role)] || []);
    const places = new Map();
    const of = new Uint32Array(report.count);
    const sizes = [];
    for (let person = 0; person < report.count; person += 1) {
      const key = columns.map((column) => column[person]).join(" ");
      if (!places.has(key)) places.set(key, sizes.push(0) - 1);
      of[person] = places.get(key);
      sizes[of[person]] += 1;
    }
    this.peerGroups = { of, sizes };
  }
}

const flagMark = ([key, level, why]) => h("span", { class: `mark ${LEVELS[level][1] || ""}`, title: `${LEVELS[level][0]}: ${why}` }, h("span", { class: "unseen" }, `${LEVELS[level][0]}: `), FLAG_LABEL.get(key));

/** Where somebody signs in, and with what. */
const signInOf = (report, person) => {
  const mfa = report.insight.mfa(person);
  if (mfa === "sso") return "SSO, MFA unknown";
  const where = report.flag("sso_enabled", person) ? "SSO" : report.flag("sso_enabled", person) === false ? "local" : "sign-in unknown";
  return `${where}, ${{ yes: "MFA", no: "no MFA", unknown: "MFA unknown" }[mfa]}`;
};
