//! A name the public may see: its first character, the rest as stars (W10).

const STAR: char = '*';

/// Masks a name: `王小明` → `王**`, `Ana Maria` → `A** M****`; a name of one character is all mask.
pub fn masked(name: &str) -> String {
    let words: Vec<String> = name.split_whitespace().map(word).collect();
    words.join(" ")
}

fn word(word: &str) -> String {
    let length = word.chars().count();
    let shown = if length > 1 { word.chars().next() } else { None };
    let stars = length - shown.iter().count();
    shown.into_iter().chain(std::iter::repeat_n(STAR, stars)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_character_is_shown() {
        for (name, shown) in [
            ("王小明", "王**"),
            ("李四", "李*"),
            ("李", "*"),
            ("Ana Maria", "A** M****"),
            ("", ""),
            ("阿依古丽·买买提", "阿*******"),
        ] {
            assert_eq!(masked(name), shown);
        }
    }
}
