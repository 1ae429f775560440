//! What a picture says of HDR, as a decoder hands it on.

use ffmpeg_next::frame;
use ffmpeg_next::frame::side_data::Type;
use ghoststream::{Chromaticity, ContentLight, MasteringDisplay};
use serde::Serialize;

/// Static HDR metadata that reaches a player, written as people exchange it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Hdr {
    /// Such as `G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)`.
    pub mastering_display: Option<String>,
    /// MaxCLL and MaxFALL, such as `1000,400`.
    pub content_light: Option<String>,
}

impl Hdr {
    pub(super) fn of(picture: &frame::Video) -> Self {
        let words = |kind| {
            let data = picture.side_data(kind)?;
            let words = data.data().as_chunks().0.iter().map(|it| i32::from_ne_bytes(*it));
            Some(words.collect::<Vec<_>>())
        };
        Self {
            mastering_display: words(Type::MasteringDisplayMetadata)
                .and_then(|it| display(&it))
                .map(|it| it.to_string()),
            content_light: words(Type::ContentLightLevel).and_then(|it| light(&it)).map(|it| it.to_string()),
        }
    }
}

/// `AVMasteringDisplayMetadata`: ten fractions (red, green, blue and white, each with x and y, then the
/// least and the most luminance), and whether there are primaries and luminances.
fn display(words: &[i32]) -> Option<MasteringDisplay> {
    let (fractions, rest) = words.split_at_checked(20)?;
    if rest.first_chunk()? != &[1, 1] {
        return None;
    }
    let steps = |index: usize, unit: f64| {
        let value = f64::from(fractions[2 * index]) / f64::from(fractions[2 * index + 1]);
        (value * unit).round()
    };
    let point = |index: usize| {
        let [x, y] = [index, index + 1].map(|it| steps(it, 50_000.0) as u16);
        Chromaticity { x, y }
    };
    Some(MasteringDisplay {
        primaries: [point(0), point(2), point(4)],
        white: point(6),
        least_luminance: steps(8, 10_000.0) as u32,
        most_luminance: steps(9, 10_000.0) as u32,
    })
}

/// `AVContentLightMetadata`: MaxCLL and MaxFALL.
fn light(words: &[i32]) -> Option<ContentLight> {
    let &[most, most_average] = words.first_chunk()?;
    Some(ContentLight { most: u16::try_from(most).ok()?, most_average: u16::try_from(most_average).ok()? })
}
