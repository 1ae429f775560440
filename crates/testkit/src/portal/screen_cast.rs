//! `org.freedesktop.impl.portal.ScreenCast`: what is shared, and what is remembered of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use zbus::zvariant::{OwnedObjectPath, Value};
use zbus::{ObjectServer, fdo, interface};

use super::backend::{FAILED, Options, REFUSED, Response, SUCCESS, State, lock};
use super::script::{Answer, Restore, Selection, Shared};
use super::session::{Request, Session};

const VENDOR: &str = "ghoststream-test";

pub(super) struct ScreenCast {
    pub(super) state: Arc<Mutex<State>>,
}

#[interface(name = "org.freedesktop.impl.portal.ScreenCast")]
impl ScreenCast {
    async fn create_session(
        &self,
        #[zbus(object_server)] server: &ObjectServer,
        _handle: OwnedObjectPath,
        session_handle: OwnedObjectPath,
        _app_id: String,
        _options: Options,
    ) -> fdo::Result<Response> {
        Session::open(server, &self.state, &session_handle).await?;
        lock(&self.state).sessions.insert(session_handle, Selection::default());
        Ok((SUCCESS, Options::new()))
    }

    async fn select_sources(
        &self,
        _handle: OwnedObjectPath,
        session_handle: OwnedObjectPath,
        _app_id: String,
        options: Options,
    ) -> fdo::Result<Response> {
        let number = |key: &str| options.get(key).and_then(|value| u32::try_from(value).ok());
        let selection = Selection {
            types: number("types").unwrap_or(0),
            multiple: options.get("multiple").and_then(|value| bool::try_from(value).ok()).unwrap_or(false),
            cursor: number("cursor_mode").unwrap_or(0),
            persist: number("persist_mode").unwrap_or(0),
            restores: options.contains_key("restore_data"),
        };
        let mut state = lock(&self.state);
        state.seen.selections.push(selection);
        state.sessions.insert(session_handle, selection);
        Ok((SUCCESS, Options::new()))
    }

    async fn start(
        &self,
        #[zbus(object_server)] server: &ObjectServer,
        handle: OwnedObjectPath,
        session_handle: OwnedObjectPath,
        _app_id: String,
        _parent_window: String,
        _options: Options,
    ) -> fdo::Result<Response> {
        // First, so that whoever sees the dialog can also withdraw it.
        let withdrawn = Request::open(server, &handle).await?;
        let (answer, restore, persists) = self.decide(&session_handle);
        let response = match answer {
            Answer::Share(shared) => (SUCCESS, results(&shared, persists && restore != Restore::Never)?),
            Answer::Refuse => (REFUSED, Options::new()),
            Answer::Fail => (FAILED, Options::new()),
            Answer::Never => {
                withdrawn.notified().await;
                lock(&self.state).seen.withdrawn += 1;
                (FAILED, Options::new())
            }
        };
        server.remove::<Request, _>(handle).await?;
        Ok(response)
    }

    #[zbus(property)]
    async fn available_source_types(&self) -> u32 {
        lock(&self.state).script.source_types
    }

    #[zbus(property)]
    async fn available_cursor_modes(&self) -> u32 {
        lock(&self.state).script.cursor_modes
    }

    #[zbus(property, name = "version")]
    async fn version(&self) -> u32 {
        4
    }
}

impl ScreenCast {
    /// What happens at `Start`, whether the choice may be remembered, and the books kept of it.
    fn decide(&self, session: &OwnedObjectPath) -> (Answer, Restore, bool) {
        let mut state = lock(&self.state);
        let selection = state.sessions.get(session).copied().unwrap_or_default();
        let restore = state.script.restore;
        let answer = match restore {
            Restore::Fail if selection.restores => Answer::Fail,
            Restore::Honour if selection.restores => {
                state.seen.restored += 1;
                state.script.answer.clone()
            }
            _ => {
                state.seen.dialogs += 1;
                state.script.answer.clone()
            }
        };
        (answer, restore, selection.persist > 0)
    }
}

/// The results of a `Start` that succeeded.
fn results(shared: &[Shared], remembered: bool) -> fdo::Result<Options> {
    let streams: Vec<(u32, HashMap<&str, Value<'_>>)> = shared
        .iter()
        .map(|shared| {
            let properties = HashMap::from([
                ("size", Value::new(shared.size)),
                ("position", Value::new(shared.position)),
                ("source_type", Value::new(shared.kind)),
            ]);
            (shared.node, properties)
        })
        .collect();
    let mut results = vec![("streams", Value::new(streams))];
    if remembered {
        let data = Value::new("what the user picked");
        results.push(("persist_mode", Value::new(2u32)));
        results.push(("restore_data", Value::new((VENDOR, 1u32, data))));
    }
    results
        .into_iter()
        .map(|(key, value)| {
            let value = value.try_into().map_err(|error| fdo::Error::Failed(format!("{key}: {error}")))?;
            Ok((key.to_owned(), value))
        })
        .collect()
}
