/* Numbers, times and words for people. */

const numbers = new Intl.NumberFormat("en");
const number = (value) => numbers.format(value);

const plural = (count, one, many) => `${number(count)} ${count === 1 ? one : many || `${one}s`}`;

/** A share of a whole, in percent. Nearly none is not none, and nearly all not all. */
const percent = (part, whole) => {
  if (whole === 0) return "–";
  const share = (100 * part) / whole;
  if (part > 0 && share < 1) return "< 1 %";
  if (part < whole && share > 99) return "> 99 %";
  return `${Math.round(share)} %`;
};

const times = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  timeZone: "UTC",
});
const time = (text) => {
  const parsed = new Date(text);
  return Number.isNaN(parsed.getTime()) ? text : `${times.format(parsed)} UTC`;
};

/** What the tenant calls sorts of people, as people would. */
const SORTS = { TECHNICIAN: ["Technician", "Technicians"], END_USER: ["End user", "End users"], "": ["Sort not said", "Sort not said"] };
const sortOf = (word) => SORTS[word]?.[0] || word;
const sortsOf = (word) => SORTS[word]?.[1] || word;

/** The tenant's address without what all addresses have. */
const short = (tenant) => tenant.replace(/^https?:\/\//, "").replace(/\/$/, "");

const KINDS = {
  user: "People",
  role: "Roles",
  group: "Groups",
  app: "Whole tenant",
  managed_device: "Devices",
  other: "Other",
};

const SYNC_TYPES = {
  full: "everything",
  resources_only: "things without who holds what",
  partial: "a part of the tenant",
};

const YES_NO = { true: "yes", false: "no", null: "not said" };

/** Columns of the dataset, for people. */
const COLUMNS = {
  display_name: "name",
  login: "login",
  email: "e-mail",
  status: "status",
  status_detail: "detail of status",
  account_type: "sort of account",
  user_type: "sort",
  invitation_status: "invitation",
  auth_type: "sign-in",
  organization_id: "organization",
  mfa_enabled: "second factor",
  sso_enabled: "signs in through identity provider",
  scim_user: "managed by identity provider",
  administrator: "system administrator",
  must_change_password: "must change password",
  permit_all_clients: "sees every organization",
  full_portal_access: "full portal access",
  description: "description",
  purpose: "purpose",
  immutable: "only to be looked at",
  is_direct: "held directly",
};

const lower = (text) => (text === null || text === undefined ? "" : text.toLowerCase());

const link = (...parts) => `#/${parts.map(encodeURIComponent).join("/")}`;
