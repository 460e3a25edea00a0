//! Types of columns: their Arrow types, and how values are appended to them.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Int64Builder, ListBuilder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, TimeUnit};

use super::dictionary_builder::DictionaryBuilder;

/// The field metadata in which Parquet's writer looks for the id of a column.
const FIELD_ID: &str = "PARQUET:field_id";

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its id in Parquet, which stays whatever becomes of the name.
    pub field_id: i32,
    /// The id of its elements, if it is a list.
    pub element_id: Option<i32>,
    /// Its name.
    pub name: &'static str,
    /// The type of its values.
    pub kind: ColumnKind,
    /// Whether a row can be without a value.
    pub nullable: bool,
    /// What it means, for people.
    pub about: &'static str,
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text.
    Text,
    /// Text of which there are few different ones.
    Dictionary,
    /// Yes or no.
    Boolean,
    /// A 64-bit integer.
    Int64,
    /// A point in time, UTC, to the microsecond.
    Time,
    /// A list of texts.
    TextList,
    /// Text that is JSON.
    Json,
}

impl ColumnKind {
    /// The type's name in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Dictionary => "string (dictionary)",
            Self::Boolean => "boolean",
            Self::Int64 => "int64",
            Self::Time => "timestamp (UTC, microseconds)",
            Self::TextList => "list of string",
            Self::Json => "string (JSON)",
        }
    }
}

impl Column {
    pub(super) fn field(&self) -> Field {
        let data_type = match self.kind {
            ColumnKind::Text | ColumnKind::Json => DataType::Utf8,
            ColumnKind::Dictionary => {
                DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
            }
            ColumnKind::Boolean => DataType::Boolean,
            ColumnKind::Int64 => DataType::Int64,
            ColumnKind::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            ColumnKind::TextList => DataType::List(Arc::new(element(self.element_id))),
        };
        Field::new(self.name, data_type, self.nullable).with_metadata(id(self.field_id))
    }
}

fn id(field_id: i32) -> HashMap<String, String> {
    HashMap::from([(FIELD_ID.to_owned(), field_id.to_string())])
}

fn element(element_id: Option<i32>) -> Field {
    let element = Field::new("element", DataType::Utf8, false);
    match element_id {
        Some(element_id) => element.with_metadata(id(element_id)),
        None => element,
    }
}

/// A column type at compile time, so that a row's fields and the table's columns cannot disagree.
pub(crate) trait ColumnType {
    /// A row's value.
    type Value<'a>;
    /// Gathers values.
    type Builder;
    const KIND: ColumnKind;
    const NULLABLE: bool = false;

    fn builder(element_id: Option<i32>) -> Self::Builder;
    fn push(builder: &mut Self::Builder, value: Option<Self::Value<'_>>);
    fn finish(builder: &mut Self::Builder) -> ArrayRef;
    /// Bytes of a value's texts.
    fn text_bytes(value: &Self::Value<'_>) -> usize;
}

/// Values of a column, as far as they have texts.
trait TextBytes {
    fn text_bytes(&self) -> usize {
        0
    }
}

impl TextBytes for &str {
    fn text_bytes(&self) -> usize {
        self.len()
    }
}

impl TextBytes for bool {}

impl TextBytes for i64 {}

macro_rules! column_types {
    ($($name:ident, $value:ty, $builder:ty, $new:expr;)*) => {
        $(
            pub(crate) struct $name;

            impl ColumnType for $name {
                type Value<'a> = $value;
                type Builder = $builder;
                const KIND: ColumnKind = ColumnKind::$name;

                fn builder(_element_id: Option<i32>) -> Self::Builder {
                    $new
                }

                fn push(builder: &mut Self::Builder, value: Option<Self::Value<'_>>) {
                    builder.append_option(value);
                }

                fn finish(builder: &mut Self::Builder) -> ArrayRef {
                    Arc::new(builder.finish())
                }

                fn text_bytes(value: &Self::Value<'_>) -> usize {
                    TextBytes::text_bytes(value)
                }
            }
        )*
    };
}

column_types! {
    Text, &'a str, StringBuilder, StringBuilder::new();
    Json, &'a str, StringBuilder, StringBuilder::new();
    Dictionary, &'a str, DictionaryBuilder, DictionaryBuilder::new();
    Boolean, bool, BooleanBuilder, BooleanBuilder::new();
    Int64, i64, Int64Builder, Int64Builder::new();
    Time, i64, TimestampMicrosecondBuilder, TimestampMicrosecondBuilder::new().with_timezone("UTC");
}

pub(crate) struct TextList;

impl ColumnType for TextList {
    type Value<'a> = &'a [&'a str];
    type Builder = ListBuilder<StringBuilder>;
    const KIND: ColumnKind = ColumnKind::TextList;

    fn builder(element_id: Option<i32>) -> Self::Builder {
        ListBuilder::new(StringBuilder::new()).with_field(element(element_id))
    }

    fn push(builder: &mut Self::Builder, value: Option<Self::Value<'_>>) {
        for text in value.unwrap_or_default() {
            builder.values().append_value(text);
        }
        builder.append(value.is_some());
    }

    fn finish(builder: &mut Self::Builder) -> ArrayRef {
        Arc::new(builder.finish())
    }

    fn text_bytes(value: &Self::Value<'_>) -> usize {
        value.iter().map(|text| text.len()).sum()
    }
}

/// A column in which rows can be without a value.
impl<K: ColumnType> ColumnType for Option<K> {
    type Value<'a> = Option<K::Value<'a>>;
    type Builder = K::Builder;
    const KIND: ColumnKind = K::KIND;
    const NULLABLE: bool = true;

    fn builder(element_id: Option<i32>) -> Self::Builder {
        K::builder(element_id)
    }

    fn push(builder: &mut Self::Builder, value: Option<Self::Value<'_>>) {
        K::push(builder, value.flatten());
    }

    fn finish(builder: &mut Self::Builder) -> ArrayRef {
        K::finish(builder)
    }

    fn text_bytes(value: &Self::Value<'_>) -> usize {
        value.as_ref().map_or(0, K::text_bytes)
    }
}
