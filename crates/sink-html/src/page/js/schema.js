/* What the connector declares of people: their attributes, with names for people, and what some of them mean here. */

class Schema {
  constructor({ attributes = [], unprivileged_slugs: unprivileged = [] } = {}) {
    this.attributes = attributes;
    this.unprivileged = new Set(unprivileged);
    this.flags = attributes.filter((attribute) => attribute.is_flag);
    this.types = this.withRole("user_type")?.values || [];
  }

  /** The attribute that has a role, if one does. */
  withRole(role) {
    return this.attributes.find((attribute) => attribute.role === role);
  }

  keyOf(role) {
    return this.withRole(role)?.key;
  }

  /** A value as people read it; one without a name of its own as it is. */
  valueLabel(role, value) {
    return this.withRole(role)?.values.find((known) => known.value === value)?.label || value;
  }

  /** One account of a user type. A connector without types of users has none. */
  typeLabel(type) {
    return type === "" ? "Unknown type" : this.types.find(({ value }) => value === type)?.label || capital(type);
  }

  /** Several accounts of a user type. */
  typePlural(type, unknown = "Unknown type") {
    return type === "" ? unknown : this.types.find(({ value }) => value === type)?.plural || capital(type);
  }

  isCustomer(type) {
    return this.types.some(({ value, class: of }) => value === type && of === "customer");
  }

  /** The customers that the tenant serves, as a user type, if it serves any. */
  get customers() {
    return this.types.find(({ class: of }) => of === "customer");
  }

  /** What a column is called within a sentence. */
  columnLabel(column) {
    const declared = this.attributes.find(({ key }) => key === column);
    return COLUMNS[column] || (declared ? lowerFirst(declared.label) : column);
  }
}
