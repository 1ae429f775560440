//! What URLs are and are not.

use proptest::prelude::*;

use super::*;

#[test]
fn urls_as_people_write_them() {
    let it = Target::parse("srt://ingest.example.org:9000").unwrap();
    assert_eq!((it.mode(), it.host(), it.port()), (Mode::Caller, "ingest.example.org", 9000));
    assert_eq!(it.settings(), &Settings::default());

    let it = Target::parse(
        "SRT://[::1]:1/?mode=caller&latency=200&passphrase=%22sixteen%20chars%26&pbkeylen=32&\
         streamid=#!::r=live/me,m=publish&pkt_size=1316&maxbw=0&inputbw=750000&oheadbw=25&conntimeo=500&\
         transtype=live",
    )
    .unwrap();
    let settings = it.settings();
    assert_eq!((it.host(), it.port()), ("::1", 1));
    assert_eq!(settings.latency, Duration::from_millis(200));
    assert_eq!(settings.passphrase, Passphrase::new("\"sixteen chars&"));
    assert_eq!(settings.key_length, Some(KeyLength::Aes256));
    assert_eq!(settings.stream_id.as_deref(), Some("#!::r=live/me,m=publish"));
    assert_eq!(settings.connect_timeout, Duration::from_millis(500));
    assert_eq!(
        (settings.max_bandwidth, settings.input_bandwidth, settings.overhead_percent),
        (Some(0), Some(750_000), Some(25))
    );

    let it = Target::parse("srt://:9000?mode=listener&listen_timeout=5000").unwrap();
    assert_eq!((it.mode(), it.host()), (Mode::Listener, ""));
    assert_eq!(it.listen_timeout(), Duration::from_secs(5));
}

#[test]
fn what_is_no_url_is_told_without_repeating_it() {
    use TargetError::*;
    let cases = [
        ("udp://a:1", Scheme),
        ("a:1", Scheme),
        ("srt://host", Port),
        ("srt://host:0", Port),
        ("srt://host:70000", Port),
        ("srt://[::1]", Port),
        ("srt://::1:9000", Host),
        ("srt://:9000", Host),
        ("srt://user@host:9000", Host),
        ("srt://host:9000/live/key", Path),
        ("srt://host:9000?streamid=a b", Character),
        ("srt://host:9000\n", Character),
        ("srt://host:9000?mode=caller&loss=3", Unknown(2)),
        ("srt://host:9000?passphrase=abcdefghij&k", Unknown(2)),
        ("srt://host:9000?latency=1&latency=2", Twice("latency")),
        ("srt://host:9000?latency=200000", Microseconds),
        ("srt://host:9000?latency=-1", Value("latency", "milliseconds, at most 30000")),
        ("srt://host:9000?passphrase=short", Value("passphrase", "10 to 79 bytes long")),
        ("srt://host:9000?passphrase=", Value("passphrase", "10 to 79 bytes long")),
        ("srt://host:9000?pbkeylen=20", Value("pbkeylen", "16, 24 or 32 (bytes)")),
        ("srt://host:9000?mode=server", Value("mode", "caller, listener or rendezvous")),
        ("srt://host:9000?pkt_size=1400", Value("pkt_size", "a multiple of 188, at most 1316")),
        ("srt://host:9000?oheadbw=1", Value("oheadbw", "5 to 100 (percent)")),
        ("srt://host:9000?transtype=file", Value("transtype", "live")),
        ("srt://host:9000?streamid=%zz", Value("streamid", "valid percent-encoded UTF-8")),
        ("srt://host:9000?streamid=%ff", Value("streamid", "valid percent-encoded UTF-8")),
        ("srt://host:9000?streamid=a%00b", Value("streamid", "at most 512 bytes long, none of them zero")),
    ];
    for (url, error) in cases {
        assert_eq!(Target::parse(url), Err(error), "{url}");
    }
    assert_eq!(Target::parse(&format!("srt://{}:1", "x".repeat(5000))), Err(Length));
    let long = format!("srt://host:1?passphrase={}", "x".repeat(80));
    assert_eq!(Target::parse(&long), Err(Value("passphrase", "10 to 79 bytes long")));
}

#[test]
fn secrets_are_never_shown() {
    let target = Target::parse("srt://host:99?passphrase=verysecret!&streamid=hidden").unwrap();
    let shown = format!("{target} {target:?} {:?}", target.settings());
    assert!(!shown.contains("verysecret") && !shown.contains("hidden"), "{shown}");
    assert!(shown.starts_with("srt://host:99 Target(srt://host:99) Settings"), "{shown}");
}

proptest! {
    #[test]
    fn nothing_panics_and_no_error_repeats_a_value(
        options in "[a-z]{0,4}=?[ -~]{0,30}&passphrase=qqzzqq[ -~]{0,90}(&[a-z_]{0,8}=[0-9]{0,6}){0,3}"
    ) {
        if let Err(error) = Target::parse(&format!("srt://host:9000?{options}")) {
            prop_assert!(!error.to_string().contains("qqzzqq"));
        }
    }

    #[test]
    fn a_passphrase_comes_through_encoded(text in "[ -~]{10,79}") {
        let encoded: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let target = Target::parse(&format!("srt://host:9000?passphrase={encoded}")).unwrap();
        prop_assert_eq!(target.settings().passphrase.clone(), Passphrase::new(text));
    }
}
