//! Keys that work wherever the user is, through the GlobalShortcuts portal.
//!
//! A program says what its keys do and which ones it would like. The desktop asks its user, decides, and shows them
//! among its own shortcuts; [`Hotkeys::bound`] tells what came of it.
//!
//! ```no_run
//! # use ghoststream_portal::hotkeys::{Event, Hotkey, HotkeyError, Hotkeys};
//! # async fn keys() -> Result<(), HotkeyError> {
//! let wanted = [Hotkey::new("save", "Save the last minute").with_trigger("CTRL+SHIFT+F10")];
//! let mut hotkeys = Hotkeys::bind("org.example.Recorder", wanted).await?; // the desktop may ask its user
//! while let Some(event) = hotkeys.next().await {
//!     if let Event::Pressed { id } = event {
//!         println!("{id}");
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod error;
mod held;
mod probe;
mod session;
mod thread;

pub use error::HotkeyError;
pub use probe::probe;

use ashpd::AppID;
use ashpd::desktop::global_shortcuts::{NewShortcut, Shortcut};
use tokio::sync::{mpsc, oneshot};

use thread::Thread;

/// Events that wait for [`Hotkeys::next`]; while so many do, what is pressed is not taken.
const WAITING: usize = 16;

/// A key that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hotkey {
    id: String,
    description: String,
    trigger: Option<String>,
}

impl Hotkey {
    /// By what it is known to the program, and what it does in words that users read.
    pub fn new(id: impl Into<String>, description: impl Into<String>) -> Self {
        Self { id: id.into(), description: description.into(), trigger: None }
    }

    /// The keys that it would best be, as the XDG shortcuts specification writes them: `CTRL+SHIFT+F10`. It is a
    /// hint: the desktop decides.
    #[must_use]
    pub fn with_trigger(mut self, trigger: impl Into<String>) -> Self {
        self.trigger = Some(trigger.into());
        self
    }

    fn asked(&self) -> NewShortcut {
        NewShortcut::new(&self.id, &self.description).preferred_trigger(self.trigger.as_deref())
    }
}

/// A key that the desktop has bound.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bound {
    /// As in the [`Hotkey`].
    pub id: String,
    /// How it is triggered, in the desktop's words. `None` while the user has set no keys for it.
    pub trigger: Option<String>,
}

impl Bound {
    fn of(shortcut: &Shortcut) -> Self {
        let trigger = shortcut.trigger_description().trim();
        Self { id: shortcut.id().to_owned(), trigger: (!trigger.is_empty()).then(|| trigger.to_owned()) }
    }
}

/// What comes of hotkeys.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A key was pressed. One that is held down counts once.
    Pressed {
        /// Which.
        id: String,
    },
    /// The user has set other keys: all that are bound from now on.
    Changed(Vec<Bound>),
    /// No key is bound any more, and no further event comes.
    Lost(HotkeyError),
}

/// Keys that are bound until it is dropped.
///
/// A thread of its own speaks with the portal; the caller needs no particular runtime. Dropping it takes half a
/// second at the most.
#[derive(Debug)]
pub struct Hotkeys {
    bound: Vec<Bound>,
    events: mpsc::Receiver<Event>,
    _thread: Thread,
}

impl Hotkeys {
    /// Binds them. The desktop may show a dialog: this resolves when its user has answered, however long that takes;
    /// dropped before, the dialog goes.
    ///
    /// `app_id` is the program's: the name of its desktop entry, without `.desktop`. Desktops bind keys for the
    /// programs that they know by one, and remember them by it.
    ///
    /// # Errors
    /// There is no portal, or none with global shortcuts; it does not know the program; the user refused; a hotkey
    /// cannot be asked for.
    pub async fn bind(app_id: &str, hotkeys: impl IntoIterator<Item = Hotkey>) -> Result<Self, HotkeyError> {
        let hotkeys: Vec<_> = hotkeys.into_iter().collect();
        check(&hotkeys)?;
        let app_id = AppID::try_from(app_id).map_err(|_| HotkeyError::Unusable {
            what: format!("the application id {app_id:?}"),
            wanted: "at least two words between dots, as in org.example.Recorder",
        })?;
        let (answer, answered) = oneshot::channel();
        let (sender, events) = mpsc::channel(WAITING);
        // Dropped with this future, too.
        let thread = Thread::start(session::Wish { app_id, hotkeys }, answer, sender)?;
        let bound = answered.await.map_err(|_| HotkeyError::thread("it ended"))??;
        Ok(Self { bound, events, _thread: thread })
    }

    /// The keys that the desktop bound; those that are not among them were not.
    pub fn bound(&self) -> &[Bound] {
        &self.bound
    }

    /// The next event; `None` after [`Event::Lost`].
    pub async fn next(&mut self) -> Option<Event> {
        let event = self.events.recv().await?;
        if let Event::Changed(bound) = &event {
            self.bound.clone_from(bound);
        }
        Some(event)
    }
}

/// The portal takes no empty names, and two of one name cannot be told apart.
fn check(hotkeys: &[Hotkey]) -> Result<(), HotkeyError> {
    let unusable = |what: String, wanted| Err(HotkeyError::Unusable { what, wanted });
    if hotkeys.is_empty() {
        return unusable("a list of no hotkeys".into(), "one at least");
    }
    for (at, hotkey) in hotkeys.iter().enumerate() {
        if hotkey.id.is_empty() || hotkey.description.is_empty() {
            return unusable(format!("hotkey {:?}", hotkey.id), "an id and a description");
        }
        if hotkeys[..at].iter().any(|it| it.id == hotkey.id) {
            return unusable(format!("hotkey {:?}", hotkey.id), "an id of its own for each");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_asked_for_is_told() {
        let told = |hotkeys: &[Hotkey]| check(hotkeys).unwrap_err().to_string();
        assert!(told(&[]).contains("one at least"));
        assert!(told(&[Hotkey::new("", "Nothing")]).contains("an id and a description"));
        assert!(told(&[Hotkey::new("a", "")]).contains("\"a\""));
        assert!(told(&[Hotkey::new("a", "One"), Hotkey::new("a", "Two")]).contains("of its own"));
        check(&[Hotkey::new("a", "One"), Hotkey::new("b", "Two")]).unwrap();
    }

    #[test]
    fn an_id_that_is_none_is_told_before_the_portal_is_asked() {
        let bind = Hotkeys::bind("recorder", [Hotkey::new("a", "One")]);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let error = runtime.block_on(bind).unwrap_err();
        assert!(error.to_string().contains("\"recorder\""), "{error}");
    }
}
