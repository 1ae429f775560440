//! The tests of handles, of a driver's answers and of exactness, over the machine's own `libcuda`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::Programs;
use crate::product::Ran;
use crate::report::Report;

/// What the tests of the encoders are called that read nothing from an emulated `libcuda`.
const EXACT: [&str; 3] = [
    "encode::tests::nvenc::pictures_come_back_exactly_from_our_frames_and_from_the_wrappers",
    "encode::tests::nvenc::ten_bits_full_chroma_and_lossless_come_back_exactly",
    "encode::tests::nvenc::low_latency_gives_a_packet_for_each_picture_at_once",
];
const ANSWERS: &str = "answers::what_is_asked_of_a_driver_is_answered_as_nvidias_does";
/// The one test of CUDA's handles that is about the emulated GPU.
const EMULATED: &str = "the_emulated_device_is_the_profiles";

/// Runs them, a process each, as cargo-nextest does.
pub fn run(report: &mut Report, programs: &Programs) -> Result<()> {
    let program = |name: &str| programs.tests.join(name);
    report.part("Pictures through real device memory, exact to the bit");
    for name in EXACT {
        one(report, &program("ghoststream"), name)?;
    }
    report.part("Our handles over real CUDA");
    let list = Ran::of(Command::new(program("cuda")).args(["--list", "--format", "terse"]))?;
    let names = list.stdout.lines().filter_map(|line| line.strip_suffix(": test"));
    let names: Vec<&str> = names.filter(|name| *name != EMULATED).collect();
    report.check("there are tests", !names.is_empty(), || list.stdout.clone());
    for name in names {
        one(report, &program("cuda"), name)?;
    }
    report.part("Answers of the driver, as the emulator gives them");
    let ran = one(report, &program("driver"), ANSWERS)?;
    let rows = ran.stdout.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let answers: Vec<&str> = rows.collect();
    report.say(&format!(
        "It was asked {} questions, most of them mistakes; `tests/driver/answers` of the emulated libcuda lists them.",
        answers.len()
    ));
    let others = answers.iter().filter(|it| it.ends_with("not as expected"));
    let others: Vec<Vec<String>> = others.map(|it| it.split(" | ").map(str::to_owned).collect()).collect();
    if !others.is_empty() {
        let head = ["asked", "expected", "answered"].map(str::to_owned).to_vec();
        report.table(&[vec![head], others].concat());
    }
    Ok(())
}

fn one(report: &mut Report, program: &Path, name: &str) -> Result<Ran> {
    let mut command = Command::new(program);
    command.args(["--exact", name, "--nocapture"]).env("NVENC_EMULATOR_REAL_CUDA", "1");
    let ran = Ran::of(&mut command)?;
    let passed = ran.status == Some(0) && ran.stdout.contains("1 passed");
    let short = name.rsplit("::").next().context("a name")?.replace('_', " ");
    report.check(&short, passed, || {
        let said: Vec<&str> = ran.stderr.lines().filter(|line| !line.trim().is_empty()).take(6).collect();
        said.join(" / ")
    });
    Ok(ran)
}
