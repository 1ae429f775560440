//! A PipeWire node that sends the test card, out of the process that captures it.
//!
//! `producer --name NAME --size 1280x720 --fps 240 --format BGRx [--buffers N] [--frames N] [--damage off]`
//!
//! Prints `node ID` when it is there, then runs until it is ended or has sent its frames.

use anyhow::{Context, Result, bail};
use ghoststream::Size;
use testkit::producer::{Metas, Producer, Script, patterned, test_card};

fn main() -> Result<()> {
    let (mut name, mut format) = ("producer".to_owned(), "BGRx".to_owned());
    let (mut size, mut fps, mut buffers, mut frames) = (Size::new(1280, 720), 60.0, 8, None);
    let mut damage = true;
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--name" => name = value,
            "--format" => format = value,
            "--fps" => fps = value.parse().context("--fps")?,
            "--buffers" => buffers = value.parse().context("--buffers")?,
            "--frames" => frames = Some(value.parse().context("--frames")?),
            "--damage" => damage = value != "off",
            "--size" => {
                let (width, height) = value.split_once('x').context("--size is WIDTHxHEIGHT")?;
                size = Size::new(width.parse()?, height.parse()?);
            }
            _ => bail!("{flag} is not known: --name --size --fps --format --buffers --frames --damage"),
        }
    }
    let metas = Metas { header: true, damage: damage && format == "BGRx", ..Metas::default() };
    let painter = if format == "BGRx" { test_card(size) } else { patterned() };
    let script = Script {
        metas,
        buffers: (buffers, 1, buffers.max(1)),
        frames,
        ..Script::new(&name, &format, size, fps)
    };
    let producer = Producer::start(script, painter)?;
    println!("node {}", producer.node());
    producer.wait_end();
    eprintln!("sent {} frames, {} more found no buffer", producer.sent(), producer.starved());
    Ok(())
}
