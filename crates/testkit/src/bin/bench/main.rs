//! Benches of the whole product, each beside a peer or a limit in the same run.
//!
//! `cargo run --release -p testkit --bin bench -- NAME [--seconds N] [--rounds N]`, with NAME one of
//! `peers`, `stages`, `start-stop`, `soak`, `high-rate`, `nvenc`. Each prints a table in Markdown, and writes
//! it to `benches/results/NAME.md` with `--keep`.

mod high_rate;
mod nvenc;
mod peers;
mod recorders;
mod soak;
mod stages;
mod start_stop;
mod table;

use std::time::Duration;

use anyhow::{Context, Result, bail};

/// What the command line says.
#[derive(Clone, Copy, Debug)]
struct Plan {
    seconds: Option<u64>,
    rounds: usize,
}

impl Plan {
    /// How long one recording lasts.
    fn length(self, default: u64) -> Duration {
        Duration::from_secs(self.seconds.unwrap_or(default))
    }
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let name =
        arguments.next().context("which bench? peers, stages, start-stop, soak, high-rate or nvenc")?;
    if name == peers::HOLD {
        return peers::hold();
    }
    let mut plan = Plan { seconds: None, rounds: 3 };
    let mut keep = false;
    while let Some(flag) = arguments.next() {
        let mut number =
            || arguments.next().context("a number is missing")?.parse::<u64>().context("a number");
        match flag.as_str() {
            "--seconds" => plan.seconds = Some(number()?),
            "--rounds" => plan.rounds = number()?.max(1) as usize,
            "--keep" => keep = true,
            _ => bail!("{flag} is not known: --seconds N, --rounds N, --keep"),
        }
    }
    let result = match name.as_str() {
        "peers" => peers::run(plan)?,
        "stages" => stages::run(plan)?,
        "start-stop" => start_stop::run(plan)?,
        "soak" => soak::run(plan)?,
        "high-rate" => high_rate::run(plan)?,
        "nvenc" => nvenc::run(plan)?,
        _ => bail!("{name} is not a bench: peers, stages, start-stop, soak, high-rate, nvenc"),
    };
    let page = table::page(&name, &result);
    println!("{page}");
    if keep {
        std::fs::create_dir_all("benches/results")?;
        std::fs::write(format!("benches/results/{name}.md"), page)?;
    }
    Ok(())
}
