//! The announcement to ConductorOne (docs/reference/conductorone.md §3.5, step 1).

use baton_proto::connector_v2 as v2;
use c1_service::BuildInfo;

/// The connector, its capabilities, and the form for accounts.
pub(super) fn connector_metadata(with_devices: bool) -> v2::ConnectorMetadata {
    v2::ConnectorMetadata {
        display_name: "NinjaOne".to_owned(),
        description: "Who can do what in a NinjaOne tenant".to_owned(),
        capabilities: Some(crate::commands::capabilities::message(with_devices)),
        account_creation_schema: Some(crate::commands::provision::account_form()),
        ..v2::ConnectorMetadata::default()
    }
}

/// The build of the program.
pub(super) fn build_info() -> BuildInfo {
    BuildInfo {
        lang_version: "rust".to_owned(),
        package: env!("CARGO_PKG_NAME").to_owned(),
        package_version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
