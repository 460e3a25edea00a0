//! Reads `/v2/user/technicians` and `/v2/user/end-users` into one compact table.

use super::event_sender::EventSender;
use super::findings::Findings;
use super::join_table::{JoinTable, JoinTableBuilder, Listed};
use super::older::{self, Instance};
use super::paths::{END_USERS, TECHNICIANS};
use super::user_findings::{DoubledUsers, is_read, mark_shared_id, shown};
use crate::NinjaOneError;
use crate::api::Row;
use crate::api::UserRow;
use crate::client::{ListConsumer, NinjaOneClient};

/// The lists of technicians and of end users.
pub(super) struct KindLists {
    pub(super) table: JoinTable,
    pub(super) findings: Vec<(&'static str, Findings)>,
    pub(super) doubled: DoubledUsers,
    pub(super) technicians: u64,
    pub(super) end_users: u64,
}

/// `None` on an older instance.
pub(super) async fn read(
    client: &NinjaOneClient,
    with_devices: bool,
    sender: &EventSender,
    known: Option<Instance>,
) -> Result<Option<KindLists>, NinjaOneError> {
    let technicians = KindListReader::new(JoinTableBuilder::new(with_devices), Listed::Technician);
    let technicians = match client.list(TECHNICIANS, &[], technicians).await {
        Ok((list, _, _)) => list,
        Err(failure) if known.is_none() => {
            older::confirm(client, TECHNICIANS, failure).await?;
            return Ok(None);
        }
        Err(failure) => return Err(failure.into_missing_list(TECHNICIANS)),
    };
    if technicians.table.len() == 0 {
        return Err(NinjaOneError::EmptyList {
            request: client.display_request(TECHNICIANS),
        });
    }
    let technicians_count = technicians.table.len() as u64;
    let mut findings = vec![(TECHNICIANS, technicians.findings)];
    let end_users = KindListReader::new(technicians.table, Listed::EndUser);
    let end_users = match client.list(END_USERS, &[], end_users).await {
        Ok((list, _, _)) => list,
        Err(failure) => return Err(failure.into_missing_list(END_USERS)),
    };
    findings.push((END_USERS, end_users.findings));
    let end_users_count = end_users.table.len() as u64 - technicians_count;
    let mut doubled = DoubledUsers::default();
    let table = end_users.table.build(|one| doubled.note(&one));
    mark_shared_id(sender, &doubled.is_other_person);
    Ok(Some(KindLists {
        table,
        findings,
        doubled,
        technicians: technicians_count,
        end_users: end_users_count,
    }))
}

/// Collects the list of one kind of users.
struct KindListReader {
    table: JoinTableBuilder,
    listed: Listed,
    before: usize,
    bytes_before: u64,
    findings: Findings,
}

impl KindListReader {
    fn new(table: JoinTableBuilder, listed: Listed) -> Self {
        Self {
            before: table.len(),
            bytes_before: table.bytes(),
            table,
            listed,
            findings: Findings::default(),
        }
    }

    fn is_empty(&self) -> bool {
        self.table.len() == self.before
    }
}

impl ListConsumer<Row<UserRow>> for KindListReader {
    fn accept(&mut self, row: Row<UserRow>) -> bool {
        if let Some((id, mut row)) = self.findings.usable(row) {
            let with_devices = self.table.with_devices();
            for field in row.drop_unreadable() {
                if is_read(field, with_devices, Instance::Current) {
                    self.findings.unreadable.note(field, || shown(id, &row));
                }
            }
            self.findings.clipped.note(row.clipped(), || format!("user {id}"));
            self.table.add(id, self.listed, &row);
        }
        true
    }

    fn kept_bytes(&self) -> u64 {
        self.table.bytes() - self.bytes_before
    }

    fn restart(&mut self) {
        self.table.truncate(self.before);
        self.findings = Findings::default();
    }

    fn has_usable_rows(&self) -> bool {
        !self.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(reader: &mut KindListReader, ids: std::ops::Range<u64>) {
        for id in ids {
            let row = format!(r#"{{"id": {id}, "email": "user.{id}@example.com"}}"#);
            assert!(
                reader.accept(serde_json::from_str(&row).unwrap()),
                "the list is read to its end"
            );
        }
    }

    /// The limit of memory for each list counts the rows of that list only.
    #[test]
    fn memory_of_earlier_lists_is_not_counted_again() {
        let mut technicians = KindListReader::new(JoinTableBuilder::new(false), Listed::Technician);
        assert_eq!(technicians.kept_bytes(), 0);
        accept(&mut technicians, 1000..1010);
        let of_ten = technicians.kept_bytes();
        assert!(of_ten > 200, "{of_ten} bytes, less than the addresses have");
        let mut end_users = KindListReader::new(technicians.table, Listed::EndUser);
        assert_eq!(end_users.kept_bytes(), 0);
        assert!(!end_users.has_usable_rows());
        accept(&mut end_users, 2000..2020);
        assert_eq!(end_users.kept_bytes(), 2 * of_ten);
        assert!(end_users.has_usable_rows());
        end_users.restart();
        assert_eq!(end_users.kept_bytes(), 0);
        assert_eq!(end_users.table.len(), 10, "the technicians stay");
    }

    #[test]
    fn restart_forgets_findings_and_keeps_earlier_rows() {
        let mut reader = KindListReader::new(JoinTableBuilder::new(false), Listed::Technician);
        reader.accept(Row::Null);
        assert!(!reader.has_usable_rows());
        assert_eq!(reader.findings.silent.count, 1);
        reader.restart();
        assert_eq!(reader.findings.silent.count, 0);
    }
}
