//! HEVC (ITU-T H.265).
