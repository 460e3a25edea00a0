//! What the adapter declares for reports, as the page reads it from the head of the data.

use access_core::model::{
    AttributeRole, AttributeType, AttributeValue, IdentityClass, ReportSchema, UserAttribute,
};
use serde::Serialize;
use serde_json::Value;

/// A [`ReportSchema`] as JSON.
pub(crate) fn page_schema(schema: ReportSchema) -> Result<Value, serde_json::Error> {
    let attributes = schema.attributes.reported().filter_map(PageAttribute::new);
    serde_json::to_value(PageSchema {
        attributes: attributes.collect(),
        unprivileged_slugs: schema.unprivileged_slugs,
    })
}

#[derive(Debug, Serialize)]
struct PageSchema {
    attributes: Vec<PageAttribute>,
    unprivileged_slugs: &'static [&'static str],
}

#[derive(Debug, Serialize)]
struct PageAttribute {
    key: &'static str,
    label: &'static str,
    is_flag: bool,
    role: Option<&'static str>,
    values: Vec<PageValue>,
    /// The key of the figure that counts it.
    figure: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct PageValue {
    value: &'static str,
    label: &'static str,
    plural: &'static str,
    class: Option<&'static str>,
}

impl PageAttribute {
    fn new(attribute: &UserAttribute) -> Option<Self> {
        Some(Self {
            key: attribute.key,
            label: attribute.report_label?,
            is_flag: attribute.attribute_type == AttributeType::Flag,
            role: attribute.role.map(AttributeRole::as_str),
            values: attribute.values.iter().map(PageValue::new).collect(),
            figure: attribute.figure.map(|figure| figure.key),
        })
    }
}

impl PageValue {
    fn new(value: &AttributeValue) -> Self {
        Self {
            value: value.value,
            label: value.label,
            plural: value.plural,
            class: value.identity_class.map(IdentityClass::as_str),
        }
    }
}
