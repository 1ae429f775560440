//! What the portal's user does, and what was asked of them.

/// A source that the user shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shared {
    /// The PipeWire node.
    pub node: u32,
    /// Pixels across and down.
    pub size: (i32, i32),
    /// Where it lies on the desktop.
    pub position: (i32, i32),
    /// 1 a monitor, 2 a window, 4 a virtual monitor.
    pub kind: u32,
}

impl Shared {
    /// A monitor at the desktop's origin.
    pub const fn monitor(node: u32, width: i32, height: i32) -> Self {
        Self { node, size: (width, height), position: (0, 0), kind: 1 }
    }
}

/// What the user does when the dialog comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Shares these.
    Share(Vec<Shared>),
    /// Closes the dialog.
    Refuse,
    /// Something fails behind the dialog.
    Fail,
    /// Nothing at all, until the request is withdrawn.
    Never,
}

/// What becomes of a remembered choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restore {
    /// The source is shared again without a dialog.
    Honour,
    /// It is not known any more: the dialog comes.
    Ask,
    /// The session fails, as when the monitor is gone and the backend is not prepared for it.
    Fail,
    /// Choices are not remembered at all.
    Never,
}

/// What the user does when a program wants global shortcuts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keys {
    /// Gives it all of them, by the keys that it would like.
    All,
    /// Gives it these alone.
    Only(&'static [&'static str]),
    /// Closes the dialog.
    Refuse,
    /// Something fails behind the dialog.
    Fail,
    /// Nothing at all, until the request is withdrawn.
    Never,
}

/// How the portal behaves.
#[derive(Clone, Debug)]
pub struct Script {
    /// What the user does.
    pub answer: Answer,
    /// What becomes of remembered choices.
    pub restore: Restore,
    /// Bits of what can be shared: 1 monitors, 2 windows, 4 virtual monitors.
    pub source_types: u32,
    /// Bits of how the pointer comes: 1 hidden, 2 embedded, 4 metadata.
    pub cursor_modes: u32,
    /// Whether there is a ScreenCast interface at all.
    pub screencast: bool,
    /// Whether cameras can be had through the portal: the user then grants what is asked in dialogs.
    pub camera: bool,
    /// What becomes of global shortcuts; `None` where there are none.
    pub keys: Option<Keys>,
    /// Version of the interface for them.
    pub keys_version: u32,
}

impl Script {
    /// A portal that can do everything, and this user.
    pub const fn new(answer: Answer) -> Self {
        Self {
            answer,
            restore: Restore::Honour,
            source_types: 7,
            cursor_modes: 7,
            screencast: true,
            camera: false,
            keys: None,
            keys_version: 2,
        }
    }

    /// A portal that has global shortcuts as well, and what its user says to them.
    #[must_use]
    pub fn with_keys(mut self, keys: Keys) -> Self {
        self.keys = Some(keys);
        self
    }

    /// A user who shares these.
    pub fn share(shared: impl Into<Vec<Shared>>) -> Self {
        Self::new(Answer::Share(shared.into()))
    }
}

/// What a client asked for in `SelectSources`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Bits as in [`Script::source_types`].
    pub types: u32,
    /// Whether several sources may be picked.
    pub multiple: bool,
    /// One bit as in [`Script::cursor_modes`], 0 where it was not said.
    pub cursor: u32,
    /// 0 not, 1 while the application runs, 2 until revoked.
    pub persist: u32,
    /// Whether a remembered choice came with it.
    pub restores: bool,
}

/// A global shortcut that a program wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// By what the program knows it.
    pub id: String,
    /// What it does.
    pub description: String,
    /// The keys that it would like.
    pub trigger: Option<String>,
}

/// What the backend was asked.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Every selection, in order.
    pub selections: Vec<Selection>,
    /// Dialogs that a user would have seen.
    pub dialogs: usize,
    /// Sessions that a remembered choice opened without one.
    pub restored: usize,
    /// Requests that were withdrawn before they were answered.
    pub withdrawn: usize,
    /// Sessions that were opened.
    pub opened: usize,
    /// Sessions that the client closed.
    pub closed: usize,
    /// Who opened sessions for shortcuts: application ids, empty where the frontend knows none.
    pub app_ids: Vec<String>,
    /// The shortcuts that were last asked for.
    pub wanted: Vec<Wanted>,
    /// What a program did that the specification does not allow.
    pub mistakes: Vec<String>,
}
