//! What each request does to a pipeline.

use std::sync::{Arc, Weak};
use std::time::Duration;

use ghoststream_control::{Code, Handler, Refusal, Request, Which};
use serde::Serialize;
use serde_json::{Value, json};

use crate::config::{Named, output_from_json, rendition_from_json};
use crate::{Error, OutputId, Pipeline};

/// Answers for one pipeline.
pub(super) struct PipelineHandler {
    pipeline: Weak<Pipeline>,
}

impl PipelineHandler {
    pub(super) fn new(pipeline: &Arc<Pipeline>) -> Self {
        Self { pipeline: Arc::downgrade(pipeline) }
    }
}

impl Handler for PipelineHandler {
    async fn handle(&self, request: Request) -> Result<Value, Refusal> {
        let Some(pipeline) = self.pipeline.upgrade() else {
            return Err(Refusal::new(Code::State, "the pipeline has ended"));
        };
        let done = |result: Result<(), Error>| result.map(|()| json!({})).map_err(refusal);
        match request {
            Request::Status => Ok(json!({
                "ghoststream": env!("CARGO_PKG_VERSION"),
                "pid": std::process::id(),
                "status": value(&pipeline.status())?,
            })),
            Request::Outputs => Ok(json!({ "outputs": value(&pipeline.status().outputs)? })),
            Request::Pause => done(pipeline.pause()),
            Request::Resume => done(pipeline.resume()),
            Request::Marker { text } => done(pipeline.marker(text)),
            Request::Bitrate { kbps, rendition: None } => done(pipeline.set_bitrate(kbps)),
            Request::Bitrate { kbps, rendition: Some(it) } => {
                let rendition = number("rendition", it, &pipeline.names().renditions)?;
                done(pipeline.set_rendition_bitrate(rendition, kbps))
            }
            Request::KeyFrame => done(pipeline.request_key_frame()),
            Request::Stop => {
                pipeline.end().await;
                Ok(json!({ "report": value(&pipeline.report())? }))
            }
            Request::AddOutput { output } => {
                let config =
                    output_from_json(&output.0, &pipeline.names()).map_err(|error| refusal(error.into()))?;
                let id = pipeline.add_output(config).await.map_err(refusal)?;
                Ok(json!({ "output": id }))
            }
            Request::AddRendition { name, rendition } => {
                let encoder = rendition_from_json(&rendition).map_err(|error| refusal(error.into()))?;
                let number = pipeline.add_named_rendition(name, encoder).map_err(refusal)?;
                Ok(json!({ "rendition": number }))
            }
            Request::RemoveOutput { output } => {
                let output = number("output", output, &pipeline.names().outputs)?;
                let report = pipeline.remove_output(OutputId::new(output as u64)).await.map_err(refusal)?;
                Ok(json!({ "report": value(&report)? }))
            }
            Request::SaveReplay { last } => {
                let saved = pipeline.save_replay(last.map(seconds).transpose()?).await.map_err(refusal)?;
                Ok(json!({ "saved": value(&saved)? }))
            }
            other => {
                let message = format!("{} is not known to this version of GhostStream", other.command());
                Err(Refusal::new(Code::Unsupported, message))
            }
        }
    }
}

/// The number of what is meant, where these are the names.
fn number(what: &'static str, which: Which, names: &[String]) -> Result<usize, Refusal> {
    let named = match which {
        // One that is no number here is none that there is.
        Which::Number(number) => Named::Number(usize::try_from(number).unwrap_or(usize::MAX)),
        Which::Name(name) => Named::Name(name),
    };
    named.number(what, names).map_err(|error| refusal(error.into()))
}

fn seconds(last: f64) -> Result<Duration, Refusal> {
    let usable = Duration::try_from_secs_f64(last).ok().filter(|it| !it.is_zero());
    usable.ok_or_else(|| {
        Refusal::new(Code::Invalid, format!("last = {last} is not possible: more than 0 seconds"))
    })
}

/// What can be told is made of numbers, texts and lists, which JSON has.
fn value(of: &impl Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(of).map_err(|error| Refusal::new(Code::Failed, error.to_string()))
}

fn refusal(error: Error) -> Refusal {
    let code = match &error {
        Error::State(_) => Code::State,
        Error::NotBuilt { .. } => Code::Unsupported,
        Error::Encode(_) if error.is_usage() => Code::Unsupported,
        _ if error.is_usage() => Code::Invalid,
        _ => Code::Failed,
    };
    Refusal::new(code, error.to_string())
}
