/* What is asked of the data. People, entitlements and grants are numbers; the columns say the rest. */

const FLAG = { 49: true, 48: false };

class Report {
  constructor(head) {
    this.head = head;
    this.schema = new Schema(head.schema);
  }

  /** Reads what the overview does without. */
  async load() {
    const [people, access, grants, changes] = await Promise.all([
      section("people").json(),
      section("access").json(),
      section("grants").arrayBuffer(),
      section("changes").json(),
    ]);
    this.people = people;
    this.access = access;
    this.changes = changes.rows;
    this.count = people.ids.length;
    const total = access.holders.reduce((sum, holders) => sum + holders, 0);
    Object.assign(this, readGrants(new Uint8Array(grants), access.ids.length, total));
    this.grantCount = total;
    this.turnAround();
    this.insight = new Insight(this);
  }

  /** From who holds an entitlement to what somebody holds. */
  turnAround() {
    const principals = this.count + this.access.others.length;
    const starts = new Uint32Array(principals + 1);
    for (const principal of this.principals) starts[principal + 1] += 1;
    for (let n = 0; n < principals; n += 1) starts[n + 1] += starts[n];
    const next = starts.slice();
    this.entitlementOf = new Uint32Array(this.grantCount);
    this.heldGrants = new Uint32Array(this.grantCount);
    this.roles = new Uint32Array(principals);
    for (let entitlement = 0; entitlement < this.access.ids.length; entitlement += 1) {
      const isRole = this.traitOf(entitlement) === "role";
      for (let grant = this.starts[entitlement]; grant < this.starts[entitlement + 1]; grant += 1) {
        const principal = this.principals[grant];
        this.entitlementOf[grant] = entitlement;
        this.heldGrants[next[principal]] = grant;
        next[principal] += 1;
        if (isRole) this.roles[principal] += 1;
      }
    }
    this.heldStarts = starts;
  }

  /* People. */

  word(column, person) {
    const place = this.people.shared[column]?.[person];
    return place === null || place === undefined ? null : this.people.words[place];
  }

  flag(column, person) {
    const value = FLAG[this.people.flags[column]?.charCodeAt(person)];
    return value === undefined ? null : value;
  }

  /** The text of the attribute that has a role. */
  roleText(role, person) {
    return this.word(this.schema.keyOf(role), person);
  }

  /** The flag of the attribute that has a role. */
  roleFlag(role, person) {
    return this.flag(this.schema.keyOf(role), person);
  }

  userType(person) {
    return this.roleText("user_type", person) || "";
  }

  organizationName(person) {
    return this.roleText("organization_name", person);
  }

  email(person) {
    const packed = this.people.emails[person];
    if (packed === null || !packed.startsWith("=")) return packed;
    return packed === "=" ? this.people.logins[person] : packed.slice(1);
  }

  personLink(person) {
    return link("person", this.word("resource_type_id", person), this.people.ids[person]);
  }

  findPrincipal(type, id) {
    if (!this.principalPlaces) {
      this.principalPlaces = new Map(this.people.ids.map((own, n) => [`${this.word("resource_type_id", n)}\n${own}`, n]));
      this.access.others.forEach((other, n) => this.principalPlaces.set(`${other.resource_type}\n${other.id}`, this.count + n));
    }
    return this.principalPlaces.get(`${type}\n${id}`) ?? -1;
  }

  findPerson(type, id) {
    const principal = this.findPrincipal(type, id);
    return this.isPerson(principal) ? principal : -1;
  }

  /** Name and login of everybody in small letters, for searching. */
  get hay() {
    if (!this.searched) {
      const { names, logins, ids } = this.people;
      this.searched = names.map((text, n) => `${lower(text)}\n${lower(logins[n])}\n${lower(this.email(n))}\n${ids[n]}`);
    }
    return this.searched;
  }

  /** What names a principal: for telling whether a reviewer is it. */
  principalFacts(principal) {
    if (!this.isPerson(principal)) return { title: this.principalName(principal) };
    return { title: this.people.names[principal], login: this.people.logins[principal], email: this.email(principal) };
  }

  /** Flags of somebody at a glance. */
  marks(person) {
    return this.insight.ofPerson(person).map(flagMark);
  }

  /* Principals: people, then others. */

  isPerson(principal) {
    return principal >= 0 && principal < this.count;
  }

  principalName(principal) {
    return this.isPerson(principal) ? this.people.names[principal] : this.access.others[principal - this.count]?.name;
  }

  principalKey(principal) {
    if (this.isPerson(principal)) return [this.word("resource_type_id", principal), this.people.ids[principal]];
    const other = this.access.others[principal - this.count];
    return [other.resource_type, other.id];
  }

  principalCell(principal) {
    if (!this.isPerson(principal)) {
      const [type] = this.principalKey(principal);
      return h("div", null, h("span", { class: "name" }, name(this.principalName(principal))), " ", mark(type));
    }
    const login = this.people.logins[principal];
    return h(
      "div",
      null,
      h("a", { class: "name", href: this.personLink(principal) }, name(this.people.names[principal])),
      login && h("span", { class: "under" }, name(login)),
    );
  }

  /* Entitlements. */

  kindOf(entitlement) {
    return this.head.kinds[this.access.kinds[entitlement]];
  }

  traitOf(entitlement) {
    return this.kindOf(entitlement).trait_kind;
  }

  entitlementLink(entitlement) {
    return link("entitlement", this.access.ids[entitlement]);
  }

  canBeRevoked(entitlement) {
    return this.access.immutable[entitlement] !== "1";
  }

  /** Rights over the tenant as a whole, but for those that administer nothing. */
  isPrivileged(entitlement) {
    return this.traitOf(entitlement) === "app" && !this.schema.unprivileged.has(this.access.slugs[entitlement]);
  }

  /** What it is for, in the tenant's words. */
  purposeOf(entitlement) {
    const { descriptions, resource_descriptions: resources } = this.access;
    return (this.traitOf(entitlement) !== "app" && this.isAlone(entitlement) && resources?.[entitlement]) || descriptions[entitlement];
  }

  /** What an entitlement is called here; two of the same name are told apart by their ids. */
  title(entitlement) {
    if (!this.titles) {
      const plain = this.access.ids.map((_, n) => this.plainTitle(n));
      const seen = new Map();
      for (const text of plain) seen.set(text, (seen.get(text) || 0) + 1);
      this.titles = plain.map((text, n) => (seen.get(text) > 1 ? `${text} (${this.kindOf(n).id} ${this.access.resources[n]})` : text));
    }
    return this.titles[entitlement];
  }

  /** A role is called by its name; what is held on the tenant by what is held. */
  plainTitle(entitlement) {
    return this.traitOf(entitlement) === "app" || !this.isAlone(entitlement)
      ? this.access.names[entitlement]
      : this.access.resource_names[entitlement];
  }

  /** Whether it is all that can be held on its thing. */
  isAlone(entitlement) {
    const { resources, kinds } = this.access;
    if (!this.perThing) {
      this.perThing = new Map();
      resources.forEach((id, n) => {
        const key = `${kinds[n]} ${id}`;
        this.perThing.set(key, (this.perThing.get(key) || 0) + 1);
      });
    }
    return this.perThing.get(`${kinds[entitlement]} ${resources[entitlement]}`) === 1;
  }

  holders(entitlement) {
    return this.principals.subarray(this.starts[entitlement], this.starts[entitlement + 1]);
  }

  /* Grants. */

  heldBy(principal) {
    return this.heldGrants.subarray(this.heldStarts[principal], this.heldStarts[principal + 1]);
  }

  isDirect(grant) {
    const origin = this.origins[grant];
    return origin === 0 || this.access.origins[origin - 1].direct;
  }

  /** How it is held, in words. */
  why(grant) {
    const origin = this.origins[grant];
    if (origin === 0) return "directly";
    const { direct, sources } = this.access.origins[origin - 1];
    const through = sources.filter((id) => id !== this.access.ids[this.entitlementOf[grant]]);
    const names = through.map((id) => this.sourceName(id)).join(", ");
    if (direct) return names ? `directly, and through ${names}` : "directly";
    return names ? `through ${names}` : "through another entitlement";
  }

  sourceName(id) {
    const place = this.findEntitlement(id);
    return place < 0 ? id : this.access.names[place];
  }

  findEntitlement(id) {
    if (!this.entitlementPlaces) this.entitlementPlaces = new Map(this.access.ids.map((text, n) => [text, n]));
    return this.entitlementPlaces.get(id) ?? -1;
  }

  findGrant(entitlement, principal) {
    const holders = this.holders(entitlement);
    let [low, high] = [0, holders.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (holders[middle] < principal) low = middle + 1;
      else high = middle;
    }
    return holders[low] === principal ? this.starts[entitlement] + low : -1;
  }

  figure(key) {
    return this.head.figures.find((figure) => figure.key === key);
  }

  chart(key) {
    return this.head.charts.find((chart) => chart.key === key);
  }
}
