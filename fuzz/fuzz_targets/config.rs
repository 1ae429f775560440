//! A profile file of any content is understood or refused, and what is understood is in range.
#![no_main]

use std::path::Path;

use ghoststream::{Codec, Profiles, Settings};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(profiles) = Profiles::parse(text, Path::new("config.toml")) else { return };
    let names: Vec<String> = profiles.names().map(str::to_owned).collect();
    for name in names.iter().map(|it| Some(it.as_str())).chain([None]) {
        let Ok(profile) = profiles.get(name) else { panic!("a profile that is listed is not there") };
        // The codec decides how far a quality may go; AV1's range is the widest.
        let mut settings: Settings = profile.settings().clone();
        if settings.quality.is_some() {
            settings.codec = Some(Codec::AV1);
        }
        if let Err(error) = settings.resolve() {
            // Two layers may contradict each other where neither does alone; no value may be out of
            // its own range.
            assert!(["quality", "b-frames"].contains(&error.name), "{error}");
        }
    }
});
