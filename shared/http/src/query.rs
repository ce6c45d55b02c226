//! Query strings: allow-listed, because a typo in a filter must never return everything (`api.md`, Reading).

use crate::error_code;
use crate::problem::Problem;
use kernel::Refused;
use std::collections::HashSet;

/// Parameters of one query: more than any list takes, and few enough that a stranger's cost nothing to look through.
const MOST: usize = 32;

/// The pairs of a query string, decoded; a name may stand once.
pub(crate) fn pairs(query: Option<&str>) -> Result<Vec<(String, String)>, Problem> {
    let query = query.unwrap_or_default();
    let malformed = || Problem::plain(error_code!("query.malformed"));
    if query.bytes().filter(|byte| *byte == b'&').count() >= MOST {
        return Err(malformed());
    }
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).map_err(|_| malformed())?;
    let mut names = HashSet::new();
    for (name, value) in &pairs {
        if !names.insert(name) {
            return Err(Refused::plain(error_code!("query.repeated"))
                .with("parameter", name.as_str())
                .into());
        }
        if value.contains('\0') {
            return Err(bad_value(name));
        }
        if is_personal(value) {
            return Err(Refused::plain(error_code!("query.personal_data_in_url"))
                .with("parameter", name.as_str())
                .into());
        }
    }
    Ok(pairs)
}

/// Looks like a mobile number (11 digits from 13 to 19) or an ID number (17 digits and a check character).
/// Blanks, dashes and the country's prefix do not hide it.
fn is_personal(value: &str) -> bool {
    let bare: String = value.chars().filter(|sign| !" -+()".contains(*sign)).collect();
    let number = bare.strip_prefix("0086").or_else(|| bare.strip_prefix("86")).unwrap_or(&bare);
    is_number(&bare) || is_number(number)
}

fn is_number(value: &str) -> bool {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_mobile =
        value.len() == 11 && is_digits(value) && value.starts_with('1') && value.as_bytes()[1] >= b'3';
    let is_id = value.len() == 18
        && value.is_char_boundary(17)
        && is_digits(&value[..17])
        && (is_digits(&value[17..]) || value[17..].eq_ignore_ascii_case("x"));
    is_mobile || is_id
}

/// A parameter nobody declared.
pub(crate) fn unknown(name: &str) -> Problem {
    Refused::plain(error_code!("query.unknown_parameter")).with("parameter", name).into()
}

/// A declared parameter with a value it cannot have.
pub(crate) fn bad_value(name: &str) -> Problem {
    Refused::plain(error_code!("query.bad_value")).with("parameter", name).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_has_32_parameters_at_most_and_each_once() {
        let query =
            |count: usize| (0..count).map(|place| format!("p{place}=x")).collect::<Vec<_>>().join("&");
        let code =
            |query: &str| pairs(Some(query)).map(|pairs| pairs.len()).map_err(|problem| problem.code());
        assert_eq!(code(&query(32)), Ok(32));
        assert_eq!(code(&query(33)), Err("query.malformed"));
        assert_eq!(code(&query(16_000)), Err("query.malformed"));
        assert_eq!(code("a=1&b=2&a=3"), Err("query.repeated"));
        assert_eq!(pairs(None).map(|pairs| pairs.len()).map_err(|problem| problem.code()), Ok(0));
    }
}
