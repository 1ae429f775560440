//! What a PipeWire daemon tells: its nodes, as they come and go, and whether it still answers.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use pipewire as pw;

use super::{NodeName, Remote};
use crate::capture::CaptureError;

/// A node, as the registry describes it.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) description: String,
    class: String,
    serial: Option<u64>,
}

/// What the daemon told so far.
#[derive(Debug, Default)]
struct World {
    nodes: BTreeMap<u32, Node>,
    answered: Option<i32>,
    error: Option<String>,
}

/// A daemon that we are connected to.
pub(super) struct Daemon {
    world: Rc<RefCell<World>>,
    // Listeners go before the objects they listen to.
    _registry_listener: pw::registry::Listener,
    registry: pw::registry::RegistryRc,
    _core_listener: pw::core::Listener,
    core: pw::core::CoreRc,
}

impl Daemon {
    /// Connects. What there is will be told while the loop runs.
    pub(super) fn connect(
        main_loop: &pw::main_loop::MainLoopRc,
        remote: Remote,
    ) -> Result<Self, CaptureError> {
        let context = pw::context::ContextRc::new(main_loop, None).map_err(unreachable)?;
        let connected = match remote {
            Remote::Default => context.connect_rc(None),
            Remote::Portal(fd) => context.connect_fd_rc(fd, None),
        };
        let core = connected.map_err(|_| {
            // The crate drops the reason; libpipewire leaves it in errno.
            CaptureError::NoPipeWire { reason: std::io::Error::last_os_error().to_string() }
        })?;
        let world = Rc::new(RefCell::new(World::default()));
        let core_listener = listen(&core, &world);
        let registry = core.get_registry_rc().map_err(unreachable)?;
        let registry_listener = watch_nodes(&registry, &world);
        Ok(Self {
            world,
            _registry_listener: registry_listener,
            registry,
            _core_listener: core_listener,
            core,
        })
    }

    /// What streams are made on.
    pub(super) const fn core(&self) -> &pw::core::CoreRc {
        &self.core
    }

    /// What nodes are reached through.
    pub(super) const fn registry(&self) -> &pw::registry::RegistryRc {
        &self.registry
    }

    /// Asks for an answer to everything so far, see [`Self::has_answered`].
    pub(super) fn ask(&self) -> Result<i32, CaptureError> {
        Ok(self.core.sync(0).map_err(unreachable)?.seq())
    }

    /// Whether all that was asked up to there is answered.
    pub(super) fn has_answered(&self, asked: i32) -> bool {
        self.world.borrow().answered.is_some_and(|seq| seq >= asked)
    }

    /// Why the connection broke, if it did.
    pub(super) fn error(&self) -> Option<String> {
        self.world.borrow().error.clone()
    }

    /// Whether it lists a node.
    pub(super) fn lists(&self, node: u32) -> bool {
        self.world.borrow().nodes.contains_key(&node)
    }

    /// The node of a name.
    pub(super) fn find(&self, wanted: &NodeName) -> Option<(u32, Node)> {
        find(&self.world.borrow().nodes, wanted)
    }
}

impl Node {
    /// A node sends pictures when its class says so, such as `Video/Source` or `Stream/Output/Video`;
    /// one without a class is given the benefit of the doubt.
    ///
    /// # Errors
    /// In words: it does not.
    pub(super) fn check_sends_pictures(&self) -> Result<(), String> {
        let class = &self.class;
        let sends = class.contains("Source") || class.contains("Output");
        if class.is_empty() || (class.contains("Video") && sends) {
            return Ok(());
        }
        let what = if class.contains("Video") {
            "it takes pictures rather than sending them"
        } else {
            "it is not video"
        };
        Err(format!("{what} (its class is {class})"))
    }
}

fn listen(core: &pw::core::CoreRc, world: &Rc<RefCell<World>>) -> pw::core::Listener {
    let (done, failed) = (Rc::clone(world), Rc::clone(world));
    core.add_listener_local()
        .done(move |id, seq| {
            if id == pw::core::PW_ID_CORE {
                done.borrow_mut().answered = Some(seq.seq());
            }
        })
        .error(move |id, _, code, message| {
            tracing::debug!(id, code, message, "PipeWire error");
            // Errors of other objects reach those objects' own callbacks. What was asked of one that the daemon had just
            // taken away is told here, and is no loss.
            if id == pw::core::PW_ID_CORE && code != -libc::ENOENT {
                failed.borrow_mut().error.get_or_insert_with(|| message.to_owned());
            }
        })
        .register()
}

fn watch_nodes(registry: &pw::registry::RegistryRc, world: &Rc<RefCell<World>>) -> pw::registry::Listener {
    let (added, removed) = (Rc::clone(world), Rc::clone(world));
    registry
        .add_listener_local()
        .global(move |global| {
            if global.type_ != pw::types::ObjectType::Node {
                return;
            }
            let get =
                |key: &str| global.props.and_then(|props| props.get(key)).unwrap_or_default().to_owned();
            let node = Node {
                name: get("node.name"),
                description: get("node.description"),
                class: get("media.class"),
                serial: get("object.serial").parse().ok(),
            };
            added.borrow_mut().nodes.insert(global.id, node);
        })
        .global_remove(move |id| {
            removed.borrow_mut().nodes.remove(&id);
        })
        .register()
}

fn find(nodes: &BTreeMap<u32, Node>, wanted: &NodeName) -> Option<(u32, Node)> {
    let by = |matches: &dyn Fn(u32, &Node) -> bool| {
        nodes.iter().find(|(id, node)| matches(**id, node)).map(|(id, node)| (*id, node.clone()))
    };
    match wanted {
        NodeName::Id(wanted) => by(&|id, _| id == *wanted),
        NodeName::Typed(typed) => {
            let number = typed.parse::<u64>().ok();
            by(&|_, node| node.name == *typed)
                .or_else(|| by(&|id, _| Some(u64::from(id)) == number))
                .or_else(|| by(&|_, node| node.serial.is_some() && node.serial == number))
        }
    }
}

fn unreachable(error: pw::Error) -> CaptureError {
    CaptureError::NoPipeWire { reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, class: &str, serial: u64) -> Node {
        Node { name: name.into(), description: String::new(), class: class.into(), serial: Some(serial) }
    }

    #[test]
    fn a_name_comes_before_an_id_and_an_id_before_a_serial() {
        let nodes = BTreeMap::from([
            (40, node("sway", "", 70)),
            (41, node("40", "", 71)),
            (70, node("kwin", "", 72)),
        ]);
        let found = |typed: &str| find(&nodes, &NodeName::Typed(typed.into())).map(|(id, _)| id);
        assert_eq!(found("sway"), Some(40));
        assert_eq!(found("40"), Some(41), "a node that is called so");
        assert_eq!(found("70"), Some(70), "the id, not the serial");
        assert_eq!(found("72"), Some(70), "the serial");
        assert_eq!(found("gone"), None);
        assert_eq!(find(&nodes, &NodeName::Id(40)).map(|(id, _)| id), Some(40), "an id is no name");
    }

    #[test]
    fn only_what_sends_pictures_is_taken() {
        for class in ["", "Video/Source", "Stream/Output/Video"] {
            assert_eq!(node("it", class, 1).check_sends_pictures(), Ok(()), "{class}");
        }
        for (class, why) in [("Video/Sink", "takes pictures"), ("Audio/Source", "not video")] {
            let refused = node("it", class, 1).check_sends_pictures().unwrap_err();
            assert!(refused.contains(why) && refused.contains(class), "{refused}");
        }
    }
}
