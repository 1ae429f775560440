//! What a camera is called.

use crate::CameraError;

/// Bytes of a name at most; what menus show is shorter.
pub const MOST_BYTES: usize = 128;

/// Whether a camera may be called so.
pub(crate) fn check(name: &str) -> Result<(), CameraError> {
    let problem = if name.trim().is_empty() {
        "is empty"
    } else if name.len() > MOST_BYTES {
        "is too long"
    } else if name.chars().any(char::is_control) {
        "holds a line break or another control character"
    } else {
        return Ok(());
    };
    Err(CameraError::Name { problem })
}

/// `node.name`, by which PipeWire's tools and session managers know the camera: the same for the same name.
pub(crate) fn node_name(name: &str) -> String {
    let plain = |it: char| if it.is_ascii_alphanumeric() { it.to_ascii_lowercase() } else { '-' };
    let words: String = name.chars().map(plain).collect();
    let words: Vec<&str> = words.split('-').filter(|it| !it.is_empty()).collect();
    format!("ghoststream-camera.{}", words.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_that_fits_a_menu() {
        assert_eq!(check("GhostStream Camera"), Ok(()));
        assert_eq!(check("Кámera 📷"), Ok(()));
        for (name, why) in [
            ("", "is empty"),
            (" \t ", "is empty"),
            ("a\nb", "line break"),
            ("a\0b", "control character"),
            ("bell\u{7}", "control character"),
            (&"x".repeat(4096), "too long"),
            (&"é".repeat(65), "too long"),
        ] {
            let error = check(name).unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("128"), "{error}");
        }
    }

    #[test]
    fn a_node_is_named_in_plain_words() {
        assert_eq!(node_name("GhostStream Camera"), "ghoststream-camera.ghoststream-camera");
        assert_eq!(node_name("  Desk (left) "), "ghoststream-camera.desk-left");
        assert_eq!(node_name("камера"), "ghoststream-camera.");
    }
}
