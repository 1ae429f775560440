//! `org.freedesktop.impl.portal.GlobalShortcuts`: keys that a program wants, and a user who presses them.
//!
//! It takes nothing that the specification does not allow: what a program does wrongly is refused, and kept in
//! [`Seen::mistakes`](super::Seen::mistakes).

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use zbus::object_server::SignalEmitter;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, ObjectServer, fdo, interface};

use super::backend::{FAILED, Options, PATH, REFUSED, Response, SUCCESS, State, lock};
use super::script::{Keys, Wanted};
use super::session::{Request, Session};

/// What a program asked for, or was told: ids, and properties of each.
type List = Vec<(String, Options)>;

pub(super) struct GlobalShortcuts {
    pub(super) state: Arc<Mutex<State>>,
}

#[interface(name = "org.freedesktop.impl.portal.GlobalShortcuts")]
impl GlobalShortcuts {
    async fn create_session(
        &self,
        #[zbus(object_server)] server: &ObjectServer,
        _handle: OwnedObjectPath,
        session_handle: OwnedObjectPath,
        app_id: String,
        _options: Options,
    ) -> fdo::Result<Response> {
        Session::open(server, &self.state, &session_handle).await?;
        let mut state = lock(&self.state);
        state.seen.app_ids.push(app_id);
        state.shortcuts.insert(session_handle, None);
        // The frontend of 1.16 looks for them here, and stumbles where there are none.
        Ok((SUCCESS, results(List::new())?))
    }

    async fn bind_shortcuts(
        &self,
        #[zbus(object_server)] server: &ObjectServer,
        handle: OwnedObjectPath,
        session_handle: OwnedObjectPath,
        shortcuts: List,
        parent_window: String,
        _options: Options,
    ) -> fdo::Result<Response> {
        // First, so that whoever sees the dialog can also withdraw it.
        let withdrawn = Request::open(server, &handle).await?;
        let response = match self.asked(&session_handle, &shortcuts, &parent_window) {
            Err(mistake) => {
                lock(&self.state).seen.mistakes.push(mistake);
                (FAILED, Options::new())
            }
            Ok((Keys::Refuse, _)) => (REFUSED, Options::new()),
            Ok((Keys::Fail, _)) => (FAILED, Options::new()),
            Ok((Keys::Never, _)) => {
                withdrawn.notified().await;
                lock(&self.state).seen.withdrawn += 1;
                (FAILED, Options::new())
            }
            Ok((keys, wanted)) => (SUCCESS, results(self.bind(session_handle, &keys, &wanted)?)?),
        };
        server.remove::<Request, _>(handle).await?;
        Ok(response)
    }

    async fn list_shortcuts(
        &self,
        _handle: OwnedObjectPath,
        session_handle: OwnedObjectPath,
    ) -> fdo::Result<Response> {
        let bound = lock(&self.state).shortcuts.get(&session_handle).cloned().flatten().unwrap_or_default();
        Ok((SUCCESS, results(list(&bound)?)?))
    }

    #[zbus(signal)]
    async fn activated(
        emitter: &SignalEmitter<'_>,
        session_handle: OwnedObjectPath,
        shortcut_id: &str,
        timestamp: u64,
        options: HashMap<&str, Value<'_>>,
    ) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn deactivated(
        emitter: &SignalEmitter<'_>,
        session_handle: OwnedObjectPath,
        shortcut_id: &str,
        timestamp: u64,
        options: HashMap<&str, Value<'_>>,
    ) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn shortcuts_changed(
        emitter: &SignalEmitter<'_>,
        session_handle: OwnedObjectPath,
        shortcuts: List,
    ) -> zbus::Result<()>;

    #[zbus(property, name = "version")]
    async fn version(&self) -> u32 {
        lock(&self.state).script.keys_version
    }
}

/// A key that is bound: its id, what it does, how it is triggered.
pub(super) type BoundKey = (String, String, String);

impl GlobalShortcuts {
    /// What is asked for and what the user says to it, or what is wrong with it.
    fn asked(
        &self,
        session: &OwnedObjectPath,
        shortcuts: &List,
        parent: &str,
    ) -> Result<(Keys, Vec<Wanted>), String> {
        let mut state = lock(&self.state);
        match state.shortcuts.get(session) {
            None => return Err(format!("{} is no session", session.as_str())),
            Some(Some(_)) => return Err("a session's shortcuts are bound once".into()),
            Some(None) => {}
        }
        let mut wanted: Vec<Wanted> = Vec::new();
        for (id, properties) in shortcuts {
            let text = |key: &str| properties.get(key).and_then(|it| String::try_from(it.clone()).ok());
            let description = text("description").filter(|it| !it.is_empty());
            let description = description.ok_or_else(|| format!("{id:?} has no description"))?;
            if id.is_empty() || wanted.iter().any(|it| it.id == *id) {
                return Err(format!("the id {id:?} is empty, or another's"));
            }
            let trigger = text("preferred_trigger");
            if let Some(trigger) = trigger.as_deref().filter(|it| !is_trigger(it)) {
                return Err(format!("{trigger:?} is no trigger"));
            }
            wanted.push(Wanted { id: id.clone(), description, trigger });
        }
        if !parent.is_empty() {
            return Err(format!("{parent:?} is no window of a program that has none"));
        }
        state.seen.dialogs += 1;
        state.seen.wanted = wanted.clone();
        let keys = state.script.keys.clone().ok_or("there are no shortcuts")?;
        Ok((keys, wanted))
    }

    fn bind(&self, session: OwnedObjectPath, keys: &Keys, wanted: &[Wanted]) -> fdo::Result<List> {
        let trigger = |it: &Wanted| it.trigger.as_deref().map(described).unwrap_or_default();
        let bound: Vec<BoundKey> = wanted
            .iter()
            .filter(|it| if let Keys::Only(ids) = keys { ids.contains(&it.id.as_str()) } else { true })
            .map(|it| (it.id.clone(), it.description.clone(), trigger(it)))
            .collect();
        let told = list(&bound)?;
        lock(&self.state).shortcuts.insert(session, Some(bound));
        Ok(told)
    }
}

/// Modifiers and one key, as the XDG shortcuts specification has them.
fn is_trigger(text: &str) -> bool {
    let mut parts: Vec<_> = text.split('+').collect();
    let key = parts.pop().unwrap_or_default();
    let is_key = !key.is_empty() && key.chars().all(|it| it.is_ascii_alphanumeric() || it == '_');
    is_key && parts.iter().all(|it| ["CTRL", "ALT", "SHIFT", "NUM", "LOGO"].contains(it))
}

/// A trigger in the words of a desktop: `CTRL+SHIFT+F10` is `Ctrl+Shift+F10`.
fn described(trigger: &str) -> String {
    let word = |it: &str| it[..1].to_owned() + &it[1..].to_lowercase();
    trigger.split('+').map(word).collect::<Vec<_>>().join("+")
}

fn list(bound: &[BoundKey]) -> fdo::Result<List> {
    bound
        .iter()
        .map(|(id, description, trigger)| {
            let properties = [("description", description), ("trigger_description", trigger)];
            let properties = properties
                .into_iter()
                .map(|(key, text)| Ok((key.to_owned(), owned(Value::new(text.as_str()))?)));
            Ok((id.clone(), properties.collect::<fdo::Result<_>>()?))
        })
        .collect()
}

fn results(shortcuts: List) -> fdo::Result<Options> {
    Ok(Options::from([("shortcuts".to_owned(), owned(Value::new(shortcuts))?)]))
}

fn owned(value: Value<'_>) -> fdo::Result<OwnedValue> {
    value.try_into().map_err(|error: zbus::zvariant::Error| fdo::Error::Failed(error.to_string()))
}

/// Tells that a key is down, so many times as a key that is held repeats, and that it was let go.
pub(super) async fn press(connection: &Connection, state: &Mutex<State>, id: &str, times: u32) -> Result<()> {
    let has = |bound: &Option<Vec<BoundKey>>| bound.iter().flatten().any(|it| it.0 == id);
    let session = lock(state).shortcuts.iter().find(|(_, it)| has(it)).map(|(path, _)| path.clone());
    let session = session.with_context(|| format!("no key is bound to {id}"))?;
    let emitter = SignalEmitter::new(connection, PATH)?;
    for time in 0..times {
        emitter.activated(session.clone(), id, 1000 + u64::from(time), HashMap::new()).await?;
    }
    Ok(emitter.deactivated(session, id, 2000, HashMap::new()).await?)
}

/// The user sets another trigger for a key.
pub(super) async fn change(
    connection: &Connection,
    state: &Mutex<State>,
    id: &str,
    trigger: &str,
) -> Result<()> {
    let changed = {
        let mut state = lock(state);
        let mut bound = state.shortcuts.iter_mut().filter_map(|(path, it)| Some((path, it.as_mut()?)));
        let (path, keys) = bound.find(|(_, it)| it.iter().any(|it| it.0 == id)).context("no such key")?;
        keys.iter_mut().filter(|it| it.0 == id).for_each(|it| trigger.clone_into(&mut it.2));
        (path.clone(), list(keys)?)
    };
    Ok(SignalEmitter::new(connection, PATH)?.shortcuts_changed(changed.0, changed.1).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triggers_are_modifiers_and_a_key() {
        assert!(["F10", "CTRL+SHIFT+F10", "LOGO+ALT+bracketleft"].into_iter().all(is_trigger));
        assert!(!["", "CTRL+", "Ctrl+a", "CTRL+SHIFT+F 1", "+"].into_iter().any(is_trigger));
        assert_eq!(described("CTRL+SHIFT+F10"), "Ctrl+Shift+F10");
    }
}
