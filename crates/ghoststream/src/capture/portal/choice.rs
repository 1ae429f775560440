//! What is asked of the portal, given what it can do.

use ashpd::desktop::screencast::{CursorMode as PortalCursor, SourceType};
use ashpd::enumflags2::BitFlags;

use super::error;
use crate::{CaptureError, CursorMode, SourceKinds};

/// How the pointer is brought into the picture, or kept out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pointer {
    /// What the portal is asked for; nothing where it is too old to be asked.
    pub(super) asked: Option<PortalCursor>,
    /// What capture has to do with it.
    pub(super) mode: CursorMode,
    /// Whether the picture will differ from what was wanted.
    pub(super) differs: bool,
}

/// Picks the way that gives the wanted picture, else the nearest to it.
///
/// Sent beside the picture, a pointer can still be drawn or left out: only where the portal has
/// neither that nor what was asked does the picture differ.
pub(super) fn pointer(wanted: CursorMode, available: BitFlags<PortalCursor>) -> Pointer {
    use PortalCursor::{Embedded, Hidden, Metadata};
    let has = |mode: PortalCursor| available.contains(mode);
    let pick = |asked, mode, differs| Pointer { asked: Some(asked), mode, differs };
    match wanted {
        CursorMode::Hidden if has(Hidden) => pick(Hidden, CursorMode::Hidden, false),
        CursorMode::Hidden if has(Metadata) => pick(Metadata, CursorMode::Hidden, false),
        CursorMode::Hidden if has(Embedded) => pick(Embedded, CursorMode::Embedded, true),
        CursorMode::Embedded if has(Embedded) => pick(Embedded, CursorMode::Embedded, false),
        CursorMode::Metadata | CursorMode::Embedded if has(Metadata) => {
            pick(Metadata, CursorMode::Metadata, false)
        }
        CursorMode::Metadata if has(Embedded) => pick(Embedded, CursorMode::Embedded, true),
        CursorMode::Metadata | CursorMode::Embedded if has(Hidden) => pick(Hidden, CursorMode::Hidden, true),
        // Before version 2 the portal could not be asked, and hid it.
        _ => Pointer { asked: None, mode: CursorMode::Hidden, differs: wanted != CursorMode::Hidden },
    }
}

/// The wanted kinds that the portal has.
///
/// # Errors
/// It has none of them.
pub(super) fn sources(
    wanted: SourceKinds,
    available: BitFlags<SourceType>,
) -> Result<BitFlags<SourceType>, CaptureError> {
    let mut asked = BitFlags::empty();
    for (kind, wanted) in [
        (SourceType::Monitor, wanted.monitor),
        (SourceType::Window, wanted.window),
        (SourceType::Virtual, wanted.virtual_monitor),
    ] {
        if wanted {
            asked |= kind;
        }
    }
    let possible = asked & available;
    if possible.is_empty() {
        return Err(error::portal(format!(
            "it cannot share {}; it offers {}",
            kind_names(asked).join(" or "),
            match kind_names(available) {
                names if names.is_empty() => "nothing".to_owned(),
                names => names.join(", "),
            }
        )));
    }
    Ok(possible)
}

/// Their words.
pub(super) fn kind_names(kinds: BitFlags<SourceType>) -> Vec<&'static str> {
    kinds
        .iter()
        .map(|kind| match kind {
            SourceType::Monitor => "monitor",
            SourceType::Window => "window",
            SourceType::Virtual => "virtual",
        })
        .collect()
}

/// Their words, those of [`CursorMode`].
pub(super) fn cursor_names(modes: BitFlags<PortalCursor>) -> Vec<&'static str> {
    modes
        .iter()
        .map(|mode| match mode {
            PortalCursor::Hidden => CursorMode::Hidden.word(),
            PortalCursor::Embedded => CursorMode::Embedded.word(),
            PortalCursor::Metadata => CursorMode::Metadata.word(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_beside_the_picture_serves_every_wish() {
        for &wanted in CursorMode::ALL {
            let got = pointer(wanted, PortalCursor::Metadata.into());
            assert_eq!(got.asked, Some(PortalCursor::Metadata));
            assert!(!got.differs);
            assert_eq!(got.mode == CursorMode::Hidden, wanted == CursorMode::Hidden);
        }
    }

    #[test]
    fn what_the_portal_has_is_asked_as_it_is() {
        for &wanted in CursorMode::ALL {
            let got = pointer(wanted, BitFlags::all());
            assert_eq!((got.mode, got.differs), (wanted, false));
        }
    }

    #[test]
    fn a_picture_that_differs_is_known_to() {
        let hidden_only = pointer(CursorMode::Metadata, PortalCursor::Hidden.into());
        assert_eq!((hidden_only.mode, hidden_only.differs), (CursorMode::Hidden, true));
        let embedded_only = pointer(CursorMode::Hidden, PortalCursor::Embedded.into());
        assert_eq!((embedded_only.mode, embedded_only.differs), (CursorMode::Embedded, true));
        let too_old = pointer(CursorMode::Embedded, BitFlags::empty());
        assert_eq!((too_old.asked, too_old.differs), (None, true));
    }

    #[test]
    fn kinds_that_the_portal_lacks_are_left_out_until_none_is_left() {
        let wanted = SourceKinds::new(true, true, false);
        assert_eq!(sources(wanted, SourceType::Monitor.into()).unwrap(), SourceType::Monitor);
        let error = sources(wanted, SourceType::Virtual.into()).unwrap_err().to_string();
        assert!(error.contains("monitor or window") && error.contains("offers virtual"), "{error}");
    }
}
