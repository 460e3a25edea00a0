/// The collections that the API pages by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Collection {
    Organizations,
    Locations,
    Devices,
}
