//! What libav* says, led into `tracing` or kept while someone listens.
//!
//! libav* logs through one callback for the whole process. Ours gives each thread a place to listen:
//! an encoder that refuses says why in its log lines only, its error code is the same for most
//! reasons.

use std::cell::RefCell;

#[cfg(target_arch = "x86_64")]
use super::ffi;

thread_local! {
    static HEARD: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Lines kept at most while someone listens.
const MOST: usize = 64;

/// Runs `work` and returns, beside its result, the errors and warnings that libav* logged on this
/// thread meanwhile.
pub fn capture<T>(work: impl FnOnce() -> T) -> (T, Vec<String>) {
    install();
    let before = HEARD.with(|heard| heard.replace(Some(Vec::new())));
    let result = work();
    let lines = HEARD.with(|heard| heard.replace(before)).unwrap_or_default();
    (result, lines)
}

/// Takes the callback over, once for the process. libav*'s own prints to stderr, which is not a
/// library's to write to.
pub fn install() {
    #[cfg(target_arch = "x86_64")]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        // SAFETY: the callback has the type that libavutil asks for and lives as long as the process.
        ONCE.call_once(|| unsafe { ffi::av_log_set_callback(Some(on_line)) });
    }
}

/// The callback. bindgen knows the C type of the variable arguments on this architecture only;
/// elsewhere reasons come from error codes alone.
#[cfg(target_arch = "x86_64")]
unsafe extern "C" fn on_line(
    class: *mut libc::c_void,
    level: i32,
    format: *const libc::c_char,
    arguments: *mut ffi::__va_list_tag,
) {
    // The bits above are a tint.
    let level = level & 0xff;
    if level > ffi::AV_LOG_WARNING && !tracing::enabled!(tracing::Level::TRACE) {
        return;
    }
    let mut line = [0u8; 512];
    let mut prefix = 0;
    // SAFETY: class, format and arguments are what libav* handed to us for this call; the line is
    // ours and its length true.
    let written = unsafe {
        ffi::av_log_format_line2(
            class,
            level,
            format,
            arguments,
            line.as_mut_ptr().cast(),
            line.len() as i32,
            &mut prefix,
        )
    };
    let kept = usize::try_from(written).unwrap_or(0).min(line.len() - 1);
    keep(String::from_utf8_lossy(&line[..kept]).trim_end(), level);
}

#[cfg(target_arch = "x86_64")]
fn keep(line: &str, level: i32) {
    if line.is_empty() {
        return;
    }
    let warning = level <= ffi::AV_LOG_WARNING;
    // A thread that is ending has no place to listen any more: the line is only traced then.
    let kept = warning
        && HEARD
            .try_with(|heard| {
                let mut heard = heard.try_borrow_mut().ok()?;
                let lines = heard.as_mut()?;
                if lines.len() < MOST {
                    lines.push(line.to_owned());
                }
                Some(())
            })
            .is_ok_and(|kept| kept.is_some());
    match (kept, warning) {
        (true, _) => {}
        (false, true) => tracing::debug!(target: "ghoststream::libav", "{line}"),
        (false, false) => tracing::trace!(target: "ghoststream::libav", "{line}"),
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    fn warn(text: &std::ffi::CStr) {
        // SAFETY: no class is allowed; the format takes one string, which is NUL-terminated.
        unsafe {
            ffi::av_log(std::ptr::null_mut(), ffi::AV_LOG_WARNING, c"%s\n".as_ptr(), text.as_ptr());
        }
    }

    #[test]
    fn each_thread_hears_its_own_lines_only_while_it_listens() {
        warn(c"before");
        let (result, lines) = capture(|| {
            warn(c"first");
            std::thread::spawn(|| warn(c"elsewhere")).join().expect("the thread ends");
            let ((), inner) = capture(|| warn(c"nested"));
            assert_eq!(inner, ["nested"]);
            warn(c"second");
            7
        });
        warn(c"after");
        assert_eq!(result, 7);
        assert_eq!(lines, ["first", "second"]);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let long = std::ffi::CString::new("x".repeat(5000)).expect("no zero");
        let ((), lines) = capture(|| (0..200).for_each(|_| warn(&long)));
        assert_eq!(lines.len(), MOST);
        assert!(lines.iter().all(|line| line.len() < 512));
    }
}
