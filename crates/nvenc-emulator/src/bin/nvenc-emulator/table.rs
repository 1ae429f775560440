//! A profile as a table.

use std::fmt::Write;

use nvenc_emulator::{Cap, Codec, Machine};

/// Columns begin here, and are so wide.
const FIRST: usize = 30;
const WIDTH: usize = 24;

/// All that is known of a GPU under a driver.
pub fn of(machine: &Machine) -> String {
    let (gpu, driver) = (machine.gpu, machine.driver);
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(text.trim_end());
        out.push('\n');
    };
    line(format!("{} ({})", gpu.name, gpu.id));
    line(format!(
        "{}, {:?}, compute {}.{}, {} multiprocessors, {} MiB",
        gpu.chip, gpu.generation, gpu.compute.0, gpu.compute.1, gpu.multiprocessors, gpu.memory_mib
    ));
    let sessions = machine.session_limit().map_or("any number of".into(), |limit| limit.to_string());
    line(format!(
        "driver {}: NVENC {}, CUDA {}.{}, {sessions} sessions at once",
        driver.version, driver.nvenc, driver.cuda.0, driver.cuda.1
    ));
    line(String::new());

    let codecs: Vec<_> = machine.codecs().collect();
    if !machine.is_supported() {
        line("This driver does not know this GPU: CUDA finds no device.".into());
    } else if codecs.is_empty() {
        line("No encoder: opening a session is refused as an unsupported device.".into());
    } else {
        line(row("", codecs.iter().map(ToString::to_string)));
        for (name, cell) in SUMMARY {
            line(row(name, codecs.iter().map(|codec| cell(machine, *codec))));
        }
        line(String::new());
        line("All capabilities, by NV_ENC_CAPS; those not listed are 0:".into());
        for cap in Cap::all() {
            let values: Vec<_> = codecs.iter().filter_map(|codec| machine.cap(*codec, cap)).collect();
            if values.iter().any(|value| *value > 0) {
                line(row(cap.name(), values.iter().map(ToString::to_string)));
            }
        }
        line(String::new());
        line("Profiles and input formats:".into());
        for codec in &codecs {
            line(format!("  {codec}: {}", machine.profiles(*codec).join(" ")));
            let formats: Vec<_> =
                machine.formats(*codec).iter().map(|format| format!("{format:?}")).collect();
            line(format!("    {}", formats.join(" ")));
        }
    }
    line(String::new());
    line("Sources:".into());
    for source in gpu.source.iter().chain(&driver.source) {
        line(format!("  {source}"));
    }
    out
}

type Cell = fn(&Machine, Codec) -> String;

/// What one wants to know first.
const SUMMARY: [(&str, Cell); 9] = [
    ("smallest picture", |machine, codec| size(machine, codec, ["WIDTH_MIN", "HEIGHT_MIN"])),
    ("largest picture", |machine, codec| size(machine, codec, ["WIDTH_MAX", "HEIGHT_MAX"])),
    ("ten bits", |machine, codec| yes(machine, codec, "SUPPORT_10BIT_ENCODE")),
    ("4:4:4", |machine, codec| yes(machine, codec, "SUPPORT_YUV444_ENCODE")),
    ("4:2:2", |machine, codec| yes(machine, codec, "SUPPORT_YUV422_ENCODE")),
    ("B-frames in a row", |machine, codec| machine.named(codec, "NUM_MAX_BFRAMES").to_string()),
    ("B-frames as references", |machine, codec| match machine.named(codec, "SUPPORT_BFRAME_REF_MODE") {
        0 => "no".into(),
        1 => "each".into(),
        2 => "middle".into(),
        3 => "each, middle".into(),
        _ => "each, middle, hierarchy".into(),
    }),
    ("engines", |machine, codec| machine.named(codec, "NUM_ENCODER_ENGINES").to_string()),
    ("1080p/s at P1 P4 P7, about", |machine, codec| {
        let speed = machine.coding(codec).map_or([0; 7], |coding| coding.speed);
        format!("{} {} {}", speed[0], speed[3], speed[6])
    }),
];

fn size(machine: &Machine, codec: Codec, caps: [&str; 2]) -> String {
    let [width, height] = caps.map(|cap| machine.named(codec, cap));
    format!("{width}x{height}")
}

fn yes(machine: &Machine, codec: Codec, cap: &str) -> String {
    if machine.named(codec, cap) > 0 { "yes" } else { "no" }.into()
}

fn row(name: &str, cells: impl Iterator<Item = String>) -> String {
    let mut line = format!("  {name:<FIRST$}");
    for cell in cells {
        let _ = write!(line, "{cell:<WIDTH$}");
    }
    line
}
