//! `ghoststream desktop-file`: by what a desktop knows this program.

use std::path::Path;

use anyhow::Context;

use crate::failure::Failure;
use crate::print;

/// Prints the desktop entry, for the directory where desktops look for them.
pub fn run() -> Result<(), Failure> {
    let program = std::env::current_exe().context("finding this program")?;
    print::line(&entry(&program)?);
    Ok(())
}

/// A program that is run in a terminal, and that menus need not show.
fn entry(program: &Path) -> Result<String, Failure> {
    let path = program.to_str().filter(|it| !it.contains(['\n', '\r', '='])).ok_or_else(|| {
        let path = program.display();
        Failure::Failed(format!("{path:?} cannot be named in a desktop entry; move it to another directory"))
    })?;
    Ok(format!(
        "[Desktop Entry]\nType=Application\nName=GhostStream\nComment=Capture this desktop\nExec={} record\n\
         Terminal=true\nNoDisplay=true\nCategories=AudioVideo;Recorder;",
        quoted(path)
    ))
}

/// An argument of `Exec`, quoted as the Desktop Entry Specification has it: escaped for the quotes, and then for a
/// value that is a string.
fn quoted(argument: &str) -> String {
    let mut text = String::from('"');
    for c in argument.chars() {
        match c {
            '"' | '`' | '$' => text += &format!("\\\\{c}"),
            '\\' => text += "\\\\\\\\",
            '%' => text += "%%",
            other => text.push(other),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_quoted() {
        let text = entry(Path::new("/opt/my programs/$5 at 10%/ghoststream")).unwrap();
        assert!(text.contains("\nExec=\"/opt/my programs/\\\\$5 at 10%%/ghoststream\" record\n"), "{text}");
        assert_eq!(quoted("a\\b"), "\"a\\\\\\\\b\"");
        assert!(entry(Path::new("/a\nb")).unwrap_err().message().contains("another directory"));
    }
}
