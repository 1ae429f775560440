//! What is missing, and how to fix it.

use serde::Serialize;

use super::Diagnosis;
use super::tier::Tier;
use crate::encode::nvenc::probe::NO_DRIVER;

/// Something that keeps this machine from doing more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
    /// Whether a desktop cannot be recorded until it is fixed.
    pub blocking: bool,
}

/// NVENC's oldest driver.
const NVENC_DRIVER: u32 = 525;
/// The oldest for AV1.
const AV1_DRIVER: u32 = 545;

/// Everything that is wrong, what blocks first.
pub(super) fn problems(found: &Diagnosis) -> Vec<Problem> {
    let of_gpus = [nvidia(found), nvenc(found), vulkan(found)].concat();
    let mut problems: Vec<Problem> =
        [encoding(found), pipewire(found), portal(found), of_gpus, sound(found)].concat();
    problems.sort_by_key(|it| !it.blocking);
    problems
}

fn problem(blocking: bool, what: impl Into<String>, remedy: impl Into<String>) -> Problem {
    Problem { what: what.into(), remedy: remedy.into(), blocking }
}

fn encoding(found: &Diagnosis) -> Vec<Problem> {
    if let Some(error) = &found.encoders_error {
        let remedy = "a driver hangs: `dmesg` tells more; restart the machine";
        return vec![problem(true, error.as_str(), remedy)];
    }
    if found.encoders.iter().any(|it| it.refusal.is_none()) {
        return Vec::new();
    }
    let remedy = "install an FFmpeg with libx264 (Debian: ffmpeg; Fedora: ffmpeg from RPM Fusion)";
    vec![problem(true, "no encoder works", remedy)]
}

fn pipewire(found: &Diagnosis) -> Vec<Problem> {
    let pipewire = &found.pipewire;
    if let Some(reason) = &pipewire.error {
        let remedy = "start it with `systemctl --user start pipewire wireplumber`, within your session";
        return vec![problem(true, format!("PipeWire does not answer: {reason}"), remedy)];
    }
    if pipewire.session_manager.is_none() {
        let remedy = "install WirePlumber and start it with `systemctl --user start wireplumber`";
        return vec![problem(true, "PipeWire has no session manager: nothing connects its nodes", remedy)];
    }
    Vec::new()
}

fn portal(found: &Diagnosis) -> Vec<Problem> {
    let mut problems = Vec::new();
    if found.session.kind.as_deref() == Some("x11") {
        let remedy = "log in to a Wayland session; only some portals share an X11 screen";
        problems.push(problem(false, "this is an X11 session", remedy));
    }
    // The portal's errors say what to do after a semicolon.
    if let Some(error) = &found.portal.error {
        let (what, remedy) = error.split_once("; ").unwrap_or((error, "see the desktop's log"));
        problems.push(problem(true, what, remedy));
    }
    problems
}

fn nvidia(found: &Diagnosis) -> Vec<Problem> {
    let Some(card) = found.gpus.iter().find(|it| it.name.starts_with("NVIDIA")) else { return Vec::new() };
    let Some(driver) = &found.nvidia_driver else {
        let what = match card.driver.as_deref() {
            Some(other) => format!("{} runs on the {other} driver, which has no NVENC", card.name),
            None => format!("{} has no driver", card.name),
        };
        let remedy = format!("install NVIDIA's driver, {NVENC_DRIVER} or newer ({AV1_DRIVER} for AV1)");
        return vec![problem(false, what, remedy)];
    };
    let Some(major) = driver.split('.').next().and_then(|it| it.parse::<u32>().ok()) else {
        return Vec::new();
    };
    if major < NVENC_DRIVER {
        let what = format!("NVIDIA driver {driver} is too old for NVENC");
        return vec![problem(false, what, format!("update it to {NVENC_DRIVER} or newer"))];
    }
    if major < AV1_DRIVER && card.tier >= Some(Tier::Optimal) {
        let what = format!("NVIDIA driver {driver} is too old for AV1");
        return vec![problem(false, what, format!("update it to {AV1_DRIVER} or newer"))];
    }
    Vec::new()
}

/// The rule that lets CUDA run at a GPU's full clocks for programs of our name. NVIDIA ships it for some
/// programs from driver 595 on; the key works with older ones too, as far as is known.
const FULL_CLOCKS: &str = r#"write {"rules":[{"pattern":{"feature":"procname","matches":"ghoststream"},"profile":"CudaNoStablePerfLimit"}],"profiles":[{"name":"CudaNoStablePerfLimit","settings":[{"key":"0x166c5e","value":0}]}]} to ~/.nv/nvidia-application-profiles-rc.d/50-ghoststream"#;

fn nvenc(found: &Diagnosis) -> Vec<Problem> {
    let nvenc = &found.nvenc;
    let mut problems = Vec::new();
    // Whether there should be a driver at all is known from the cards.
    let has_driver = found.nvidia_driver.is_some() || nvenc.error.as_deref() != Some(NO_DRIVER);
    if let (Some(error), Some(remedy), true) = (&nvenc.error, &nvenc.remedy, has_driver) {
        problems.push(problem(false, error.as_str(), remedy.as_str()));
    }
    if let (Some(driver), Some(headers)) = (&nvenc.driver_api, nvenc.ffmpeg.headers)
        && version(driver) < version(headers)
    {
        let what = format!("FFmpeg was built for NVENC {headers}, and the NVIDIA driver speaks {driver}");
        let remedy =
            format!("update the driver to {} or newer", nvenc.ffmpeg.driver.unwrap_or("a newer one"));
        problems.push(problem(false, what, remedy));
    }
    let makes_av1 = nvenc.gpus.iter().any(|it| it.codecs.iter().any(|it| it.codec == "av1"));
    if makes_av1 && !nvenc.ffmpeg.encoders.contains(&"av1_nvenc") {
        let what = format!("the GPU makes AV1, but FFmpeg {} has no av1_nvenc", found.ffmpeg);
        problems.push(problem(false, what, "use FFmpeg 6.0 or newer, built with NVENC headers 12.0"));
    }
    for gpu in &nvenc.gpus {
        let Some(clock) = gpu.memory_clock.filter(|it| it.pinned) else { continue };
        let what = format!(
            "{} keeps its memory at {} of {} MHz (P{}) while anything uses CUDA, as NVENC does: games are slower",
            gpu.name, clock.cuda_mhz, clock.max_mhz, clock.state
        );
        problems.push(problem(false, what, FULL_CLOCKS));
    }
    problems
}

/// Only where there is a card that could do more.
fn vulkan(found: &Diagnosis) -> Vec<Problem> {
    let vulkan = &found.vulkan;
    if found.gpus.is_empty() && found.nvenc.gpus.is_empty() {
        return Vec::new();
    }
    if let (Some(error), Some(remedy)) = (&vulkan.error, &vulkan.remedy) {
        let what = format!("pictures cannot be made on the GPU: {error}");
        return vec![problem(false, what, remedy.as_str())];
    }
    let mut problems: Vec<Problem> = vulkan
        .devices
        .iter()
        .filter_map(|it| Some((it, it.refusal.as_ref()?)))
        .map(|(it, why)| {
            let what = format!("{} makes no pictures: {why}", it.name);
            problem(false, what, "update the GPU's driver; `vulkaninfo --summary` shows what it speaks")
        })
        .collect();
    if problems.is_empty() && !vulkan.has_gpu() {
        let remedy = "install the GPU's Vulkan driver (NVIDIA's own, or mesa-vulkan-drivers)";
        problems.push(problem(false, "Vulkan knows no GPU of this machine", remedy));
    }
    let copies = vulkan.devices.iter().filter(|it| it.kind != "software" && it.refusal.is_none());
    for device in copies.filter(|it| it.formats == 0) {
        let what = format!("{} imports no DMA-BUFs: every picture is copied up to it", device.name);
        let remedy = "update its driver, and see that /dev/dri is there (NVIDIA: nvidia-drm with modeset=1)";
        problems.push(problem(false, what, remedy));
    }
    problems
}

/// A version as numbers that compare.
fn version(text: &str) -> Vec<u32> {
    text.split('.').filter_map(|it| it.parse().ok()).collect()
}

fn sound(found: &Diagnosis) -> Vec<Problem> {
    let pipewire = &found.pipewire;
    if pipewire.error.is_none() && pipewire.sinks.is_empty() {
        let remedy = "connect a sound device or check that pipewire-alsa's udev rules find it; the desktop is silent until then";
        return vec![problem(false, "PipeWire has no sink, so there is no desktop sound", remedy)];
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{Clock, Gpu, NvencGpu, VulkanDevice};

    fn with_card(name: &str, kernel: Option<&str>, driver: Option<&str>) -> Vec<String> {
        let gpu = Gpu {
            name: name.into(),
            driver: kernel.map(str::to_owned),
            tier: Tier::of(name),
            ..Gpu::default()
        };
        let found =
            Diagnosis { gpus: vec![gpu], nvidia_driver: driver.map(str::to_owned), ..Diagnosis::default() };
        nvidia(&found).into_iter().map(|it| it.what).collect()
    }

    #[test]
    fn old_and_missing_nvidia_drivers_are_told() {
        let card = "NVIDIA GeForce RTX 4070";
        assert!(with_card(card, Some("nouveau"), None)[0].contains("nouveau"));
        assert!(with_card(card, None, None)[0].contains("has no driver"));
        assert!(with_card(card, Some("nvidia"), Some("470.1"))[0].contains("too old for NVENC"));
        assert!(with_card(card, Some("nvidia"), Some("535.5"))[0].contains("too old for AV1"));
        assert!(with_card("NVIDIA GeForce RTX 3060", Some("nvidia"), Some("535.5")).is_empty());
        assert!(with_card(card, Some("nvidia"), Some("550.54.14")).is_empty());
        assert!(with_card("AMD Radeon", Some("amdgpu"), None).is_empty());
    }

    fn advised(change: impl FnOnce(&mut Diagnosis)) -> Vec<String> {
        let mut found = Diagnosis::default();
        change(&mut found);
        nvenc(&found).into_iter().map(|it| format!("{}: {}", it.what, it.remedy)).collect()
    }

    #[test]
    fn a_driver_older_than_ffmpegs_headers_is_told() {
        let advice = |driver: &str| {
            advised(|it| {
                it.nvenc.driver_api = Some(driver.into());
                it.nvenc.ffmpeg.headers = Some("12.1");
                it.nvenc.ffmpeg.driver = Some("530.41.03");
            })
        };
        assert!(advice("12.0")[0].contains("update the driver to 530.41.03"));
        assert!(advice("12.1").is_empty() && advice("13.0").is_empty());
    }

    #[test]
    fn a_driver_that_fails_is_told_and_one_that_is_not_there_is_not() {
        assert!(advised(|it| it.nvenc.error = Some(NO_DRIVER.into())).is_empty());
        let advice = advised(|it| {
            it.nvenc.error = Some("the NVIDIA driver crashed in cuInit (signal 11 SIGSEGV)".into());
            it.nvenc.remedy = Some("restart the machine".into());
        });
        assert_eq!(advice, ["the NVIDIA driver crashed in cuInit (signal 11 SIGSEGV): restart the machine"]);
    }

    #[test]
    fn a_pinned_clock_comes_with_the_rule_that_frees_it() {
        let advice = advised(|it| {
            let clock = Clock { max_mhz: 10501, cuda_mhz: 9251, state: 2, pinned: true };
            let name = "NVIDIA GeForce RTX 4070".into();
            it.nvenc.gpus = vec![NvencGpu { name, memory_clock: Some(clock), ..NvencGpu::default() }];
        });
        assert!(advice[0].contains("9251 of 10501 MHz (P2)"), "{advice:?}");
        let rule = advice[0].split_once("write ").and_then(|(_, it)| it.split_once(" to ~")).unwrap().0;
        serde_json::from_str::<serde_json::Value>(rule).expect("the driver reads JSON");
    }

    fn advised_of_vulkan(devices: &[VulkanDevice], error: Option<&str>) -> Vec<String> {
        let mut found = Diagnosis { gpus: vec![Gpu::default()], ..Diagnosis::default() };
        found.vulkan.devices = devices.to_vec();
        (found.vulkan.error, found.vulkan.remedy) = (error.map(str::to_owned), Some("do this".into()));
        let advice = vulkan(&found);
        found.gpus.clear();
        assert!(vulkan(&found).is_empty(), "nothing is missed on a machine without a card");
        advice.into_iter().map(|it| format!("{}: {}", it.what, it.remedy)).collect()
    }

    #[test]
    fn a_card_that_vulkan_does_not_know_is_told() {
        let device = |kind, formats, refusal: Option<&str>| {
            let refusal = refusal.map(str::to_owned);
            VulkanDevice { name: "NVIDIA A".into(), kind, formats, refusal, ..VulkanDevice::default() }
        };
        assert!(advised_of_vulkan(&[device("discrete", 4, None)], None).is_empty());
        let none = advised_of_vulkan(&[device("software", 0, None)], None);
        assert!(none.len() == 1 && none[0].contains("knows no GPU"), "{none:?}");
        let copies = advised_of_vulkan(&[device("discrete", 0, None)], None);
        assert!(copies.len() == 1 && copies[0].contains("NVIDIA A imports no DMA-BUFs"), "{copies:?}");
        let old = advised_of_vulkan(&[device("other", 0, Some("Vulkan 1.1"))], None);
        assert!(old.len() == 1 && old[0].contains("makes no pictures: Vulkan 1.1"), "{old:?}");
        let error = advised_of_vulkan(&[], Some("no loader"));
        assert_eq!(error, ["pictures cannot be made on the GPU: no loader: do this"]);
    }

    #[test]
    fn what_blocks_comes_first() {
        let mut found = Diagnosis::default();
        found.session.kind = Some("x11".into());
        found.portal.error = Some("no desktop portal answers; install one".into());
        let problems = problems(&found);
        assert!(problems[0].blocking && !problems[problems.len() - 1].blocking, "{problems:?}");
        let portal = problems.iter().find(|it| it.what.contains("portal")).unwrap();
        assert_eq!(portal.remedy, "install one");
    }
}
