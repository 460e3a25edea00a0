//! Devices and their entitlements.

use access_core::model::{
    Description, DeviceTrait, DeviceType, DisplayName, Entitlement, EntitlementId, IdError, NativeId,
    Profile, Purpose, Resource, ResourceId, ResourceTrait, Slug,
};

use super::{device_type, user_type};
use crate::api::DeviceRow;
use crate::api::Text;

/// A device.
pub(crate) fn device(id: u64, row: &DeviceRow) -> Resource {
    let names = [&row.display_name, &row.system_name, &row.dns_name];
    let fallback = format!("Device {id}");
    let mut profile = Profile::new();
    profile.set("node_class", row.node_class.text());
    profile.set("approval_status", row.approval_status.text());
    profile.set(
        "organization_id",
        row.organization_id.get().map(|id| id.to_string()).as_deref(),
    );
    let kind = row
        .node_class
        .trimmed()
        .map_or(DeviceType::Unspecified, node_class);
    Resource {
        id: ResourceId::new(device_type(), NativeId::from_number(id)),
        parent: None,
        display_name: DisplayName::new(names.into_iter().find_map(Text::trimmed).unwrap_or(&fallback)),
        description: None,
        profile,
        status: None,
        resource_trait: ResourceTrait::ManagedDevice(Box::new(DeviceTrait {
            device_type: kind,
            ..DeviceTrait::default()
        })),
    }
}

/// NinjaOne's node classes name the operating system first, then the type of machine (OpenAPI: `nodeClass`).
fn node_class(class: &str) -> DeviceType {
    match class {
        _ if class.ends_with("_SERVER") => DeviceType::Server,
        _ if class.ends_with("_WORKSTATION") || class == "MAC" => DeviceType::Desktop,
        _ if class.contains("VMGUEST") || class.contains("VM_GUEST") || class.contains("VIRTUAL_MACHINE") => {
            DeviceType::Virtual
        }
        "ANDROID" | "APPLE_IOS" => DeviceType::Mobile,
        "APPLE_IPADOS" => DeviceType::Tablet,
        _ => DeviceType::Other,
    }
}

/// Display name and description of a device entitlement.
pub(crate) const DEVICE_ENTITLEMENTS: [(&str, &str, &str, Purpose); 2] = [
    (
        "access",
        "access",
        "May access the device through the end-user portal",
        Purpose::Permission,
    ),
    (
        "assigned",
        "assigned",
        "The device is assigned to the user",
        Purpose::Ownership,
    ),
];

/// An entitlement on a device.
pub(crate) fn device_entitlement(device: &Resource, which: usize) -> Result<Entitlement, IdError> {
    let (slug, word, description, purpose) = DEVICE_ENTITLEMENTS[which];
    let name = DisplayName::new(&format!("{} {word}", device.display_name));
    let mut entitlement = Entitlement::new(
        device.id.clone(),
        Slug::from_static(slug),
        name,
        purpose,
        vec![user_type()],
    )?;
    entitlement.description = Some(Description::new(description));
    entitlement.immutable = true;
    Ok(entitlement)
}

/// The id of an entitlement on a device.
pub(crate) fn device_entitlement_of(device: u64, which: usize) -> Result<EntitlementId, IdError> {
    let device = ResourceId::new(device_type(), NativeId::from_number(device));
    device.entitlement(&Slug::from_static(DEVICE_ENTITLEMENTS[which].0))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn node_classes_become_device_types() {
        let device_type = |class: Value| {
            let row: DeviceRow = serde_json::from_value(json!({"id": 1, "nodeClass": class})).unwrap();
            let ResourceTrait::ManagedDevice(device) = device(1, &row).resource_trait else {
                panic!("no device")
            };
            format!("{class}: {:?}", device.device_type)
        };
        let classes = [
            json!("WINDOWS_SERVER"),
            json!("MAC_SERVER"),
            json!("LINUX_WORKSTATION"),
            json!("MAC"),
            json!("VMWARE_VM_GUEST"),
            json!("HYPERV_VMM_GUEST"),
            json!("HYPERV_VMGUEST"),
            json!("CLOUD_VIRTUAL_MACHINE"),
            json!("ANDROID"),
            json!("APPLE_IOS"),
            json!("APPLE_IPADOS"),
            json!("NMS_PRINTER"),
            json!(" "),
            json!(null),
        ];
        insta::assert_snapshot!(classes.map(device_type).join("\n"));
    }
}
