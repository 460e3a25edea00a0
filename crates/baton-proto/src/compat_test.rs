//! Compares our descriptors with the wire format of the reference.
//!
//! The reference table cannot be committed. Where it is available (`BATON_SHARED_FACTS`, or `../shared/facts` beside
//! the workspace), every declared field, enum value and method is looked up in it; everywhere, our declarations must
//! equal the list committed in `wire-declared.tsv`, which was generated while the table agreed. `UPDATE_WIRE=1`
//! regenerates the list.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use prost::Message;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet, ServiceDescriptorProto,
};

#[test]
fn declarations_equal_the_committed_list() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("wire-declared.tsv");
    let declared = declared();
    let text = declared.join("\n") + "\n";
    if env::var_os("UPDATE_WIRE").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap();
    assert_eq!(
        committed, text,
        "a wire declaration changed; if that is right, run with UPDATE_WIRE=1"
    );
}

#[test]
fn declarations_agree_with_the_reference() {
    let Some(facts) = shared_facts() else {
        eprintln!("SKIPPED: the reference's wire table is not here; only the committed list was checked");
        return;
    };
    let mut reference = HashSet::new();
    for row in rows(&facts.join("wire-fields.tsv")) {
        let column = |index: usize| row.get(index).map_or("", String::as_str);
        let [package, message, field] = [column(0), column(1), column(2)];
        if !field.is_empty() {
            let columns = [package, message, field, column(3), column(4), column(5)];
            reference.insert(format!("field\t{}", columns.join("\t")));
        }
    }
    for row in rows(&facts.join("wire-enums.tsv")) {
        reference.insert(format!("value\t{}", row[..4].join("\t")));
    }
    for row in rows(&facts.join("wire-services.tsv")) {
        reference.insert(format!("method\t{}", row[..6].join("\t")));
    }
    // Google's own messages are not in the table.
    let of_google = |row: &String| row.contains("\tgoogle.rpc\t");
    let missing: Vec<String> = declared()
        .into_iter()
        .filter(|row| !of_google(row) && !reference.contains(row))
        .collect();
    assert!(
        missing.is_empty(),
        "declared otherwise than the reference does:\n{}",
        missing.join("\n")
    );
}

fn shared_facts() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/facts");
    let facts = env::var_os("BATON_SHARED_FACTS").map_or(beside, PathBuf::from);
    facts.join("wire-fields.tsv").exists().then_some(facts)
}

fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .skip(1)
        .map(|line| line.split('\t').map(str::to_owned).collect())
        .collect()
}

/// Fields that we omit on purpose.
const LEFT_OUT: [&str; 1] = [
    // We do not issue credentials.
    "c1.connector.v2\tResourceTypeCapability\tcredential_issue",
];

#[test]
fn declared_messages_are_complete() {
    let Some(facts) = shared_facts() else {
        eprintln!("SKIPPED: the reference's wire table is not here; only the committed list was checked");
        return;
    };
    let declared = declared();
    let column = |row: &str, count: usize| row.split('\t').take(count).collect::<Vec<_>>().join("\t");
    let fields: HashSet<String> = declared.iter().map(|row| column(row, 4)).collect();
    let messages: HashSet<String> = declared.iter().map(|row| column(row, 3)).collect();
    let lost: Vec<String> = rows(&facts.join("wire-fields.tsv"))
        .into_iter()
        .filter(|row| !row[2].is_empty())
        .map(|row| row[..3].join("\t"))
        .filter(|row| messages.contains(&column(&format!("field\t{row}"), 3)))
        .filter(|row| !fields.contains(&format!("field\t{row}")))
        .filter(|row| !LEFT_OUT.contains(&row.as_str()))
        .collect();
    assert!(
        lost.is_empty(),
        "the reference has more fields:\n{}",
        lost.join("\n")
    );
}

/// One row per field, enum value and method, in the notation of the table.
fn declared() -> Vec<String> {
    let files = FileDescriptorSet::decode(crate::DESCRIPTORS).unwrap();
    let mut rows = Vec::new();
    for file in &files.file {
        let package = file.package();
        if package == "google.protobuf" {
            continue;
        }
        file.message_type
            .iter()
            .for_each(|message| message_rows(package, "", message, &mut rows));
        file.enum_type
            .iter()
            .for_each(|values| enum_rows(package, "", values, &mut rows));
        file.service
            .iter()
            .for_each(|service| method_rows(package, service, &mut rows));
    }
    rows.sort();
    rows
}

fn message_rows(package: &str, outer: &str, message: &DescriptorProto, rows: &mut Vec<String>) {
    let name = format!("{outer}{}", message.name());
    for field in &message.field {
        let kind = match map_entry(message, field) {
            Some(entry) => format!("map<{},{}>", type_of(&entry.field[0]), type_of(&entry.field[1])),
            None => type_of(field),
        };
        let label = label(message, field);
        rows.push(format!(
            "field\t{package}\t{name}\t{}\t{}\t{label}\t{kind}",
            field.name(),
            field.number()
        ));
    }
    let inner = format!("{name}.");
    let nested = message.nested_type.iter().filter(|nested| {
        !nested
            .options
            .as_ref()
            .is_some_and(prost_types::MessageOptions::map_entry)
    });
    nested.for_each(|nested| message_rows(package, &inner, nested, rows));
    message
        .enum_type
        .iter()
        .for_each(|values| enum_rows(package, &inner, values, rows));
}

fn enum_rows(package: &str, outer: &str, values: &EnumDescriptorProto, rows: &mut Vec<String>) {
    for value in &values.value {
        rows.push(format!(
            "value\t{package}\t{outer}{}\t{}\t{}",
            values.name(),
            value.name(),
            value.number()
        ));
    }
}

fn method_rows(package: &str, service: &ServiceDescriptorProto, rows: &mut Vec<String>) {
    for method in &service.method {
        rows.push(format!(
            "method\t{package}.{}\t{}\t{}\t{}\t{}\t{}",
            service.name(),
            method.name(),
            method.input_type().trim_start_matches('.'),
            method.output_type().trim_start_matches('.'),
            method.client_streaming(),
            method.server_streaming()
        ));
    }
}

fn label(message: &DescriptorProto, field: &FieldDescriptorProto) -> String {
    if map_entry(message, field).is_some() {
        return "map".to_owned();
    }
    if field.proto3_optional() {
        return "optional".to_owned();
    }
    if let Some(oneof) = field.oneof_index {
        let oneof = usize::try_from(oneof).unwrap();
        return format!("oneof {}", message.oneof_decl[oneof].name());
    }
    match field.label() {
        Label::Repeated => "repeated".to_owned(),
        Label::Optional | Label::Required => "singular".to_owned(),
    }
}

fn map_entry<'a>(message: &'a DescriptorProto, field: &FieldDescriptorProto) -> Option<&'a DescriptorProto> {
    let name = field.type_name().rsplit('.').next()?;
    message.nested_type.iter().find(|nested| {
        nested.name() == name
            && nested
                .options
                .as_ref()
                .is_some_and(prost_types::MessageOptions::map_entry)
    })
}

fn type_of(field: &FieldDescriptorProto) -> String {
    let name = field.type_name().trim_start_matches('.');
    match field.r#type() {
        Type::Message => format!("message:{name}"),
        Type::Enum => format!("enum:{name}"),
        scalar => format!("{scalar:?}").to_lowercase(),
    }
}
