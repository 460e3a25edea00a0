//! What all rows do with their fields.

use super::Text;

/// What the pipeline and sinks keep of an organization or a device, in bytes, without its texts: they embed it in its
/// entitlements.
pub(super) const KEPT_RESOURCE_BYTES: usize = 384;
/// How often they keep its texts.
pub(super) const TEXT_COPIES: usize = 4;

pub(super) fn clipped<const N: usize>(
    fields: [(&'static str, bool); N],
) -> impl Iterator<Item = &'static str> {
    let clipped = fields.into_iter().filter(|(_, clipped)| *clipped);
    clipped.map(|(field, _)| field)
}

/// Bytes of texts, without what holds them.
pub(super) fn text_bytes(texts: &[&Text]) -> usize {
    texts.iter().filter_map(|text| text.text()).map(str::len).sum()
}

pub(super) fn named(fields: &[(&'static str, bool)]) -> impl Iterator<Item = &'static str> {
    fields
        .iter()
        .filter(|(_, unreadable)| *unreadable)
        .map(|(field, _)| *field)
}
