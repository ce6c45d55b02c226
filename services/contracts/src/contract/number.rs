//! The number people call a contract by, `C-2026-10-0031`: the thirty-first that its branch wrote in that month.

use kernel::Month;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Unique in the branch, given once, kept also by a contract that is voided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(as = ContractNumber, value_type = String, example = "C-2026-10-0031")]
pub struct ContractNumber(String);

impl ContractNumber {
    /// The number of the `place`-th contract of a month, from 1.
    pub fn of(month: Month, place: i32) -> Self {
        Self(format!("C-{}-{place:04}", month.first_day().format("%Y-%m")))
    }

    /// A number as a table has it.
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// As people write it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_names_month_and_place() {
        let october = Month::new(2026, 10).expect("a month");
        assert_eq!(ContractNumber::of(october, 31).as_str(), "C-2026-10-0031");
        assert_eq!(ContractNumber::of(october, 12_345).as_str(), "C-2026-10-12345");
    }
}
