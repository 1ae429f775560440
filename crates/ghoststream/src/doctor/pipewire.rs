//! PipeWire: the library, the daemon, and what hangs on it.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use pipewire as pw;
use pw::loop_::Timeout;
use pw::types::ObjectType;
use serde::Serialize;

/// PipeWire, as far as it answers.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct PipeWire {
    /// The version of the library that runs in this process.
    pub library: String,
    /// The daemon's version.
    pub daemon: Option<String>,
    /// The program that connects nodes, such as WirePlumber; without one no picture or sound flows.
    pub session_manager: Option<String>,
    /// Sinks whose monitor can be recorded.
    pub sinks: Vec<String>,
    /// Microphones and the like.
    pub microphones: Vec<String>,
    /// Nodes that send pictures, such as cameras.
    pub cameras: Vec<String>,
    /// Why the daemon cannot be reached.
    pub error: Option<String>,
}

/// Asks the daemon for `limit` at most.
pub(super) fn examine(limit: Duration) -> PipeWire {
    let mut found = PipeWire { library: library_version(), ..PipeWire::default() };
    match ask(limit, &mut found) {
        Ok(()) => {}
        Err(reason) => found.error = Some(reason),
    }
    found
}

/// The library does not say why it cannot connect; mostly there is nothing to connect to.
fn no_daemon() -> String {
    let set = |name| std::env::var_os(name).filter(|it| !it.is_empty());
    match set("PIPEWIRE_RUNTIME_DIR").or_else(|| set("XDG_RUNTIME_DIR")) {
        Some(dir) => format!("there is no daemon at {}/pipewire-0", dir.to_string_lossy()),
        None => "XDG_RUNTIME_DIR is not set, so its socket cannot be found".to_owned(),
    }
}

fn library_version() -> String {
    // SAFETY: it returns a static string that ends with a NUL.
    let text = unsafe { std::ffi::CStr::from_ptr(pw::sys::pw_get_library_version()) };
    text.to_string_lossy().into_owned()
}

/// What the daemon told.
#[derive(Default)]
struct Told {
    found: PipeWire,
    done: bool,
    error: Option<String>,
}

fn ask(limit: Duration, found: &mut PipeWire) -> Result<(), String> {
    pw::init();
    let main_loop = pw::main_loop::MainLoopRc::new(None).map_err(|it| it.to_string())?;
    let context = pw::context::ContextRc::new(&main_loop, None).map_err(|it| it.to_string())?;
    let core = context.connect_rc(None).map_err(|_| no_daemon())?;
    let told = Rc::new(RefCell::new(Told::default()));
    let (info, done, error, global) = (told.clone(), told.clone(), told.clone(), told.clone());
    let registry = core.get_registry_rc().map_err(|it| it.to_string())?;
    let _globals =
        registry.add_listener_local().global(move |it| note(&mut global.borrow_mut().found, it)).register();
    let asked = core.sync(0).map_err(|it| it.to_string())?.seq();
    let _core = core
        .add_listener_local()
        .info(move |it| info.borrow_mut().found.daemon = Some(it.version().to_owned()))
        .done(move |_, seq| done.borrow_mut().done |= seq.seq() >= asked)
        .error(move |_, _, _, text| error.borrow_mut().error = Some(text.to_owned()))
        .register();
    let deadline = Instant::now() + limit;
    while !told.borrow().done && told.borrow().error.is_none() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(format!("it did not answer within {limit:?}"));
        }
        main_loop.loop_().iterate(Timeout::Finite(left.min(Duration::from_millis(50))));
    }
    let mut told = told.borrow_mut();
    let library = std::mem::take(&mut found.library);
    *found = PipeWire { library, ..std::mem::take(&mut told.found) };
    told.error.take().map_or(Ok(()), Err)
}

fn note(found: &mut PipeWire, global: &pw::registry::GlobalObject<&pw::spa::utils::dict::DictRef>) {
    let Some(props) = global.props else { return };
    let named = |keys: &[&str]| keys.iter().find_map(|it| props.get(it)).unwrap_or("unnamed").to_owned();
    match global.type_ {
        ObjectType::Node => {
            let list = match props.get("media.class") {
                Some("Audio/Sink" | "Audio/Duplex") => &mut found.sinks,
                Some("Audio/Source" | "Audio/Source/Virtual") => &mut found.microphones,
                Some("Video/Source") => &mut found.cameras,
                _ => return,
            };
            list.push(named(&["node.description", "node.name"]));
        }
        ObjectType::Client => {
            let name = named(&["application.name"]);
            // WirePlumber has several clients, the main one of just its name.
            if name == "WirePlumber" || name == "pipewire-media-session" {
                found.session_manager = Some(name);
            }
        }
        _ => {}
    }
}
