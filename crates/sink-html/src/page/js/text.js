/* Numbers, times and words for people. */

const numbers = new Intl.NumberFormat("en");
const number = (value) => numbers.format(value);

const plural = (count, one, many) => `${number(count)} ${count === 1 ? one : many || `${one}s`}`;

/** A share of a total, in percent. Nearly none is not none, and nearly all not all. */
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

const days = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const day = (text) => {
  const parsed = new Date(text);
  return Number.isNaN(parsed.getTime()) ? text : days.format(parsed);
};

/** A word in capitals as people write it. */
const capital = (word) => (/^[A-Z0-9_]{3,}$/.test(word) ? word[0] + lower(word.slice(1)).replaceAll("_", " ") : word);

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
  resources_only: "objects without assignments",
  partial: "a part of the tenant",
};

const YES_NO = { true: "yes", false: "no", null: "unknown" };

/** Columns that every connector has, for people. */
const COLUMNS = {
  display_name: "name",
  login: "login",
  email: "e-mail",
  status: "status",
  status_detail: "status detail",
  account_type: "account type",
  mfa_enabled: "MFA",
  sso_enabled: "SSO",
  description: "description",
  purpose: "purpose",
  immutable: "read-only",
  is_direct: "direct assignment",
};

/** A label within a sentence; acronyms stay. */
const lowerFirst = (text) => (/^[A-Z][a-z]/.test(text) ? text[0].toLowerCase() + text.slice(1) : text);

const lower = (text) => (text === null || text === undefined ? "" : text.toLowerCase());

const link = (...parts) => `#/${parts.map(encodeURIComponent).join("/")}`;
