//! What all rows do with their fields.

use super::Text;

/// What the pipeline and sinks keep of an organization or a device, in bytes, without its texts: they embed it in its
/// entitlements.
pub(super) const KEPT_RESOURCE_BYTES: usize = 384;
/// How often they keep its texts.
pub(super) const TEXT_COPIES: usize = 4;

/// The names of the fields that are marked.
pub(super) fn marked<const N: usize>(
    fields: [(&'static str, bool); N],
) -> impl Iterator<Item = &'static str> {
    let marked = fields.into_iter().filter(|(_, is_marked)| *is_marked);
    marked.map(|(field, _)| field)
}

/// The same for fields that are borrowed.
pub(super) fn marked_in(fields: &[(&'static str, bool)]) -> impl Iterator<Item = &'static str> {
    fields
        .iter()
        .filter(|(_, is_marked)| *is_marked)
        .map(|(field, _)| *field)
}

/// Bytes of texts, without what holds them.
pub(super) fn text_bytes(texts: &[&Text]) -> usize {
    texts.iter().filter_map(|text| text.text()).map(str::len).sum()
}
