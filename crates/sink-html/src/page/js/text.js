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

/** Types of people in the tenant's words, and as people would say. A connector without types of people has none. */
const TYPES = { TECHNICIAN: ["Technician", "Technicians"], END_USER: ["End user", "End users"], INTEGRATION: ["Integration", "Integrations"], "": ["Unknown type", "Unknown type"] };
const typeOf = (word) => TYPES[word]?.[0] || capital(word);
const typesOf = (word, unknown) => (word === "" && unknown) || TYPES[word]?.[1] || capital(word);

/** Ways to sign in; what is not known here is shown as it is. */
const SIGN_INS = { NATIVE: "Local", PASSKEY: "Passkey", SAML2: "SAML 2.0" };
const signInWord = (word) => SIGN_INS[word] || word;

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

/** Columns of the dataset, for people. */
const COLUMNS = {
  display_name: "name",
  login: "login",
  email: "e-mail",
  status: "status",
  status_detail: "status detail",
  account_type: "account type",
  user_type: "type",
  invitation_status: "invitation",
  auth_type: "sign-in",
  organization_id: "organization",
  mfa_enabled: "MFA",
  sso_enabled: "SSO",
  scim_user: "managed by SCIM",
  administrator: "system administrator",
  must_change_password: "must change password",
  permit_all_clients: "sees every organization",
  full_portal_access: "full portal access",
  description: "description",
  purpose: "purpose",
  immutable: "read only",
  is_direct: "direct assignment",
};

const lower = (text) => (text === null || text === undefined ? "" : text.toLowerCase());

const link = (...parts) => `#/${parts.map(encodeURIComponent).join("/")}`;
