//! Sources that are drawn by another GPU than the one that would import their pictures.
//!
//! A source offers the tilings of the GPU that draws it. Where ours imports none of them, the two agree on shared
//! memory without a word; its node is then asked what it had offered.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use ghoststream_gpu::{IMPLICIT, Imports};
use pipewire as pw;

use super::format::modifiers;

/// A node that was asked for its formats.
pub(super) struct Asked {
    modifiers: Rc<RefCell<BTreeSet<u64>>>,
    // The listener goes before what it listens to.
    _listener: pw::node::NodeListener,
    _node: pw::node::Node,
}

impl Asked {
    /// Asks; the answers come in the loop's next turns, before that of a `sync` that follows.
    pub(super) fn new(registry: &pw::registry::RegistryRc, node: u32) -> Result<Self, pw::Error> {
        let object = pw::registry::GlobalObject::<pw::properties::PropertiesBox> {
            id: node,
            permissions: pw::permissions::PermissionFlags::empty(),
            type_: pw::types::ObjectType::Node,
            version: 0,
            props: None,
        };
        let node: pw::node::Node = registry.bind(&object)?;
        let found = Rc::new(RefCell::new(BTreeSet::new()));
        let listener = node
            .add_listener_local()
            .param({
                let found = Rc::clone(&found);
                move |_, _, _, _, pod| {
                    found.borrow_mut().extend(pod.iter().flat_map(|pod| modifiers(pod.as_bytes())));
                }
            })
            .register();
        node.enum_params(0, Some(pw::spa::param::ParamType::EnumFormat), 0, u32::MAX);
        Ok(Self { modifiers: found, _listener: listener, _node: node })
    }

    /// What is to be said of its answers, if they have in common nothing with what can be imported.
    pub(super) fn note(&self, source: &str, imports: &Imports) -> Option<String> {
        note(source, &self.modifiers.borrow(), imports)
    }
}

fn note(source: &str, offered: &BTreeSet<u64>, imports: &Imports) -> Option<String> {
    let taken = |modifier: &u64| {
        imports.formats.iter().flat_map(|(_, known)| known).any(|known| known.modifier == *modifier)
    };
    if offered.is_empty() || offered.iter().any(taken) {
        return None;
    }
    let vendors: BTreeSet<_> =
        offered.iter().filter(|it| **it != IMPLICIT).filter_map(|it| vendor(*it)).collect();
    let by = match vendors.first() {
        Some(vendor) if vendors.len() == 1 => format!("a GPU of {vendor}'s"),
        _ => "another GPU".to_owned(),
    };
    Some(format!(
        "{source} is drawn by {by}, as it seems: the GPU for processing imports none of its pictures' tilings, so they \
         come through shared memory. Where there are several GPUs, --processing gpu:NAME chooses the one that draws \
         the desktop"
    ))
}

/// Whose tiling it is, by the upper byte of a modifier: `DRM_FORMAT_MOD_VENDOR_*` of `drm_fourcc.h`.
const fn vendor(modifier: u64) -> Option<&'static str> {
    Some(match modifier >> 56 {
        1 => "Intel",
        2 => "AMD",
        3 => "NVIDIA",
        4 => "Samsung",
        5 => "Qualcomm",
        6 => "Vivante",
        7 => "Broadcom",
        8 => "Arm",
        9 => "Allwinner",
        10 => "Amlogic",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use ghoststream_gpu::{LINEAR, Modifier};

    use super::*;
    use crate::PixelFormat;

    const INTEL: u64 = 0x0100_0000_0000_0002;
    const NVIDIA: u64 = 0x0300_0000_0060_6010;

    #[test]
    fn it_is_told_who_draws_where_nothing_can_be_imported() {
        let known = |it: u64| Modifier { modifier: it, planes: 1 };
        let imports = Imports::new(vec![(PixelFormat::Bgrx, vec![known(NVIDIA), known(LINEAR)])]);
        let note = |offered: &[u64]| super::note("the desktop", &offered.iter().copied().collect(), &imports);
        assert!(note(&[INTEL]).unwrap().contains("the desktop is drawn by a GPU of Intel's"));
        assert!(note(&[INTEL, IMPLICIT]).unwrap().contains("Intel"));
        assert!(note(&[IMPLICIT]).unwrap().contains("another GPU"), "it does not say whose");
        assert_eq!(note(&[INTEL, LINEAR]), None, "something can be imported");
        assert_eq!(note(&[]), None, "it is in no GPU's memory");
    }
}
