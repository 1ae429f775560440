//! Our descriptions of the structs against the header that a C compiler reads.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use emulated_nvidia_encode::schema::{Field, Kind, Layout, layout};
use emulated_nvidia_encode::{ApiVersion, KNOWN};

/// Every struct that a client hands over, and those in unions that are reached by no other.
const STRUCTS: [&str; 24] = [
    "NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS",
    "NV_ENC_CAPS_PARAM",
    "NV_ENC_PRESET_CONFIG",
    "NV_ENC_INITIALIZE_PARAMS",
    "NV_ENC_RECONFIGURE_PARAMS",
    "NV_ENC_SEQUENCE_PARAM_PAYLOAD",
    "NV_ENC_EVENT_PARAMS",
    "NV_ENCODE_API_FUNCTION_LIST",
    "NV_ENC_CONFIG",
    "NV_ENC_RC_PARAMS",
    "NV_ENC_CONFIG_H264",
    "NV_ENC_CONFIG_HEVC",
    "NV_ENC_CONFIG_AV1",
    "NV_ENC_PIC_PARAMS",
    "NV_ENC_PIC_PARAMS_MVC",
    "NV_ENC_LOOKAHEAD_PIC_PARAMS",
    "NV_ENC_RESTORE_ENCODER_STATE_PARAMS",
    "NV_ENC_CREATE_INPUT_BUFFER",
    "NV_ENC_LOCK_INPUT_BUFFER",
    "NV_ENC_CREATE_BITSTREAM_BUFFER",
    "NV_ENC_LOCK_BITSTREAM",
    "NV_ENC_REGISTER_RESOURCE",
    "NV_ENC_MAP_INPUT_RESOURCE",
    "NV_ENC_STAT",
];

/// The header of the package `libffmpeg-nvenc-dev`. `NVENC_HEADER` names another, to check another version.
fn header() -> PathBuf {
    std::env::var_os("NVENC_HEADER")
        .map_or_else(|| "/usr/include/ffnvcodec/nvEncodeAPI.h".into(), PathBuf::from)
}

/// Size, alignment, version word, offsets and bit masks of a struct, each with a name.
fn facts(layout: &Layout) -> BTreeMap<String, u64> {
    let name = layout.name;
    let mut facts = BTreeMap::from([(format!("sizeof {name}"), layout.size as u64)]);
    if let Some(word) = layout.version_word() {
        facts.insert(format!("version {name}"), u64::from(word));
    }
    members(layout, "", 0, &mut |path, offset, field| {
        let at = match field.bits {
            // The first bit, counted from the struct's beginning, and the last.
            Some((first, width)) => (offset as u64 * 8 + u64::from(first)) << 16 | u64::from(width),
            None => (offset as u64) << 16 | field.size() as u64,
        };
        facts.insert(format!("{name}.{path}"), at);
    });
    facts
}

/// Calls back for every field that is not reserved, those of nested structs too.
fn members(layout: &Layout, prefix: &str, base: usize, each: &mut dyn FnMut(&str, usize, &Field)) {
    for field in layout.fields.iter().filter(|field| !field.is_reserved()) {
        let path = format!("{prefix}{}", field.name);
        each(&path, base + field.offset, field);
        if let Kind::Nested(inner) = field.kind
            && field.count == 1
        {
            members(inner, &format!("{path}."), base + field.offset, each);
        }
    }
}

/// A program that prints the same facts from the header.
fn program(header: &Path, layouts: &[&Layout]) -> String {
    let mut code = format!(
        "#include <stdio.h>\n#include <stddef.h>\n#include <string.h>\n#include \"{}\"\n\
         static unsigned long bits(const unsigned char *bytes, size_t size) {{\n\
           unsigned long first = size * 8, count = 0;\n\
           for (unsigned long bit = 0; bit < size * 8; bit++)\n\
             if (bytes[bit / 8] >> bit % 8 & 1) {{ if (!count) first = bit; count++; }}\n\
           return first << 16 | count;\n}}\n\
         int main(void) {{\n",
        header.display()
    );
    for layout in layouts {
        let name = layout.name;
        _ = writeln!(code, "{{ static {name} it; printf(\"sizeof {name}=%zu\\n\", sizeof it);");
        if layout.version.is_some() {
            let word = name.trim_end_matches("_VER");
            _ = writeln!(code, "printf(\"version {name}=%u\\n\", {word}_VER);");
        }
        members(layout, "", 0, &mut |path, _, field| {
            _ = if field.bits.is_some() {
                writeln!(
                    code,
                    "memset(&it, 0, sizeof it); it.{path} = -1; \
                     printf(\"{name}.{path}=%lu\\n\", bits((void *)&it, sizeof it));"
                )
            } else {
                writeln!(
                    code,
                    "printf(\"{name}.{path}=%zu\\n\", offsetof({name}, {path}) << 16 | sizeof it.{path});"
                )
            };
        });
        code.push_str("}\n");
    }
    code + "return 0; }\n"
}

fn version_of(header: &Path) -> ApiVersion {
    let text = std::fs::read_to_string(header).unwrap_or_else(|error| {
        panic!("{}: {error}. scripts/install-packages test installs NVIDIA's header", header.display())
    });
    let number = |name: &str| -> u8 {
        let line = text.lines().find(|line| line.starts_with(&format!("#define {name}")));
        line.and_then(|line| line.split_whitespace().nth(2)?.parse().ok())
            .unwrap_or_else(|| panic!("no {name}"))
    };
    ApiVersion::new(number("NVENCAPI_MAJOR_VERSION"), number("NVENCAPI_MINOR_VERSION"))
}

#[test]
fn structs_are_laid_out_as_the_header_says() {
    let header = header();
    let api = version_of(&header);
    assert!(KNOWN.contains(&api), "the header is of API {api}, which is not described");
    let layouts: Vec<_> = STRUCTS.iter().filter_map(|name| layout(name, api)).collect();

    let place = tempfile::tempdir().expect("a temporary directory");
    let source = place.path().join("layout.c");
    let binary = place.path().join("layout");
    std::fs::write(&source, program(&header, &layouts)).expect("written");
    let compiled = Command::new("cc").args(["-w", "-o"]).arg(&binary).arg(&source).output().expect("cc runs");
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let output = Command::new(&binary).output().expect("runs");
    let theirs: BTreeMap<String, u64> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| line.split_once('=').expect("a fact"))
        .map(|(name, value)| (name.to_owned(), value.parse().expect("a number")))
        .collect();

    let ours: BTreeMap<String, u64> = layouts.iter().flat_map(|layout| facts(layout)).collect();
    let wrong: Vec<_> = ours
        .iter()
        .filter(|(name, value)| theirs.get(*name) != Some(value))
        .map(|(name, value)| format!("{name}: ours {value:#x}, the header's {:#x?}", theirs.get(name)))
        .collect();
    assert!(ours.len() > 400, "only {} facts were compared", ours.len());
    assert!(wrong.is_empty(), "API {api}:\n{}", wrong.join("\n"));
}

/// Where no header is at hand: sizes that were measured with the headers of these versions.
#[test]
fn sizes_change_with_the_version_where_they_do_in_the_headers() {
    let size = |name, major, minor| layout(name, ApiVersion::new(major, minor)).expect(name).size;
    assert_eq!(size("NV_ENC_INITIALIZE_PARAMS", 11, 1), 1808);
    assert_eq!(size("NV_ENC_INITIALIZE_PARAMS", 12, 1), 1808);
    assert_eq!(size("NV_ENC_INITIALIZE_PARAMS", 12, 2), 1800);
    assert_eq!(size("NV_ENC_PIC_PARAMS", 11, 1), 3344);
    for (major, minor) in [(12, 0), (12, 2), (13, 0)] {
        assert_eq!(size("NV_ENC_PIC_PARAMS", major, minor), 3360, "{major}.{minor}");
    }
    assert!(layout("NV_ENC_CONFIG_AV1", ApiVersion::new(11, 1)).is_none());
}
