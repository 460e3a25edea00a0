//! Prints differences, for people and for programs.

use access_core::diff::{ChangeKind, FieldChange, RecordChange, RecordKind};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::commands::inspect::Cell;
use crate::commands::inspect::Column;
use crate::commands::inspect::OPTIONAL;
use crate::commands::inspect::OutputClosed;
use crate::commands::inspect::OutputFormat;
use crate::commands::inspect::OutputTarget;
use crate::commands::inspect::RowPrinter;
use crate::commands::inspect::data;
use crate::commands::inspect::people;
use crate::commands::inspect::shown;
use crate::output::text_table::format_thousands;
use crate::runtime::cancellation::Cancellation;

/// Columns of differences in CSV: one line for each changed field, and one for each added or removed record.
const CSV_COLUMNS: &[Column] = &[
    data("subject"),
    data("change"),
    data("resource_type_id"),
    data("id"),
    data("name"),
    data("principal"),
    data("principal_name"),
    data("field"),
    data("old"),
    data("new"),
];

const USERS: &[Column] = &[
    people("").never_shortened(),
    shown("id", "user").never_shortened(),
    shown("name", "name"),
    shown("login", "login").rank(OPTIONAL),
    people("what").unless_all(""),
];
const RESOURCES: &[Column] = &[
    people("").never_shortened(),
    shown("id", "role or other").never_shortened(),
    shown("name", "name"),
    people("what").unless_all(""),
];
const ENTITLEMENTS: &[Column] = &[
    people("").never_shortened(),
    shown("id", "entitlement").never_shortened(),
    shown("on", "on").rank(OPTIONAL),
    shown("name", "name"),
    people("what").unless_all(""),
];
const GRANTS: &[Column] = &[
    people("").never_shortened(),
    shown("who", "principal").never_shortened(),
    shown("name", "name"),
    shown("holds", "holds"),
    shown("entitlement_id", "entitlement").rank(6).never_shortened(),
    shown("on", "on").rank(OPTIONAL),
    people("what").rank(7).unless_all(""),
];

/// Prints differences in the order in which they arrive: users, other resources, entitlements, grants.
pub(super) struct DiffPrinter<'a> {
    format: OutputFormat,
    output: &'a mut OutputTarget,
    cancellation: &'a Cancellation,
    /// The rows of the current subject, for people; few are kept, see [`RowPrinter`].
    table: Option<(RecordKind, RowPrinter)>,
    csv_cells: RowPrinter,
    counts: [[u64; 3]; RecordKind::ALL.len()],
}

impl<'a> DiffPrinter<'a> {
    pub(super) fn new(
        format: OutputFormat,
        output: &'a mut OutputTarget,
        cancellation: &'a Cancellation,
    ) -> Self {
        Self {
            format,
            output,
            cancellation,
            table: None,
            csv_cells: RowPrinter::new(CSV_COLUMNS, format),
            counts: Default::default(),
        }
    }

    /// Prints the names of the two syncs, for people.
    pub(super) fn begin(&mut self, old: &str, new: &str) {
        self.print_line(&format!("old  {old}"));
        self.print_line(&format!("new  {new}"));
    }

    /// Prints a difference.
    pub(super) fn change(&mut self, change: &RecordChange) -> Result<(), OutputClosed> {
        if self.cancellation.is_cancelled() {
            return Err(OutputClosed);
        }
        self.counts[count_index(change.subject)][change.kind as usize] += 1;
        match self.format {
            OutputFormat::Json => {
                let text = serde_json::to_string(&ChangeJson(change)).unwrap_or_default();
                self.output.line(&text)
            }
            OutputFormat::Csv => {
                let fields = change
                    .fields
                    .iter()
                    .map(Some)
                    .filter(|_| change.kind == ChangeKind::Changed);
                let record = (change.kind != ChangeKind::Changed).then_some(None);
                for field in fields.chain(record) {
                    self.csv_cells.push(csv_cells(change, field), self.output)?;
                }
                Ok(())
            }
            OutputFormat::Table => {
                if self
                    .table
                    .as_ref()
                    .is_none_or(|(subject, _)| *subject != change.subject)
                {
                    self.end_table()?;
                    self.output.line("")?;
                    let columns = match change.subject {
                        RecordKind::User => USERS,
                        RecordKind::Resource => RESOURCES,
                        RecordKind::Entitlement => ENTITLEMENTS,
                        RecordKind::Grant => GRANTS,
                    };
                    self.table = Some((change.subject, RowPrinter::new(columns, self.format)));
                }
                match &mut self.table {
                    Some((_, printer)) => printer.push(cells(change), self.output),
                    None => Ok(()),
                }
            }
        }
    }

    fn end_table(&mut self) -> Result<(), OutputClosed> {
        match self.table.take() {
            Some((_, printer)) => {
                let left_out = printer.finish(self.output)?.left_out;
                if left_out.is_empty() {
                    return Ok(());
                }
                self.output
                    .line(&format!("  (not shown: {})", left_out.join(", ")))
            }
            None => Ok(()),
        }
    }

    /// Prints counts and notes, and returns whether anything differs.
    pub(super) fn end(mut self, notes: &[String]) -> bool {
        let _ = self.end_table();
        if self.format == OutputFormat::Csv {
            let csv_cells = std::mem::replace(&mut self.csv_cells, RowPrinter::new(CSV_COLUMNS, self.format));
            let _ = csv_cells.finish(self.output);
        }
        let differ = self.counts.iter().flatten().any(|count| *count > 0);
        self.print_line("");
        if !differ {
            self.print_line(if notes.is_empty() {
                "no differences"
            } else {
                "no differences in what can be compared"
            });
        }
        for (subject, counts) in RecordKind::ALL.into_iter().zip(self.counts) {
            let kinds = [ChangeKind::Added, ChangeKind::Removed, ChangeKind::Changed];
            let changes: Vec<String> = kinds
                .into_iter()
                .zip(counts)
                .filter(|(_, count)| *count > 0)
                .map(|(kind, count)| format!("{} {}", format_thousands(count), kind.as_str()))
                .collect();
            if !changes.is_empty() {
                self.print_line(&format!("{:<14}{}", plural(subject), changes.join(", ")));
            }
        }
        for note in notes {
            self.print_line(&format!("note: {note}"));
        }
        differ
    }

    fn print_line(&mut self, text: &str) {
        if self.format == OutputFormat::Table {
            let _ = self.output.paragraph(text);
        }
    }
}

fn count_index(subject: RecordKind) -> usize {
    RecordKind::ALL
        .iter()
        .position(|other| *other == subject)
        .unwrap_or_default()
}

fn plural(subject: RecordKind) -> &'static str {
    match subject {
        RecordKind::User => "users",
        RecordKind::Resource => "roles, others",
        RecordKind::Entitlement => "entitlements",
        RecordKind::Grant => "grants",
    }
}

fn sign(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Added => "+",
        ChangeKind::Removed => "-",
        ChangeKind::Changed => "~",
    }
}

fn name(change: &RecordChange, name: &str) -> Option<String> {
    let at = change.subject.names().iter().position(|known| *known == name)?;
    change.names.get(at)?.as_deref().map(str::to_owned)
}

/// The resource or entitlement, or the entitlement of a grant.
fn id(change: &RecordChange) -> String {
    match change.subject {
        RecordKind::User | RecordKind::Resource => change.key.join(":"),
        RecordKind::Entitlement | RecordKind::Grant => {
            change.key.first().map(ToString::to_string).unwrap_or_default()
        }
    }
}

/// The principal of a grant.
fn principal(change: &RecordChange) -> Option<String> {
    (change.subject == RecordKind::Grant).then(|| change.key[1..].join(":"))
}

/// The changed fields, for people.
fn describe_changes(change: &RecordChange) -> String {
    if change.kind != ChangeKind::Changed {
        return String::new();
    }
    let value = |value: Option<&str>| value.map_or_else(|| "nothing".to_owned(), str::to_owned);
    let describe_field = |field: &FieldChange| {
        format!(
            "{}: {} → {}",
            field.field,
            value(field.old.as_deref()),
            value(field.new.as_deref())
        )
    };
    change
        .fields
        .iter()
        .map(describe_field)
        .collect::<Vec<_>>()
        .join(", ")
}

fn cells(change: &RecordChange) -> Vec<Cell> {
    let (first, last) = (
        Cell::text(sign(change.kind)),
        Cell::Text(describe_changes(change)),
    );
    let named = |known: &str| Cell::text_or_nothing(name(change, known).as_deref());
    match change.subject {
        RecordKind::User => vec![
            first,
            Cell::Text(id(change)),
            named("display_name"),
            named("login"),
            last,
        ],
        RecordKind::Resource => vec![first, Cell::Text(id(change)), named("display_name"), last],
        RecordKind::Entitlement => vec![
            first,
            Cell::Text(id(change)),
            named("resource_display_name"),
            named("display_name"),
            last,
        ],
        RecordKind::Grant => vec![
            first,
            Cell::text_or_nothing(principal(change).as_deref()),
            named("principal_display_name"),
            named("entitlement_display_name"),
            Cell::Text(id(change)),
            named("resource_display_name"),
            last,
        ],
    }
}

fn csv_cells(change: &RecordChange, field: Option<&FieldChange>) -> Vec<Cell> {
    let names = if change.subject == RecordKind::Grant {
        ["entitlement_display_name", "principal_display_name"]
    } else {
        ["display_name", ""]
    };
    let [name, principal_name] = names.map(|known| Cell::text_or_nothing(name(change, known).as_deref()));
    vec![
        Cell::text(&change.subject),
        Cell::text(change.kind.as_str()),
        Cell::text(&change.resource_type),
        Cell::Text(id(change)),
        name,
        Cell::text_or_nothing(principal(change).as_deref()),
        principal_name,
        Cell::text_or_nothing(field.map(|field| &field.field)),
        Cell::text_or_nothing(field.and_then(|field| field.old.as_deref())),
        Cell::text_or_nothing(field.and_then(|field| field.new.as_deref())),
    ]
}

/// A difference as a JSON object.
struct ChangeJson<'a>(&'a RecordChange);

impl Serialize for ChangeJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let RecordChange {
            subject,
            key,
            kind,
            resource_type,
            names,
            fields,
        } = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("subject", subject)?;
        map.serialize_entry("change", kind)?;
        map.serialize_entry("resource_type_id", resource_type)?;
        map.serialize_entry("key", &Named(subject.key(), key))?;
        map.serialize_entry("names", &Named(subject.names(), names))?;
        map.serialize_entry("fields", fields)?;
        map.end()
    }
}

/// Fields as a JSON object.
struct Named<'a, T>(&'a [&'static str], &'a [T]);

impl<T: Serialize> Serialize for Named<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().zip(self.1))
    }
}
