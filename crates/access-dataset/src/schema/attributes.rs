//! Columns of the attributes that an adapter declares.

use std::sync::Arc;

use access_core::model::{AttributeType, Profile, ProfileValue, UserAttribute};
use arrow::array::{ArrayRef, BooleanBuilder, StringBuilder};
use arrow::datatypes::Schema;
use serde::{Deserialize, Serialize};

use super::column::{Column, ColumnKind};
use super::dictionary_builder::DictionaryBuilder;

/// The value of one attribute of a user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum AttributeCell<'a> {
    /// The tenant does not state it.
    #[default]
    Unknown,
    /// A text.
    Text(&'a str),
    /// Yes or no.
    Flag(bool),
}

impl<'a> AttributeCell<'a> {
    /// The value of an attribute in a profile; unknown if it has another type.
    pub(crate) fn of(attribute: &UserAttribute, profile: &'a Profile) -> Self {
        match (attribute.attribute_type, profile.get(attribute.key)) {
            (AttributeType::Text | AttributeType::Word, Some(ProfileValue::Text(text))) => Self::Text(text),
            (AttributeType::Flag, Some(ProfileValue::Flag(flag))) => Self::Flag(*flag),
            _ => Self::Unknown,
        }
    }

    fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Flag(_) | Self::Unknown => None,
        }
    }

    fn flag(self) -> Option<bool> {
        match self {
            Self::Flag(flag) => Some(flag),
            Self::Text(_) | Self::Unknown => None,
        }
    }
}

/// The column of an attribute.
pub(super) fn column(attribute: &UserAttribute, field_id: i32) -> Column {
    Column {
        field_id,
        element_id: None,
        name: attribute.key,
        kind: match attribute.attribute_type {
            AttributeType::Text => ColumnKind::Text,
            AttributeType::Word => ColumnKind::Dictionary,
            AttributeType::Flag => ColumnKind::Boolean,
        },
        nullable: true,
        about: attribute.meaning,
    }
}

/// Values of attributes on their way into a batch.
pub(crate) struct AttributeColumns {
    builders: Vec<Builder>,
    /// For each column of the table, whether it is an attribute's.
    is_attribute: Vec<bool>,
}

enum Builder {
    Text(StringBuilder),
    Word(DictionaryBuilder),
    Flag(BooleanBuilder),
}

impl AttributeColumns {
    /// Columns of these attributes, which are among those of the table.
    pub(super) fn new(attributes: &[(&UserAttribute, i32)], table: &Schema) -> Self {
        let builders = attributes
            .iter()
            .map(|(attribute, _)| match attribute.attribute_type {
                AttributeType::Text => Builder::Text(StringBuilder::new()),
                AttributeType::Word => Builder::Word(DictionaryBuilder::new()),
                AttributeType::Flag => Builder::Flag(BooleanBuilder::new()),
            });
        let is_declared = |name: &str| attributes.iter().any(|(attribute, _)| attribute.key == name);
        let fields = table.fields().iter();
        Self {
            builders: builders.collect(),
            is_attribute: fields.map(|field| is_declared(field.name())).collect(),
        }
    }

    /// Adds the values of one row, in the order of the columns; missing ones are unknown.
    pub(crate) fn push<'a>(&mut self, cells: impl IntoIterator<Item = AttributeCell<'a>>) {
        let mut cells = cells.into_iter();
        for builder in &mut self.builders {
            let cell = cells.next().unwrap_or_default();
            match builder {
                Builder::Text(builder) => builder.append_option(cell.text()),
                Builder::Word(builder) => builder.append_option(cell.text()),
                Builder::Flag(builder) => builder.append_option(cell.flag()),
            }
        }
    }

    /// The arrays of a complete batch: those of the other columns merged with these.
    pub(super) fn between(&mut self, others: Vec<ArrayRef>) -> Vec<ArrayRef> {
        let mut others = others.into_iter();
        let mut attributes = self.builders.iter_mut().map(|builder| match builder {
            Builder::Text(builder) => Arc::new(builder.finish()) as ArrayRef,
            Builder::Word(builder) => Arc::new(builder.finish()),
            Builder::Flag(builder) => Arc::new(builder.finish()),
        });
        let columns = self.is_attribute.iter();
        let columns = columns.filter_map(|is_attribute| {
            if *is_attribute {
                attributes.next()
            } else {
                others.next()
            }
        });
        columns.collect()
    }
}
