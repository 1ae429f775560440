//! Sinks made by PipeWire, and what is the default.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::session::Environment;

/// A sink that plays into nothing, in time with CLOCK_MONOTONIC. It is removed when dropped.
#[derive(Debug)]
pub struct Sink {
    name: String,
    environment: Vec<(std::ffi::OsString, std::ffi::OsString)>,
}

impl Sink {
    /// Makes a stereo sink and waits until the session knows it.
    ///
    /// # Errors
    /// PipeWire refuses, or its tools are missing.
    pub fn new(session: &impl Environment, name: &str) -> Result<Self> {
        Self::with(session, name, "Audio/Sink", "FL FR", 48_000)
    }

    /// Makes a sink of this class (`Audio/Sink`, or `Audio/Source/Virtual` for one that is heard as a
    /// microphone), with these channels and this rate.
    ///
    /// # Errors
    /// PipeWire refuses, or its tools are missing.
    pub fn with(
        session: &impl Environment,
        name: &str,
        class: &str,
        channels: &str,
        rate: u32,
    ) -> Result<Self> {
        let properties = format!(
            "{{ factory.name=support.null-audio-sink node.name={name} node.description={name} \
             media.class={class} audio.position=[ {channels} ] audio.rate={rate} object.linger=true }}"
        );
        let environment = session.environment();
        run(&environment, "pw-cli", &["create-node", "adapter", &properties])?;
        let sink = Self { name: name.to_owned(), environment };
        for _ in 0..200 {
            if run(&sink.environment, "pw-link", &["--input", "--output"])?.contains(&format!("{name}:")) {
                return Ok(sink);
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        bail!("the ports of {name} did not appear within 10 s")
    }

    /// Its `node.name`.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // The daemon may be gone, and the sink with it.
        let _ = run(&self.environment, "pw-cli", &["destroy", &self.name]);
    }
}

/// Makes a sink the default and waits until the session manager agrees.
///
/// # Errors
/// It does not within ten seconds.
pub fn set_default_sink(session: &impl Environment, name: &str) -> Result<()> {
    set_default(session, "audio.sink", name)
}

/// Makes a source the default and waits until the session manager agrees.
///
/// # Errors
/// It does not within ten seconds.
pub fn set_default_source(session: &impl Environment, name: &str) -> Result<()> {
    set_default(session, "audio.source", name)
}

fn set_default(session: &impl Environment, what: &str, name: &str) -> Result<()> {
    let environment = session.environment();
    let value = format!("{{ \"name\": \"{name}\" }}");
    let wanted = format!("key:'default.{what}' value:'{{\"name\":\"{name}\"}}'");
    for _ in 0..100 {
        // The session manager may be starting: ask until it heard.
        let key = format!("default.configured.{what}");
        run(&environment, "pw-metadata", &["0", &key, &value, "Spa:String:JSON"])?;
        if run(&environment, "pw-metadata", &["0"])?.replace(' ', "").contains(&wanted.replace(' ', "")) {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    bail!("{name} did not become the default within 10 s: {}", run(&environment, "pw-metadata", &["0"])?)
}

fn run(
    environment: &[(std::ffi::OsString, std::ffi::OsString)],
    program: &str,
    arguments: &[&str],
) -> Result<String> {
    let envs = environment.iter().map(|(name, value)| (name, value));
    let output = Command::new(program).args(arguments).envs(envs).output().context(program.to_owned())?;
    if !output.status.success() {
        bail!("{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
