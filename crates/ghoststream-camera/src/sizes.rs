//! The sizes and rates that a camera offers beside its own.

use ghoststream_picture::Size;

/// Heights that programs ask for.
const HEIGHTS: [u32; 6] = [1080, 720, 540, 480, 360, 240];

/// The size itself, then smaller ones of the same aspect with sides that are friendly to all formats. None of another
/// aspect: browsers would prefer the one that they take for usual, and show its bars.
pub(crate) fn sizes(own: Size) -> Vec<Size> {
    let mut sizes = vec![own];
    for height in HEIGHTS.into_iter().filter(|&it| it < own.height) {
        let exact = u64::from(own.width) * u64::from(height) / u64::from(own.height);
        let width = u32::try_from(exact.next_multiple_of(8)).unwrap_or(own.width);
        sizes.push(Size::new(width.min(own.width & !7), height));
    }
    sizes.retain(|it| it.width >= 16 && it.height >= 16);
    if sizes.is_empty() { vec![own] } else { sizes }
}

/// The rate itself, then slower ones that programs ask for.
pub(crate) fn rates(own: (u32, u32)) -> Vec<(u32, u32)> {
    let slower = [60, 30, 24, 15, 10, 5].into_iter().filter(|&it| own.0 > it * own.1).map(|it| (it, 1));
    std::iter::once(own).chain(slower).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(width: u32, height: u32) -> Vec<String> {
        sizes(Size::new(width, height)).iter().map(Size::to_string).collect()
    }

    #[test]
    fn smaller_sizes_keep_the_aspect() {
        assert_eq!(names(1920, 1080), ["1920x1080", "1280x720", "960x540", "856x480", "640x360", "432x240"]);
        assert_eq!(names(640, 480), ["640x480", "480x360", "320x240"]);
        assert_eq!(names(320, 180), ["320x180"]);
        assert_eq!(names(8, 8), ["8x8"], "there is always one");
        for size in sizes(Size::new(3840, 1600)) {
            assert!(size.width % 2 == 0 && size.width <= 3840, "{size}");
        }
    }

    #[test]
    fn slower_rates_are_offered_and_no_faster_ones() {
        assert_eq!(rates((60, 1)), [(60, 1), (30, 1), (24, 1), (15, 1), (10, 1), (5, 1)]);
        assert_eq!(rates((30000, 1001)), [(30000, 1001), (24, 1), (15, 1), (10, 1), (5, 1)]);
        assert_eq!(rates((5, 1)), [(5, 1)]);
    }
}
