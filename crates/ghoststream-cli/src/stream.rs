//! `ghoststream stream`.

use std::process::ExitCode;

use ghoststream::{Output, OutputConfig, Service, Settings, services};

use crate::args::StreamArgs;
use crate::failure::Failure;
use crate::record::pipeline;
use crate::{key, session};

/// Streams until it is stopped.
pub fn run(args: &StreamArgs) -> Result<ExitCode, Failure> {
    let to = Destination::of(args)?;
    let resolved = args.capture.resolve_over(defaults(to.service)?)?;
    let (duration, options) = (resolved.duration, args.capture.session(&resolved));
    let output = OutputConfig::new(to.output).with_adaptation(resolved.adaptation);
    let pipeline = pipeline(resolved, output)?;
    session::run(&pipeline, duration, &options)
}

/// Where to, and whose that is, where it is known.
struct Destination {
    output: Output,
    service: Option<&'static Service>,
}

impl Destination {
    fn of(args: &StreamArgs) -> Result<Self, Failure> {
        let typed = args.url.as_str();
        let key = key::given(args.key_file.as_deref(), args.key_env.as_deref())?;
        if let Some(service) = services().get(typed) {
            let key = key.map_or_else(|| key::of_service(service), Ok)?;
            return Ok(Self { output: Output::Rtmp { url: service.url(&key) }, service: Some(service) });
        }
        // The URL may hold a secret and is not repeated.
        let output = Output::live(typed, key.as_deref()).map_err(|_| {
            let known: Vec<_> = services().keys().map(String::as_str).collect();
            Failure::usage(format!(
                "the destination must be {}, or begin with rtmp://, rtmps:// or srt://",
                known.join(", ")
            ))
        })?;
        let service = match &output {
            Output::Rtmp { url } => Service::of_url(url),
            _ => None,
        };
        Ok(Self { output, service })
    }
}

/// What ingest servers want where nothing else was asked for: a constant bitrate, of the service's own
/// liking, and a key frame every two seconds.
fn defaults(service: Option<&Service>) -> Result<Settings, Failure> {
    let mut settings = Settings::for_live();
    if let Some(service) = service {
        let kbps = service.usual_kbps.to_string();
        settings.set("bitrate", &[kbps.as_str()]).map_err(ghoststream::Error::from)?;
    }
    Ok(settings)
}
