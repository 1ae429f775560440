//! `ghoststream bench`.

use console::style;
use ghoststream::bench::{self, Bench, Figures, Measurement};
use ghoststream::{ConfigError, Error};

use crate::args::BenchArgs;
use crate::failure::Failure;
use crate::print;

/// Measures every encoder that opens and prints what came of it, a line as soon as it is known.
pub fn run(args: &BenchArgs) -> Result<(), Failure> {
    let bench = args.resolve()?;
    if args.json {
        let encoders = bench::run(&bench, |_| {}).map_err(failure)?;
        let object = serde_json::json!({
            "ghoststream": env!("CARGO_PKG_VERSION"),
            "ffmpeg": ghoststream::ffmpeg_version(),
            "size": bench.size.to_string(),
            "fps": bench.fps,
            "seconds": bench.length.as_secs_f64(),
            "encoder_preset": bench.encoder.preset.to_string(),
            "ten_bit": bench.encoder.ten_bit,
            "low_latency": bench.encoder.low_latency,
            "encoders": encoders,
        });
        print::line(&object.to_string());
        return Ok(());
    }
    print::line(&headline(&bench));
    print::line(&format!("{}", style(head()).bold()));
    let show = |it: &Measurement| {
        if let Some(figures) = &it.figures {
            print::line(&row(it, figures));
        }
    };
    let measured = bench::run(&bench, show).map_err(failure)?;
    print::line(rest(&measured, &bench).trim_end());
    Ok(())
}

fn failure(error: ConfigError) -> Failure {
    Error::from(error).into()
}

fn headline(bench: &Bench) -> String {
    let seconds = bench.length.as_secs_f64();
    let bits = if bench.encoder.ten_bit { 10 } else { 8 };
    let latency = if bench.encoder.low_latency { ", low latency" } else { "" };
    format!(
        "{}, {bits} bit, encoder preset {}{latency}; each encoder runs {seconds} s as fast as it goes, then {seconds} s \
         at {} fps",
        bench.size, bench.encoder.preset, bench.fps
    )
}

fn head() -> String {
    format!(
        "{:<12} {:<5} {:>7} {:>10} {:>9}   {:>7} {:>7} {:>7}",
        "ENCODER", "CODEC", "FPS", "CPU ms/pic", "Mbit/s", "p50 ms", "p95 ms", "p99 ms"
    )
}

fn row(measurement: &Measurement, figures: &Figures) -> String {
    let latency = figures.latency.map_or_else(
        || format!("{:>7} {:>7} {:>7}", "-", "-", "-"),
        |it| format!("{:>7.1} {:>7.1} {:>7.1}", it.p50_ms, it.p95_ms, it.p99_ms),
    );
    let Measurement { encoder, codec, .. } = measurement;
    let Figures { fps, cpu_ms, kbps, .. } = figures;
    format!("{encoder:<12} {codec:<5} {fps:>7.1} {cpu_ms:>10.2} {:>9.2}   {latency}", kbps / 1000.0)
}

/// What the table has no room for.
fn rest(measured: &[Measurement], bench: &Bench) -> String {
    let mut text = String::new();
    for refusal in measured.iter().filter_map(|it| it.refusal.as_ref()) {
        text += &format!("{}: not measured: {}\n", refusal.encoder, refusal.reason);
        if let Some(remedy) = &refusal.remedy {
            text += &format!("  fix: {remedy}\n");
        }
    }
    for measurement in measured {
        if measurement.figures.is_some_and(|it| it.latency.is_none()) {
            text +=
                &format!("{}: slower than {} fps, so without a latency\n", measurement.encoder, bench.fps);
        }
        for note in &measurement.notes {
            text += &format!("{}: {note}\n", measurement.encoder);
        }
    }
    text += "latency is from handing a picture in to its packet; CPU is of all threads\n";
    text
}
