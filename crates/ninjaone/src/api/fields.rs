//! Helpers for the fields of all rows.

use super::Text;

/// Bytes that pipeline and sinks keep of an organization or a device, without its texts: its entitlements embed it.
pub(super) const KEPT_RESOURCE_BYTES: usize = 384;
/// Number of copies of its texts that they keep.
pub(super) const TEXT_COPIES: usize = 4;

/// The names of the marked fields.
pub(super) fn marked<const N: usize>(
    fields: [(&'static str, bool); N],
) -> impl Iterator<Item = &'static str> {
    let marked = fields.into_iter().filter(|(_, is_marked)| *is_marked);
    marked.map(|(field, _)| field)
}

/// Same for borrowed fields.
pub(super) fn marked_in(fields: &[(&'static str, bool)]) -> impl Iterator<Item = &'static str> {
    fields
        .iter()
        .filter(|(_, is_marked)| *is_marked)
        .map(|(field, _)| *field)
}

/// Bytes of texts, without their containers.
pub(super) fn text_bytes(texts: &[&Text]) -> usize {
    texts.iter().filter_map(|text| text.text()).map(str::len).sum()
}
