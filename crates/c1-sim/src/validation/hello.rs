//! Rules of `Hello`, including the connector's metadata.

use baton_proto::connector_v2::resource_type::Trait;
use baton_proto::connector_v2::{ConnectorMetadata, ResourceType};
use baton_proto::connectorapi_baton_v1::BatonServiceHelloRequest;
use baton_proto::connectorapi_baton_v1::baton_service_hello_request::OsInfo;
use url::Url;

use super::Validate;
use super::ValidationResult;
use super::Violation;
use super::annotations;
use super::check_bytes;
use super::check_bytes_unless_empty;
use super::check_characters;
use super::host_id;
use super::task_id;

impl Validate for BatonServiceHelloRequest {
    fn validate(&self) -> ValidationResult {
        host_id("host_id", &self.host_id)?;
        // The reference's pattern lacks parentheses and accepts everything; this is its intention.
        if !self.task_id.is_empty() {
            task_id("task_id", &self.task_id)?;
        }
        if let Some(build) = &self.build_info {
            for (name, text) in [
                ("lang_version", &build.lang_version),
                ("package", &build.package),
                ("package_version", &build.package_version),
            ] {
                check_characters(&format!("build_info.{name}"), text, &(0..=256))?;
            }
        }
        for (name, text) in self.os_info.iter().flat_map(os_info_fields) {
            check_characters(&format!("os_info.{name}"), text, &(0..=256))?;
        }
        match &self.connector_metadata {
            None => return Err(Violation::new("connector_metadata", "there must be one")),
            Some(metadata) => metadata.validate()?,
        }
        annotations("annotations", &self.annotations)
    }
}

/// Checks that no field of the OS info is blank. The wire format allows it, but ConductorOne reportedly refuses blanks.
pub(crate) fn check_os_info(info: Option<&OsInfo>) -> ValidationResult {
    let info = info.ok_or_else(|| Violation::new("os_info", "there must be one"))?;
    let blank = os_info_fields(info)
        .into_iter()
        .find(|(_, text)| text.trim().is_empty());
    match blank {
        Some((name, _)) => Err(Violation::new(&format!("os_info.{name}"), "is blank")),
        None => Ok(()),
    }
}

fn os_info_fields(info: &OsInfo) -> [(&'static str, &String); 8] {
    [
        ("hostname", &info.hostname),
        ("os", &info.os),
        ("platform", &info.platform),
        ("platform_version", &info.platform_version),
        ("platform_family", &info.platform_family),
        ("kernel_version", &info.kernel_version),
        ("kernel_arch", &info.kernel_arch),
        ("virtualization_system", &info.virtualization_system),
    ]
}

impl Validate for ConnectorMetadata {
    fn validate(&self) -> ValidationResult {
        check_bytes("connector_metadata.display_name", &self.display_name, &(1..=1024))?;
        check_help_url("connector_metadata.help_url", &self.help_url)?;
        for (name, asset) in [("icon", &self.icon), ("logo", &self.logo)] {
            if let Some(asset) = asset {
                check_bytes(&format!("connector_metadata.{name}.id"), &asset.id, &(1..=1024))?;
            }
        }
        check_bytes_unless_empty("connector_metadata.description", &self.description, &(1..=4096))?;
        let types = self.capabilities.iter();
        let types = types.flat_map(|all| all.resource_type_capabilities.iter().enumerate());
        for (position, capability) in types {
            if let Some(resource_type) = &capability.resource_type {
                let field = format!(
                    "connector_metadata.capabilities.resource_type_capabilities[{position}].resource_type"
                );
                check_resource_type(&field, resource_type)?;
            }
        }
        Ok(())
    }
}

fn check_resource_type(field: &str, resource_type: &ResourceType) -> ValidationResult {
    check_bytes(&format!("{field}.id"), &resource_type.id, &(1..=1024))?;
    check_bytes_unless_empty(
        &format!("{field}.display_name"),
        &resource_type.display_name,
        &(1..=1024),
    )?;
    check_bytes_unless_empty(
        &format!("{field}.description"),
        &resource_type.description,
        &(1..=4096),
    )?;
    let traits = &resource_type.traits;
    for (position, kind) in traits.iter().enumerate() {
        if Trait::try_from(*kind).is_err() {
            return Err(Violation::new(
                &format!("{field}.traits"),
                format!("{kind} is not defined"),
            ));
        }
        if traits[..position].contains(kind) {
            return Err(Violation::new(
                &format!("{field}.traits"),
                format!("{kind} is there twice"),
            ));
        }
    }
    Ok(())
}

fn check_help_url(field: &str, text: &str) -> ValidationResult {
    check_bytes_unless_empty(field, text, &(1..=1024))?;
    let is_url = text.starts_with("https://") && Url::parse(text).is_ok();
    if text.is_empty() || is_url {
        return Ok(());
    }
    Err(Violation::new(field, "is no https:// address"))
}
