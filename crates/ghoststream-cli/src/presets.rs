//! `ghoststream presets`.

use ghoststream::Preset;

use crate::print;

/// Lists the presets.
pub fn list(json: bool) {
    if json {
        let all: Vec<_> = Preset::ALL.iter().map(|it| object(*it)).collect();
        print::line(&serde_json::json!({ "presets": all }).to_string());
        return;
    }
    print::line(&format!("{:<16}  {:>9}  {:>4}  {:>12}", "PRESET", "SIZE", "FPS", "BITRATE"));
    for preset in Preset::ALL {
        let (size, fps) = (preset.size().to_string(), preset.fps());
        let mbits = preset.bitrate_kbps() / 1000;
        print::line(&format!("{:<16}  {size:>9}  {fps:>4}  {mbits:>5} Mbit/s", preset.word()));
    }
}

fn object(preset: Preset) -> serde_json::Value {
    let size = preset.size();
    serde_json::json!({
        "name": preset.word(),
        "width": size.width,
        "height": size.height,
        "fps": preset.fps(),
        "bitrate_kbps": preset.bitrate_kbps(),
    })
}
