//! What `ghoststream ctl` is answered, in words.

use ghoststream::control::Request;
use serde_json::Value;

/// An answer for people.
pub fn words(request: &Request, answer: &Value) -> String {
    let text = |it: &Value| it.as_str().map_or_else(|| it.to_string(), str::to_owned);
    match request {
        Request::Status => {
            let status = &answer["status"];
            let mut lines = vec![format!(
                "{}: {}, {:.0} s, {} frames, {} dropped, {:.1} fps, {:.0} kbit/s",
                answer["pid"],
                text(&status["state"]),
                status["seconds"].as_f64().unwrap_or_default(),
                status["encoded"],
                status["dropped"],
                status["fps"].as_f64().unwrap_or_default(),
                status["bitrate_kbps"].as_f64().unwrap_or_default(),
            )];
            lines.extend(outputs(&status["outputs"]));
            lines.join("\n")
        }
        Request::Outputs => outputs(&answer["outputs"]).join("\n"),
        Request::AddOutput { .. } => format!("added as output {}", answer["output"]),
        Request::AddRendition { name, .. } => format!(
            "added as rendition {}; it is encoded once an output takes it: add-output rendition={name} …",
            answer["rendition"]
        ),
        Request::SaveReplay { .. } => {
            let saved = answer["saved"].as_array().into_iter().flatten();
            let line = |it: &Value| {
                format!("saved {}: {:.1} s", text(&it["path"]), it["seconds"].as_f64().unwrap_or_default())
            };
            saved.map(line).collect::<Vec<_>>().join("\n")
        }
        Request::RemoveOutput { .. } => ended(&answer["report"]),
        Request::Stop => {
            let reports = answer["report"]["outputs"].as_array().into_iter().flatten().map(ended);
            let lines: Vec<_> = reports.collect();
            if lines.is_empty() { "stopped".to_owned() } else { lines.join("\n") }
        }
        Request::Pause => "paused".to_owned(),
        Request::Resume => "resumed".to_owned(),
        Request::Marker { text } => format!("marked {text:?}"),
        Request::Bitrate { kbps, .. } => format!("{kbps} kbit/s from the next picture on"),
        other => format!("{}: done", other.command()),
    }
}

fn outputs(of: &Value) -> Vec<String> {
    let line = |it: &Value| {
        let label = it["label"].as_str().map(|it| format!("{it}: ")).unwrap_or_default();
        let mut line = format!(
            "  {} {label}{} {}, {:.0} s",
            it["id"],
            it["name"].as_str().unwrap_or("output"),
            it["state"].as_str().unwrap_or_default(),
            it["seconds"].as_f64().unwrap_or_default()
        );
        line += &stream(&it["live"]);
        if let Some(held) = it["replay"]["held_seconds"].as_f64() {
            line += &format!(", {held:.0} s held, {} saved", it["replay"]["clips"]);
        }
        if let Some(error) = it["error"].as_str() {
            line += &format!(": {error}");
        }
        line
    };
    of.as_array().into_iter().flatten().map(line).collect()
}

/// How a stream goes: at which bitrate, and what its viewers have missed.
fn stream(live: &Value) -> String {
    let mut text = String::new();
    if let Some(kbps) = live["adaptation"]["kbps"].as_u64() {
        text += &format!(", at {kbps} kbit/s");
    }
    if let Some(dropped @ 1..) = live["dropped"].as_u64() {
        text += &format!(", {dropped} pictures lost");
    }
    let lost = live["connections"].as_u64().unwrap_or_default().saturating_sub(1);
    match live["last_loss"].as_str() {
        Some(why) if lost > 0 => text += &format!(", connected {} times, the last loss: {why}", lost + 1),
        Some(why) => text += &format!(", lost: {why}"),
        None => {}
    }
    text
}

/// How an output ended.
fn ended(report: &Value) -> String {
    let name = report["name"].as_str().or(report["path"].as_str()).unwrap_or("output");
    let seconds = report["seconds"].as_f64().unwrap_or_default();
    let error = report["error"].as_str();
    if report["replay"].is_object() {
        return kept(name, &report["replay"], error);
    }
    // At a variable rate the last picture is shown a while before the end.
    let early = report["picture_seconds"].as_f64().filter(|it| seconds - it > 1.5);
    let early = early.map(|it| format!("; its pictures end at {it:.1} s")).unwrap_or_default();
    match error {
        Some(error) => format!("{name}: {seconds:.1} s are whole{early}: {error}"),
        None => format!("{name}: {seconds:.1} s, whole{early}"),
    }
}

/// What was saved of a replay buffer, and what was not.
fn kept(name: &str, replay: &Value, error: Option<&str>) -> String {
    let clips = replay["clips"].as_u64().unwrap_or_default();
    let mut text = format!("{name}: {clips} {} saved", if clips == 1 { "clip" } else { "clips" });
    if clips > 0 {
        text += &format!(", {:.1} s", replay["seconds"].as_f64().unwrap_or_default());
    }
    if let Some(failed @ 1..) = replay["failed"].as_u64() {
        text += &format!("; {failed} could not be");
    }
    match replay["last_failure"].as_str().or(error) {
        Some(error) => format!("{text}: {error}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_became_of_each_output_is_told_at_the_stop() {
        let file = json!({ "name": "/v/a.mkv", "seconds": 12.3, "picture_seconds": 12.3, "error": null });
        let late = json!({ "name": "/v/late.mp4", "seconds": 124.6, "picture_seconds": 0.7 });
        let full = json!({ "name": "/v/b.mkv", "seconds": 3.0, "picture_seconds": 3.0, "error": "the disk is full" });
        let replay = |says: Value| json!({ "name": "replay of 10 s in /v", "seconds": 54.6, "replay": says });
        let outputs = json!([
            file,
            late,
            full,
            replay(json!({ "clips": 0, "seconds": 0.0, "failed": 0 })),
            replay(json!({ "clips": 1, "seconds": 10.0, "failed": 0, "last_failure": null })),
            replay(json!({ "clips": 2, "seconds": 20.1, "failed": 1, "last_failure": "/v is full" })),
        ]);
        let told = words(&Request::Stop, &json!({ "report": { "outputs": outputs } }));
        let wanted = [
            "/v/a.mkv: 12.3 s, whole",
            "/v/late.mp4: 124.6 s, whole; its pictures end at 0.7 s",
            "/v/b.mkv: 3.0 s are whole: the disk is full",
            "replay of 10 s in /v: 0 clips saved",
            "replay of 10 s in /v: 1 clip saved, 10.0 s",
            "replay of 10 s in /v: 2 clips saved, 20.1 s; 1 could not be: /v is full",
        ];
        assert_eq!(told.lines().collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn a_status_is_a_line_and_one_for_each_output() {
        let output =
            json!({ "id": 3, "name": "rtmp://h/app/…", "state": "failed", "seconds": 2.4, "error": "gone" });
        let stream = json!({ "id": 4, "name": "srt://h:1", "state": "reconnecting", "seconds": 6.6, "live": {
                             "adaptation": { "kbps": 600 }, "dropped": 12, "connections": 2, "last_loss": "gone" } });
        let replay = json!({ "id": 5, "label": "highlights", "name": "replay", "state": "running", "seconds": 7.0,
                             "replay": { "held_seconds": 6.8, "clips": 2 } });
        let status = json!({ "state": "running", "seconds": 7.0, "encoded": 210, "dropped": 0, "fps": 30.0,
                             "bitrate_kbps": 2500.0, "outputs": [output, stream, replay] });
        let text = words(&Request::Status, &json!({ "pid": 5, "status": status }));
        assert_eq!(
            text,
            "5: running, 7 s, 210 frames, 0 dropped, 30.0 fps, 2500 kbit/s\n  3 rtmp://h/app/… failed, 2 s: gone\n  \
             4 srt://h:1 reconnecting, 7 s, at 600 kbit/s, 12 pictures lost, connected 2 times, the last loss: gone\n  \
             5 highlights: replay running, 7 s, 7 s held, 2 saved"
        );
    }
}
