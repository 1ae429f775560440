//! Graphics cards, as the kernel and the NVIDIA driver tell of them.

use std::path::Path;

use serde::Serialize;

use super::tier::Tier;

/// A graphics card.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Gpu {
    /// Its model, or its vendor and device number where the model is not known.
    pub name: String,
    /// Where it sits, such as `0000:01:00.0`.
    pub address: String,
    /// The kernel driver that runs it.
    pub driver: Option<String>,
    /// Its node for computing, such as `/dev/dri/renderD128`.
    pub render_node: Option<String>,
    /// What it can be expected to do; NVIDIA's only.
    pub tier: Option<Tier>,
}

/// Vendors of graphics cards, by their PCI numbers.
const VENDORS: &[(&str, &str)] = &[
    ("0x10de", "NVIDIA"),
    ("0x1002", "AMD"),
    ("0x8086", "Intel"),
    ("0x1af4", "virtio"),
    ("0x1234", "QEMU"),
    ("0x15ad", "VMware"),
];

/// The cards of the machine whose root directory this is.
pub(super) fn find(root: &Path) -> Vec<Gpu> {
    let Ok(devices) = std::fs::read_dir(root.join("sys/bus/pci/devices")) else { return Vec::new() };
    let mut gpus: Vec<Gpu> = devices.filter_map(|it| gpu(root, &it.ok()?.path())).collect();
    gpus.sort_by(|a, b| a.address.cmp(&b.address));
    gpus
}

/// The version of NVIDIA's driver, if it runs.
pub(super) fn nvidia_driver(root: &Path) -> Option<String> {
    let module = line(&root.join("sys/module/nvidia/version"));
    module.or_else(|| {
        // "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22 …"
        let text = line(&root.join("proc/driver/nvidia/version"))?;
        let version =
            |word: &&str| word.contains('.') && word.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        text.split_whitespace().find(version).map(str::to_owned)
    })
}

fn gpu(root: &Path, device: &Path) -> Option<Gpu> {
    // PCI class 03: display controllers.
    if !line(&device.join("class"))?.starts_with("0x03") {
        return None;
    }
    let address = device.file_name()?.to_string_lossy().into_owned();
    let vendor = line(&device.join("vendor")).unwrap_or_default();
    let number = line(&device.join("device")).unwrap_or_default();
    let driver = std::fs::read_link(device.join("driver")).ok();
    let driver = driver.and_then(|it| Some(it.file_name()?.to_string_lossy().into_owned()));
    let model = nvidia_model(root, &address).or_else(|| listed(root, &vendor, &number));
    let maker = VENDORS.iter().find(|(id, _)| *id == vendor).map_or(vendor.as_str(), |(_, name)| name);
    let name = match model {
        Some(model) if model.starts_with(maker) => model,
        Some(model) => format!("{maker} {model}"),
        None => format!("{maker} device {number}"),
    };
    let tier = if vendor == "0x10de" { Tier::of(&name) } else { None };
    Some(Gpu { name, address, driver, render_node: render_node(device), tier })
}

/// The model by NVIDIA's driver.
fn nvidia_model(root: &Path, address: &str) -> Option<String> {
    let path = root.join("proc/driver/nvidia/gpus").join(address).join("information");
    let text = std::fs::read_to_string(path).ok()?;
    let model = text.lines().find_map(|it| it.strip_prefix("Model:"))?;
    Some(model.trim().to_owned())
}

/// The model by the list of PCI devices that distributions install.
fn listed(root: &Path, vendor: &str, device: &str) -> Option<String> {
    let (vendor, device) = (vendor.strip_prefix("0x")?, device.strip_prefix("0x")?);
    let lists = ["usr/share/misc/pci.ids", "usr/share/hwdata/pci.ids"];
    let text = lists.iter().find_map(|it| std::fs::read(root.join(it)).ok())?;
    let text = String::from_utf8_lossy(&text);
    let mut lines = text.lines().skip_while(|it| !it.starts_with(vendor)).skip(1);
    // A vendor's devices follow it, indented by one tab.
    let of_vendor = lines.by_ref().take_while(|it| it.starts_with('\t') || it.starts_with('#'));
    let name = of_vendor.filter_map(|it| it.strip_prefix('\t')?.strip_prefix(device)).next()?.trim();
    // "AD104 [GeForce RTX 4070]": the name that people know is within the brackets.
    let known = name.split_once('[').and_then(|(_, it)| it.split_once(']')).map(|(it, _)| it);
    Some(known.unwrap_or(name).to_owned())
}

fn render_node(device: &Path) -> Option<String> {
    let nodes = std::fs::read_dir(device.join("drm")).ok()?;
    let mut names = nodes.filter_map(|it| it.ok()?.file_name().into_string().ok());
    names.find(|it| it.starts_with("renderD")).map(|it| format!("/dev/dri/{it}"))
}

fn line(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    text.lines().next().map(|it| it.trim().to_owned()).filter(|it| !it.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn a_machine_with_an_nvidia_card_and_an_intel_one() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let card = "sys/bus/pci/devices/0000:01:00.0";
        for (name, text) in [("class", "0x030000\n"), ("vendor", "0x10de\n"), ("device", "0x2786\n")] {
            put(root, &format!("{card}/{name}"), text);
        }
        put(root, &format!("{card}/drm/renderD128/dev"), "226:128");
        std::os::unix::fs::symlink("../../../bus/pci/drivers/nvidia", root.join(card).join("driver"))
            .unwrap();
        let information = "Model: \t\t NVIDIA GeForce RTX 4070\nIRQ: 5\n";
        put(root, "proc/driver/nvidia/gpus/0000:01:00.0/information", information);
        put(
            root,
            "proc/driver/nvidia/version",
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu\n",
        );
        let other = "sys/bus/pci/devices/0000:00:02.0";
        for (name, text) in [("class", "0x038000"), ("vendor", "0x8086"), ("device", "0x4680")] {
            put(root, &format!("{other}/{name}"), text);
        }
        let ids = "8085  Not it\n\t4680  Wrong\n8086  Intel Corporation\n\t4679  No\n\t4680  AlderLake-S GT1 [UHD Graphics 770]\n";
        put(root, "usr/share/misc/pci.ids", ids);
        put(root, "sys/bus/pci/devices/0000:00:03.0/class", "0x020000");

        let gpus = find(root);
        assert_eq!(gpus.len(), 2, "{gpus:?}");
        assert_eq!(gpus[0].name, "Intel UHD Graphics 770");
        assert_eq!(gpus[0].tier, None);
        let expected = Gpu {
            name: "NVIDIA GeForce RTX 4070".into(),
            address: "0000:01:00.0".into(),
            driver: Some("nvidia".into()),
            render_node: Some("/dev/dri/renderD128".into()),
            tier: Some(Tier::Optimal),
        };
        assert_eq!(gpus[1], expected);
        assert_eq!(nvidia_driver(root).as_deref(), Some("550.54.14"));
    }

    #[test]
    fn a_machine_with_nothing_and_one_with_nonsense() {
        let dir = tempfile::tempdir().unwrap();
        assert!(find(dir.path()).is_empty());
        assert_eq!(nvidia_driver(dir.path()), None);
        put(dir.path(), "sys/bus/pci/devices/x/class", "0x03");
        put(dir.path(), "usr/share/misc/pci.ids", "\u{0}\t\t[");
        put(dir.path(), "proc/driver/nvidia/version", "\n\n");
        assert_eq!(find(dir.path()).len(), 1);
        assert_eq!(nvidia_driver(dir.path()), None);
    }
}
