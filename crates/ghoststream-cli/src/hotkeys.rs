//! Keys that work wherever the user is.
//!
//! They are asked for once a recording runs, which never waits for them, and without them it is none the worse.

use std::future::Future;
use std::pin::Pin;

use ghoststream::hotkeys::{Bound, Event as Key, Hotkey, HotkeyError, Hotkeys};

use crate::signals::Event;

/// By what desktops know this program and remember its keys: the name of what `ghoststream desktop-file` prints.
pub const APP_ID: &str = "io.github.ghoststream.GhostStream";

/// What keys do: their names, what the user reads, and what they would best be.
const KEYS: [(&str, &str, &str, Event); 4] = [
    ("save-replay", "Save the replay", "CTRL+SHIFT+F10", Event::SaveReplay),
    ("pause", "Pause, or go on", "CTRL+SHIFT+F7", Event::Pause),
    ("marker", "Set a marker", "CTRL+SHIFT+F8", Event::Mark),
    ("stop", "Stop", "CTRL+SHIFT+F9", Event::Stop),
];

type Binding = Pin<Box<dyn Future<Output = Result<Hotkeys, HotkeyError>>>>;

/// The keys of a recording.
pub enum Keys {
    /// None are wanted, or they are lost.
    None,
    /// The desktop is asked.
    Binding(Binding),
    /// They are bound.
    Bound(Hotkeys),
}

/// What came of keys.
pub enum Heard {
    /// One was pressed.
    Event(Event),
    /// Something that the user should know.
    Note(String),
}

impl Keys {
    /// Asks for them, if they are wanted; [`next`](Self::next) does the rest.
    pub fn ask(wanted: bool) -> Self {
        if !wanted {
            return Self::None;
        }
        let hotkeys = KEYS.map(|(id, does, trigger, _)| Hotkey::new(id, does).with_trigger(trigger));
        Self::Binding(Box::pin(Hotkeys::bind(APP_ID, hotkeys)))
    }

    /// What comes next of them; pending where there are none.
    pub async fn next(&mut self) -> Heard {
        loop {
            match self {
                Self::None => return std::future::pending().await,
                Self::Binding(binding) => match binding.await {
                    Ok(hotkeys) => {
                        let note = told(hotkeys.bound());
                        *self = Self::Bound(hotkeys);
                        return Heard::Note(note);
                    }
                    Err(error) => return self.lost(&error),
                },
                Self::Bound(hotkeys) => match hotkeys.next().await {
                    Some(Key::Pressed { id }) => {
                        if let Some((.., event)) = KEYS.iter().find(|it| it.0 == id) {
                            return Heard::Event(*event);
                        }
                    }
                    Some(Key::Changed(bound)) => return Heard::Note(told(&bound)),
                    Some(Key::Lost(error)) => return self.lost(&error),
                    Some(_) => {}
                    None => *self = Self::None,
                },
            }
        }
    }

    fn lost(&mut self, error: &HotkeyError) -> Heard {
        *self = Self::None;
        let remedy = match error {
            HotkeyError::UnknownProgram { .. } => format!(
                ": `ghoststream desktop-file > ~/.local/share/applications/{APP_ID}.desktop` makes it, once"
            ),
            _ => String::new(),
        };
        Heard::Note(format!(
            "there are no hotkeys: {error}{remedy}; it goes on without them, and `ghoststream ctl` and the signals \
             SIGUSR1 (saves the replay) and SIGUSR2 (pauses) do the same"
        ))
    }
}

/// Which keys do what, as the desktop decided.
fn told(bound: &[Bound]) -> String {
    let of = |id: &str| bound.iter().find(|it| it.id == id);
    let keys = KEYS.iter().filter_map(|(id, ..)| Some(format!("{id} {}", of(id)?.trigger.as_deref()?)));
    let keys: Vec<_> = keys.collect();
    let without: Vec<_> =
        KEYS.iter().map(|it| it.0).filter(|id| of(id).is_none_or(|it| it.trigger.is_none())).collect();
    let mut text = match keys.is_empty() {
        true => "hotkeys: none has a key".to_owned(),
        false => format!("hotkeys: {}", keys.join(", ")),
    };
    if !without.is_empty() && !keys.is_empty() {
        text += &format!("; without a key: {}", without.join(", "));
    }
    if !without.is_empty() {
        text += "; set it in your desktop's settings for shortcuts";
    }
    text
}
