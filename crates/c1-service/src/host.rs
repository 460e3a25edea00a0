//! Identity of this machine (docs/reference/conductorone.md §3.1, §3.5 step 1).

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::path::Path;

use crate::OsInfo;

/// Maximum length of ids and texts about a machine.
const MAX_TEXT_CHARS: usize = 256;
/// Host id of a machine without a name.
const DEFAULT_HOST_ID: &str = "baton-sdk";

/// Distinguishes processes of one client: 1 to 256 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostId(String);

impl HostId {
    /// The configured id (`BATON_HOST_ID`), or the host name, or `baton-sdk`. Empty values are ignored.
    #[must_use]
    pub fn choose(configured: Option<&str>) -> Self {
        let id = match configured {
            Some(configured) => clamp(configured.trim()),
            None => hostname(),
        };
        Self(if id.is_empty() {
            DEFAULT_HOST_ID.to_owned()
        } else {
            id
        })
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Describes this machine; no text is empty, because ConductorOne rejects blank ones.
#[must_use]
pub fn host_info() -> OsInfo {
    let release = os_release(
        &read("/etc/os-release")
            .or_else(|| read("/usr/lib/os-release"))
            .unwrap_or_default(),
    );
    let text = |key: &str| release.get(key).cloned().unwrap_or_default();
    let family = text("ID_LIKE");
    let kernel = kernel();
    fill_blanks(&OsInfo {
        hostname: hostname(),
        os: go_os(std::env::consts::OS).to_owned(),
        platform: text("ID"),
        platform_version: text("VERSION_ID"),
        platform_family: family.split_whitespace().next().unwrap_or_default().to_owned(),
        kernel_version: kernel.version,
        kernel_arch: kernel.arch,
        virtualization_system: virtualization().to_owned(),
    })
}

/// Fills blank texts like the reference and truncates long ones.
pub(crate) fn fill_blanks(info: &OsInfo) -> OsInfo {
    let or = |text: &str, other: &str| {
        let text = clamp(text.trim());
        if text.is_empty() { other.to_owned() } else { text }
    };
    let os = or(&info.os, go_os(std::env::consts::OS));
    let platform = or(&info.platform, &os);
    let kernel_version = or(&info.kernel_version, "unknown");
    OsInfo {
        hostname: or(&info.hostname, "unknown"),
        platform_version: or(&info.platform_version, &kernel_version),
        platform_family: or(&info.platform_family, &platform),
        kernel_arch: or(&info.kernel_arch, std::env::consts::ARCH),
        virtualization_system: or(&info.virtualization_system, "none"),
        kernel_version,
        platform,
        os,
    }
}

/// The first 256 characters.
pub(crate) fn clamp(text: &str) -> String {
    text.chars().take(MAX_TEXT_CHARS).collect()
}

/// The operating system as Go names it.
fn go_os(os: &str) -> &str {
    match os {
        "macos" => "darwin",
        os => os,
    }
}

struct Kernel {
    name: String,
    version: String,
    arch: String,
}

#[cfg(unix)]
fn kernel() -> Kernel {
    let system = rustix::system::uname();
    let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
    Kernel {
        name: text(system.nodename()),
        version: text(system.release()),
        arch: text(system.machine()),
    }
}

#[cfg(not(unix))]
fn kernel() -> Kernel {
    let configured = |name: &str| std::env::var(name).unwrap_or_default();
    Kernel {
        name: configured("COMPUTERNAME"),
        version: String::new(),
        arch: configured("PROCESSOR_ARCHITECTURE"),
    }
}

fn hostname() -> String {
    clamp(kernel().name.trim())
}

/// `KEY=value` lines, with or without quotes.
fn os_release(text: &str) -> HashMap<String, String> {
    let pairs = text.lines().filter_map(|line| line.trim().split_once('='));
    pairs
        .map(|(key, value)| (key.to_owned(), value.trim_matches(['"', '\'']).to_owned()))
        .collect()
}

fn is_there(path: &str) -> bool {
    matches!(Path::new(path).try_exists(), Ok(true))
}

/// Detects the virtualization of this machine, as far as visible.
fn virtualization() -> &'static str {
    if is_there("/.dockerenv") {
        return "docker";
    }
    if is_there("/run/.containerenv") {
        return "podman";
    }
    let groups = read("/proc/self/cgroup").unwrap_or_default();
    let vendor = read("/sys/class/dmi/id/sys_vendor").unwrap_or_default();
    let product = read("/sys/class/dmi/id/product_name").unwrap_or_default();
    let processor = read("/proc/cpuinfo").unwrap_or_default();
    detect_virtualization(
        &groups,
        &format!("{vendor} {product}"),
        processor.contains(" hypervisor"),
    )
}

fn detect_virtualization(groups: &str, machine: &str, hypervisor: bool) -> &'static str {
    let among = |text: &str, table: &[(&str, &'static str)]| {
        let found = table.iter().find(|(word, _)| text.contains(word));
        found.map(|(_, name)| *name)
    };
    let containers = [("kubepods", "kubernetes"), ("docker", "docker"), ("lxc", "lxc")];
    let machines = [
        ("VMware", "vmware"),
        ("VirtualBox", "vbox"),
        ("Microsoft", "hyperv"),
        ("Xen", "xen"),
        ("KVM", "kvm"),
        ("QEMU", "kvm"),
        ("Amazon EC2", "kvm"),
        ("Google", "kvm"),
    ];
    among(groups, &containers)
        .or_else(|| among(machine, &machines).filter(|_| hypervisor))
        .unwrap_or(if hypervisor { "kvm" } else { "" })
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_id_is_configured_or_detected() {
        assert_eq!(HostId::choose(Some("pod-7")).to_string(), "pod-7");
        assert_eq!(HostId::choose(Some("")).as_str(), "baton-sdk");
        assert_eq!(HostId::choose(Some(&"é".repeat(300))).as_str(), "é".repeat(256));
        let found = HostId::choose(None);
        assert!((1..=256).contains(&found.as_str().chars().count()));
    }

    #[test]
    fn every_machine_text_is_present() {
        let info = host_info();
        for text in [
            &info.hostname,
            &info.os,
            &info.platform,
            &info.platform_version,
            &info.platform_family,
            &info.kernel_version,
            &info.kernel_arch,
            &info.virtualization_system,
        ] {
            assert!((1..=256).contains(&text.trim().chars().count()), "{info:?}");
        }
    }

    #[test]
    fn blanks_are_filled_like_the_reference() {
        let filled = fill_blanks(&OsInfo {
            os: "linux".to_owned(),
            kernel_version: "6.1".to_owned(),
            virtualization_system: " ".to_owned(),
            ..Default::default()
        });
        assert_eq!(
            (filled.platform.as_str(), filled.platform_family.as_str()),
            ("linux", "linux")
        );
        assert_eq!(filled.platform_version, "6.1");
        assert_eq!(filled.kernel_arch, std::env::consts::ARCH);
        assert_eq!(
            (filled.hostname.as_str(), filled.virtualization_system.as_str()),
            ("unknown", "none")
        );
    }

    #[test]
    fn system_is_described() {
        let release =
            os_release("NAME=\"Ubuntu\"\nID=ubuntu\nVERSION_ID=\"24.04\"\nID_LIKE='debian x'\n\nodd\n");
        assert_eq!(
            (release["ID"].as_str(), release["VERSION_ID"].as_str()),
            ("ubuntu", "24.04")
        );
        assert_eq!(release["ID_LIKE"], "debian x");
        assert_eq!(release.len(), 4);
    }

    #[test]
    fn containers_and_machines_are_distinguished() {
        assert_eq!(
            detect_virtualization("0::/kubepods/burstable/x", "QEMU", true),
            "kubernetes"
        );
        assert_eq!(
            detect_virtualization("0::/", "VMware, Inc. VMware7,1", true),
            "vmware"
        );
        assert_eq!(detect_virtualization("0::/", "Amazon EC2 m7i.metal", false), "");
        assert_eq!(detect_virtualization("", "", true), "kvm");
    }
}
