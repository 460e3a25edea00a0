//! NinjaOne's JSON: the rows of its lists, one file each, and the lenient parsing of their fields.

mod bounds;
mod devices;
mod fields;
pub(crate) mod keys;
mod lenient;
mod list_row;
mod member_reader;
mod members;
mod organizations;
mod roles;
mod stated;
#[cfg(test)]
mod tests;
mod users;

pub(crate) use bounds::MAX_LABEL_BYTES;
pub(crate) use devices::DeviceRow;
pub(crate) use keys::row;
pub(crate) use list_row::{ListRow, PagedRow};
pub(crate) use members::{Members, NamelessMember};
pub(crate) use organizations::OrganizationRow;
pub(crate) use roles::RoleRow;
pub(crate) use stated::{Entries, Flag, Id, List, OrganizationIds, Row, Rows, Stated, Text};
pub(crate) use users::UserRow;
