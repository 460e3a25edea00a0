//! Rows of a table as records of a comparison.

use std::cmp::Ordering;

use access_core::diff::{Record, RecordKind, Records};
use serde_json::Value;

use super::cursor::Cursor;
use super::cursor::TableBatches;
use crate::error::DatasetError;
use crate::schema::{Contract, Table};

/// The column with all attributes.
const PROFILE: &str = "profile";

/// Records of one kind out of a table.
pub struct TableRecords {
    contract: Contract,
    subject: RecordKind,
    compared: Vec<&'static str>,
    cursor: Cursor,
    layout: Layout,
    /// The key of the record before, to see that they come in order.
    last: Vec<String>,
    /// The users' table, if its records are to be left out.
    without: Option<SkippingJoin>,
    /// Columns that are not compared; they come last.
    extra: &'static [&'static str],
}

/// Where the key, the fields, the names and further columns are among the requested columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    fields: usize,
    names: usize,
    resource_type: usize,
    profile: Option<usize>,
    extra: usize,
}

/// The columns that a comparison of this kind of records needs, and where they are.
pub(crate) fn layout(contract: Contract, subject: RecordKind) -> (Vec<&'static str>, Layout) {
    let mut columns = subject.key().to_vec();
    let fields = columns.len();
    columns.extend(subject.fields(contract.attributes()));
    let names = columns.len();
    columns.extend(subject.names());
    let resource_type = columns.len();
    columns.push("resource_type_id");
    let profile = matches!(subject, RecordKind::User | RecordKind::Resource).then_some(columns.len());
    columns.extend(profile.map(|_| PROFILE));
    let layout = Layout {
        fields,
        names,
        resource_type,
        profile,
        extra: columns.len(),
    };
    (columns, layout)
}

/// The table with records of this kind.
pub(crate) fn table_of(subject: RecordKind) -> Table {
    match subject {
        RecordKind::User => Table::Users,
        RecordKind::Resource => Table::Resources,
        RecordKind::Entitlement => Table::Entitlements,
        RecordKind::Grant => Table::Grants,
    }
}

impl TableRecords {
    /// Records out of the batches of their table, with at least the columns of [`layout`].
    pub(crate) fn new(contract: Contract, subject: RecordKind, batches: TableBatches) -> Self {
        Self::with_more(contract, subject, batches, &[])
    }

    /// As [`new`](Self::new), with columns that are not compared.
    pub(crate) fn with_more(
        contract: Contract,
        subject: RecordKind,
        batches: TableBatches,
        extra: &'static [&'static str],
    ) -> Self {
        let (columns, layout) = layout(contract, subject);
        Self {
            contract,
            subject,
            compared: subject.fields(contract.attributes()),
            cursor: Cursor::new(
                batches,
                columns.into_iter().chain(extra.iter().copied()).collect(),
            ),
            layout,
            last: Vec::new(),
            without: None,
            extra,
        }
    }

    /// The columns that are needed.
    pub(crate) fn columns(
        contract: Contract,
        subject: RecordKind,
        extra: &[&'static str],
    ) -> Vec<&'static str> {
        let (mut columns, _) = layout(contract, subject);
        columns.extend(extra);
        columns
    }

    /// A value that is not compared.
    pub(crate) fn extra(&self, name: &str) -> Option<&str> {
        let location = self.extra.iter().position(|other| *other == name)?;
        self.cursor.text(self.layout.extra + location)
    }

    /// The texts of a field that is a list.
    pub(crate) fn texts(&self, field: usize) -> Vec<&str> {
        self.cursor.texts(self.layout.fields + field)
    }

    /// Leaves users out: they have records of their own.
    pub(crate) fn without_users(mut self, users: TableBatches) -> Self {
        self.without = Some(SkippingJoin {
            users: Cursor::new(users, RecordKind::User.key().to_vec()),
            state: State::NotBegun,
        });
        self
    }

    fn in_order(&mut self) -> Result<(), DatasetError> {
        let parts = self.subject.key().len();
        if !self.last.is_empty() {
            let order = (0..parts)
                .map(|part| self.last[part].as_str().cmp(self.key(part)))
                .find(|order| order.is_ne());
            if order != Some(Ordering::Less) {
                return Err(DatasetError::Damaged {
                    location: table_of(self.subject).to_string(),
                    reason: "its rows are not in the order of their keys".to_owned(),
                });
            }
        }
        self.last.resize(parts, String::new());
        for part in 0..parts {
            self.last[part].clear();
            self.last[part].push_str(self.cursor.text(part).unwrap_or_default());
        }
        Ok(())
    }
}

impl Record for TableRecords {
    fn key(&self, part: usize) -> &str {
        self.cursor.text(part).unwrap_or_default()
    }

    fn fields(&self) -> &[&'static str] {
        &self.compared
    }

    fn ignores(&self, attribute: &str) -> bool {
        self.contract.attributes().ignores(attribute)
    }

    fn field(&self, n: usize) -> Option<&str> {
        self.cursor.text(self.layout.fields + n)
    }

    fn name(&self, n: usize) -> Option<&str> {
        self.cursor.text(self.layout.names + n)
    }

    fn resource_type(&self) -> &str {
        self.cursor.text(self.layout.resource_type).unwrap_or_default()
    }

    fn profile(&self) -> Option<&str> {
        self.cursor.text(self.layout.profile?)
    }

    fn attributes(&self) -> Vec<(Box<str>, Box<str>)> {
        self.profile().map(attributes).unwrap_or_default()
    }
}

impl Records for TableRecords {
    type Error = DatasetError;

    fn advance(&mut self) -> Result<bool, DatasetError> {
        while self.cursor.advance()? {
            self.in_order()?;
            let is_user = match &mut self.without {
                None => false,
                Some(without) => without.has(&self.cursor)?,
            };
            if !is_user {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Joins the table of users with that of all resources, both in the order of the same keys.
struct SkippingJoin {
    users: Cursor,
    state: State,
}

#[derive(PartialEq, Eq)]
enum State {
    NotBegun,
    AtUser,
    Over,
}

impl SkippingJoin {
    fn has(&mut self, resource: &Cursor) -> Result<bool, DatasetError> {
        if self.state == State::NotBegun {
            self.advance()?;
        }
        let key = [resource.text(0), resource.text(1)];
        while self.state == State::AtUser {
            match [self.users.text(0), self.users.text(1)].cmp(&key) {
                Ordering::Less => self.advance()?,
                order => return Ok(order == Ordering::Equal),
            }
        }
        Ok(false)
    }

    fn advance(&mut self) -> Result<(), DatasetError> {
        self.state = if self.users.advance()? {
            State::AtUser
        } else {
            State::Over
        };
        Ok(())
    }
}

/// The attributes of a profile in the order of their names; a single one without a name if it is not a JSON object.
pub(crate) fn attributes(profile: &str) -> Vec<(Box<str>, Box<str>)> {
    match serde_json::from_str::<Value>(profile) {
        Ok(Value::Object(attributes)) => {
            let mut attributes: Vec<(Box<str>, Box<str>)> = attributes
                .into_iter()
                .map(|(name, value)| (name.into(), value.to_string().into()))
                .collect();
            attributes.sort_unstable();
            attributes
        }
        _ => vec![("".into(), profile.into())],
    }
}
