//! `ghoststream doctor`.

use console::{Style, style};
use ghoststream::EncoderStatus;
use ghoststream::doctor::{self, Diagnosis, Nvenc, NvencGpu, PresetChoice, Problem, Vulkan, VulkanDevice};

use crate::print;

/// Examines this machine and prints what was found.
pub fn run(json: bool) -> Result<(), anyhow::Error> {
    let found = doctor::examine();
    if json {
        print::line(&serde_json::to_string(&found)?);
    } else {
        print::line(text(&found).trim_end());
    }
    Ok(())
}

/// Aligned lines under headings; `console` leaves colours out where there is no terminal.
#[derive(Default)]
struct Page(String);

impl Page {
    fn heading(&mut self, name: &str) {
        let gap = if self.0.is_empty() { "" } else { "\n" };
        self.0 += &format!("{gap}{}\n", style(name).bold());
    }

    fn row(&mut self, name: &str, value: &str) {
        self.0 += &format!("  {name:<18} {value}\n");
    }

    fn marked(&mut self, name: &str, good: bool, value: &str) {
        let (mark, colour) = if good { ("ok", Style::new().green()) } else { ("--", Style::new().yellow()) };
        self.0 += &format!("  {name:<18} {} {value}\n", colour.apply_to(mark));
    }

    fn below(&mut self, value: &str) {
        self.0 += &format!("  {:<18}    {value}\n", "");
    }
}

fn text(found: &Diagnosis) -> String {
    let mut page = Page::default();
    machine(&mut page, found);
    nvenc(&mut page, &found.nvenc);
    vulkan(&mut page, &found.vulkan);
    desktop(&mut page, found);
    page.heading("Encoders at 1920x1080");
    found.encoders.iter().for_each(|it| encoder(&mut page, it));
    page.heading("What each preset would use");
    found.presets.iter().for_each(|it| preset(&mut page, it));
    problems(&mut page, &found.problems);
    page.0
}

fn machine(page: &mut Page, found: &Diagnosis) {
    page.heading("Machine");
    page.row("GhostStream", found.ghoststream);
    for gpu in &found.gpus {
        let driver =
            gpu.driver.as_deref().map_or_else(|| ", no driver".to_owned(), |it| format!(", driver {it}"));
        let node = gpu.render_node.as_deref().map_or_else(String::new, |it| format!(", {it}"));
        page.row("GPU", &format!("{}{driver}{node}", gpu.name));
    }
    if found.gpus.is_empty() {
        page.row("GPU", "none found");
    }
    page.row("NVIDIA driver", found.nvidia_driver.as_deref().unwrap_or("none"));
    let tier = match found.tier {
        Some(tier) => tier.words(),
        None if found.nvenc.gpus.iter().any(|it| !it.codecs.is_empty()) => "none of a GeForce: see NVENC",
        None => "none: software encoders do the work",
    };
    page.row("tier", tier);
    page.row("FFmpeg", &found.ffmpeg);
}

fn nvenc(page: &mut Page, nvenc: &Nvenc) {
    page.heading("NVENC");
    match (&nvenc.driver_api, &nvenc.error) {
        (Some(api), _) => {
            let cuda = nvenc.cuda.as_deref().unwrap_or("unknown");
            page.marked("driver", true, &format!("NVENC {api}, CUDA {cuda}"));
        }
        (None, error) => page.marked("driver", false, error.as_deref().unwrap_or("unknown")),
    }
    let wrapper = &nvenc.ffmpeg;
    let built = match (wrapper.headers, wrapper.driver) {
        (Some(headers), Some(driver)) => format!("for NVENC {headers} or newer, which needs driver {driver}"),
        _ => "without NVENC".to_owned(),
    };
    page.row("FFmpeg built", &built);
    page.row("its encoders", &listed(&wrapper.encoders));
    if !wrapper.encoders.is_empty() {
        page.row("its options", &listed(&wrapper.options));
        page.row("too old for", &listed(&wrapper.missing));
    }
    nvenc.gpus.iter().for_each(|it| nvenc_gpu(page, it));
}

fn nvenc_gpu(page: &mut Page, gpu: &NvencGpu) {
    page.row("GPU", &format!("{} at {}, compute capability {}", gpu.name, gpu.address, gpu.compute));
    if let Some(tier) = gpu.tier {
        page.row("  tier", tier.words());
    }
    if let Some(refusal) = &gpu.refusal {
        page.marked("  encoder", false, refusal);
    }
    for codec in &gpu.codecs {
        let frames = match codec.b_frames {
            0 => "no B-frames".to_owned(),
            1 => "1 B-frame".to_owned(),
            many => format!("{many} B-frames"),
        };
        let name = format!("  {}", codec.codec);
        page.marked(&name, true, &format!("{} to {}, {frames}", codec.min, codec.max));
        page.below(&listed(&codec.features));
    }
    if !gpu.codecs.is_empty() {
        page.row("  engines", &gpu.engines.to_string());
    }
    if let Some(sessions) = gpu.sessions {
        let busy = gpu.encoder_percent.map_or_else(String::new, |it| format!(", {it}% busy"));
        page.row("  in use", &format!("{sessions} sessions{busy}"));
    }
    if let Some(clock) = gpu.memory_clock {
        let reached =
            format!("{} of {} MHz while CUDA works (P{})", clock.cuda_mhz, clock.max_mhz, clock.state);
        page.marked("  memory clock", !clock.pinned, &reached);
    }
}

fn vulkan(page: &mut Page, vulkan: &Vulkan) {
    page.heading("Vulkan");
    if let Some(error) = &vulkan.error {
        page.marked("loader", false, error);
        vulkan.remedy.iter().for_each(|it| page.below(&format!("fix: {it}")));
    }
    vulkan.devices.iter().for_each(|it| vulkan_device(page, it));
    page.marked("processing auto", vulkan.auto.is_some(), &vulkan.reason);
}

fn vulkan_device(page: &mut Page, device: &VulkanDevice) {
    let what = match device.kind {
        "software" => "the CPU, playing a GPU",
        kind => kind,
    };
    page.row("device", &format!("{} ({what})", device.name));
    if let Some(refusal) = &device.refusal {
        page.marked("  use", false, refusal);
        return;
    }
    page.row("  driver", &device.driver);
    page.row("  UUID", &device.uuid);
    if let Some(cuda) = &device.cuda {
        page.row("  in CUDA", cuda);
    }
    let imports = match device.formats {
        0 => "none".to_owned(),
        formats => format!("{formats} formats, {} with their modifiers", device.modifiers),
    };
    page.marked("  DMA-BUFs", device.formats > 0, &imports);
    for missing in &device.missing {
        page.marked("  without", false, missing.feature);
        page.below(missing.without);
    }
}

fn desktop(page: &mut Page, found: &Diagnosis) {
    let unknown = |it: &Option<String>| it.clone().unwrap_or_else(|| "unknown".to_owned());
    page.heading("Desktop");
    page.row("session", &unknown(&found.session.kind));
    page.row("desktop", &unknown(&found.session.desktop));
    page.row("compositor", &unknown(&found.session.compositor));
    let pipewire = &found.pipewire;
    match (&pipewire.daemon, &pipewire.error) {
        (Some(daemon), _) => {
            page.marked("PipeWire", true, &format!("{daemon} (library {})", pipewire.library))
        }
        (None, error) => {
            page.marked("PipeWire", false, &format!("{} (library {})", unknown(error), pipewire.library));
        }
    }
    page.marked("session manager", pipewire.session_manager.is_some(), &unknown(&pipewire.session_manager));
    page.row("sound", &listed(&[&pipewire.sinks[..], &pipewire.microphones[..]].concat()));
    let portal = &found.portal;
    match (&portal.screen_cast, &portal.error) {
        (Some(cast), _) => {
            let (sources, cursors) = (cast.sources.join(", "), cast.cursors.join(", "));
            page.marked(
                "screen cast",
                true,
                &format!("version {}: {sources}; cursor {cursors}", cast.version),
            );
        }
        // What to do about it stands below, under what is missing.
        (None, error) => {
            page.marked("screen cast", false, unknown(error).split("; ").next().unwrap_or_default())
        }
    }
    match portal.global_shortcuts {
        Some(version) => page.marked("hotkeys", true, &format!("global shortcuts, version {version}")),
        None if portal.screen_cast.is_some() => {
            let instead =
                "the portal has no global shortcuts: bind `ghoststream ctl` to keys of the desktop's own";
            page.marked("hotkeys", false, instead);
        }
        // That there is no portal was said.
        None => {}
    }
    page.row("portal", &unknown(&portal.version));
    page.row("portal backends", &listed(&portal.backends));
    page.row("memory taken", &found.memory.taken.join(", "));
    page.row("DMA-BUF devices", &listed(&found.memory.dma_buf_devices));
}

fn encoder(page: &mut Page, status: &EncoderStatus) {
    let Some(refusal) = &status.refusal else {
        let speed = status.expected_fps.map_or_else(String::new, |it| format!(", about {it:.0} fps"));
        page.marked(&status.encoder, true, &format!("{}, {}{speed}", status.codec, status.kind));
        return;
    };
    page.marked(&status.encoder, false, &refusal.reason);
    if let Some(remedy) = &refusal.remedy {
        page.below(&format!("fix: {remedy}"));
    }
}

fn preset(page: &mut Page, choice: &PresetChoice) {
    let encoder = choice.encoder.as_deref().unwrap_or("nothing");
    let codec = choice.codec.as_ref().map_or_else(String::new, |it| format!(" ({it})"));
    page.marked(choice.preset, choice.encoder.is_some(), &format!("{encoder}{codec}"));
    choice.notes.iter().for_each(|it| page.below(it));
}

fn problems(page: &mut Page, problems: &[Problem]) {
    page.heading("What is missing");
    if problems.is_empty() {
        page.row("nothing", "this machine can record its desktop");
    }
    for problem in problems {
        let mark = if problem.blocking { style("blocks").red() } else { style("could be better").yellow() };
        page.0 += &format!("  {mark}: {}\n    fix: {}\n", problem.what, problem.remedy);
    }
}

fn listed<S: std::borrow::Borrow<str>>(items: &[S]) -> String {
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}
