//! Benches of the whole product, each beside a peer or a limit in the same run.
//!
//! `cargo run --release -p testkit --bin bench -- NAME [--seconds N | --minutes N] [--rounds N]`, with NAME one of
//! [`BENCHES`]. Each prints a table in Markdown, and writes it to `benches/results/NAME.md` with `--keep`.

mod camera;
mod evening;
mod high_rate;
mod nvenc;
mod outputs;
mod peers;
mod recorded;
mod recorders;
mod replay;
mod rtmp_latency;
mod soak;
mod stages;
mod start_stop;
mod table;

use std::time::Duration;

use anyhow::{Context, Result, bail};

use self::table::Findings;

type Bench = fn(Plan) -> Result<Findings>;

/// What each is called, and who runs it.
const BENCHES: [(&str, Bench); 11] = [
    ("peers", peers::run),
    ("stages", stages::run),
    ("start-stop", start_stop::run),
    ("soak", soak::run),
    ("camera", camera::run),
    ("high-rate", high_rate::run),
    ("nvenc", nvenc::run),
    ("evening", evening::run),
    ("outputs", outputs::run),
    ("replay", replay::run),
    ("rtmp-latency", rtmp_latency::run),
];

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
    let names = || BENCHES.map(|it| it.0).join(", ");
    let name = arguments.next().with_context(|| format!("which bench? {}", names()))?;
    // What a bench starts this program for.
    match name.as_str() {
        peers::HOLD => return peers::hold(),
        camera::LOOK => return camera::look(arguments),
        evening::OVER => return evening::over(arguments),
        replay::MEMORY => return replay::measure_memory(arguments),
        _ => {}
    }
    let Some((_, bench)) = BENCHES.into_iter().find(|it| it.0 == name) else {
        bail!("{name} is not a bench: {}", names());
    };
    let mut plan = Plan { seconds: None, rounds: 3 };
    let mut keep = false;
    while let Some(flag) = arguments.next() {
        let mut number =
            || arguments.next().context("a number is missing")?.parse::<u64>().context("a number");
        match flag.as_str() {
            "--seconds" => plan.seconds = Some(number()?),
            "--minutes" => plan.seconds = Some(number()? * 60),
            "--rounds" => plan.rounds = number()?.max(1) as usize,
            "--keep" => keep = true,
            _ => bail!("{flag} is not known: --seconds N, --minutes N, --rounds N, --keep"),
        }
    }
    let page = table::page(&name, &bench(plan)?);
    println!("{page}");
    if keep {
        std::fs::create_dir_all("benches/results")?;
        std::fs::write(format!("benches/results/{name}.md"), page)?;
    }
    Ok(())
}
