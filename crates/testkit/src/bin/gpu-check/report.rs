//! What was found, said at once and kept for the page.

use std::fmt::Write as _;

/// Characters of what was seen instead.
const MOST: usize = 600;

/// All that was found.
#[derive(Debug, Default)]
pub struct Report {
    /// The machine in words.
    pub machine: String,
    body: String,
    held: usize,
    failed: usize,
}

impl Report {
    /// Begins a part.
    pub fn part(&mut self, title: &str) {
        println!("== {title}");
        let _ = writeln!(self.body, "\n## {title}\n");
    }

    /// A sentence.
    pub fn say(&mut self, text: &str) {
        println!("{text}");
        let _ = writeln!(self.body, "\n{text}\n");
    }

    /// What a program said.
    pub fn quote(&mut self, text: &str) {
        println!("{}", text.trim_end());
        let _ = writeln!(self.body, "\n```text\n{}\n```\n", text.trim_end());
    }

    /// Rows, the first of which is the head.
    pub fn table(&mut self, rows: &[Vec<String>]) {
        for (number, row) in rows.iter().enumerate() {
            let line = format!("| {} |", row.join(" | "));
            println!("{line}");
            let _ = writeln!(self.body, "{line}");
            if number == 0 {
                let _ = writeln!(self.body, "|{}", "---|".repeat(row.len()));
            }
        }
        self.body.push('\n');
    }

    /// Something that must hold, with what was seen where it does not.
    pub fn check(&mut self, what: &str, holds: bool, seen: impl FnOnce() -> String) {
        let line = if holds {
            format!("- holds: {what}")
        } else {
            let seen: String = seen().trim().chars().take(MOST).collect();
            format!("- **FAILS**: {what}: {seen}")
        };
        println!("{line}");
        let _ = writeln!(self.body, "{line}");
        *(if holds { &mut self.held } else { &mut self.failed }) += 1;
    }

    /// Whether all that must hold does.
    pub const fn holds(&self) -> bool {
        self.failed == 0
    }

    /// How many hold, in words.
    pub fn conclusion(&self) -> String {
        match self.failed {
            0 => format!("All {} checks hold.", self.held),
            failed => format!("{failed} of {} checks fail.", self.held + failed),
        }
    }

    /// The page to keep.
    pub fn page(&self) -> String {
        format!(
            "# On a real GPU\n\n{}\n\nMachine: {}. Run with `scripts/gpu-check`.\n{}",
            self.conclusion(),
            self.machine,
            self.body.trim_end().to_owned() + "\n"
        )
    }
}
