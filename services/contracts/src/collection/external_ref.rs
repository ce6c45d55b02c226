//! The number a payment has outside of this house.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The channel's own number for a payment, or that of the receipt: 1 to 64 characters, blanks around it cut off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, min_length = 1, max_length = 64)]
pub struct ExternalRef(String);

impl ExternalRef {
    const LONGEST: usize = 64;

    /// One that is kept.
    pub(super) fn of(kept: String) -> Self {
        Self(kept)
    }

    /// As tables write it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ExternalRef {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let text = text.trim();
        let is_good =
            !text.is_empty() && text.chars().count() <= Self::LONGEST && !text.contains(char::is_control);
        if is_good { Ok(Self(text.to_owned())) } else { Err("contracts.external_ref_malformed") }
    }
}

impl From<ExternalRef> for String {
    fn from(reference: ExternalRef) -> Self {
        reference.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_has_one_to_sixty_four_characters() {
        let read = |text: &str| ExternalRef::try_from(text.to_owned()).map(String::from);
        for (text, kept) in
            [("w-1", "w-1"), (" w 1 ", "w 1"), ("收".repeat(64).as_str(), "收".repeat(64).as_str())]
        {
            assert_eq!(read(text), Ok(kept.to_owned()));
        }
        for text in ["", "  ", "w\n1", "收".repeat(65).as_str()] {
            assert_eq!(read(text), Err("contracts.external_ref_malformed"), "{text:?}");
        }
    }
}
