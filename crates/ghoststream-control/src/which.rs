//! Which rendition or output is meant.

use serde::{Deserialize, Serialize};

/// A rendition or an output, by its number or by the name that a run file gives it. In JSON a number or a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Which {
    /// By its number, counted from 0.
    Number(u64),
    /// By its name.
    Name(String),
}

impl Which {
    /// As it is typed: digits are a number, anything else is a name.
    pub fn typed(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Name(text.to_owned()), Self::Number)
    }
}

#[cfg(test)]
mod tests {
    use super::Which;
    use serde_json::json;

    #[test]
    fn a_number_is_a_number_and_a_text_is_a_name() {
        let read = |it| serde_json::from_value::<Which>(it).ok();
        assert_eq!(read(json!(3)), Some(Which::Number(3)));
        assert_eq!(read(json!("3")), Some(Which::Name("3".to_owned())));
        for wrong in [json!(-1), json!(1.5), json!(null), json!(["a"]), json!({ "Number": 1 })] {
            assert_eq!(read(wrong.clone()), None, "{wrong}");
        }
        assert_eq!(Which::typed("3"), Which::Number(3));
        assert_eq!(Which::typed("clip"), Which::Name("clip".to_owned()));
    }
}
