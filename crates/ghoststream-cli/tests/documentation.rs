//! The documentation names every option, key, command and status that there is, and no other.

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use common::run;

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The long options in a text.
fn options(text: &str) -> BTreeSet<&str> {
    let starts = text.match_indices("--").map(|(at, _)| &text[at + 2..]);
    starts
        .map(|it| it.split(|c: char| !(c.is_ascii_lowercase() || c == '-')).next().unwrap_or_default())
        .filter(|it| it.len() > 1 && it.starts_with(|c: char| c.is_ascii_lowercase()))
        .collect()
}

#[test]
fn the_command_line_page_has_the_options_of_the_commands_and_no_others() {
    let commands = ["record", "bench", "replay", "camera", "stream"];
    let help: String = commands.iter().map(|it| run(&[it, "--help"], None).stdout).collect();
    let page = page("command-line.md");
    let (there, documented) = (options(&help), options(&page));
    let expected: BTreeSet<_> = there.difference(&["help", "version"].into()).copied().collect();
    let found: BTreeSet<_> = documented.difference(&["help"].into()).copied().collect();
    assert_eq!(found, expected);
}

#[test]
fn the_command_line_page_has_every_command_and_status() {
    let page = page("command-line.md");
    let help = run(&["--help"], None).stdout;
    let commands = help.lines().skip_while(|it| *it != "Commands:").skip(1).take_while(|it| !it.is_empty());
    for command in commands.filter_map(|it| it.split_whitespace().next()).filter(|it| *it != "help") {
        assert!(page.contains(&format!("`{command}")), "{command} is not documented");
    }
    for status in [0, 1, 2, 3, 129, 130, 143] {
        assert!(page.contains(&format!("\n| {status} | ")), "status {status} is not documented");
    }
}

#[test]
fn the_profile_page_has_every_key_and_no_other() {
    let page = page("config.md");
    let rows = page.lines().filter_map(|it| it.strip_prefix("| `")?.split('`').next());
    let documented: BTreeSet<_> = rows.collect();
    assert_eq!(documented, ghoststream::Settings::KEYS.iter().copied().collect());
}

#[test]
fn the_example_of_the_run_page_is_understood_and_its_keys_are_those_there_are() {
    let page = page("run.md");
    let example = page.split("```toml\n").nth(1).and_then(|it| it.split("```").next()).unwrap();
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(home.path().join(".config/ghoststream")).unwrap();
    std::fs::create_dir(home.path().join("Videos")).unwrap();
    std::fs::write(home.path().join(".config/ghoststream/stream-key"), "key").unwrap();
    let file = home.path().join("evening.toml");
    // All of it is understood before the portal is asked, which is not there.
    std::fs::write(&file, example).unwrap();
    let ran = common::bounded(common::ghoststream(home.path()).arg("run").arg(&file));
    assert_eq!(ran.status, 1, "{}", ran.stderr);
    let rows: Vec<_> = page.lines().filter_map(|it| it.strip_prefix("| `")?.split('`').next()).collect();
    for key in rows.iter().skip_while(|it| **it != "file") {
        std::fs::write(&file, format!("[output.a]\n{key} = 1979-05-27\n")).unwrap();
        let ran = common::bounded(common::ghoststream(home.path()).arg("run").arg(&file));
        assert!(ran.stderr.contains(&format!("{key} takes ")), "{key}: {}", ran.stderr);
    }
    std::fs::write(&file, "[output.a]\nx = 1\n").unwrap();
    let told = common::bounded(common::ghoststream(home.path()).arg("run").arg(&file)).stderr;
    let keys = told.split("there are ").nth(1).unwrap().trim();
    assert!(keys.split(", ").all(|it| rows.contains(&it)), "{keys} in {rows:?}");
}

#[test]
fn the_control_page_has_every_command() {
    let page = page("control.md");
    let help = run(&["ctl", "--help"], None).stdout;
    let commands = help.lines().skip_while(|it| *it != "Commands:").skip(1).take_while(|it| !it.is_empty());
    // What does not fit on a line goes on far to the right.
    let begun = commands.filter(|it| !it.starts_with("   "));
    let commands: Vec<_> =
        begun.filter_map(|it| it.split_whitespace().next()).filter(|it| *it != "help").collect();
    assert_eq!(commands.len(), 12);
    for command in commands {
        assert!(page.contains(&format!("`{command}`")), "{command} is not documented");
    }
}

#[test]
fn the_example_of_the_profile_page_is_understood() {
    let page = page("config.md");
    let example = page.split("```toml\n").nth(1).and_then(|it| it.split("```").next()).unwrap();
    let profiles = ghoststream::Profiles::parse(example, Path::new("config.md")).unwrap();
    assert_eq!(profiles.names().collect::<Vec<_>>(), ["game", "talk"]);
    for name in ["game", "talk"] {
        profiles.get(Some(name)).unwrap().settings().resolve().unwrap();
    }
}
