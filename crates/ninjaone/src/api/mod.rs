//! NinjaOne's JSON: the rows of its lists, one file each, and how leniently their fields are read.

mod bounds;
mod devices;
mod fields;
pub(crate) mod keys;
mod lenient;
mod member_reader;
mod members;
mod organizations;
mod roles;
mod said;
#[cfg(test)]
mod tests;
mod users;

pub(crate) use bounds::MAX_LABEL_BYTES;
pub(crate) use devices::DeviceRow;
pub(crate) use keys::row;
pub(crate) use members::{Members, NamelessMember};
pub(crate) use organizations::OrganizationRow;
pub(crate) use roles::RoleRow;
pub(crate) use said::{Entries, Flag, Id, List, OrganizationIds, Row, Rows, Said, Text};
pub(crate) use users::UserRow;
